package extapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// Each operation asks for the action that openapi.json tells, on its domain or on "*", before the
// catalog hears of it; a denial is an answer in this API's form.
func TestEveryOperationIsAuthorized(t *testing.T) {
	t.Parallel()
	d := describe(t)
	served := newEdge(Config{}).operations
	for _, a := range answers {
		described := d.operation(a.operation)
		if described.Action != served[a.operation] {
			t.Errorf("%s is described as %q and asks for %q", a.operation, described.Action, served[a.operation])
		}
		if described.Action == "" {
			if described.Security == nil || len(*described.Security) > 0 {
				t.Errorf("%s asks for no action and is not described as open", a.operation)
			}
			continue
		}
		resource := resourceOf(a.request)
		s := newSite(t)
		asked := 0
		s.authorize = func(who searchpack.Caller, action, on string, conditions map[string]string) error {
			asked++
			if action != described.Action || on != resource || conditions != nil || who.RequestID == "" || who.User != "kim" {
				t.Errorf("%s asks for %s on %s, want %s on %s, by %+v", a.name, action, on, described.Action, resource, who)
			}
			return searchpack.Errorf(searchpack.ErrDenied, "User: x is not authorized")
		}
		w := s.ask(a.request, a.body)
		var answer map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusForbidden || answer["code"] != "denied" || answer["message"] != "User: x is not authorized" || len(answer) != 2 {
			t.Errorf("%s, denied, is answered %d %s", a.name, w.Code, w.Body)
		}
		if asked != 1 || s.catalog.asked != nil {
			t.Errorf("%s was asked for %d times; the catalog was asked %v", a.name, asked, s.catalog.asked)
		}
		if strings.HasPrefix(a.operation, "GET ") != (len(s.events) == 0) || len(s.events) > 1 {
			t.Errorf("%s, denied, is noted as %+v", a.name, s.events)
		}
	}
}

// resourceOf a request is its domain, else "*".
func resourceOf(request string) string {
	_, rest, ok := strings.Cut(request, " /domains/")
	if !ok {
		return "*"
	}
	name, _, _ := strings.Cut(rest, "/")
	return "arn:aws:es:us-east-1:000000000000:domain/" + name
}

// A mutating call that fails is noted once, with who, what, from where and why; one that succeeds
// is the catalog's to note; one of nobody known is not noted.
func TestFailedCallsAreNoted(t *testing.T) {
	t.Parallel()
	conflict := searchpack.Errorf(searchpack.ErrConflict, "Node n1\nis busy: %s", strings.Repeat("é", 600))
	for name, tt := range map[string]struct {
		request, body           string
		prepare                 func(*site)
		action, subject, result string
		detail                  string // its begin
	}{
		"done":         {request: "POST /domains/shop/nodes/n1/retire"},
		"read":         {request: "GET /events?limit=0"},
		"nobody known": {request: "DELETE /credentials/K", prepare: func(s *site) { s.refused = refusedSignature }},
		"conflict": {
			request: "POST /domains/shop/nodes/n1/retire", prepare: func(s *site) { s.catalog.err = conflict },
			action: "RetireNode", subject: "shop", result: "conflict", detail: "Node n1\ufffdis busy: éé",
		},
		"malformed": {
			request: "POST /domains/shop/tokens", body: "[]",
			action: "CreateJoinToken", subject: "shop", result: "invalid", detail: "The request body is no JSON object",
		},
		"parameter": {
			request: "DELETE /credentials/K?force=1",
			action:  "DeleteCredential", subject: "K", result: "invalid", detail: `There is no query parameter "force"`,
		},
		"inside": {
			request: "DELETE /credentials/K", prepare: func(s *site) { s.catalog.err = errors.New("hush") },
			action: "DeleteCredential", subject: "K", result: "internal", detail: "An internal error",
		},
		"panic": {
			request: "PATCH /credentials/K", body: `{"inactive":true}`, prepare: func(s *site) { s.catalog.panics = "hush" },
			action: "UpdateCredential", subject: "K", result: "internal", detail: "An internal error",
		},
		"the user is the subject": {
			request: "POST /credentials", body: `{"user":"kim\u0000` + strings.Repeat("x", 200) + `"}`, prepare: func(s *site) { s.catalog.err = conflict },
			action: "CreateCredential", subject: "kim\ufffd" + strings.Repeat("x", 124), result: "conflict", detail: "Node n1",
		},
	} {
		s := newSite(t)
		if tt.prepare != nil {
			tt.prepare(s)
		}
		w := s.ask(tt.request, tt.body)
		if tt.action == "" {
			if s.events != nil {
				t.Errorf("%s: noted %+v", name, s.events)
			}
			continue
		}
		if len(s.events) != 1 {
			t.Fatalf("%s: noted %+v, answered %d %s", name, s.events, w.Code, w.Body)
		}
		got := s.events[0]
		if !strings.HasPrefix(got.Detail, tt.detail) || len([]rune(got.Detail)) > 500 || strings.Contains(got.Detail, "hush") {
			t.Errorf("%s: detail %q", name, got.Detail)
		}
		want := searchpack.Event{
			Account: caller.Account, Region: caller.Region, Actor: caller.ARN, Action: tt.action, Subject: tt.subject, Detail: got.Detail,
			Result: tt.result, AccessKey: caller.AccessKey, SourceIP: caller.SourceIP, RequestID: w.Header().Get("x-amzn-RequestId"),
		}
		if diff := cmp.Diff(want, got); diff != "" || got.RequestID == "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Secrets are in the answer that makes a key, and nowhere else.
func TestSecretsAreToldOnce(t *testing.T) {
	t.Parallel()
	for _, a := range answers {
		if !strings.Contains(a.operation, "/credentials") {
			continue
		}
		s := newSite(t)
		w := s.ask(a.request, a.body)
		makes := a.name == "credential-created" || a.name == "credential-rotated"
		if got := strings.Contains(w.Body.String(), "the-secret"); got != makes {
			t.Errorf("%s: %s", a.name, w.Body)
		}
		for _, secret := range []string{"c2VhbGVk", "sealed", string(digest)} { // sealed in base64, too
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s tells %s", a.name, secret)
			}
		}
		s.catalog.err = errors.New("inside")
		if w = s.ask(a.request, a.body); strings.Contains(w.Body.String()+s.log.String(), "the-secret") {
			t.Errorf("%s, failed: %s %s", a.name, w.Body, s.log.String())
		}
	}
}
