package awsapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/internal/catalog"
)

// terraform makes the calls that the resources of the Terraform provider make, in their order, over
// a real catalog.
type terraform struct {
	*opensearch.Client
	t   *testing.T
	w   *world
	cat *catalog.Catalog
}

func newTerraform(t *testing.T) *terraform {
	t.Helper()
	tf := &terraform{t: t}
	tf.w = newWorld(t, true, func(c *Config) { tf.cat = c.Catalog.(*catalog.Catalog) })
	tf.Client = opensearch.New(opensearch.Options{
		BaseEndpoint: aws.String(tf.w.serve()), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return tf
}

func (tf *terraform) must(err error) {
	tf.t.Helper()
	if err != nil {
		tf.t.Fatal(err)
	}
}

func notFound(err error) bool {
	var nf *types.ResourceNotFoundException
	return errors.As(err, &nf)
}

// packageByID is the provider's read of a package: nil if it is gone.
func (tf *terraform) packageByID(id string) *types.PackageDetails {
	tf.t.Helper()
	var found []types.PackageDetails
	pages := opensearch.NewDescribePackagesPaginator(tf.Client, &opensearch.DescribePackagesInput{
		Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if notFound(err) || err != nil && strings.Contains(err.Error(), "Package not found") {
			return nil
		}
		tf.must(err)
		found = append(found, page.PackageDetailsList...)
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return &found[0]
	}
	tf.t.Fatalf("%d packages have the id %s", len(found), id)
	return nil
}

func (tf *terraform) createPackage(name string) string {
	tf.t.Helper()
	made, err := tf.CreatePackage(context.Background(), &opensearch.CreatePackageInput{
		PackageName: &name, PackageType: types.PackageTypeTxtDictionary, PackageDescription: aws.String(""),
		PackageSource: &types.PackageSource{S3BucketName: aws.String("bucket"), S3Key: aws.String("key")},
	})
	tf.must(err)
	return *made.PackageDetails.PackageID // the provider does not look whether it is there
}

// waitPackage is what the provider demands of each answer while it waits.
func (tf *terraform) waitPackage(id string) {
	tf.t.Helper()
	if p := tf.packageByID(id); p == nil || p.ErrorDetails != nil || p.PackageStatus != types.PackageStatusCopying {
		tf.t.Fatalf("while copying: %+v", p)
	}
	tf.w.importAll()
	if p := tf.packageByID(id); p == nil || p.ErrorDetails != nil || p.PackageStatus != types.PackageStatusAvailable {
		tf.t.Fatalf("then: %+v", p)
	}
}

func TestTerraformPackage(t *testing.T) {
	t.Parallel()
	tf, ctx := newTerraform(t), context.Background()
	id := tf.createPackage("example-txt-dictionary")
	tf.waitPackage(id)
	p := tf.packageByID(id)
	// engine_version is ForceNew and not computed: anything but nil replaces the package on every plan.
	if *p.AvailablePackageVersion != "v1" || p.EngineVersion != nil || aws.ToString(p.PackageDescription) != "" ||
		*p.PackageName != "example-txt-dictionary" || p.PackageType != types.PackageTypeTxtDictionary {
		t.Errorf("read %+v", p)
	}
	// An update sends the source too, and nobody waits for it.
	_, err := tf.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
		PackageID: &id, PackageDescription: aws.String("changed"),
		PackageSource: &types.PackageSource{S3BucketName: aws.String("bucket"), S3Key: aws.String("key")},
	})
	tf.must(err)
	if p := tf.packageByID(id); *p.PackageDescription != "changed" || p.ErrorDetails != nil || *p.AvailablePackageVersion != "v1" {
		t.Errorf("updated %+v", p)
	}
	_, err = tf.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: &id})
	tf.must(err)
	if p := tf.packageByID(id); p != nil { // the acceptance test looks right away
		t.Errorf("deleted, and there: %+v", p)
	}
	_, err = tf.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: &id})
	if !notFound(err) || !strings.Contains(err.Error(), "Package not found") { // "disappears"
		t.Errorf("deleted twice: %v", err)
	}
}

// association is the provider's read of one: nil if it is gone.
func (tf *terraform) association(domain, id string) *types.DomainPackageDetails {
	tf.t.Helper()
	pages := opensearch.NewListPackagesForDomainPaginator(tf.Client, &opensearch.ListPackagesForDomainInput{DomainName: &domain})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if notFound(err) {
			return nil
		}
		tf.must(err)
		if i := slices.IndexFunc(page.DomainPackageDetailsList, func(d types.DomainPackageDetails) bool { return *d.PackageID == id }); i >= 0 {
			return &page.DomainPackageDetailsList[i]
		}
	}
	return nil
}

