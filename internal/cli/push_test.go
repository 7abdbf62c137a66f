package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

const pushedText = "laptop, notebook\n"

// pushed is the digest of pushedText.
var pushed = searchpack.DigestOf([]byte(pushedText))

// script is what a server answers: to each request its answers one after the other, the last one again
// and again. "409 ConflictException text" is an error.
type script map[string][]string

// serving returns a server that follows the script, and a count of the requests by what they were.
func (s script) serving(t *testing.T) (*server, func(request string) int) {
	t.Helper()
	var mu sync.Mutex
	asked := map[string]int{}
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) bool {
		request := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/searchpack/v1")
		mu.Lock()
		defer mu.Unlock()
		n := asked[request]
		asked[request]++
		answers := s[request]
		if len(answers) == 0 {
			return false
		}
		text := answers[min(n, len(answers)-1)]
		if status, rest, _ := strings.Cut(text, " "); status == "409" || status == "403" {
			code, message, _ := strings.Cut(rest, " ")
			w.Header().Set("x-amzn-ErrorType", code)
			w.WriteHeader(map[string]int{"409": http.StatusConflict, "403": http.StatusForbidden}[status])
			text = fmt.Sprintf(`{"message":%q}`, message)
		}
		_, _ = io.WriteString(w, text)
		return true
	})
	return srv, func(request string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[request]
	}
}

// Requests of the scripts.
const (
	describes  = "POST /2021-01-01/packages/describe"
	creates    = "POST /2021-01-01/packages"
	updates    = "POST /2021-01-01/packages/update"
	associates = "POST /2021-01-01/packages/associate/F7/shop"
	listsVs    = "GET /packages/F7/versions"
	lists      = "GET /domains/shop/associations"
	follows    = "GET /2021-01-01/packages/F7/domains"
)

// attempt is one version as the extension API tells it.
func attempt(version, status string, d searchpack.Digest) string {
	return fmt.Sprintf(`{"version":%q,"status":%q,"digest":%q,"kind":"solr-synonyms","source":{"bucket":"dictionaries","key":"searchpack/words/%s"}}`, version, status, d, pushed)
}

// lookedAt is the script of a server that is asked for the associations of each domain once before all else,
// and answers what it answers first.
func (s script) lookedAt() script {
	out := script{}
	for request, answers := range s {
		if strings.HasPrefix(request, "GET /domains/") && strings.HasSuffix(request, "/associations") {
			answers = append([]string{answers[0]}, answers...)
		}
		out[request] = answers
	}
	return out
}

func versionsOf(attempts ...string) string {
	return `{"versions":[` + strings.Join(attempts, ",") + `]}`
}

func associated(status, serving, wanted, rest string) string {
	return fmt.Sprintf(`{"associations":[{"package_id":"F9"},{"package_id":"F7","status":%q,"serving":%q,"wanted":%q,"track":"calls"%s}]}`, status, serving, wanted, rest)
}

const (
	thePackage  = `{"PackageDetailsList":[{"PackageID":"F7","PackageName":"words","PackageType":"TXT-DICTIONARY"}]}`
	noPackages  = `{"PackageDetailsList":[]}`
	isAsked     = `{"DomainPackageDetails":{"DomainPackageStatus":"ASSOCIATING"}}`
	nobody      = `{"associations":[]}`
	other       = searchpack.Digest("0000000000000000000000000000000000000000000000000000000000000000")
	theProofs   = `{"proofs":[{"agent_id":"a1","node":"n1","version":1,"level":"loaded","digest":"0","probe":"2 chains","witness":"1 analyzer matched"},{"agent_id":"a2","node":"n2","version":2,"level":"loaded","digest":"0","probe":"2 chains of 1 index","witness":"1 analyzer matched"}]}`
	theNodes    = `{"nodes":[{"agent_id":"a1","name":"n1","state":"owes","note":"its node is in no cluster"},{"agent_id":"a2","name":"n2","state":"proves"},{"agent_id":"a3","name":"n3","state":"retired"},{"name":"n4","state":"ignored"}]}`
	theFindings = `{"version":{"status":"VALIDATION_FAILED"},"count":1,"findings":[{"rule":"synonyms.two-arrows","severity":"error","line":1,"column":8,"message":"two arrows"}]}`
)

