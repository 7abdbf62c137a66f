package server

import (
	"crypto/tls"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
)

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(statements, "},{") + `}]}`
}

// A role may be passed only by who may pass it; the association is not made else.
func TestPassRole(t *testing.T) {
	t.Parallel()
	_, root := serving(t)
	const role = "arn:aws:iam::111122223333:role/keys"
	kim := root.user("111122223333", "kim", policy(`"Effect":"Allow","Action":"es:*","Resource":"*"`))
	store := &types.PackageAssociationConfiguration{KeyStoreAccessOption: &types.KeyStoreAccessOption{KeyStoreAccessEnabled: aws.Bool(true), KeyAccessRoleArn: aws.String(role)}}
	_, one := kim.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{
		PackageID: aws.String("F1"), DomainName: aws.String("shop"), AssociationConfiguration: store,
	})
	_, several := kim.AssociatePackages(t.Context(), &opensearch.AssociatePackagesInput{
		DomainName: aws.String("shop"), PackageList: []types.PackageDetailsForAssociation{{PackageID: aws.String("F1"), AssociationConfiguration: store}},
	})
	for _, err := range []error{one, several} {
		if err == nil || !strings.Contains(err.Error(), "StatusCode: 403") || !strings.Contains(err.Error(), "iam:PassRole on resource: "+role) {
			t.Errorf("with a role that is not his to pass: %v", err)
		}
	}
}

