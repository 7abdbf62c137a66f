package awsapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticsearchservice"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
	"github.com/searchpack/searchpack/internal/catalog"
)

// startServer serves the edge on loopback with real signatures; the credentials are test / test.
func startServer(t *testing.T, fake *fakeCatalog) *httptest.Server {
	t.Helper()
	lookup := func(_ context.Context, key string) (sigv4.Credential, error) {
		if key != "test" {
			return sigv4.Credential{}, searchpack.Errorf(searchpack.ErrNotFound, "no such key")
		}
		return sigv4.Credential{Account: testCaller.Account, Secret: "test", SessionHash: searchpack.DigestOf([]byte(sessionToken))}, nil
	}
	srv := httptest.NewServer(New(Config{
		Catalog: fake,
		Authenticate: func(r *http.Request, body []byte) (searchpack.Caller, error) {
			return sigv4.Verify(r, body, lookup, sigv4.Options{Now: time.Now()})
		},
		Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(srv.Close)
	return srv
}

// sessionToken comes with the test key, which is a temporary one.
const sessionToken = "session/token+="

func client(url, secret string) *opensearch.Client {
	return opensearch.New(opensearch.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", secret, sessionToken),
		RetryMaxAttempts: 1,
	})
}

func legacyClient(url string) *elasticsearchservice.Client {
	return elasticsearchservice.New(elasticsearchservice.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", sessionToken),
		RetryMaxAttempts: 1,
	})
}

var (
	created = time.Date(2024, 1, 2, 3, 4, 5, 123_456_000, time.UTC)
	shownAt = aws.Time(created.Truncate(time.Millisecond))

	synonyms = &searchpack.Package{
		ID: "F135140295", Account: testCaller.Account, Name: "my-synonyms", Type: searchpack.TypeDictionary,
		Status: searchpack.PackageAvailable, AvailableNumber: 2, CreatedAt: created, UpdatedAt: created,
	}
	failed = &searchpack.Package{
		ID: "F2", Account: testCaller.Account, Name: "bad", Type: searchpack.TypeDictionary,
		Status: searchpack.PackageValidationFailed, Error: &searchpack.ErrorDetails{Type: "T", Message: "line 3"},
		CreatedAt: created, UpdatedAt: created,
	}
	attached = &catalog.AssociationView{
		Association: searchpack.Association{
			Domain: testCaller.Key("my-dom"), PackageID: "F135140295", Status: searchpack.Associating, UpdatedAt: created,
		},
		Package: *synonyms, ServingNumber: 1, WantedNumber: 2,
	}
	ready = &catalog.DomainView{
		Domain:   searchpack.Domain{DomainKey: testCaller.Key("my-dom"), ID: "000000000000/my-dom", EngineVersion: "OpenSearch_3.8"},
		Endpoint: "127.0.0.1:9200", Nodes: 3,
	}
)

func allOutcomes() *fakeCatalog {
	return &fakeCatalog{outcome: outcome{
		Packages: []*searchpack.Package{synonyms, failed}, Associations: []*catalog.AssociationView{attached},
		Domains: []*catalog.DomainView{ready}, Next: "F2",
	}}
}

// What those values look like to a Go client.
var (
	wantPackage = types.PackageDetails{
		PackageID: aws.String("F135140295"), PackageName: aws.String("my-synonyms"), PackageType: types.PackageTypeTxtDictionary,
		PackageStatus: types.PackageStatusAvailable, AvailablePackageVersion: aws.String("v2"),
		CreatedAt: shownAt, LastUpdatedAt: shownAt, PackageOwner: aws.String("000000000000"), AllowListedUserList: []string{},
	}
	wantFailed = types.PackageDetails{
		PackageID: aws.String("F2"), PackageName: aws.String("bad"), PackageType: types.PackageTypeTxtDictionary,
		PackageStatus: types.PackageStatusValidationFailed, CreatedAt: shownAt, LastUpdatedAt: shownAt,
		PackageOwner: aws.String("000000000000"), AllowListedUserList: []string{},
		ErrorDetails: &types.ErrorDetails{ErrorType: aws.String("T"), ErrorMessage: aws.String("line 3")},
	}
	wantAttached = types.DomainPackageDetails{
		PackageID: aws.String("F135140295"), PackageName: aws.String("my-synonyms"), PackageType: types.PackageTypeTxtDictionary,
		DomainName: aws.String("my-dom"), DomainPackageStatus: types.DomainPackageStatusAssociating,
		PackageVersion: aws.String("v1"), ReferencePath: aws.String("analyzers/F135140295"), LastUpdated: shownAt,
	}
)

// hidden leaves out what no service sends.
var hidden = cmp.FilterPath(func(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "ResultMetadata" || f.Name() == "noSmithyDocumentSerde")
}, cmp.Ignore())

