package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
)

func createInput(name string) *opensearch.CreatePackageInput {
	return &opensearch.CreatePackageInput{
		PackageName: aws.String(name), PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String(name)},
	}
}

// associate waits for the package's import and calls AssociatePackage, once.
func associate(t *testing.T, es *opensearch.Client, id, domain string) {
	t.Helper()
	eventually(t, func() string {
		got, err := es.DescribePackages(t.Context(), &opensearch.DescribePackagesInput{Filters: []types.DescribePackagesFilter{
			{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.PackageDetailsList) != 1 || got.PackageDetailsList[0].PackageStatus != types.PackageStatusAvailable {
			return "the package does not become AVAILABLE"
		}
		return ""
	})
	if _, err := es.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: aws.String(id), DomainName: aws.String(domain)}); err != nil {
		t.Fatal(err)
	}
}

// notActive says why the package is not ACTIVE on domain demo; "" if it is.
func notActive(t *testing.T, es *opensearch.Client, id string) string {
	t.Helper()
	got, err := es.ListPackagesForDomain(t.Context(), &opensearch.ListPackagesForDomainInput{DomainName: aws.String("demo")})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got.DomainPackageDetailsList {
		if aws.ToString(d.PackageID) == id {
			if d.DomainPackageStatus == types.DomainPackageStatusActive {
				return ""
			}
			return "the association is " + string(d.DomainPackageStatus)
		}
	}
	return "the association is lost"
}
