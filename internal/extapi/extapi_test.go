package extapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

var update = flag.Bool("update", false, "write the golden answers")

type answerCase struct {
	name, operation, request, body string
	prepare                        func(*site)
	status                         int   // 0 = 200
	asked                          []any // of the catalog
}

// answers are the golden ones: testdata/NAME.json is what the request is answered.
var answers = []answerCase{
	{name: "health", operation: "GET /health", request: "GET /health"},
	{name: "health-sick", operation: "GET /health", request: "GET /health", prepare: func(s *site) {
		s.sick = searchpack.Errorf(searchpack.ErrUnavailable, "The database does not answer.")
	}, status: 503},
	{name: "health-complaint", operation: "GET /health", request: "GET /health", prepare: func(s *site) {
		s.complaint = "the server's blob store cannot answer now"
	}},
	{name: "versions", operation: "GET /packages/{package}/versions", request: "GET /packages/F111111111/versions", asked: []any{"F111111111"}},
	{name: "versions-none", operation: "GET /packages/{package}/versions", request: "GET /packages/F1/versions", prepare: nothing, asked: []any{"F1"}},
	{name: "findings", operation: "GET /packages/{package}/findings", request: "GET /packages/F111111111/findings", asked: []any{"F111111111", 0}},
	{name: "manifest", operation: "GET /packages/{package}/manifest", request: "GET /packages/F111111111/manifest?version=1", asked: []any{"F111111111", 1}},
	{name: "manifest-none", operation: "GET /packages/{package}/manifest", request: "GET /packages/F1/manifest", prepare: nothing, asked: []any{"F1", 0}},
	{name: "findings-none", operation: "GET /packages/{package}/findings", request: "GET /packages/F1/findings?version=3", prepare: nothing, asked: []any{"F1", 3}},
	{name: "checks", operation: "GET /packages/{package}/checks", request: "GET /packages/F111111111/checks?version=1", asked: []any{"F111111111", 1}},
	{name: "checks-none", operation: "GET /packages/{package}/checks", request: "GET /packages/F1/checks", prepare: nothing, asked: []any{"F1", 0}},
	{name: "sbom", operation: "GET /packages/{package}/sbom", request: "GET /packages/pkg-1/sbom?version=2", asked: []any{"pkg-1", 2}},
	{name: "diff", operation: "GET /packages/{package}/diff", request: "GET /packages/F1/diff?from=1&to=3", asked: []any{"F1", 1, 3}},
	{name: "diff-none", operation: "GET /packages/{package}/diff", request: "GET /packages/F1/diff?to=2&from=2", prepare: nothing, asked: []any{"F1", 2, 2}},
	{name: "associations", operation: "GET /domains/{domain}/associations", request: "GET /domains/shop/associations", asked: []any{"shop"}},
	{name: "associations-none", operation: "GET /domains/{domain}/associations", request: "GET /domains/empty/associations", prepare: nothing, asked: []any{"empty"}},
	{name: "plan", operation: "GET /domains/{domain}/packages/{package}/plan", request: "GET /domains/shop/packages/F111111111/plan?version=3", asked: []any{"shop", "F111111111", 3, ""}},
	{name: "plan-plugin", operation: "GET /domains/{domain}/packages/{package}/plan", request: "GET /domains/shop/packages/F333333333/plan?prerequisite=pkg-1,F9", asked: []any{"shop", "F333333333", 0, "pkg-1 F9"}},
	{name: "plan-none", operation: "GET /domains/{domain}/packages/{package}/plan", request: "GET /domains/empty/packages/F111111111/plan", prepare: nothing, asked: []any{"empty", "F111111111", 0, ""}},
	{
		name: "preview", operation: "POST /domains/{domain}/packages/{package}/preview", request: "POST /domains/shop/packages/F111111111/preview",
		body:  `{"version":"v3","index":"products","analyzer":"search","text":"cheap tv"}`,
		asked: []any{"shop", catalog.PreviewInput{PackageID: "F111111111", Number: 3, Index: "products", Analyzer: "search", Text: "cheap tv"}},
	},
	{
		name: "preview-first", operation: "POST /domains/{domain}/packages/{package}/preview", request: "POST /domains/empty/packages/F111111111/preview",
		body: `{"index":"products","text":"tv"}`, prepare: nothing,
		asked: []any{"empty", catalog.PreviewInput{PackageID: "F111111111", Index: "products", Text: "tv"}},
	},
	{name: "nodes", operation: "GET /domains/{domain}/nodes", request: "GET /domains/shop/nodes", asked: []any{"shop"}},
	{name: "nodes-none", operation: "GET /domains/{domain}/nodes", request: "GET /domains/shop/nodes", prepare: nothing, asked: []any{"shop"}},
	{name: "retire", operation: "POST /domains/{domain}/nodes/{node}/retire", request: "POST /domains/shop/nodes/n1/retire", asked: []any{"shop", "n1"}},
	{name: "policy", operation: "GET /domains/{domain}/policy", request: "GET /domains/shop/policy", asked: []any{"shop"}},
	{name: "policy-none", operation: "GET /domains/{domain}/policy", request: "GET /domains/empty/policy", prepare: nothing, asked: []any{"empty"}},
	{
		name: "policy-updated", operation: "PATCH /domains/{domain}/policy", request: "PATCH /domains/shop/policy",
		body:  `{"level":"highest","unmanaged_nodes":"ignore","restart":"careful"}`,
		asked: []any{"shop", catalog.PolicyChange{Level: new(searchpack.Level), UnmanagedNodes: &ignore, Restart: new(string)}},
	},
	{name: "proofs", operation: "GET /domains/{domain}/proofs", request: "GET /domains/shop/proofs?package_id=F1", asked: []any{"shop", "F1"}},
	{name: "proofs-none", operation: "GET /domains/{domain}/proofs", request: "GET /domains/shop/proofs", prepare: nothing, asked: []any{"shop", ""}},
	{name: "rollouts", operation: "GET /domains/{domain}/rollouts", request: "GET /domains/shop/rollouts", asked: []any{"shop", 20}},
	{name: "rollouts-none", operation: "GET /domains/{domain}/rollouts", request: "GET /domains/shop/rollouts?limit=100", prepare: nothing, asked: []any{"shop", 100}},
	{name: "usage", operation: "GET /domains/{domain}/usage", request: "GET /domains/shop/usage?package_id=F1", asked: []any{"shop", "F1"}},
	{name: "usage-plugin", operation: "GET /domains/{domain}/usage", request: "GET /domains/shop/usage?package_id=F1", prepare: func(s *site) { s.catalog.plugin = true }, asked: []any{"shop", "F1"}},
	{name: "usage-none", operation: "GET /domains/{domain}/usage", request: "GET /domains/shop/usage", prepare: nothing, asked: []any{"shop", ""}},
	{name: "tokens", operation: "GET /domains/{domain}/tokens", request: "GET /domains/shop/tokens", asked: []any{"shop"}},
	{name: "tokens-none", operation: "GET /domains/{domain}/tokens", request: "GET /domains/shop/tokens", prepare: nothing, asked: []any{"shop"}},
	{
		name: "token-created", operation: "POST /domains/{domain}/tokens", request: "POST /domains/shop/tokens",
		body:  `{"uses":3,"valid_for_seconds":60,"cidr":"10.0.0.0/8"}`,
		asked: []any{catalog.JoinTokenInput{Domain: "shop", Uses: 3, ValidFor: 60e9, CIDR: "10.0.0.0/8", ID: "tok-1", SecretHash: digest}},
	},
	{name: "token-deleted", operation: "DELETE /domains/{domain}/tokens/{token}", request: "DELETE /domains/shop/tokens/tok-1", asked: []any{"shop", "tok-1"}},
	{name: "events", operation: "GET /events", request: "GET /events?limit=5&before=9&after=3&since=2026-03-04T06:06:07%2B01:00&action=CreatePackage&subject=F111111111", asked: []any{
		catalog.EventQuery{Limit: 5, Before: 9, After: 3, Since: moment.Truncate(time.Second), Action: "CreatePackage", Subject: "F111111111"},
	}},
	{name: "events-none", operation: "GET /events", request: "GET /events", prepare: nothing, asked: []any{catalog.EventQuery{Limit: 100}}},
	{
		name: "version-chosen", operation: "PUT /domains/{domain}/associations/{package}/version", request: "PUT /domains/shop/associations/F111111111/version",
		body: `{"version":"v1","track":"pinned"}`, asked: []any{"shop", catalog.ChooseInput{PackageID: "F111111111", Number: 1, Track: &pinned}},
	},
	{
		name: "adopted", operation: "POST /domains/{domain}/packages/{package}/adopt", request: "POST /domains/shop/packages/F111111111/adopt",
		body: `{"path":"analysis/synonyms.txt","version":"v2"}`, asked: []any{"shop", catalog.AdoptInput{PackageID: "F111111111", Path: "analysis/synonyms.txt", Number: 2}},
	},
	{
		name: "rollout-paused", operation: "POST /domains/{domain}/rollouts/{rollout}/pause", request: "POST /domains/shop/rollouts/r-1/pause",
		asked: []any{"shop", "r-1", rollout.CommandPause},
	},
	{
		name: "rollout-resumed", operation: "POST /domains/{domain}/rollouts/{rollout}/resume", request: "POST /domains/shop/rollouts/r-1/resume",
		asked: []any{"shop", "r-1", rollout.CommandResume},
	},
	{
		name: "rollout-aborted", operation: "POST /domains/{domain}/rollouts/{rollout}/abort", request: "POST /domains/shop/rollouts/r-1/abort",
		asked: []any{"shop", "r-1", rollout.CommandAbort},
	},
	{name: "credentials", operation: "GET /credentials", request: "GET /credentials", asked: []any{""}},
	{name: "credentials-none", operation: "GET /credentials", request: "GET /credentials?account=111122223333", prepare: nothing, asked: []any{"111122223333"}},
	{
		name: "credential-created", operation: "POST /credentials", request: "POST /credentials",
		body: `{"account":"000000000000","user":"ci","policies":["{}"],"operator":true,"expires_in":3600}`,
		asked: []any{catalog.CredentialInput{
			Account: "000000000000", User: "ci", Policies: []string{"{}"}, Operator: true, ValidFor: time.Hour,
			Key: catalog.SealedKey{AccessKey: "SPKTEXAMPLE", Sealed: []byte("sealed"), SessionHash: digest},
		}},
	},
	{name: "credential", operation: "GET /credentials/{key}", request: "GET /credentials/SPKAEXAMPLE", asked: []any{"SPKAEXAMPLE"}},
	{
		name: "credential-updated", operation: "PATCH /credentials/{key}", request: "PATCH /credentials/SPKAEXAMPLE",
		body: `{"inactive":true,"policies":[]}`, asked: []any{"SPKAEXAMPLE", catalog.CredentialChange{Inactive: &yes, Policies: &[]string{}}},
	},
	{
		name: "credential-rotated", operation: "POST /credentials/{key}/rotate", request: "POST /credentials/SPKAOLD/rotate",
		asked: []any{"SPKAOLD", catalog.SealedKey{AccessKey: "SPKAEXAMPLE", Sealed: []byte("sealed")}},
	},
	{name: "credential-deleted", operation: "DELETE /credentials/{key}", request: "DELETE /credentials/SPKAEXAMPLE", asked: []any{"SPKAEXAMPLE"}},
	{name: "not-found", operation: "GET /domains/{domain}/nodes", request: "GET /domains/nix/nodes", prepare: func(s *site) {
		s.catalog.err = searchpack.Errorf(searchpack.ErrNotFound, "Domain not found: nix")
	}, status: 404},
	{name: "refused", operation: "GET /events", request: "GET /events", prepare: func(s *site) { s.refused = refusedSignature }, status: 403},
}