// What policies say, the server does, in AWS's words.
func TestPolicies(t *testing.T) {
	t.Parallel()
	_, root := serving(t)
	const (
		account = "111122223333"
		shop    = "arn:aws:es:us-east-1:" + account + ":domain/shop"
		wiki    = "arn:aws:es:us-east-1:" + account + ":domain/wiki"
	)
	all := root.user(account, "all", everything)
	for _, name := range []string{"shop", "wiki"} {
		if _, err := all.CreateDomain(t.Context(), &opensearch.CreateDomainInput{DomainName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	implicit := func(user, action, resource string) string {
		return "User: arn:aws:iam::" + account + ":user/" + user + " is not authorized to perform: " + action + " on resource: " + resource +
			" because no identity-based policy allows the " + action + " action"
	}
	explicit := func(user, action, resource string) string {
		return "User: arn:aws:iam::" + account + ":user/" + user + " is not authorized to perform: " + action + " on resource: " + resource +
			" with an explicit deny in an identity-based policy"
	}
	for user, tt := range map[string]struct {
		policies                 []string
		describeShop, create     string // the denial, "" = allowed
		describeWiki, retireShop string
	}{
		"all": {[]string{everything}, "", "", "", ""},
		"nothing": {
			[]string{}, implicit("nothing", "es:DescribeDomain", shop), implicit("nothing", "es:CreatePackage", "*"),
			implicit("nothing", "es:DescribeDomain", wiki), implicit("nothing", "searchpack:RetireNode", shop),
		},
		"one-domain": {
			[]string{policy(`"Effect":"Allow","Action":"*","Resource":"` + shop + `"`)}, "", implicit("one-domain", "es:CreatePackage", "*"),
			implicit("one-domain", "es:DescribeDomain", wiki), "",
		},
		"one-action": {
			[]string{policy(`"Effect":"Allow","Action":"es:DescribeDomain","Resource":"*"`)}, "", implicit("one-action", "es:CreatePackage", "*"),
			"", implicit("one-action", "searchpack:RetireNode", shop),
		},
		"but-wiki": {
			[]string{everything, policy(`"Effect":"Deny","Action":["es:*","searchpack:*"],"Resource":"` + wiki + `"`)}, "", "",
			explicit("but-wiki", "es:DescribeDomain", wiki), "",
		},
		"here": {[]string{policy(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`)}, "", "", "", ""},
		"elsewhere": {
			[]string{policy(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}`)},
			implicit("elsewhere", "es:DescribeDomain", shop), implicit("elsewhere", "es:CreatePackage", "*"),
			implicit("elsewhere", "es:DescribeDomain", wiki), implicit("elsewhere", "searchpack:RetireNode", shop),
		},
		"tls-only": {
			[]string{everything, policy(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`)},
			explicit("tls-only", "es:DescribeDomain", shop), explicit("tls-only", "es:CreatePackage", "*"),
			explicit("tls-only", "es:DescribeDomain", wiki), explicit("tls-only", "searchpack:RetireNode", shop),
		},
		"other-region": {
			[]string{policy(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)},
			implicit("other-region", "es:DescribeDomain", shop), implicit("other-region", "es:CreatePackage", "*"),
			implicit("other-region", "es:DescribeDomain", wiki), implicit("other-region", "searchpack:RetireNode", shop),
		},
	} {
		n := root.user(account, user, tt.policies...)
		_, err := n.createPackage("by-" + user)
		if got := denial(err); got != tt.create || got == "" && err != nil || got != "" && apiCode(err) != "AccessDeniedException" {
			t.Errorf("%s, CreatePackage: %v, want %q", user, err, tt.create)
		}
		for domain, want := range map[string]string{"shop": tt.describeShop, "wiki": tt.describeWiki} {
			if err := n.describe(domain); denial(err) != want || want == "" && err != nil {
				t.Errorf("%s, DescribeDomain %s: %v, want %q", user, domain, err, want)
			}
		}
		want := `403 Forbidden {"code":"denied","message":"` + tt.retireShop + `"}`
		if tt.retireShop == "" {
			want = `404 Not Found {"code":"not_found","message":"Domain shop has no node n9 in service`
		}
		if err := n.retire("shop"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s, RetireNode: %v, want %q", user, err, want)
		}
	}
}

// A policy that wants TLS is met by TLS; one that allows a place counts with it, too.
func TestTLSMeetsThePolicy(t *testing.T) {
	t.Parallel()
	s, root := serving(t)
	user := root.user("111122223333", "kim", policy(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"127.0.0.1"}}`))
	if _, err := user.createPackage("synonyms"); denial(err) == "" {
		t.Errorf("without TLS: %v", err)
	}
	secure := httptest.NewTLSServer(s.Handler())
	t.Cleanup(secure.Close)
	over := newTenant(t, secure.URL, user.account, user.region, user.key)
	over.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if _, err := over.createPackage("synonyms"); err != nil {
		t.Errorf("with TLS: %v", err)
	}
}

// A key counts at once as it is now: new policies, switched off, on, rotated, deleted.
func TestKeysCountAtOnce(t *testing.T) {
	t.Parallel()
	_, root := serving(t)
	user := root.user("111122223333", "kim", everything)
	change := func(in map[string]any) {
		t.Helper()
		if err := root.ask("PATCH", "/credentials/"+user.key.AccessKeyID, in, nil); err != nil {
			t.Fatal(err)
		}
	}
	says := func(n *tenant, want string) {
		t.Helper()
		if _, err := n.DescribePackages(t.Context(), &opensearch.DescribePackagesInput{}); apiCode(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	says(user, "")
	change(map[string]any{"policies": []string{}})
	says(user, "AccessDeniedException")
	change(map[string]any{"policies": []string{everything}})
	says(user, "")
	change(map[string]any{"inactive": true})
	says(user, "UnrecognizedClientException")
	change(map[string]any{"inactive": false})
	var next struct {
		AccessKey string `json:"access_key"`
		Secret    string `json:"secret_access_key"`
	}
	if err := user.ask("POST", "/credentials/"+user.key.AccessKeyID+"/rotate", nil, &next); err != nil {
		t.Fatal(err)
	}
	second := newTenant(t, user.url, user.account, user.region, aws.Credentials{AccessKeyID: next.AccessKey, SecretAccessKey: next.Secret})
	says(user, "")
	says(second, "")
	if err := second.ask("DELETE", "/credentials/"+user.key.AccessKeyID, nil, nil); err != nil {
		t.Fatal(err)
	}
	says(user, "UnrecognizedClientException")
	says(second, "")
}

// A temporary key comes with its token until it expires.
func TestTemporaryKey(t *testing.T) {
	t.Parallel()
	s, root := serving(t)
	var made struct {
		AccessKey string `json:"access_key"`
		Secret    string `json:"secret_access_key"`
		Token     string `json:"session_token"`
	}
	if err := root.ask("POST", "/credentials", map[string]any{"user": "ci", "policies": []string{everything}, "expires_in": 60}, &made); err != nil {
		t.Fatal(err)
	}
	says := func(token, want string) {
		t.Helper()
		n := newTenant(t, s.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: made.AccessKey, SecretAccessKey: made.Secret, SessionToken: token})
		if _, err := n.ListDomainNames(t.Context(), &opensearch.ListDomainNamesInput{}); apiCode(err) != want {
			t.Errorf("token %.4s…: %v, want %q", token, err, want)
		}
	}
	says(made.Token, "")
	says("", "UnrecognizedClientException")
	says(made.Token+"x", "UnrecognizedClientException")
	c, err := s.credential(t.Context(), made.AccessKey)
	if err != nil || time.Until(c.ExpiresAt) > time.Minute || string(c.SessionHash) == made.Token || c.Operator {
		t.Errorf("stored as %+v, %v", c.SessionHash, err)
	}
}

// Who has lost every operator's secret gets in as docs/operations.md says.
func TestLostSecrets(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	s := start(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	root := newTenant(t, s.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: access, SecretAccessKey: secret})
	user := root.user("111122223333", "kim", everything)
	s.stop()
	if err := os.Remove(filepath.Join(cfg.DataDir, credentialsFile)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "searchpack.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM credential"); err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg)
	again, secret := firstCredentials(t, cfg.DataDir)
	root = newTenant(t, s.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: again, SecretAccessKey: secret})
	if root.user("111122223333", "lee", everything); again == access {
		t.Error("the first key is the old one")
	}
	user = newTenant(t, s.url, user.account, user.region, user.key)
	if _, err := user.createPackage("synonyms"); apiCode(err) != "UnrecognizedClientException" {
		t.Errorf("a key of before: %v", err)
	}
}
