package awsapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/iam"
)

const testARN = "arn:aws:es:us-east-1:000000000000:domain/"

// permissions sends a request and returns what was asked of the authorizer.
func permissions(t *testing.T, method, target, body string) []string {
	t.Helper()
	var asked []string
	fake := allOutcomes()
	h := New(Config{
		Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.DiscardHandler),
		Authorize: func(_ searchpack.Caller, action, resource string, conditions map[string]string) error {
			text := action + " " + resource
			for key, value := range conditions {
				text += " " + key + "=" + value
			}
			asked = append(asked, text)
			return nil
		},
	})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, strings.NewReader(body)))
	return asked
}

// Resources are those of the Service Authorization Reference.
func TestPermissionsAskedFor(t *testing.T) {
	t.Parallel()
	role := "arn:aws:iam::000000000000:role/keys"
	store := `"AssociationConfiguration":{"KeyStoreAccessOption":{"KeyStoreAccessEnabled":true,"KeyAccessRoleArn":"` + role + `"}}`
	for request, want := range map[string][]string{
		`POST /2021-01-01/packages/describe {}`:                         {"es:DescribePackages *"},
		`POST /2015-01-01/packages/describe {}`:                         {"es:DescribePackages *"},
		`GET /2021-01-01/packages/F1/history `:                          {"es:GetPackageVersionHistory *"},
		`GET /2021-01-01/packages/F1/domains `:                          {"es:ListDomainsForPackage *"},
		`GET /2021-01-01/domain/my-dom/packages `:                       {"es:ListPackagesForDomain " + testARN + "my-dom"},
		`POST /2021-01-01/packages/associate/F1/my-dom {}`:              {"es:AssociatePackage " + testARN + "my-dom"},
		`POST /2021-01-01/packages/associate/F1/my-dom {` + store + `}`: {"es:AssociatePackage " + testARN + "my-dom"},
		`POST /2021-01-01/packages/associateMultiple {"DomainName":"my-dom","PackageList":[{"PackageID":"F1"},{"PackageID":"F2",` + store + `}]}`: {
			"es:AssociatePackages " + testARN + "my-dom"},
		`POST /2021-01-01/packages/dissociateMultiple {"DomainName":"my-dom","PackageList":["F1"]}`:    {"es:DissociatePackages " + testARN + "my-dom"},
		`POST /2021-01-01/opensearch/domain {"DomainName":"new-dom"}`:                                  {"es:CreateDomain " + testARN + "new-dom"},
		`POST /2015-01-01/es/domain {"DomainName":"new-dom"}`:                                          {"es:CreateElasticsearchDomain " + testARN + "new-dom"},
		`POST /2021-01-01/opensearch/domain-info {"DomainNames":["a-a","b-b"]}`:                        {"es:DescribeDomains " + testARN + "a-a", "es:DescribeDomains " + testARN + "b-b"},
		`POST /2021-01-01/opensearch/domain-info {"DomainNames":[]}`:                                   {"es:DescribeDomains *"},
		`GET /2021-01-01/opensearch/compatibleVersions `:                                               {"es:GetCompatibleVersions *"},
		`GET /2021-01-01/opensearch/compatibleVersions?domainName=my-dom `:                             {"es:GetCompatibleVersions " + testARN + "my-dom"},
		`GET /2021-01-01/tags?arn=` + testARN + `my-dom `:                                              {"es:ListTags " + testARN + "my-dom"},
		`GET /2021-01-01/tags?arn=arn:aws-cn` + testARN[len("arn:aws"):] + `my-dom `:                   {"es:ListTags " + testARN + "my-dom"}, // one domain, one resource
		`POST /2021-01-01/tags {"ARN":"arn:aws-x` + testARN[len("arn:aws"):] + `my-dom","TagList":[]}`: {"es:AddTags " + testARN + "my-dom"},
		`GET /2021-01-01/domain `:                       {"es:ListDomainNames *"},
		`GET /2021-01-01/opensearch/domain/A_B/config `: nil, // what is invalid is not asked about
	} {
		method, rest, _ := strings.Cut(request, " ")
		target, body, _ := strings.Cut(rest, " ")
		if d := cmp.Diff(want, permissions(t, method, target, body)); d != "" {
			t.Errorf("%s (-want +got):\n%s", request, d)
		}
	}
}

// Without a policy every operation of both versions is denied, in AWS's words, with 403 and a type
// that it declares, and the catalog is not asked.
func TestEveryOperationIsDenied(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	fake := allOutcomes()
	caller := testCaller
	caller.ARN = "arn:aws:iam::000000000000:user/kim"
	h := New(Config{
		Catalog: fake, Authorize: iam.NewAuthorizer(), Logger: slog.New(slog.DiscardHandler),
		Authenticate: func(*http.Request, []byte) (searchpack.Caller, error) { return caller, nil },
	})
	for _, op := range servedOperations(m) {
		s := newSampler(m.Shapes[op.Version], 1)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, s.sample(op).request(s.shapes))
		checkAnswer(t, m, op, w)
		want := "User: " + caller.ARN + " is not authorized to perform: es:" + op.Name + " on resource: "
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), want) ||
			!strings.Contains(w.Body.String(), "because no identity-based policy allows the es:"+op.Name+" action") {
			t.Errorf("%s of %s: %d %s", op.Name, op.Version, w.Code, w.Body)
		}
		if op.declares("AccessDeniedException") != (w.Header().Get("X-Amzn-Errortype") == "AccessDeniedException") {
			t.Errorf("%s of %s: %s", op.Name, op.Version, w.Header().Get("X-Amzn-Errortype"))
		}
	}
	if len(fake.asked) > 0 {
		t.Errorf("the catalog was asked %q", slices.Compact(fake.asked))
	}
}