var (
	yes    = true
	pinned = searchpack.TrackPinned
	ignore = searchpack.UnmanagedIgnore
)

func nothing(s *site) { s.catalog.nothing = true }

// Every answer is the golden one, and is what openapi.json describes; every member that is
// described occurs in an answer; every operation described is served and the other way round.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	c := &checker{d: describe(t), seen: map[string]bool{}}
	for _, a := range answers {
		s := newSite(t)
		if a.prepare != nil {
			a.prepare(s)
		}
		w := s.ask(a.request, a.body)
		if a.status == 0 {
			a.status = 200
		}
		if w.Code != a.status {
			t.Errorf("%s: status %d, want %d", a.name, w.Code, a.status)
		}
		if d := cmp.Diff(a.asked, s.catalog.asked); a.asked != nil && d != "" {
			t.Errorf("%s: the catalog was asked: %s", a.name, d)
		}
		golden(t, a.name, w.Body.Bytes())
		var document any
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		for _, wrong := range c.check(c.d.operation(a.operation).answer(strconv.Itoa(w.Code)), a.name, document) {
			t.Error(wrong)
		}
	}
	for name, s := range c.d.Components.Schemas {
		for member := range s.Properties {
			if !strings.HasSuffix(name, "Request") && !c.seen[name+"."+member] {
				t.Errorf("openapi.json describes %s.%s, which no answer has", name, member)
			}
		}
		for _, must := range s.Required {
			if s.Properties[must] == nil {
				t.Errorf("openapi.json requires %s.%s, which it does not describe", name, must)
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("%s: %v: %s", name, err, got)
	}
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), pretty.String()); d != "" {
		t.Errorf("%s: %s", path, d)
	}
}