func TestTerraformPackageAssociation(t *testing.T) {
	t.Parallel()
	tf, ctx := newTerraform(t), context.Background()
	name := aws.String("my-dom")
	_, err := tf.CreateDomain(ctx, &opensearch.CreateDomainInput{DomainName: name})
	tf.must(err)
	tf.w.report("my-dom", "n1")
	id := tf.createPackage("synonyms")
	tf.waitPackage(id)

	_, err = tf.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: &id, DomainName: name})
	tf.must(err)
	if a := tf.association("my-dom", id); a == nil || a.DomainPackageStatus != types.DomainPackageStatusAssociating || a.ErrorDetails != nil {
		t.Fatalf("associating: %+v", a)
	}
	tf.w.rollOut("my-dom")
	a := tf.association("my-dom", id)
	if a == nil || a.DomainPackageStatus != types.DomainPackageStatusActive || *a.ReferencePath != "analyzers/"+id || *a.DomainName != "my-dom" {
		t.Fatalf("associated: %+v", a)
	}
	_, err = tf.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: &id, DomainName: name})
	tf.must(err)
	// ACTIVE after the call makes the waiter fail: the change is to be seen at once.
	if a := tf.association("my-dom", id); a == nil || a.DomainPackageStatus != types.DomainPackageStatusDissociating {
		t.Fatalf("dissociating: %+v", a)
	}
	tf.w.rollOut("my-dom")
	if a := tf.association("my-dom", id); a != nil {
		t.Errorf("dissociated, and there: %+v", a)
	}
	_, err = tf.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: &id, DomainName: name})
	var invalid *types.ValidationException
	if !notFound(err) && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), "Package is not associated to this domain")) {
		t.Errorf("dissociated twice: %v", err)
	}
}

// readDomain is the provider's read: what it dereferences without looking must be there.
func (tf *terraform) readDomain(name string) *types.DomainStatus {
	tf.t.Helper()
	ctx := context.Background()
	out, err := tf.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: &name})
	tf.must(err)
	s := out.DomainStatus
	if s.CognitoOptions == nil || s.EBSOptions == nil || s.ClusterConfig == nil || s.ARN == nil {
		tf.t.Fatalf("the provider would panic: %+v", s)
	}
	if s.Endpoints != nil || s.VPCOptions != nil {
		tf.t.Fatalf("the provider would see a VPC: %+v", s)
	}
	if s.AIMLOptions == nil || s.IdentityCenterOptions == nil || s.OffPeakWindowOptions == nil || s.DeploymentStrategyOptions == nil {
		tf.t.Fatalf("the acceptance test wants one block of each: %+v", s)
	}
	config, err := tf.DescribeDomainConfig(ctx, &opensearch.DescribeDomainConfigInput{DomainName: &name})
	tf.must(err)
	if config.DomainConfig == nil || config.DomainConfig.AutoTuneOptions == nil || config.DomainConfig.AutoTuneOptions.Options == nil {
		tf.t.Fatalf("the provider would panic: %+v", config.DomainConfig)
	}
	_, err = tf.ListTags(ctx, &opensearch.ListTagsInput{ARN: s.ARN})
	tf.must(err)
	return s
}

// plan is what every plan asks.
func (tf *terraform) plan(name, target string) (inPlace bool) {
	out, err := tf.GetCompatibleVersions(context.Background(), &opensearch.GetCompatibleVersionsInput{DomainName: &name})
	return err == nil && len(out.CompatibleVersions) == 1 && slices.Contains(out.CompatibleVersions[0].TargetVersions, target)
}

func TestTerraformDomain(t *testing.T) {
	t.Parallel()
	tf, ctx := newTerraform(t), context.Background()
	name := aws.String("my-dom")
	_, err := tf.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: name})
	if !notFound(err) {
		t.Fatalf("before it is created: %v", err)
	}
	made, err := tf.CreateDomain(ctx, &opensearch.CreateDomainInput{
		DomainName: name, EngineVersion: aws.String("OpenSearch_2.19"),
		ClusterConfig:   &types.ClusterConfig{InstanceType: "t3.small.search", InstanceCount: aws.Int32(1)},
		EBSOptions:      &types.EBSOptions{EBSEnabled: aws.Bool(true), VolumeSize: aws.Int32(10)},
		AutoTuneOptions: &types.AutoTuneOptionsInput{DesiredState: types.AutoTuneDesiredStateEnabled},
		TagList:         []types.Tag{{Key: aws.String("team"), Value: aws.String("search")}},
	})
	tf.must(err)
	arn := made.DomainStatus.ARN
	if s := tf.readDomain("my-dom"); !*s.Processing || s.Endpoint != nil || !*s.Created {
		t.Errorf("while it is made: %+v", s)
	}
	tf.w.report("my-dom", "n1")
	s := tf.readDomain("my-dom") // and what an import reads
	if *s.Processing || s.Endpoint == nil || s.ClusterConfig.InstanceType != "t3.small.search" || *s.EBSOptions.VolumeSize != 10 {
		t.Errorf("ready: %+v", s)
	}
	if !tf.plan("my-dom", "OpenSearch_3.1") || tf.plan("my-dom", "OpenSearch_1.0") || tf.plan("no-dom", "OpenSearch_3.1") {
		t.Error("plans: upgrades in place are not told from replacements")
	}
	tf.update(name, arn)

	_, err = tf.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: name})
	tf.must(err)
	for range 3 { // the provider wants it three times in a row
		if _, err := tf.DescribeDomainConfig(ctx, &opensearch.DescribeDomainConfigInput{DomainName: name}); !notFound(err) {
			t.Errorf("deleted: %v", err)
		}
	}
}

