package awsapi

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
)

// audited sends one request and returns the events that it left.
func audited(t *testing.T, fake *fakeCatalog, method, target, body string) ([]searchpack.Event, string) {
	t.Helper()
	var events []searchpack.Event
	h := New(Config{
		Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return testNow },
		Refused: func(ctx context.Context, e searchpack.Event) {
			if ctx.Err() != nil {
				t.Error("the context ended with the request")
			}
			events = append(events, e)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the client has hung up
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(ctx))
	return events, w.Header().Get("X-Amzn-Requestid")
}

// A call that would have changed something and failed leaves one event, whatever it failed by.
func TestRefusedCallsAreNoted(t *testing.T) {
	t.Parallel()
	fails := func(code searchpack.Code, message string) *fakeCatalog {
		return &fakeCatalog{outcome: outcome{Error: &searchpack.Error{Code: code, Message: message}}}
	}
	create := `{"PackageName":"my-synonyms","PackageType":"TXT-DICTIONARY","PackageSource":{"S3BucketName":"bucket","S3Key":"k"}}`
	for name, tt := range map[string]struct {
		fake                 *fakeCatalog
		method, target, body string
		want                 searchpack.Event
	}{
		"the catalog refuses": {
			fails(searchpack.ErrLimit, "No room."), "POST", "/2021-01-01/packages", create,
			searchpack.Event{Action: "CreatePackage", Subject: "my-synonyms", Result: "limit", Detail: "No room."},
		},
		"denied": {
			fails(searchpack.ErrDenied, "User may not."), "POST", "/2021-01-01/packages/associate/F1/my-dom", "",
			searchpack.Event{Action: "AssociatePackage", Subject: "F1 my-dom", Result: "denied", Detail: "User may not."},
		},
		"a broken constraint": {
			new(fakeCatalog), "DELETE", "/2021-01-01/packages/a%2Fb", "",
			searchpack.Event{Action: "DeletePackage", Subject: "a/b", Result: "ValidationException", Detail: `1 validation error detected: Value 'a/b' at 'packageID' failed to satisfy constraint: Member must satisfy regular expression pattern: ^([FG][0-9]+)$|^(pkg-[a-f0-9]+)$`},
		},
		"no JSON": {
			new(fakeCatalog), "POST", "/2021-01-01/packages/update", `{"PackageID":`,
			searchpack.Event{Action: "UpdatePackage", Result: "SerializationException", Detail: "The request body is not valid JSON: it ends too early."},
		},
		"by ARN, in 2015": {
			fails(searchpack.ErrNotFound, "Domain not found: x"), "POST", "/2015-01-01/tags", `{"ARN":"arn:aws:es:us-east-1:000000000000:domain/x","TagList":[]}`,
			searchpack.Event{Action: "AddTags", Subject: "arn:aws:es:us-east-1:000000000000:domain/x", Result: "not_found", Detail: "Domain not found: x"},
		},
		"not offered": {
			new(fakeCatalog), "POST", "/2021-01-01/opensearch/domain/my-dom/config/cancel", "",
			searchpack.Event{Action: "CancelDomainConfigChange", Subject: "my-dom", Result: "ValidationException", Detail: "CancelDomainConfigChange is not offered by Searchpack"},
		},
		"broken inside": {
			&fakeCatalog{outcome: outcome{Internal: "password=hush"}}, "DELETE", "/2021-01-01/packages/F1", "",
			searchpack.Event{Action: "DeletePackage", Subject: "F1", Result: "internal", Detail: "An internal error occurred. The server's log has its cause under request id ID."},
		},
		"a panic": {
			&fakeCatalog{outcome: outcome{Panic: "boom"}}, "DELETE", "/2021-01-01/packages/F1", "",
			searchpack.Event{Action: "DeletePackage", Subject: "F1", Result: "internal", Detail: "An internal error occurred. The server's log has its cause under request id ID."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, id := audited(t, tt.fake, tt.method, tt.target, tt.body)
			want := tt.want
			want.At, want.Account, want.Region, want.RequestID = testNow, testCaller.Account, testCaller.Region, id
			want.Actor, want.AccessKey, want.SourceIP = testCaller.ARN, testCaller.AccessKey, testCaller.SourceIP
			want.Detail = strings.Replace(want.Detail, "id ID.", "id "+id+".", 1)
			if d := cmp.Diff([]searchpack.Event{want}, events); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// What succeeds is noted by the catalog; what only reads, or nobody signed, by nobody.
func TestOtherCallsAreNotNoted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fake           *fakeCatalog
		method, target string
	}{
		"success":         {allOutcomes(), "DELETE", "/2021-01-01/packages/F1"},
		"read":            {&fakeCatalog{outcome: outcome{Error: &searchpack.Error{Code: searchpack.ErrNotFound}}}, "GET", "/2021-01-01/packages/F1/domains"},
		"unauthenticated": {&fakeCatalog{outcome: outcome{Refused: &sigv4.Error{Code: "InvalidSignatureException", Status: 403}}}, "DELETE", "/2021-01-01/packages/F1"},
		"no operation":    {new(fakeCatalog), "DELETE", "/2021-01-01/nothing"},
	} {
		if events, _ := audited(t, tt.fake, tt.method, tt.target, ""); len(events) > 0 {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

// An event is of bounded size and can be stored, whatever a client sends.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 5000)
	for _, target := range []string{"/2021-01-01/packages/associate/%ff%00" + strings.Repeat("x", 1500) + "/" + strings.Repeat("y", 400), "/2021-01-01/packages/update"} {
		events, _ := audited(t, new(fakeCatalog), "POST", target, `{"PackageID":"`+long+`\u0000","PackageName":["x"],"MasterUserPassword":"hush","DomainName":"`+long+`"}`)
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		e := events[0]
		for _, text := range []string{e.Subject, e.Detail} {
			if len(text) > maxDetail+len("...") || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00") || strings.Contains(text, "hush") {
				t.Errorf("%d bytes: %q", len(text), text)
			}
		}
		if e.Subject == "" {
			t.Error("no subject")
		}
	}
}