func TestGoSDK(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	id, name := aws.String("F135140295"), aws.String("my-dom")
	source := &types.PackageSource{S3BucketName: aws.String("bucket"), S3Key: aws.String("k/ä b")}
	for operation, tt := range map[string]struct {
		do   func(c *opensearch.Client) (any, error)
		want any
		ask  string
	}{
		"CreatePackage": {
			func(c *opensearch.Client) (any, error) {
				return c.CreatePackage(ctx, &opensearch.CreatePackageInput{PackageName: aws.String("my-synonyms"), PackageType: types.PackageTypeTxtDictionary, PackageSource: source})
			},
			&opensearch.CreatePackageOutput{PackageDetails: &wantPackage},
			`["CreatePackage",{"Name":"my-synonyms","Type":"TXT-DICTIONARY","Description":"","EngineVersion":"","Source":{"bucket":"bucket","key":"k/ä b"},"Configuration":null,"Vending":null,"Encryption":null}]`,
		},
		"UpdatePackage": {
			func(c *opensearch.Client) (any, error) {
				return c.UpdatePackage(ctx, &opensearch.UpdatePackageInput{PackageID: id, PackageSource: source, CommitMessage: aws.String("m")})
			},
			&opensearch.UpdatePackageOutput{PackageDetails: &wantPackage},
			`["UpdatePackage",{"ID":"F135140295","Source":{"bucket":"bucket","key":"k/ä b"},"Description":null,"CommitMessage":"m","Configuration":null}]`,
		},
		"DeletePackage": {
			func(c *opensearch.Client) (any, error) {
				return c.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: id})
			},
			&opensearch.DeletePackageOutput{PackageDetails: withStatus(wantPackage, types.PackageStatusDeleted)},
			`["DeletePackage","F135140295"]`,
		},
		"DescribePackages": {
			func(c *opensearch.Client) (any, error) {
				out, err := c.DescribePackages(ctx, &opensearch.DescribePackagesInput{
					Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{"F2"}}}, MaxResults: 7,
				})
				return out.PackageDetailsList, err
			},
			[]types.PackageDetails{wantPackage, wantFailed},
			`["DescribePackages",{"IDs":["F2"],"Names":null,"Statuses":null,"Types":null,"EngineVersions":null,"Owners":null},{"After":"","Max":7}]`,
		},
		"AssociatePackage": {
			func(c *opensearch.Client) (any, error) {
				return c.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: id, DomainName: name})
			},
			&opensearch.AssociatePackageOutput{DomainPackageDetails: &wantAttached},
			`["AssociatePackage","my-dom",{"PackageID":"F135140295","Prerequisites":null,"KeyStore":null}]`,
		},
		"DissociatePackage": {
			func(c *opensearch.Client) (any, error) {
				return c.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: id, DomainName: name})
			},
			&opensearch.DissociatePackageOutput{DomainPackageDetails: &wantAttached},
			`["DissociatePackage","my-dom","F135140295"]`,
		},
		"ListPackagesForDomain": {
			func(c *opensearch.Client) (any, error) {
				out, err := c.ListPackagesForDomain(ctx, &opensearch.ListPackagesForDomainInput{DomainName: name, MaxResults: 1})
				return out.DomainPackageDetailsList, err
			},
			[]types.DomainPackageDetails{wantAttached},
			`["ListPackagesForDomain","my-dom",{"After":"","Max":1}]`,
		},
		"ListDomainsForPackage": {
			func(c *opensearch.Client) (any, error) {
				out, err := c.ListDomainsForPackage(ctx, &opensearch.ListDomainsForPackageInput{PackageID: id})
				return out.DomainPackageDetailsList, err
			},
			[]types.DomainPackageDetails{wantAttached},
			`["ListDomainsForPackage","F135140295",{"After":"","Max":0}]`,
		},
		"DescribeDomains": {
			func(c *opensearch.Client) (any, error) {
				out, err := c.DescribeDomains(ctx, &opensearch.DescribeDomainsInput{DomainNames: []string{"my-dom", "b-c"}})
				return len(out.DomainStatusList), err
			},
			1, `["DescribeDomains",["my-dom","b-c"]]`,
		},
		"ListDomainNames": {
			func(c *opensearch.Client) (any, error) {
				return c.ListDomainNames(ctx, &opensearch.ListDomainNamesInput{EngineType: types.EngineTypeOpenSearch})
			},
			&opensearch.ListDomainNamesOutput{DomainNames: []types.DomainInfo{{DomainName: name, EngineType: types.EngineTypeOpenSearch}}},
			`["ListDomainNames"]`,
		},
		"DeleteDomain": {
			func(c *opensearch.Client) (any, error) {
				out, err := c.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: name})
				return aws.ToString(out.DomainStatus.DomainName), err
			},
			"my-dom", `["DeleteDomain","my-dom"]`,
		},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			fake := allOutcomes()
			got, err := tt.do(client(startServer(t, fake).URL, "test"))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got, hidden); d != "" {
				t.Errorf("output (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]string{tt.ask}, fake.asked); d != "" {
				t.Errorf("the catalog was asked (-want +got):\n%s", d)
			}
		})
	}
}