// update changes count, tags and version, as one apply does.
func (tf *terraform) update(name, arn *string) {
	tf.t.Helper()
	ctx := context.Background()
	_, err := tf.AddTags(ctx, &opensearch.AddTagsInput{ARN: arn, TagList: []types.Tag{{Key: aws.String("team"), Value: aws.String("ranking")}, {Key: aws.String("x"), Value: aws.String("")}}})
	tf.must(err)
	_, err = tf.RemoveTags(ctx, &opensearch.RemoveTagsInput{ARN: arn, TagKeys: []string{"x"}})
	tf.must(err)
	tags, err := tf.ListTags(ctx, &opensearch.ListTagsInput{ARN: arn})
	tf.must(err)
	if len(tags.TagList) != 1 || *tags.TagList[0].Value != "ranking" {
		tf.t.Errorf("tags %+v", tags.TagList)
	}
	tf.resize(name)
	tf.upgrade(name)
}

// resize changes the instance count.
func (tf *terraform) resize(name *string) {
	tf.t.Helper()
	ctx := context.Background()
	changed, err := tf.UpdateDomainConfig(ctx, &opensearch.UpdateDomainConfigInput{
		DomainName: name, ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(2), InstanceType: "t3.small.search"},
	})
	tf.must(err)
	if changed.DomainConfig == nil {
		tf.t.Fatal("the provider would panic")
	}
	s := tf.readDomain(*name)
	if !*s.Processing || s.Endpoint == nil || s.DomainProcessingStatus != types.DomainProcessingStatusTypeModifying || len(s.ModifyingProperties) != 1 {
		tf.t.Errorf("modifying: %+v", s)
	}
	_, err = tf.UpgradeDomain(ctx, &opensearch.UpgradeDomainInput{DomainName: name, TargetVersion: aws.String("OpenSearch_3.1")})
	if err == nil || !strings.Contains(err.Error(), "A change/update is in progress. Please wait for it to complete before requesting another change.") {
		tf.t.Errorf("two changes at once: %v", err) // the provider waits on this text
	}
	tf.w.report(*name, "n2")
	tf.w.endChange(tf.cat, *name, "")
	if s := tf.readDomain(*name); *s.Processing || *s.ClusterConfig.InstanceCount != 2 || s.DomainProcessingStatus != types.DomainProcessingStatusTypeActive {
		tf.t.Errorf("modified: %+v", s)
	}
}

// upgrade changes the engine version.
func (tf *terraform) upgrade(name *string) {
	tf.t.Helper()
	ctx := context.Background()
	_, err := tf.UpgradeDomain(ctx, &opensearch.UpgradeDomainInput{DomainName: name, TargetVersion: aws.String("OpenSearch_3.1")})
	tf.must(err)
	status := &opensearch.GetUpgradeStatusInput{DomainName: name}
	if up, err := tf.GetUpgradeStatus(ctx, status); err != nil || up.StepStatus != types.UpgradeStatusInProgress {
		tf.t.Errorf("upgrading: %+v, %v", up, err)
	}
	if s := tf.readDomain(*name); !*s.UpgradeProcessing || s.DomainProcessingStatus != types.DomainProcessingStatusTypeUpgrading {
		tf.t.Errorf("upgrading: %+v", s)
	}
	tf.w.endChange(tf.cat, *name, "")
	up, err := tf.GetUpgradeStatus(ctx, status)
	if err != nil || up.StepStatus != types.UpgradeStatusSucceeded || up.UpgradeStep != types.UpgradeStepUpgrade {
		tf.t.Errorf("upgraded: %+v, %v", up, err)
	}
	if s := tf.readDomain(*name); *s.EngineVersion != "OpenSearch_3.1" || *s.Processing {
		tf.t.Errorf("upgraded: %+v", s)
	}
}