// newer is a package with v1 of other bytes that gets v2 of these.
func newer(more script) script {
	s := script{
		describes: {thePackage},
		listsVs: {
			versionsOf(attempt("v1", "AVAILABLE", other)), versionsOf(attempt("v1", "AVAILABLE", other), attempt("", "COPYING", "")),
			versionsOf(attempt("v1", "AVAILABLE", other), attempt("", "VALIDATING", pushed)), versionsOf(attempt("v1", "AVAILABLE", other), attempt("v2", "AVAILABLE", pushed)),
		},
		updates:                    {`{"PackageDetails":{"PackageID":"F7"}}`},
		associates:                 {isAsked},
		"GET /domains/shop/proofs": {theProofs}, "GET /domains/shop/nodes": {theNodes},
	}
	for k, v := range more {
		s[k] = v
	}
	return s
}

// there is a package whose newest version has the bytes.
func there(more script) script {
	s := newer(more)
	s[listsVs] = []string{versionsOf(attempt("v1", "AVAILABLE", other), attempt("v2", "AVAILABLE", pushed))}
	return s
}

func pushFileOf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(path, []byte(pushedText), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bare cases print what others print as well: the error says it all.
var bare = map[string]bool{
	"plan of a follower": true, "other bytes": true, "deleted": true, "twins": true, "a plugin's name": true, "made, unsaid": true, "denied": true, "no bucket there": true,
}

// Each other case prints testdata/push-NAME.pipe, and the JSON is one document.
func TestPush(t *testing.T) {
	t.Parallel()
	rolling := associated("ASSOCIATING", "v1", "v2", `,"note":"waiting for n2 to fetch v2"`)
	for name, c := range map[string]struct {
		command PushCmd
		script  script
		says    string         // of the error; "" = done
		asked   map[string]int // how often
	}{
		"new": {PushCmd{Kind: "solr-synonyms", Message: "first"}, script{
			describes: {noPackages}, creates: {`{"PackageDetails":{"PackageID":"F7"}}`},
			listsVs: {versionsOf(attempt("", "COPYING", "")), versionsOf(attempt("v1", "AVAILABLE", pushed))},
		}, "", map[string]int{updates: 0, creates: 1}},
		"update": {PushCmd{Domain: []string{"shop"}, Wait: true}, newer(script{lists: {
			associated("ACTIVE", "v1", "v1", ""), rolling, rolling, associated("ACTIVE", "v2", "v2", `,"findings":[{"severity":"warning","message":"reopen needed: index a"}]`),
		}}), "", map[string]int{updates: 1, associates: 1}},
		"nothing to do": {PushCmd{Domain: []string{"shop"}, Wait: true}, there(script{lists: {associated("ACTIVE", "v2", "v2", "")}}), "",
			map[string]int{updates: 0, associates: 0}},
		"another kind": {PushCmd{Kind: "words"}, newer(script{listsVs: {
			versionsOf(attempt("v1", "AVAILABLE", pushed)), versionsOf(attempt("v1", "AVAILABLE", pushed), attempt("v2", "AVAILABLE", pushed)),
		}}), "", map[string]int{updates: 1}},
		"under way": {PushCmd{Domain: []string{"shop"}, Wait: true}, there(script{lists: {rolling, rolling, associated("ACTIVE", "v2", "v2", "")}}), "",
			map[string]int{associates: 0}},
		"another import first": {PushCmd{}, there(script{listsVs: {
			versionsOf(attempt("", "COPYING", "")), versionsOf(attempt("v1", "AVAILABLE", pushed)),
		}}), "", map[string]int{updates: 0}},
		"another rollout first": {PushCmd{Domain: []string{"shop"}, Wait: true}, there(script{lists: {
			associated("ASSOCIATING", "", "v1", `,"note":"waiting for n1"`), associated("ACTIVE", "v1", "v1", ""), rolling, associated("ACTIVE", "v2", "v2", ""),
		}}), "", map[string]int{associates: 1}},
		"without waiting":     {PushCmd{Domain: []string{"shop"}}, there(script{lists: {nobody}}), "", map[string]int{associates: 1, "GET /domains/shop/proofs": 0}},
		"somebody was faster": {PushCmd{Domain: []string{"shop"}}, there(script{lists: {nobody, rolling}, associates: {"409 ConflictException Package is already in desired state"}}), "", nil},
		"refused file": {PushCmd{Domain: []string{"shop"}}, newer(script{
			listsVs: {versionsOf(), versionsOf(strings.Replace(attempt("", "VALIDATION_FAILED", pushed), `"status"`, `"error":{"message":"Line 1: two arrows."},"status"`, 1))},

			"GET /packages/F7/findings": {theFindings},
		}), "is not imported (VALIDATION_FAILED): Line 1: two arrows", map[string]int{associates: 0}},
		"a remedy": {PushCmd{}, newer(script{
			listsVs:                     {versionsOf(), versionsOf(strings.Replace(attempt("", "VALIDATION_FAILED", pushed), `"status"`, `"error":{"message":"Line 1: two arrows. To mend the first: write one."},"status"`, 1))},
			"GET /packages/F7/findings": {strings.Replace(theFindings, `"message"`, `"remedy":"write one","message"`, 1)},
		}), "is not imported (VALIDATION_FAILED): Line 1: two arrows", nil},
		"warnings": {PushCmd{}, newer(script{
			listsVs: {versionsOf(attempt("v1", "AVAILABLE", other)), versionsOf(attempt("v1", "AVAILABLE", other), strings.Replace(attempt("v2", "AVAILABLE", pushed), `"status"`, `"findings":4,"status"`, 1))},
			"GET /packages/F7/findings": {`{"version":{"version":"v2","status":"AVAILABLE","kind":"words"},"count":4,"findings":[
				{"rule":"words.odd","severity":"warning","line":1,"message":"odd","remedy":"make it even"},{"rule":"words.note","severity":"note","line":2,"message":"by the way"}]}`},
		}), "", map[string]int{"GET /packages/F7/findings": 1}},
		"unseen findings": {PushCmd{}, newer(script{
			listsVs:                     {versionsOf(attempt("v1", "AVAILABLE", other)), versionsOf(attempt("v1", "AVAILABLE", other), strings.Replace(attempt("v2", "AVAILABLE", pushed), `"status"`, `"findings":4,"status"`, 1))},
			"GET /packages/F7/findings": {"403 AccessDeniedException You may not."},
		}), "", nil},
		"failed": {PushCmd{Domain: []string{"shop"}, Wait: true}, there(script{lists: {
			nobody, rolling, associated("ASSOCIATION_FAILED", "v1", "v2", `,"error":{"type":"ProbeFailed","message":"Node n2 refuses v2."}`),
		}}), "words v2 is not rolled out in shop", nil},
		"changed meanwhile": {PushCmd{Domain: []string{"shop"}, Wait: true}, there(script{lists: {nobody, nobody}}), "is not rolled out in shop", nil},
		"one of two refuses": {PushCmd{Domain: []string{"shop", "full"}, Wait: true}, there(script{
			lists: {associated("ACTIVE", "v2", "v2", "")}, "GET /domains/full/associations": {nobody},

			"POST /2021-01-01/packages/associate/F7/full": {"409 ConflictException The domain is full."},
		}), "is not rolled out in full", map[string]int{"GET /domains/shop/proofs": 1}},
		"plan": {PushCmd{Domain: []string{"shop"}, Plan: true}, newer(script{
			follows: {`{"DomainPackageDetailsList":[{"DomainName":"shop"}]}`}, lists: {associated("ACTIVE", "v1", "v1", "")},

			"GET /domains/shop/packages/F7/plan": {`{"domain":"shop","name":"words","version":"v2","former":"v1","usage":{"known":true}}`},
		}), "", map[string]int{updates: 1, associates: 0}},
		"plan of a follower": {PushCmd{Domain: []string{"shop"}, Plan: true}, newer(script{
			follows: {`{"DomainPackageDetailsList":[{"DomainName":"shop"}]}`}, lists: {strings.ReplaceAll(associated("ACTIVE", "v1", "v1", ""), `"calls"`, `"latest"`)},
		}), "follows the latest version of words", map[string]int{updates: 0}},
		"other bytes": {PushCmd{}, newer(script{listsVs: {versionsOf(), versionsOf(attempt("v1", "AVAILABLE", other))}}), "has other bytes than", nil},
		"deleted":     {PushCmd{}, newer(script{listsVs: {versionsOf()}}), "somebody deleted it meanwhile", nil},
		"twins":       {PushCmd{}, script{describes: {`{"PackageDetailsList":[{"PackageID":"F1","PackageName":"words","PackageType":"TXT-DICTIONARY"},{"PackageID":"F2","PackageName":"words","PackageType":"TXT-DICTIONARY"}]}`}}, "2 packages are named words", nil},
		"a plugin's name": {PushCmd{}, script{describes: {`{"PackageDetailsList":[{"PackageID":"pkg-1","PackageName":"words","PackageType":"ZIP-PLUGIN"}]}`}},
			"package words (pkg-1) is a ZIP-PLUGIN, and the file would be a version of a TXT-DICTIONARY: give it another --name", map[string]int{creates: 0, updates: 0}},
		"made, unsaid": {PushCmd{}, script{
			describes: {noPackages}, creates: {`{}`},
		}, "did not say which", nil},
		"denied": {PushCmd{}, script{describes: {noPackages}, creates: {"403 AccessDeniedException You may not."}}, "You may not. (AccessDeniedException)", nil},
		"no bucket there": {
			PushCmd{Bucket: "nowhere"}, script{describes: {noPackages}}, "upload to s3://nowhere/searchpack/words/", map[string]int{creates: 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"table", "json"} {
				srv, asked := c.script.lookedAt().serving(t)
				p := c.command
				p.File, p.Name, p.Timeout, p.Every = pushFileOf(t), "words", Span(time.Minute), time.Millisecond
				if p.Bucket == "" {
					p.Bucket = "dictionaries"
				}
				out, err := srv.run(t, &p, format, Terminal{})
				if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || errors.Is(err, ErrUsage)) {
					t.Errorf("%s: want %q, got %v", format, c.says, err)
				}
				for request, want := range c.asked {
					if got := asked(request); got != want {
						t.Errorf("%s: %s was asked %d times, want %d", format, request, got, want)
					}
				}
				if format == "table" {
					if bare[name] {
						continue
					}
					if strings.Count(out+fmt.Sprint(err), "write one") > 1 {
						t.Errorf("the remedy stands there twice: %v\n%s", err, out)
					}
					golden(t, "push-"+strings.NewReplacer(" ", "-", ",", "").Replace(name)+".pipe", out)
					continue
				}
				var document pushResult
				if json.Unmarshal([]byte(out), &document) != nil || document.Digest != pushed || (document.Error == "") != (err == nil) {
					t.Errorf("printed %s", out)
				}
			}
		})
	}
}

