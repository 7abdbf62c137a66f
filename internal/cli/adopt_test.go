package cli

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const adopts = "POST /domains/shop/packages/F7/adopt"

func adoptedAt(status, serving, wanted, file, rest string) string {
	return associated(status, serving, wanted, `,"file":"`+file+`","adopted":true`+rest)
}

// Each case prints testdata/adopt-NAME.pipe.
func TestAdopt(t *testing.T) {
	t.Parallel()
	const here, isAdopting = "analysis/synonyms.txt", `{"package_id":"F7","status":"ASSOCIATING"}`
	rolling := adoptedAt("ASSOCIATING", "", "v2", here, `,"note":"waiting for n2 to fetch v2"`)
	done := adoptedAt("ACTIVE", "v2", "v2", here, "")
	for name, c := range map[string]struct {
		script script
		says   string
		calls  int
	}{
		"done":          {there(script{lists: {nobody, rolling, done}, adopts: {isAdopting}}), "", 1},
		"nothing to do": {there(script{lists: {done}}), "", 0},
		"under way":     {there(script{lists: {rolling, done}}), "", 0},
		"faster":        {there(script{lists: {nobody, rolling, done}, adopts: {"409 conflict Package is already in desired state"}}), "", 1},
		"placed":        {there(script{lists: {nobody, associated("ACTIVE", "v2", "v2", `,"file":"analyzers/F7"`)}, adopts: {"409 conflict Dissociate it first."}}), "is not rolled out in shop", 1},
		"placed before": {there(script{lists: {associated("ACTIVE", "v2", "v2", `,"file":"analyzers/F7"`)}}), "is associated with domain shop already, and its file there is analyzers/F7", 0},
		"of another":    {newer(script{lists: {`{"associations":[{"package_id":"F9","name":"stop","file":"analysis/synonyms.txt"}]}`}}), "is the file of package stop (F9) already. Nothing was uploaded", 0},
		"failed before": {there(script{lists: {adoptedAt("ASSOCIATION_FAILED", "", "v2", "analysis/other.txt", ""), rolling, done}, adopts: {isAdopting}}), "", 1},
		"refused": {there(script{lists: {nobody, rolling, adoptedAt("ASSOCIATION_FAILED", "", "v2", here,
			`,"error":{"type":"AdoptionRefused","message":"analysis/synonyms.txt cannot be adopted as v2 of words: n2: other bytes."}`)}, adopts: {isAdopting}}),
			"is not rolled out in shop", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, asked := c.script.lookedAt().serving(t)
			a := &AdoptCmd{
				File: pushFileOf(t), Path: here, Name: "words", Domain: "shop", Bucket: "dictionaries", Wait: true,
				Timeout: Span(time.Minute), Every: time.Millisecond,
			}
			out, err := srv.run(t, a, "table", Terminal{})
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q, got %v", c.says, err)
			}
			if asked(adopts) != c.calls || asked(associates) > 0 {
				t.Errorf("adopted %d times, associated %d times", asked(adopts), asked(associates))
			}
			golden(t, "adopt-"+strings.ReplaceAll(name, " ", "-")+".pipe", out)
			for i, request := range srv.requests {
				if strings.HasSuffix(request, "/adopt") && srv.bodies[i] != `{"path":"analysis/synonyms.txt","version":"v2"}` {
					t.Errorf("sent %s", srv.bodies[i])
				}
			}
		})
	}
}

func TestAdoptReadsStandardInput(t *testing.T) {
	t.Parallel()
	srv, _ := script{describes: {noPackages}, creates: {"403 AccessDeniedException You may not."}}.serving(t)
	a := &AdoptCmd{File: "-", Path: "synonyms.txt", Name: "from-stdin", Domain: "shop", Bucket: "dictionaries", Timeout: Span(time.Minute)}
	if _, err := srv.run(t, a, "table", Terminal{}); err == nil || !strings.Contains(err.Error(), "You may not.") {
		t.Fatal(err)
	}
	found := false
	uploaders.Range(func(key, _ any) bool {
		found = found || strings.HasPrefix(key.(string), "/dictionaries/searchpack/from-stdin/")
		return true
	})
	if !found {
		t.Error("nothing was uploaded")
	}
}

// A file was adopted once it serves where it lies, not while that is tried or after it was refused.
func TestAdoptedAt(t *testing.T) {
	t.Parallel()
	a := associationLine{File: "analysis/synonyms.txt", Adopted: true, Wanted: "v1", Note: "waiting"}
	if note := a.note(); note != "waiting" {
		t.Errorf("before it serves: %s", note)
	}
	if a.Serving = "v1"; a.note() != "waiting; adopted at analysis/synonyms.txt" {
		t.Errorf("when it serves: %s", a.note())
	}
}

func TestAdoptUsage(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for path, says := range map[string]string{
		"/etc/opensearch/analysis/synonyms.txt": "not relative", "opensearch.yml": "may belong to OpenSearch", "analyzers/F7": "leave the path out",
	} {
		a := &AdoptCmd{File: pushFileOf(t), Path: path, Name: "words", Domain: "shop", Bucket: "b", Timeout: Span(time.Minute)}
		if _, err := s.run(t, a, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("a request was sent: %v", s.requests)
	}
}
