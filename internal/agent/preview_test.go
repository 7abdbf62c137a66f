package agent

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// readingNode gives the words of the text, each with the content of the file that "filter" names in
// stop form: the body's "f_path" is read under dir.
type readingNode struct {
	filesOnly
	dir   string
	asked int
	after func() // called once a body was analyzed
	err   error
}

func (n *readingNode) Tokens(_ context.Context, body string) ([]searchpack.Token, error) {
	n.asked++
	var m struct {
		Filter []struct {
			Path string `json:"stopwords_path"`
		}
		Text string
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return nil, err
	}
	if n.err != nil {
		return nil, n.err
	}
	content, err := os.ReadFile(filepath.Join(n.dir, m.Filter[0].Path))
	if err != nil {
		return nil, err
	}
	var out []searchpack.Token
	for i, word := range strings.Fields(m.Text) {
		out = append(out, searchpack.Token{Text: word + string(content), Position: i})
	}
	if n.after != nil {
		n.after()
	}
	return out, nil
}

// previewSite is a worker whose node has package F1 as v1 in place and v2 as a candidate.
func previewSite(t *testing.T) (*worker, *readingNode, *searchpack.PreviewTask) {
	t.Helper()
	dir := t.TempDir()
	v1, v2 := searchpack.DigestOf([]byte("v1")), searchpack.DigestOf([]byte("v2"))
	for path, content := range map[string]string{searchpack.ReferencePath("F1"): "v1", searchpack.CandidatePath(v2): "v2"} {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := &readingNode{dir: dir}
	b := &book{rec: record{Placed: map[string]placed{"F1": {State: searchpack.FileLive, Digest: v1}}}}
	body := func(path string) string {
		return `{"tokenizer":"standard","filter":[{"type":"stop","stopwords_path":"` + path + `"}],"text":"searchpack"}`
	}
	return &worker{node: n, conf: newConfigDir(dir, func(string) {}), book: b}, n, &searchpack.PreviewTask{
		PackageID: "F1", Text: "cheap tv", Before: body(searchpack.ReferencePath("F1")), Live: v1,
		After: body(searchpack.CandidatePath(v2)), Candidate: v2,
	}
}

func tokensOf(words ...string) *searchpack.Tokens {
	out := &searchpack.Tokens{}
	for i, w := range words {
		out.Tokens = append(out.Tokens, searchpack.Token{Text: w, Position: i})
	}
	return out
}

func TestPreview(t *testing.T) {
	t.Parallel()
	w, _, q := previewSite(t)
	got, err := w.do(t.Context(), searchpack.Duty{Kind: searchpack.DutyPreview, Preview: q})
	want := searchpack.DutyResult{Preview: &searchpack.PreviewReport{Before: tokensOf("cheapv1", "tvv1"), After: tokensOf("cheapv2", "tvv2")}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	q.Before, q.Live = "", ""
	got, err = w.preview(t.Context(), q)
	want.Preview.Before = nil
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("the first version: %v (-want +got):\n%s", err, d)
	}
}

// What reads files that Searchpack did not place is not even sent: its terms stay on the node.
func TestPreviewKeepsOtherFiles(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(q *searchpack.PreviewTask){
		"before": func(q *searchpack.PreviewTask) { q.Before = strings.Replace(q.Before, "F1", "secret.txt", 1) },
		"after": func(q *searchpack.PreviewTask) {
			q.After = strings.Replace(q.After, `"filter":[`, `"char_filter":[{"type":"mapping","mappings_path":"analyzers/secret"}],"filter":[`, 1)
		},
		"of the node": func(q *searchpack.PreviewTask) {
			q.Before, q.After = "", strings.Replace(q.After, `"filter":[`, `"filter":[{"type":"hunspell","locale":"en_US"},`, 1)
		},
	} {
		w, n, q := previewSite(t)
		edit(q)
		got, err := w.preview(t.Context(), q)
		if err != nil || got.Preview == nil || !strings.Contains(got.Preview.Refused, "did not place") || got.Preview.Before != nil || got.Preview.After != nil || n.asked > 0 {
			t.Errorf("%s: %+v, %v, asked %d times", name, got.Preview, err, n.asked)
		}
	}
}

// An answer is about the bytes that were meant, or it is tried again.
func TestPreviewIsAboutItsBytes(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(w *worker, n *readingNode, q *searchpack.PreviewTask){
		"no candidate yet": func(_ *worker, n *readingNode, q *searchpack.PreviewTask) {
			_ = os.Remove(filepath.Join(n.dir, searchpack.CandidatePath(q.Candidate)))
		},
		"another live file": func(_ *worker, _ *readingNode, q *searchpack.PreviewTask) { q.Live = searchpack.DigestOf([]byte("v0")) },
		"being placed": func(w *worker, _ *readingNode, _ *searchpack.PreviewTask) {
			w.book.rec.Placed["F1"] = placed{State: searchpack.FileLive, Pending: true}
		},
		"goes meanwhile": func(_ *worker, n *readingNode, _ *searchpack.PreviewTask) {
			n.after = func() { _ = os.Remove(filepath.Join(n.dir, searchpack.ReferencePath("F1"))) }
		},
		"busy": func(_ *worker, n *readingNode, _ *searchpack.PreviewTask) {
			n.err = searchpack.Errorf(searchpack.ErrUnavailable, "rejected")
		},
	} {
		w, n, q := previewSite(t)
		edit(w, n, q)
		if got, err := w.preview(t.Context(), q); err == nil {
			t.Errorf("%s: %+v", name, got.Preview)
		}
	}
	w, n, q := previewSite(t)
	n.err = searchpack.Errorf(searchpack.ErrInvalid, "Failed to build synonyms")
	got, err := w.preview(t.Context(), q)
	if err != nil || got.Preview.Refused != "with the file that serves: Failed to build synonyms" {
		t.Errorf("%+v, %v", got.Preview, err)
	}
}

func TestPreviewIsBounded(t *testing.T) {
	t.Parallel()
	w, _, q := previewSite(t)
	q.Text = strings.Repeat("x", 2*maxTokenText) + strings.Repeat(" y", searchpack.MaxPreviewTokens+4)
	got, err := w.preview(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Preview.After; len(a.Tokens) != searchpack.MaxPreviewTokens || a.More != 5 || len(a.Tokens[0].Text) > maxTokenText+len("...") {
		t.Errorf("%d tokens and %d more, the first of %d bytes", len(a.Tokens), a.More, len(a.Tokens[0].Text))
	}
}

func TestCheckPreview(t *testing.T) {
	t.Parallel()
	_, _, q := previewSite(t)
	check := func(q *searchpack.PreviewTask) error {
		return checkDuties([]searchpack.Duty{{ID: "d", Kind: searchpack.DutyPreview, Preview: q}})
	}
	first := *q
	first.Before, first.Live = "", ""
	for name, good := range map[string]*searchpack.PreviewTask{"an update": q, "the first": &first} {
		if err := check(good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, edit := range map[string]func(q *searchpack.PreviewTask){
		"a path":        func(q *searchpack.PreviewTask) { q.PackageID = "../x" },
		"a long text":   func(q *searchpack.PreviewTask) { q.Text = strings.Repeat("x", searchpack.MaxPreviewText+1) },
		"no body":       func(q *searchpack.PreviewTask) { q.After = "" },
		"nothing":       func(q *searchpack.PreviewTask) { q.Before, q.Live, q.After, q.Candidate = "", "", "", "" },
		"no candidate":  func(q *searchpack.PreviewTask) { q.Candidate = "x" },
		"no live bytes": func(q *searchpack.PreviewTask) { q.Live = "" },
		"an index":      func(q *searchpack.PreviewTask) { q.After = `{"index":"x"}` },
		"a live index":  func(q *searchpack.PreviewTask) { q.Before = `{"index":"x"}` },
	} {
		bad := *q
		if edit(&bad); check(&bad) == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if check(nil) == nil {
		t.Error("a preview of nothing is taken")
	}
}
