package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
)

// tenant is one who calls the server: a key in a region.
type tenant struct {
	t       *testing.T
	url     string
	region  string
	account string
	key     aws.Credentials
	http    *http.Client
	*opensearch.Client
}

func newTenant(t *testing.T, url, account, region string, key aws.Credentials) *tenant {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return &tenant{t: t, url: url, region: region, account: account, key: key, http: client, Client: opensearch.New(opensearch.Options{
		Region: region, BaseEndpoint: &url, HTTPClient: client, RetryMaxAttempts: 1,
		Credentials: credentials.StaticCredentialsProvider{Value: key},
	})}
}

// in is the same key in another region.
func (n *tenant) in(region string) *tenant { return newTenant(n.t, n.url, n.account, region, n.key) }

// ask sends a request to the extension API and reads a good answer into out. The error of another
// one is its code and message.
func (n *tenant) ask(method, path string, in, out any) error {
	n.t.Helper()
	body := []byte{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			n.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+"/searchpack/v1"+path, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(n.t.Context(), n.key, req, hex.EncodeToString(sum[:]), "es", n.region, time.Now()); err != nil {
		n.t.Fatal(err)
	}
	resp, err := n.http.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status + " " + string(text))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// user is a new user of an account with these policies.
func (n *tenant) user(account, name string, policies ...string) *tenant {
	n.t.Helper()
	var made struct {
		AccessKey string `json:"access_key"`
		Secret    string `json:"secret_access_key"`
	}
	if err := n.ask("POST", "/credentials", map[string]any{"account": account, "user": name, "policies": policies}, &made); err != nil {
		n.t.Fatal(err)
	}
	return newTenant(n.t, n.url, account, n.region, aws.Credentials{AccessKeyID: made.AccessKey, SecretAccessKey: made.Secret})
}

// events are the audit log's, newest first.
func (n *tenant) events(query string) []searchpack.Event {
	n.t.Helper()
	var answer struct{ Events []searchpack.Event }
	if err := n.ask("GET", "/events"+query, nil, &answer); err != nil {
		n.t.Fatal(err)
	}
	return answer.Events
}

// serving is a server with a source of its own, and its first key.
func serving(t *testing.T) (*running, *tenant) {
	t.Helper()
	cfg := testConfig(t.TempDir())
	endpoint, put := bucket(t)
	put("synonyms.txt", "laptop, notebook\n")
	cfg.SourceEndpoint, cfg.SourceAccessKey, cfg.SourceSecretKey = endpoint, "any", "key"
	s := start(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	return s, newTenant(t, s.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: access, SecretAccessKey: secret})
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// packageIDs and domainNames are what a tenant sees.
func (n *tenant) packageIDs() (ids []string) {
	n.t.Helper()
	out, err := n.DescribePackages(n.t.Context(), &opensearch.DescribePackagesInput{})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, p := range out.PackageDetailsList {
		ids = append(ids, aws.ToString(p.PackageID))
	}
	return ids
}

func (n *tenant) domainNames() (names []string) {
	n.t.Helper()
	out, err := n.ListDomainNames(n.t.Context(), &opensearch.ListDomainNamesInput{})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, d := range out.DomainNames {
		names = append(names, aws.ToString(d.DomainName))
	}
	return names
}

func (n *tenant) createPackage(name string) (string, error) {
	out, err := n.CreatePackage(n.t.Context(), &opensearch.CreatePackageInput{
		PackageName: &name, PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("synonyms.txt")},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.PackageDetails.PackageID), nil
}

// Two accounts in two regions have the same names everywhere, and nothing in common.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	_, root := serving(t)
	one, two := root.user("111122223333", "kim", everything), root.user("444455556666", "kim", everything)
	tenants := []*tenant{one, one.in("eu-west-1"), two, two.in("eu-west-1")}
	ids, tokens := make([]string, len(tenants)), make([]string, len(tenants))
	for i, n := range tenants {
		ids[i], tokens[i] = n.settle()
	}
	for i, n := range tenants {
		n.seesOnly(ids[i], tokens[i], slices.Delete(slices.Clone(ids), i, i+1))
		for j := range tenants {
			if j != i {
				n.isApart(ids[j], tokens[j])
			}
		}
	}
	for i, n := range tenants { // what they tried on each other came to nothing
		n.seesOnly(ids[i], tokens[i], nil)
	}
	if got := root.packageIDs(); len(got) != 0 {
		t.Errorf("the operator sees the packages of others: %v", got)
	}
}

// settle makes the package "synonyms", the domain "shop" and a join token of it.
func (n *tenant) settle() (id, token string) {
	n.t.Helper()
	id, err := n.createPackage("synonyms")
	if err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.CreateDomain(n.t.Context(), &opensearch.CreateDomainInput{DomainName: aws.String("shop")}); err != nil {
		n.t.Fatal(err)
	}
	var made struct{ ID string }
	if err := n.ask("POST", "/domains/shop/tokens", nil, &made); err != nil {
		n.t.Fatal(err)
	}
	return id, made.ID
}

func (n *tenant) String() string { return n.account + " in " + n.region }

// seesOnly looks at every list.
func (n *tenant) seesOnly(id, token string, ofOthers []string) {
	n.t.Helper()
	if got := n.packageIDs(); !slices.Equal(got, []string{id}) {
		n.t.Errorf("%s sees the packages %v, has %s", n, got, id)
	}
	if got := n.domainNames(); !slices.Equal(got, []string{"shop"}) {
		n.t.Errorf("%s sees the domains %v", n, got)
	}
	d, err := n.DescribeDomain(n.t.Context(), &opensearch.DescribeDomainInput{DomainName: aws.String("shop")})
	if err != nil || aws.ToString(d.DomainStatus.ARN) != "arn:aws:es:"+n.region+":"+n.account+":domain/shop" {
		n.t.Errorf("%s: the domain is %+v, %v", n, d, err)
	}
	var have struct{ Tokens []struct{ ID string } }
	if err := n.ask("GET", "/domains/shop/tokens", nil, &have); err != nil || len(have.Tokens) != 1 || have.Tokens[0].ID != token {
		n.t.Errorf("%s sees the tokens %v, has %s: %v", n, have, token, err)
	}
	for _, e := range n.events("") {
		if e.Account != n.account || e.Region != n.region || e.Result == "ok" && slices.Contains(ofOthers, e.Subject) {
			n.t.Errorf("%s sees the event %+v", n, e)
		}
	}
	var keys struct{ Credentials []struct{ Account string } }
	if err := n.ask("GET", "/credentials", nil, &keys); err != nil || len(keys.Credentials) != 1 || keys.Credentials[0].Account != n.account {
		n.t.Errorf("%s sees the keys %v, %v", n, keys, err)
	}
}

// isApart tries what can be tried with the id of another's package and token.
func (n *tenant) isApart(id, token string) {
	n.t.Helper()
	ctx := n.t.Context()
	shop := aws.String("shop")
	found, err := n.DescribePackages(ctx, &opensearch.DescribePackagesInput{
		Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}}},
	})
	if err == nil && len(found.PackageDetailsList) > 0 {
		n.t.Errorf("%s sees %+v", n, found.PackageDetailsList)
	}
	for what, call := range map[string]func() error{
		"UpdatePackage": func() error {
			_, err := n.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
				PackageID: &id, PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("synonyms.txt")},
			})
			return err
		},
		"DeletePackage": func() error {
			_, err := n.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: &id})
			return err
		},
		"AssociatePackage": func() error {
			_, err := n.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: &id, DomainName: shop})
			return err
		},
		"DissociatePackage": func() error {
			_, err := n.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: &id, DomainName: shop})
			return err
		},
		"ListDomainsForPackage": func() error {
			_, err := n.ListDomainsForPackage(ctx, &opensearch.ListDomainsForPackageInput{PackageID: &id})
			return err
		},
		"versions": func() error { return n.ask("GET", "/packages/"+id+"/versions", nil, nil) },
		"token":    func() error { return n.ask("DELETE", "/domains/shop/tokens/"+token, nil, nil) },
	} {
		// AWS says it of packages as a ValidationException in some operations.
		if err := call(); err == nil || !strings.Contains(strings.ToLower(err.Error()), "not found") {
			n.t.Errorf("%s, %s of another's: %v", n, what, err)
		}
	}
}

// denial is the text of a refusal for want of a right, "" if there was none. Which type it has on
// the wire depends on what the operation declares; status and text do not.
func denial(err error) string {
	var api smithy.APIError
	var status interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &status) || status.HTTPStatusCode() != http.StatusForbidden {
		return ""
	}
	return api.ErrorMessage()
}

// describe asks for a domain.
func (n *tenant) describe(name string) error {
	_, err := n.DescribeDomain(n.t.Context(), &opensearch.DescribeDomainInput{DomainName: &name})
	return err
}

func (n *tenant) retire(domain string) error {
	return n.ask("POST", "/domains/"+domain+"/nodes/n9/retire", nil, nil)
}
