package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
)

// dissociate is step 6.
func (j *job) dissociate(ctx context.Context) (string, error) {
	shown := "dissociated and deleted"
	if j.searches {
		if err := j.refusedByUse(ctx); err != nil {
			return "", err
		}
		shown = "refused while " + j.name + " used it; index deleted, then dissociated and deleted"
		if err := j.nodeCall(ctx, j.nodes[0], http.MethodDelete, "/"+j.name, nil, nil); err != nil {
			return "", err
		}
		j.out.call("DELETE /"+j.name, "", "")
	}
	a, err := j.askDissociate(ctx)
	if err != nil {
		return "", err
	}
	if a != nil {
		return "", fmt.Errorf("dissociating ended %s%s", a.DomainPackageStatus, details(a.ErrorDetails))
	}
	for _, n := range j.nodes {
		if _, err := j.onDisk(n); !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%s still has the file of the dissociated package (%w)", n.Name, err)
		}
	}
	deleted, err := j.es.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: aws.String(j.id)})
	if err != nil {
		return "", err
	}
	j.out.call("es:DeletePackage", j.id, string(deleted.PackageDetails.PackageStatus))
	return shown, j.gone(ctx)
}

// askDissociate calls DissociatePackage and waits for its end; nil: no row is left.
func (j *job) askDissociate(ctx context.Context) (*types.DomainPackageDetails, error) {
	d, err := j.es.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: aws.String(j.id), DomainName: aws.String(domainName)})
	if err != nil {
		return nil, err
	}
	status := d.DomainPackageDetails.DomainPackageStatus
	j.out.call("es:DissociatePackage", j.id+" "+domainName, string(status))
	if status != types.DomainPackageStatusDissociating {
		return nil, fmt.Errorf("DissociatePackage answered %s, want DISSOCIATING", status)
	}
	return j.awaitAssociation(ctx)
}

// refusedByUse dissociates while the index uses the package: that ends DISSOCIATION_FAILED.
func (j *job) refusedByUse(ctx context.Context) error {
	a, err := j.askDissociate(ctx)
	if err != nil {
		return err
	}
	if a == nil {
		return fmt.Errorf("dissociated although index %s uses it", j.name)
	}
	text := details(a.ErrorDetails)
	if a.DomainPackageStatus != types.DomainPackageStatusDissociationFailed || !names(text, j.name) {
		return fmt.Errorf("dissociating ended %s%s, want DISSOCIATION_FAILED naming index %s", a.DomainPackageStatus, text, j.name)
	}
	return j.stillServes(ctx)
}

// gone checks that nothing is found any more.
func (j *job) gone(ctx context.Context) error {
	got, err := j.es.DescribePackages(ctx, &opensearch.DescribePackagesInput{Filters: []types.DescribePackagesFilter{
		{Name: types.DescribePackagesFilterNamePackageID, Value: []string{j.id}}}})
	if err != nil {
		return err
	}
	j.out.call("es:DescribePackages", j.id, fmt.Sprintf("%d packages", len(got.PackageDetailsList)))
	if len(got.PackageDetailsList) != 0 {
		return errors.New("the deleted package is still listed")
	}
	return nil
}