func TestEveryOperationIsDescribedAndServed(t *testing.T) {
	t.Parallel()
	d := describe(t)
	var described []string
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, o := range methods {
			name := strings.ToUpper(method) + " " + path
			described = append(described, name)
			if ids[o.OperationID] || o.Summary == "" {
				t.Errorf("%s has a used operationId or no summary", name)
			}
			ids[o.OperationID] = true
			checkParameters(t, name, path, o)
		}
	}
	served := slices.Sorted(maps.Keys(newEdge(Config{}).operations))
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("served (-) and described (+) operations differ: %s", diff)
	}
	for _, op := range served {
		if op != "GET /openapi.json" && !slices.ContainsFunc(answers, func(a answerCase) bool { return a.operation == op }) {
			t.Errorf("%s has no golden answer", op)
		}
	}
}

// checkParameters sends every query parameter described, at its bounds and beyond.
func checkParameters(t *testing.T, name, path string, o *operationDoc) {
	t.Helper()
	method, _, _ := strings.Cut(name, " ")
	url := method + " " + strings.NewReplacer("{", "x", "}", "x").Replace(path)
	for _, p := range o.Parameters {
		switch {
		case p.In == "path":
			if !strings.Contains(path, "{"+p.Name+"}") || !p.Required {
				t.Errorf("%s: the path parameter %s", name, p.Name)
			}
			continue
		case p.Schema.Type == "string":
			value := "x"
			if p.Schema.Format == "date-time" {
				value = "2026-03-04T05:06:07Z"
				if w := newSite(t).ask(url+"?"+p.Name+"=x", ""); w.Code != 400 {
					t.Errorf("%s: %s=x is answered %d", name, p.Name, w.Code)
				}
			}
			if w := newSite(t).ask(url+"?"+p.Name+"="+value, ""); w.Code != 200 {
				t.Errorf("%s: %s=x is answered %d", name, p.Name, w.Code)
			}
			continue
		}
		for value, status := range bounds(p.Schema) {
			if w := newSite(t).ask(url+"?"+p.Name+"="+value, ""); w.Code != status {
				t.Errorf("%s: %s=%s is answered %d, want %d", name, p.Name, value, w.Code, status)
			}
		}
	}
}