// What is uploaded is the file, under the name of its bytes, with what it is declared to be.
func TestPushUploads(t *testing.T) {
	t.Parallel()
	srv, _ := script{
		describes: {noPackages}, creates: {`{"PackageDetails":{"PackageID":"F7"}}`},
		listsVs: {strings.ReplaceAll(versionsOf(attempt("v1", "AVAILABLE", pushed)), "searchpack/words/", "searchpack/declared/")},
	}.serving(t)
	p := &PushCmd{File: pushFileOf(t), Name: "declared", Bucket: "dictionaries", Kind: "words", Message: "why", Timeout: Span(time.Minute)}
	if _, err := srv.run(t, p, "table", Terminal{}); err != nil {
		t.Fatal(err)
	}
	o, err := uploads.GetObject("dictionaries", "searchpack/declared/"+string(pushed), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Contents.Close()
	text, err := io.ReadAll(o.Contents)
	if err != nil || string(text) != pushedText || o.Metadata["X-Amz-Meta-"+http.CanonicalHeaderKey(searchpack.MetadataKind)] != "words" {
		t.Errorf("%q, %v, %v", text, o.Metadata, err)
	}
	var sent struct {
		PackageDescription, PackageType string
		PackageSource                   struct{ S3BucketName, S3Key string }
	}
	if err := json.Unmarshal([]byte(srv.bodies[1]), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.PackageDescription != "why" || sent.PackageType != "TXT-DICTIONARY" || sent.PackageSource.S3BucketName != "dictionaries" || sent.PackageSource.S3Key != "searchpack/declared/"+string(pushed) {
		t.Errorf("sent %+v", sent)
	}
}

// S3 may want another key than the server.
func TestPushWithAnotherKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("[store]\naws_access_key_id=OTHER\naws_secret_access_key=hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
	for name, c := range map[string]struct{ profile, key string }{"keyed": {"store", "OTHER"}, "unkeyed": {"", "test"}} {
		srv, _ := script{describes: {noPackages}, creates: {"403 AccessDeniedException You may not."}}.serving(t)
		p := &PushCmd{File: pushFileOf(t), Name: name, Bucket: "dictionaries", S3Profile: c.profile, Timeout: Span(time.Minute)}
		if _, err := srv.run(t, p, "table", Terminal{}); err == nil || !strings.Contains(err.Error(), "You may not.") {
			t.Errorf("%s: %v", name, err)
		}
		sent, _ := uploaders.Load("/dictionaries/searchpack/" + name + "/" + string(pushed))
		if text, _ := sent.(string); !strings.Contains(text, "Credential="+c.key+"/") {
			t.Errorf("%s was sent with %q", name, text)
		}
	}
	srv, _ := script{describes: {noPackages}}.serving(t)
	p := &PushCmd{File: pushFileOf(t), Name: "words", Bucket: "dictionaries", S3Profile: "nix", Timeout: Span(time.Minute)}
	if _, err := srv.run(t, p, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "nix") {
		t.Errorf("no such profile: %v", err)
	}
}

// What a server says while it is waited for steers no terminal.
func TestPushIsClean(t *testing.T) {
	t.Parallel()
	evil := `,"note":"a\u001b[2J\u202eb\r\nFAKE"`
	for _, terminal := range []Terminal{{}, {Is: true, Columns: 30}} {
		srv, _ := there(script{lists: {nobody, associated("ASSOCIATING", "", "v2", evil), associated("ACTIVE", "v2", "v2", "")}}).lookedAt().serving(t)
		p := &PushCmd{File: pushFileOf(t), Name: "words", Bucket: "dictionaries", Domain: []string{"shop"}, Wait: true, Timeout: Span(time.Minute), Every: time.Millisecond}
		out, err := srv.run(t, p, "table", terminal)
		if err != nil || strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "\nFAKE") {
			t.Errorf("%q, %v", out, err)
		}
	}
}

// On a terminal one line changes and goes in the end.
func TestPushOnATerminal(t *testing.T) {
	t.Parallel()
	srv, _ := there(script{lists: {
		nobody, associated("ASSOCIATING", "", "v2", `,"note":"waiting for n1 and many others to do what takes a whole line"`), associated("ASSOCIATING", "", "v2", `,"note":"n2"`), associated("ACTIVE", "v2", "v2", ""),
	}}).lookedAt().serving(t)
	p := &PushCmd{File: pushFileOf(t), Name: "words", Bucket: "dictionaries", Domain: []string{"shop"}, Wait: true, Timeout: Span(time.Minute), Every: time.Millisecond}
	out, err := srv.run(t, p, "table", Terminal{Is: true, Columns: 40})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "push.terminal", out)
}