func withStatus(p types.PackageDetails, s types.PackageStatus) *types.PackageDetails {
	p.PackageStatus = s
	return &p
}

// A domain as the Terraform provider reads it: it dereferences these members without looking.
func TestGoSDKDomain(t *testing.T) {
	t.Parallel()
	fake := allOutcomes()
	c := client(startServer(t, fake).URL, "test")
	made, err := c.CreateDomain(context.Background(), &opensearch.CreateDomainInput{
		DomainName:    aws.String("my-dom"),
		ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(3), InstanceType: "m7g.large.search"},
		EBSOptions:    &types.EBSOptions{EBSEnabled: aws.Bool(true), VolumeSize: aws.Int32(10)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := made.DomainStatus
	if *s.ClusterConfig.InstanceCount != 3 || s.ClusterConfig.InstanceType != "m7g.large.search" || !*s.EBSOptions.EBSEnabled || *s.EBSOptions.VolumeSize != 10 {
		t.Errorf("the options did not come back: %+v %+v", s.ClusterConfig, s.EBSOptions)
	}
	described, err := c.DescribeDomain(context.Background(), &opensearch.DescribeDomainInput{DomainName: aws.String("my-dom")})
	if err != nil {
		t.Fatal(err)
	}
	s = described.DomainStatus
	if s.CognitoOptions == nil || s.EBSOptions == nil || s.ClusterConfig == nil || s.Endpoints != nil || s.VPCOptions != nil {
		t.Errorf("Terraform's provider would panic or see a VPC: %+v", s)
	}
	if *s.Endpoint != "127.0.0.1:9200" || *s.Processing || *s.ClusterConfig.InstanceCount != 3 || s.DomainProcessingStatus != types.DomainProcessingStatusTypeActive {
		t.Errorf("status: %+v", s)
	}
}

func TestGoSDKPages(t *testing.T) {
	t.Parallel()
	fake := allOutcomes()
	pages := opensearch.NewDescribePackagesPaginator(client(startServer(t, fake).URL, "test"), &opensearch.DescribePackagesInput{MaxResults: 1})
	for range 2 {
		if _, err := pages.NextPage(context.Background()); err != nil {
			t.Fatal(err)
		}
		fake.Next = ""
	}
	want := []string{
		`["DescribePackages",{"IDs":null,"Names":null,"Statuses":null,"Types":null,"EngineVersions":null,"Owners":null},{"After":"","Max":1}]`,
		`["DescribePackages",{"IDs":null,"Names":null,"Statuses":null,"Types":null,"EngineVersions":null,"Owners":null},{"After":"F2","Max":1}]`,
	}
	if d := cmp.Diff(want, fake.asked); d != "" || pages.HasMorePages() {
		t.Errorf("pages (-want +got), more: %v\n%s", pages.HasMorePages(), d)
	}
}

func TestGoSDKErrors(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	fake := &fakeCatalog{outcome: outcome{Error: &searchpack.Error{Code: searchpack.ErrConflict, Message: "Package is already in desired state"}}}
	url := startServer(t, fake).URL
	in := &opensearch.AssociatePackageInput{PackageID: aws.String("F1"), DomainName: aws.String("my-dom")}

	_, err := client(url, "test").AssociatePackage(ctx, in)
	var conflict *types.ConflictException
	if !errors.As(err, &conflict) || conflict.ErrorMessage() != "Package is already in desired state" {
		t.Errorf("conflict: %v", err)
	}
	_, err = client(url, "wrong").AssociatePackage(ctx, in)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("wrong secret: %v", err)
	}
	_, err = client(url, "test").DescribeDomainHealth(ctx, &opensearch.DescribeDomainHealthInput{DomainName: aws.String("my-dom")})
	var invalid *types.ValidationException
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "DescribeDomainHealth is not offered by Searchpack" {
		t.Errorf("not offered: %v", err)
	}
}