func bounds(s schema) map[string]int {
	b := map[string]int{"x": 400, "1.5": 400, "-1": 400, "99999999999999999999": 400, "0x10": 400}
	b[strconv.Itoa(*s.Minimum)] = 200
	b[strconv.Itoa(*s.Minimum-1)] = 400
	if s.Maximum != nil {
		b[strconv.Itoa(*s.Maximum)] = 200
		b[strconv.Itoa(*s.Maximum+1)] = 400
	}
	return b
}

// Every error is one JSON object of code and message, whatever was sent.
func TestRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 5000)
	for name, c := range map[string]struct {
		request, body string
		status        int
		code, says    string
	}{
		"no such path":       {"GET /nothing", "", 404, "not_found", "GET /searchpack/v1/nothing"},
		"prefix alone":       {"GET /", "", 404, "not_found", ""},
		"trailing slash":     {"GET /events/", "", 404, "not_found", ""},
		"long path":          {"GET /" + long, "", 404, "not_found", "…"},
		"wrong method":       {"POST /events", "", 405, "method_not_allowed", "GET"},
		"wrong method too":   {"PUT /domains/shop/tokens", "", 405, "method_not_allowed", "POST"},
		"odd method":         {"BREW /events", "", 405, "method_not_allowed", ""},
		"double slash":       {"GET //events", "", 404, "not_found", ""},
		"dots":               {"GET /packages/../events", "", 404, "not_found", ""},
		"escaped dots":       {"GET /packages/%2e%2e/versions", "", 200, "", ""}, // just a name
		"escaped slash":      {"GET /packages/a%2fb/versions", "", 200, "", ""},
		"escaped NUL":        {"GET /packages/a%00b/versions", "", 404, "not_found", ""},
		"escaped newline":    {"GET /packages/a%0ab/versions", "", 404, "not_found", ""},
		"no UTF-8":           {"GET /packages/a%ffb/versions", "", 404, "not_found", ""},
		"empty name":         {"GET /packages//versions", "", 404, "not_found", ""},
		"unknown parameter":  {"GET /events?limits=5", "", 400, "invalid", `"limits"`},
		"parameter twice":    {"GET /events?limit=5&limit=6", "", 400, "invalid", "limit"},
		"parameter with NUL": {"GET /domains/shop/proofs?package_id=%00", "", 400, "invalid", "package_id"},
		"bad query":          {"GET /events?limit=%zz", "", 400, "invalid", "malformed"},
		"of a presigned one": {"GET /events?X-Amz-Signature=00", "", 200, "", ""},
		"no JSON":            {"POST /domains/shop/tokens", "uses=3", 400, "invalid", "no JSON object"},
		"JSON list":          {"POST /domains/shop/tokens", "[]", 400, "invalid", "no JSON object"},
		"unknown member":     {"POST /domains/shop/tokens", `{"use":3}`, 400, "invalid", "uses"},
		"wrong type":         {"POST /domains/shop/tokens", `{"uses":"3"}`, 400, "invalid", "uses"},
		"two documents":      {"POST /domains/shop/tokens", `{}{}`, 400, "invalid", "no JSON object"},
		"number too large":   {"POST /domains/shop/tokens", `{"valid_for_seconds":9223372036854775807}`, 400, "invalid", "out of range"},
		"no user's key":      {"POST /credentials", `{"user":["kim"]}`, 400, "invalid", "expires_in"},
		"key too late":       {"POST /credentials", `{"user":"kim","expires_in":9223372036854775807}`, 400, "invalid", "out of range"},
		"policy an object":   {"POST /credentials", `{"user":"kim","policies":[{}]}`, 400, "invalid", "a list of texts"},
		"no change":          {"PATCH /credentials/K", `{}`, 400, "invalid", "inactive or operator"},
		"no change at all":   {"PATCH /credentials/K", "", 400, "invalid", "inactive or operator"},
		"empty policy":       {"PATCH /domains/shop/policy", `{"level":""}`, 400, "invalid", "level is empty"},
		"odd policy":         {"PATCH /domains/shop/policy", `{"nodes":"ignore"}`, 400, "invalid", "unmanaged_nodes"},
		"negative":           {"POST /domains/shop/tokens", `{"valid_for_seconds":-1}`, 400, "invalid", "out of range"},
		"empty body":         {"POST /domains/shop/tokens", " \n", 200, "", ""},
		"body at the limit":  {"POST /domains/shop/tokens", "{}" + strings.Repeat(" ", maxBody-2), 200, "", ""},
		"body over it":       {"POST /domains/shop/tokens", "{}" + strings.Repeat(" ", maxBody-1), 413, "too_large", "262144"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t).ask(c.request, c.body)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status != 200 {
				isError(t, w, c.code, c.says)
			}
		})
	}
}

