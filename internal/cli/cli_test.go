package cli

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/extapi"
)

var update = flag.Bool("update", false, "write the golden tables")

// commandTest is one of commands.
type commandTest struct {
	command  command
	requests []string // of the extension API
	document string   // whose JSON the command passes on; "" = its own
}

// Each command prints testdata/NAME.pipe, NAME.terminal and NAME.json.
var commands = map[string]commandTest{
	"packages":      {&PackagesCmd{}, nil, ""},
	"packages-some": {&PackagesCmd{Name: []string{"F222222222", "synonyms"}}, nil, ""},
	"versions":      {&VersionsCmd{Package: "synonyms"}, []string{"GET /packages/F111111111/versions"}, "versions"},
	"versions-none": {&VersionsCmd{Package: "stop-words"}, []string{"GET /packages/F222222222/versions"}, "versions-none"},
	"findings":      {&FindingsCmd{Package: "F111111111"}, []string{"GET /packages/F111111111/findings"}, "findings"},
	"findings-v3":   {&FindingsCmd{Package: "synonyms", Version: "v3"}, []string{"GET /packages/F111111111/findings?version=3"}, "findings"},
	"findings-flag": {&FindingsCmd{Package: "synonyms", Of: "3"}, []string{"GET /packages/F111111111/findings?version=3"}, "findings"},
	"sbom":          {&SBOMCmd{Package: "synonyms", Version: "2"}, []string{"GET /packages/F111111111/sbom?version=2"}, "sbom"},
	"diff":          {&DiffCmd{Package: "synonyms", From: "v1", To: "2"}, []string{"GET /packages/F111111111/diff?from=1&to=2"}, "diff"},
	"diff-none":     {&DiffCmd{Package: "stop-words", From: "1", To: "1"}, []string{"GET /packages/F222222222/diff?from=1&to=1"}, "diff-none"},
	"domains":       {&DomainsListCmd{}, []string{"GET /domains/shop/associations", "GET /domains/empty/associations"}, ""},
	"domains-one":   {&DomainsListCmd{Name: []string{"empty"}}, []string{"GET /domains/empty/associations"}, ""},
	"policy":        {&DomainsPolicyCmd{Domain: "shop"}, []string{"GET /domains/shop/policy"}, "policy"},
	"policy-set":    {&DomainsPolicyCmd{Domain: "shop", UnmanagedNodes: "ignore", Level: "highest", Restart: "any"}, []string{"PATCH /domains/shop/policy"}, "policy-updated"},
	"nodes":         {&NodesListCmd{Domain: "shop"}, []string{"GET /domains/shop/nodes"}, "nodes"},
	"nodes-none":    {&NodesListCmd{Domain: "empty"}, []string{"GET /domains/empty/nodes"}, "nodes-none"},
	"retire":        {&NodesRetireCmd{Domain: "shop", Node: "n1"}, []string{"POST /domains/shop/nodes/n1/retire"}, "retire"},
	"rollouts":      {&RolloutsCmd{Domain: "shop", Limit: 7}, []string{"GET /domains/shop/rollouts?limit=7", "GET /domains/shop/proofs", "GET /domains/shop/nodes"}, ""},
	"rollouts-one":  {&RolloutsCmd{Domain: "shop", ID: "roll-2", Limit: 7}, []string{"GET /domains/shop/rollouts?limit=100", "GET /domains/shop/proofs", "GET /domains/shop/nodes"}, ""},
	"rollouts-none": {&RolloutsCmd{Domain: "empty", Limit: 20}, []string{"GET /domains/empty/rollouts?limit=20", "GET /domains/empty/proofs"}, ""},
	"usage":         {&UsageCmd{Package: "synonyms", Domain: "shop"}, []string{"GET /domains/shop/usage?package_id=F111111111"}, "usage"},
	"usage-plugin":  {&UsageCmd{Package: "synonyms", Domain: "plug"}, []string{"GET /domains/plug/usage?package_id=F111111111"}, "usage-plugin"},
	"usage-none":    {&UsageCmd{Package: "synonyms", Domain: "empty"}, []string{"GET /domains/empty/usage?package_id=F111111111"}, "usage-none"},
	"events":        {&EventsCmd{Limit: 1}, []string{"GET /events?limit=1"}, "events"},
	"events-some": {
		&EventsCmd{Limit: 1, Before: 9, Action: "Create&", Subject: "F1", Since: Span(time.Hour)},
		[]string{"GET /events?action=Create%26&before=9&limit=1&since=2026-03-04T07%3A06%3A07Z&subject=F1"}, "events",
	},
	"credential-create":     {&CredentialCreateCmd{User: "ci", Admin: true}, []string{"POST /credentials"}, "credential-created"},
	"credential-list":       {&CredentialListCmd{}, []string{"GET /credentials"}, "credentials"},
	"credential-list-some":  {&CredentialListCmd{Account: "1&2"}, []string{"GET /credentials?account=1%262"}, "credentials"},
	"credential-show":       {&CredentialShowCmd{Key: "SPKAEXAMPLE"}, []string{"GET /credentials/SPKAEXAMPLE"}, "credential"},
	"credential-rotate":     {&CredentialRotateCmd{Key: "SPKAEXAMPLE"}, []string{"POST /credentials/SPKAEXAMPLE/rotate"}, "credential-rotated"},
	"credential-activate":   {&CredentialActivateCmd{Key: "SPKAEXAMPLE"}, []string{"PATCH /credentials/SPKAEXAMPLE"}, "credential-updated"},
	"credential-deactivate": {&CredentialDeactivateCmd{Key: "SPKAEXAMPLE"}, []string{"PATCH /credentials/SPKAEXAMPLE"}, "credential-updated"},
	"credential-delete":     {&CredentialDeleteCmd{Key: "SPKAEXAMPLE"}, []string{"DELETE /credentials/SPKAEXAMPLE"}, "credential-deleted"},
	"token-create":          {&TokenCreateCmd{Domain: "shop", Uses: 3, Expires: Span(time.Minute), CIDR: "10.0.0.0/8"}, []string{"POST /domains/shop/tokens"}, "token-created"},
	"token-list":            {&TokenListCmd{Domain: "shop"}, []string{"GET /domains/shop/tokens"}, "tokens"},
	"token-delete":          {&TokenDeleteCmd{Domain: "shop", ID: "tok-1"}, []string{"DELETE /domains/shop/tokens/tok-1"}, "token-deleted"},
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for name, c := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, how := range map[string]struct {
				format   string
				terminal Terminal
			}{
				"pipe":     {"table", Terminal{}},
				"terminal": {"table", Terminal{Is: true, Columns: 80, Colours: true}},
				"json":     {"json", Terminal{Is: true, Columns: 80, Colours: true}},
			} {
				s := newServer(t, nil)
				got, err := s.run(t, c.command, how.format, how.terminal)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+form, got)
				if form == "json" && c.document != "" {
					samePassedOn(t, c.document, got)
				}
				var asked []string
				for _, r := range s.requests {
					if method, path, _ := strings.Cut(r, " "); strings.HasPrefix(path, extapi.Prefix) {
						asked = append(asked, method+" "+strings.TrimPrefix(path, extapi.Prefix))
					}
				}
				if d := cmp.Diff(c.requests, asked); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// samePassedOn checks that --output json prints the extension API's own document.
func samePassedOn(t *testing.T, name, got string) {
	t.Helper()
	sent, err := os.ReadFile(filepath.Join(extension, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(sent, &a) != nil || json.Unmarshal([]byte(got), &b) != nil || !cmp.Equal(a, b) {
		t.Errorf("the document of the API and the one printed differ: %s", cmp.Diff(a, b))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s: %s", path, d)
	}
}

// A rollout that is named is one of the newest.
func TestNoSuchRollout(t *testing.T) {
	t.Parallel()
	_, err := newServer(t, nil).run(t, &RolloutsCmd{Domain: "shop", ID: "roll-9", Limit: 1}, "table", Terminal{})
	if err == nil || errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "there is no rollout roll-9 among the newest 100 of domain shop") {
		t.Error(err)
	}
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	out, err := s.run(t, &TokenCreateCmd{Domain: "shop", Uses: -1, Expires: Span(90 * time.Second), CIDR: "10.0.0.0/8"}, "table", Terminal{})
	if err != nil || out != "the-secret-text\n" {
		t.Errorf("nothing but the token: %q, %v", out, err)
	}
	if want := `{"cidr":"10.0.0.0/8","uses":-1,"valid_for_seconds":90}`; s.bodies[0] != want {
		t.Errorf("sent %s", s.bodies[0])
	}
}

// A hostile server, or a hostile name in an honest one, cannot steer the terminal, in no form.
func TestNothingSteersTheTerminal(t *testing.T) {
	t.Parallel()
	evil := "x\x1b[2J\u009b2J\u202eabc\u2028y\x07\nFAKE\tROW\r\u200b\U000e0041\xff"
	text, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	raw := strings.ReplaceAll(string(text), `\u2028`, "\u2028") // as a server of another make would send it
	poison := strings.NewReplacer(`"n1"`, raw, `"laptop"`, raw, `"tablet"`, raw, `"note"`, raw, `"shop"`, raw, `"synonyms"`, raw, `"two"`, raw, `"CreatePackage"`, raw,
		`"reason"`, raw, `"analyzers/ is read-only"`, raw, `"products"`, raw, `"the-secret-text"`, raw, `"more <words>"`, raw,
		`"term was completely eliminated"`, raw)
	for name, c := range commands {
		for form, terminal := range map[string]Terminal{"table": {}, "terminal": {Is: true, Columns: 40}, "json": {}} {
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "packages/describe") && !strings.HasPrefix(name, "packages") {
					return false // the package must be found
				}
				rec := &recorder{header: http.Header{}}
				answer(t, rec, r)
				_, _ = io.WriteString(w, poison.Replace(rec.text.String()))
				return true
			})
			format := "table"
			if form == "json" {
				format = "json"
			}
			out, _ := s.run(t, c.command, format, terminal)
			for _, r := range out {
				if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028') {
					t.Errorf("%s as %s prints %U: %q", name, form, r, out)
					break
				}
			}
			if strings.Contains(out, "\nFAKE") {
				t.Errorf("%s as %s: a name made a row: %q", name, form, out)
			}
			if form == "json" && !json.Valid([]byte(out)) && out != "" {
				t.Errorf("%s: no JSON: %q", name, out)
			}
		}
	}
}