// The time that is up, and a stop, end it with what it waited for.
func TestPushEnds(t *testing.T) {
	t.Parallel()
	s := there(script{lists: {nobody, associated("ASSOCIATING", "", "v2", `,"note":"waiting for n1"`)}})
	command := func(timeout time.Duration) *PushCmd {
		return &PushCmd{File: pushFileOf(t), Name: "words", Bucket: "dictionaries", Domain: []string{"shop"}, Wait: true, Timeout: Span(timeout), Every: time.Millisecond}
	}
	srv, _ := s.lookedAt().serving(t)
	out, err := srv.run(t, command(time.Second), "json", Terminal{})
	if err == nil || !strings.Contains(err.Error(), "not done within 1s: shop: ASSOCIATING: waiting for n1. What has begun goes on") || !strings.Contains(out, `"status": "ASSOCIATING"`) {
		t.Errorf("%v, %s", err, out)
	}
	srv, _ = s.serving(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = command(time.Minute).Run(&Context{
		Context: ctx, Out: &stopper{text: "waiting for n1", stop: stop}, Now: time.Now, Globals: &Globals{EndpointURL: srv.URL, Output: "table"},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// stopper stops a command that has written a text.
type stopper struct {
	text string
	stop func()
}

// Write implements io.Writer.
func (s *stopper) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(s.text)) {
		s.stop()
	}
	return len(b), nil
}

// Nothing is sent for what must be changed on the command line first.
func TestPushUsage(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	file := pushFileOf(t)
	good := PushCmd{File: file, Name: "words", Bucket: "b", Timeout: Span(time.Minute)}
	for says, change := range map[string]func(p *PushCmd){
		"no bucket named":          func(p *PushCmd) { p.Bucket = "" },
		"is no name of a package":  func(p *PushCmd) { p.Name = "../words" },
		"is no kind of dictionary": func(p *PushCmd) { p.Kind = "list" },
		"more than 160 characters": func(p *PushCmd) { p.Message = strings.Repeat("ü", 161) },
		"give one of them":         func(p *PushCmd) { p.Domain, p.Plan, p.Wait = []string{"d"}, true, true },
		"name one with --domain":   func(p *PushCmd) { p.Plan = true },
		"leaves no time":           func(p *PushCmd) { p.Timeout = 0 },
		"no such file":             func(p *PushCmd) { p.File = file + ".gone" },
		"zip what is in it":        func(p *PushCmd) { p.File = filepath.Dir(file) },
		"one regular file":         func(p *PushCmd) { p.File = os.DevNull },
		"write it as OpenSearch_3": func(p *PushCmd) { p.EngineVersion = "3.8.x" },
	} {
		p := good
		change(&p)
		if _, err := s.run(t, &p, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("a request was sent: %v", s.requests)
	}
}

const pushedChecks = `{"schema":1,"checks":[{"name":"laptop","index":"books","analyze":{"analyzer":"a","text":"laptop"},"expect":{"contains":["notebook"]}}]}`

// checked is an attempt with checks of this digest.
func checked(version, status string, d, checks searchpack.Digest) string {
	key := string(pushed)
	if checks != "" {
		key += "-" + checks.Short()
	}
	return fmt.Sprintf(`{"version":%q,"status":%q,"digest":%q,"checks_digest":%q,"source":{"bucket":"dictionaries","key":"searchpack/checked/%s"}}`, version, status, d, checks, key)
}

// The checks are part of what is pushed: the same bytes with other checks are another version, also with
// none.
func TestPushChecks(t *testing.T) {
	t.Parallel()
	mine, others := searchpack.DigestOf([]byte(pushedChecks)), searchpack.DigestOf(nil)
	path := filepath.Join(t.TempDir(), "checks.json")
	if err := os.WriteFile(path, []byte(pushedChecks), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, says string
		before     string
		after      string
		updates    int
	}{
		"the same":        {path, "", checked("v1", "AVAILABLE", pushed, mine), "", 0},
		"others":          {path, "", checked("v1", "AVAILABLE", pushed, others), checked("v2", "AVAILABLE", pushed, mine), 1},
		"none before":     {path, "", checked("v1", "AVAILABLE", pushed, ""), checked("v2", "AVAILABLE", pushed, mine), 1},
		"none now":        {"", "", checked("v1", "AVAILABLE", pushed, mine), checked("v2", "AVAILABLE", pushed, ""), 1},
		"not taken in":    {path, "has other checks than", checked("v1", "AVAILABLE", other, ""), checked("v2", "AVAILABLE", pushed, ""), 1},
		"none, as before": {"", "", checked("v1", "AVAILABLE", pushed, ""), "", 0},
	} {
		if name == "not taken in" { // the key is that of the upload with checks
			c.after = strings.Replace(c.after, string(pushed)+`"}`, string(pushed)+"-"+mine.Short()+`"}`, 1)
		}
		srv, asked := script{
			describes: {strings.ReplaceAll(thePackage, "words", "checked")}, updates: {`{"PackageDetails":{"PackageID":"F7"}}`},
			listsVs: {versionsOf(c.before), versionsOf(c.before, c.after)},
		}.serving(t)
		p := &PushCmd{File: pushFileOf(t), Name: "checked", Bucket: "dictionaries", Checks: c.file, Timeout: Span(time.Minute), Every: time.Millisecond}
		out, err := srv.run(t, p, "table", Terminal{})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || asked(updates) != c.updates {
			t.Errorf("%s: %v, %d updates\n%s", name, err, asked(updates), out)
		}
	}
	o, err := uploads.GetObject("dictionaries", "searchpack/checked/"+string(mine)+".checks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Contents.Close()
	if text, err := io.ReadAll(o.Contents); err != nil || string(text) != pushedChecks {
		t.Errorf("%q, %v", text, err)
	}
	file, err := uploads.GetObject("dictionaries", "searchpack/checked/"+string(pushed)+"-"+mine.Short(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Contents.Close()
	if got := file.Metadata["X-Amz-Meta-"+http.CanonicalHeaderKey(searchpack.MetadataChecks)]; got != "searchpack/checked/"+string(mine)+".checks.json" {
		t.Errorf("the metadata names %q", got)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(strings.Replace(pushedChecks, "contains", "contain", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{bad: "bad.json: line 1, checks[0].expect.contain: there is no such member", bad + "x": "no such file"} {
		srv, asked := script{}.serving(t)
		_, err := srv.run(t, &PushCmd{File: pushFileOf(t), Name: "checked", Bucket: "dictionaries", Checks: file, Timeout: Span(time.Minute)}, "table", Terminal{})
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), says) || asked(describes) > 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}