// isError checks the form of an error answer.
func isError(t *testing.T, w *httptest.ResponseRecorder, code, says string) {
	t.Helper()
	var e map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if len(e) != 2 || e["code"] != code || !strings.Contains(e["message"], says) || e["message"] == "" || len(e["message"]) > 1000 {
		t.Errorf("want %s %q, got %v", code, says, e)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" || w.Header().Get("x-amzn-RequestId") == "" {
		t.Errorf("head %v", w.Header())
	}
	if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
		t.Error("405 without Allow")
	}
}

// What goes wrong inside is logged under the request id, and its text is never sent.
func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*fake){
		"error":       func(f *fake) { f.err = errors.New("SELECT hush FROM secret") },
		"code":        func(f *fake) { f.err = &searchpack.Error{Code: searchpack.ErrInternal, Message: "hush"} },
		"unknown":     func(f *fake) { f.err = &searchpack.Error{Code: "new", Message: "hush"} },
		"panic":       func(f *fake) { f.panics = "hush" },
		"error panic": func(f *fake) { f.panics = errors.New("hush") },
	} {
		s := newSite(t)
		spoil(s.catalog)
		w := s.ask("GET /events", "")
		if w.Code != 500 || strings.Contains(w.Body.String(), "hush") || strings.Contains(w.Body.String(), "goroutine") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		isError(t, w, "internal", "log")
		if !strings.Contains(s.log.String(), "hush") || !strings.Contains(s.log.String(), w.Header().Get("x-amzn-RequestId")) {
			t.Errorf("%s: the log does not say why: %s", name, &s.log)
		}
	}
}