type recorder struct {
	header http.Header
	text   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(b []byte) (int, error) { return r.text.Write(b) }

// Escapes in printed JSON keep its meaning.
func TestEscapeJSON(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain ü 漢字 😀", "\x1b[0m", "\u009b", "\u202e", "\U000e0041", "\u2028\u2029", "<&>"} {
		var doc strings.Builder
		enc := json.NewEncoder(&doc)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal([]byte(escapeJSON(doc.String())), &back); err != nil || back != s {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for name, c := range map[string]struct {
		command  command
		endpoint string
		says     string
	}{
		"no endpoint":         {&PackagesCmd{}, "", "AWS_ENDPOINT_URL"},
		"no URL":              {&PackagesCmd{}, "localhost:9400", "write http://HOST:PORT"},
		"no scheme":           {&NodesListCmd{Domain: "x"}, "//localhost", "write http://HOST:PORT"},
		"other scheme":        {&NodesListCmd{Domain: "x"}, "ftp://localhost", "write http://HOST:PORT"},
		"version":             {&FindingsCmd{Package: "synonyms", Version: "latest"}, s.URL, `"latest" is no version`},
		"version of a bill":   {&SBOMCmd{Package: "synonyms", Version: "v"}, s.URL, `"v" is no version`},
		"diff with nothing":   {&DiffCmd{Package: "synonyms", From: "v1"}, s.URL, `"" is no version`},
		"diff with latest":    {&DiffCmd{Package: "synonyms", From: "latest", To: "1"}, s.URL, `"latest" is no version`},
		"version zero":        {&FindingsCmd{Package: "synonyms", Version: "v0"}, s.URL, "is no version"},
		"token for nobody":    {&TokenCreateCmd{Domain: "shop", Expires: Span(time.Hour)}, s.URL, "--uses 0"},
		"token for minus two": {&TokenCreateCmd{Domain: "shop", Uses: -2, Expires: Span(time.Hour)}, s.URL, "--uses -2"},
		"token without time":  {&TokenCreateCmd{Domain: "shop", Uses: 1}, s.URL, "--expires 0s"},
		"no rollouts":         {&RolloutsCmd{Domain: "shop"}, s.URL, "--limit is a number from 1 to 100"},
		"too many rollouts":   {&RolloutsCmd{Domain: "shop", Limit: 101}, s.URL, "--limit is a number from 1 to 100"},
		"version of size":     {&FindingsCmd{Package: "synonyms", Version: "v99999999999"}, s.URL, "is no version"},
	} {
		err := c.command.Run(&Context{Context: t.Context(), Out: io.Discard, Now: time.Now, Globals: &Globals{EndpointURL: c.endpoint, Output: "table"}})
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("a request was sent: %v", s.requests)
	}
}

func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	s := newServer(t, nil)
	for _, c := range []command{&PackagesCmd{}, &EventsCmd{Limit: 1}} {
		if _, err := s.run(t, c, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "no credentials") {
			t.Error(err)
		}
	}
	t.Setenv("AWS_PROFILE", "nix")
	if _, err := s.run(t, &PackagesCmd{}, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "nix") {
		t.Error(err)
	}
}

// What a server refuses, and what is no Searchpack, comes out as an error of one line.
func TestServerErrors(t *testing.T) {
	t.Parallel()
	say := func(status int, header, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("x-amzn-ErrorType", header)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	nodes, packages := &NodesListCmd{Domain: "shop"}, &PackagesCmd{}
	for name, c := range map[string]struct {
		command command
		answers func(http.ResponseWriter, *http.Request) bool
		says    string
	}{
		"refused":           {nodes, say(404, "", `{"code":"not_found","message":"Domain not found: shop"}`), "Domain not found: shop (not_found)"},
		"refused by AWS's":  {packages, say(403, "AccessDeniedException", `{"message":"You may not"}`), "You may not (AccessDeniedException)"},
		"an unknown key":    {nodes, say(403, "", `{"code":"UnrecognizedClientException","message":"Invalid."}`), "look at AWS_ACCESS_KEY_ID"},
		"unknown to AWS's":  {packages, say(403, "UnrecognizedClientException", `{"message":"Invalid."}`), "AWS_PROFILE. (UnrecognizedClientException)"},
		"a proxy's page":    {nodes, say(502, "", "<html>bad gateway</html>"), "the server answers 502"},
		"another's 200":     {nodes, say(200, "", "<html>hello</html>"), "not Searchpack's extension API"},
		"other JSON":        {nodes, say(200, "", `[1]`), "not Searchpack's extension API"},
		"rollouts of other": {&RolloutsCmd{Domain: "shop", Limit: 1}, say(200, "", `{"rollouts":1,"proofs":2}`), "not Searchpack's extension API"},
		"rollouts missing":  {&RolloutsCmd{Domain: "shop", Limit: 1}, say(200, "", `{}`), "not Searchpack's extension API"},
		"another's domain":  {&DomainsListCmd{Name: []string{"shop"}}, say(200, "", `{}`), "not the OpenSearch service's API"},
		"key forgotten":     {&CredentialCreateCmd{User: "ci", Admin: true}, say(200, "", `{"access_key":"K"}`), "did not say which"},
		"key not rotated":   {&CredentialRotateCmd{Key: "K"}, say(200, "", `{}`), "did not say which"},
		"endless events":    {&EventsCmd{Limit: 2, Before: 5}, say(200, "", `{"events":[],"next_before":5}`), "do not come to an end"},
		"events of other":   {&EventsCmd{Limit: 2}, say(200, "", `{"events":["x"]}`), "not Searchpack's extension API"},
		"token forgotten":   {&TokenCreateCmd{Domain: "shop", Uses: 1, Expires: Span(time.Hour)}, say(200, "", `{}`), "did not say which"},
		"no such package":   {&VersionsCmd{Package: "nix"}, nil, "there is no package nix"},
		"no such packages":  {&PackagesCmd{Name: []string{"synonyms", "nix"}}, nil, "there is no package nix"},
		"twins":             {&VersionsCmd{Package: "twin"}, nil, "2 packages are named twin: give the id of one"},
		"hostile name":      {&NodesListCmd{Domain: "../../x?y#z"}, nil, "/domains/..%2F..%2Fx%3Fy%23z/nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := newServer(t, c.answers).run(t, c.command, "table", Terminal{})
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, ErrUsage) {
				t.Errorf("want %q, got %v", c.says, err)
			}
			if out != "" {
				t.Errorf("something is printed: %q", out)
			}
		})
	}
}

// A server behind a private authority: AWS_CA_BUNDLE counts for both APIs.
func TestPrivateAuthority(t *testing.T) {
	s := &server{Server: httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(t, w, r) }))}
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	both := []command{&PackagesCmd{}, &EventsCmd{Limit: 1}}
	t.Setenv("AWS_CA_BUNDLE", "")
	for _, c := range both {
		if _, err := s.run(t, c, "table", Terminal{}); err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
			t.Errorf("%T trusts anybody: %v", c, err)
		}
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	for _, c := range both {
		if _, err := s.run(t, c, "table", Terminal{}); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestServerAway(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.Close()
	for _, c := range []command{&PackagesCmd{}, &DomainsListCmd{}, &EventsCmd{Limit: 1}} {
		_, err := s.run(t, c, "table", Terminal{})
		if err == nil || !strings.HasPrefix(err.Error(), "the server at "+s.URL+" does not answer: ") {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, c := range []command{&PackagesCmd{}, &EventsCmd{Limit: 1}} {
		err := c.Run(&Context{Context: cancelled(), Out: io.Discard, Now: time.Now, Globals: &Globals{EndpointURL: s.URL, Output: "table"}})
		if err == nil || errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "cancel") {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	c := &Context{Now: func() time.Time { return now }}
	for want, d := range map[string]time.Duration{
		"now": 999 * time.Millisecond, "59s ago": 59 * time.Second, "1m ago": 119 * time.Second, "47h ago": 48*time.Hour - 1, "2d ago": 48 * time.Hour,
	} {
		if got := c.ago(now.Add(-d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := c.ago(now.Add(time.Hour)); got != "now" { // a server whose clock is ahead
		t.Error(got)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	p := &page{}
	tab := newTable("NAME", "OTHER", "LONG")
	tab.row("漢字", "a", "")
	tab.row("e\u0301x", "b", "text")
	tab.row("", "c")
	p.table(tab)
	want := "NAME  OTHER  LONG\n漢字  a      -\ne\u0301x    b      text\n-     c      -\n"
	if d := cmp.Diff(want, p.text.String()); d != "" {
		t.Error(d)
	}
}