// A handler that gives up a connection on purpose is let through.
func TestAbortIsNoPanic(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.catalog.panics = http.ErrAbortHandler
	defer func() {
		if recover() == nil || s.log.Len() > 0 {
			t.Errorf("ErrAbortHandler was held up: %s", &s.log)
		}
	}()
	s.ask("GET /events", "")
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for _, code := range []searchpack.Code{
		searchpack.ErrInvalid, searchpack.ErrNotFound, searchpack.ErrAlreadyExists, searchpack.ErrConflict, searchpack.ErrDenied,
		searchpack.ErrLimit, searchpack.ErrUnsupported, searchpack.ErrDisabled, searchpack.ErrType, searchpack.ErrTooLarge, searchpack.ErrUnavailable,
	} {
		s := newSite(t)
		s.catalog.err = searchpack.Errorf(code, "told")
		w := s.ask("GET /events", "")
		if w.Code == 500 || w.Code != statuses[code] {
			t.Errorf("%s: %d", code, w.Code)
		}
		isError(t, w, string(code), "told")
	}
}

// Nothing is asked of the catalog before the signature is found good.
func TestSignatureFirst(t *testing.T) {
	t.Parallel()
	for op := range newEdge(Config{}).operations {
		s := newSite(t)
		s.refused = refusedSignature
		w := s.ask(strings.NewReplacer("{", "x", "}", "x").Replace(op), "")
		if op == "GET /health" || op == "GET /openapi.json" {
			if w.Code != 200 {
				t.Errorf("%s needs credentials", op)
			}
			continue
		}
		if w.Code != 403 || s.catalog.asked != nil || w.Header().Get("x-amzn-ErrorType") != refusedSignature.Code {
			t.Errorf("%s: %d, asked %v", op, w.Code, s.catalog.asked)
		}
	}
}

// The secret text is in the answer that makes the token and nowhere else; its hash is nowhere.
func TestTokenIsShownOnce(t *testing.T) {
	t.Parallel()
	for _, a := range answers {
		s := newSite(t)
		body := s.ask(a.request, a.body).Body.String()
		if strings.Contains(body, "the-secret-text") != (a.operation == "POST /domains/{domain}/tokens") {
			t.Errorf("%s: %s", a.name, body)
		}
		if strings.Contains(body, string(token.SecretHash)) || strings.Contains(s.log.String(), "the-secret-text") {
			t.Errorf("%s shows the hash, or the log the text", a.name)
		}
	}
	s := newSite(t)
	s.catalog.err = searchpack.Errorf(searchpack.ErrInvalid, "no")
	if w := s.ask("POST /domains/shop/tokens", ""); strings.Contains(w.Body.String(), "the-secret-text") {
		t.Error("a token that was not made is shown")
	}
}

func TestHealthTellsNoCause(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sick = errors.New("dial db.internal: hush")
	if w := s.ask("GET /health", ""); w.Code != 503 || strings.Contains(w.Body.String(), "hush") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBodyBreaksOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := httptest.NewRequest("POST", Prefix+"/domains/shop/tokens", iotest.ErrReader(errors.New("gone")))
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != 400 || s.catalog.asked != nil {
		t.Errorf("%d, asked %v", w.Code, s.catalog.asked)
	}
}
