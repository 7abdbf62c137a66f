package agent

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/searchpack/searchpack"
)

// loadedNode analyzes by a table: the body's "tokenizer" names a version of the file, a text's terms
// are the version and the text unless the table says that the version does not change it.
type loadedNode struct {
	filesOnly
	shards map[string]int
	loaded map[string]string // index -> version that its analyzer has loaded
	field  string
	broken string // index that gives no answer
	start  string
	asked  []string
	built  []string // versions from which it has built a chain
	during func()   // runs while it builds one
}

func (n *loadedNode) Facts(context.Context) (*searchpack.NodeFacts, error) {
	return &searchpack.NodeFacts{NodeID: "N1", EphemeralID: n.start}, nil
}
func (n *loadedNode) LocalShards(context.Context, string) (map[string]int, error) {
	return n.shards, nil
}
func (n *loadedNode) AskField(context.Context, string) (string, error) { return n.field, nil }

func analyzed(version, text string) []string {
	if strings.HasPrefix(text, "same") {
		return []string{text}
	}
	return []string{text, version}
}

func (n *loadedNode) Terms(_ context.Context, body string, texts []string) (out [][]string, err error) {
	var m struct{ Tokenizer string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return nil, err
	}
	n.built = append(n.built, m.Tokenizer)
	if n.during != nil {
		n.during()
	}
	for _, text := range texts {
		out = append(out, analyzed(m.Tokenizer, text))
	}
	return out, nil
}

func (n *loadedNode) LoadedTerms(_ context.Context, index string, _ int, field, _ string, texts ...string) ([]string, error) {
	n.asked = append(n.asked, index+" "+field+" "+strings.Join(texts, "+"))
	if index == n.broken {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "no shard available")
	}
	var terms []string
	for _, text := range texts {
		terms = append(terms, analyzed(n.loaded[index], text)...)
	}
	slices.Sort(terms)
	return terms, nil
}

func witnessOf(texts []string, indices ...string) searchpack.Witness {
	q := searchpack.Witness{
		PackageID: "F1", Digest: searchpack.DigestOf([]byte("v2")),
		Live: `{"tokenizer":"v2","text":"x"}`, Former: `{"tokenizer":"v1","text":"x"}`, Texts: texts,
	}
	for _, name := range indices {
		q.Points = append(q.Points, searchpack.WitnessPlace{Index: name, Analyzer: "srch", Field: "title"})
	}
	return q
}

// seeing is a worker beside the node. v2 of F1 is live there.
func seeing(t *testing.T, n *loadedNode) *worker {
	t.Helper()
	dir := t.TempDir()
	conf, b := newConfigDir(dir, func(string) {}), &book{}
	lay(t, dir, "v2")
	return &worker{node: n, conf: conf, book: b, builds: newBuilds(conf, n, b, func() string { return n.start }), before: earlier{}}
}

// lay puts other bytes under F1's final name, as another file.
func lay(t *testing.T, dir, content string) {
	t.Helper()
	live := filepath.Join(dir, "analyzers", "F1")
	if err := os.MkdirAll(filepath.Dir(live), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(live+".new", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(live+".new", live); err != nil {
		t.Fatal(err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	n := &loadedNode{
		shards: map[string]int{"new": 0, "old": 1, "odd": 0, "broken": 0},
		loaded: map[string]string{"new": "v2", "old": "v1", "odd": "v0"}, broken: "broken",
	}
	w := seeing(t, n)
	got, err := w.compare(t.Context(), witnessOf([]string{"same", "laptop"}, "new", "old", "odd", "broken", "elsewhere"), n.shards, "")
	if err != nil {
		t.Fatal(err)
	}
	place := func(index string) searchpack.WitnessPlace {
		return searchpack.WitnessPlace{Index: index, Analyzer: "srch", Field: "title"}
	}
	want := searchpack.WitnessReport{
		Counts: map[searchpack.WitnessState]int{
			searchpack.WitnessMatched: 1, searchpack.WitnessFormer: 1, searchpack.WitnessOther: 1,
			searchpack.WitnessUnanswered: 1, searchpack.WitnessNothing: 1,
		},
		Open: []searchpack.WitnessFinding{
			{WitnessPlace: place("old"), State: searchpack.WitnessFormer, Text: "laptop"},
			{WitnessPlace: place("odd"), State: searchpack.WitnessOther, Text: "laptop"},
			{WitnessPlace: place("broken"), State: searchpack.WitnessUnanswered, Text: "laptop", Reason: "no shard available"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, asked := range n.asked {
		if strings.HasSuffix(asked, "same") {
			t.Errorf("a text that tells nothing apart was sent: %s", asked)
		}
	}
}

// Several texts are one question, where they tell the files apart together; what does not match is asked
// one by one, to say which text shows it.
func TestCompareTogether(t *testing.T) {
	t.Parallel()
	n := &loadedNode{shards: map[string]int{"new": 0, "old": 0}, loaded: map[string]string{"new": "v2", "old": "v1"}}
	got, err := seeing(t, n).compare(t.Context(), witnessOf([]string{"a", "same", "b"}, "new", "old"), n.shards, "")
	if err != nil || got.Counts[searchpack.WitnessMatched] != 1 || got.Counts[searchpack.WitnessFormer] != 1 || len(got.Open) != 1 || got.Open[0].Text != "a" {
		t.Errorf("%+v, %v", got, err)
	}
	if want := []string{"new title a+b", "old title a+b", "old title a"}; !slices.Equal(n.asked, want) {
		t.Errorf("asked %q, want %q", n.asked, want)
	}
	swapped := []telling{{text: "a", live: []string{"x"}, former: []string{"y"}}, {text: "b", live: []string{"y"}, former: []string{"x"}}}
	if _, ok := together(swapped); ok {
		t.Error("texts whose terms have changed places tell the files apart together")
	}
}

// What cannot be told apart or asked is said to be so, never to match.
func TestCompareSaysWhatItCannotSee(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts  []string
		former bool
		field  string
		shards map[string]int
		want   searchpack.WitnessState
	}{
		"no text":               {nil, true, "title", map[string]int{"i": 0}, searchpack.WitnessSame},
		"no text that tells":    {[]string{"same", "same too"}, true, "title", map[string]int{"i": 0}, searchpack.WitnessSame},
		"no field":              {[]string{"laptop"}, true, "", map[string]int{"i": 0}, searchpack.WitnessBlind},
		"no copy":               {[]string{"laptop"}, true, "title", map[string]int{}, searchpack.WitnessNothing},
		"no former file":        {[]string{"same"}, false, "title", map[string]int{"i": 0}, searchpack.WitnessMatched},
		"another field is used": {[]string{"laptop"}, true, "body", map[string]int{"i": 0}, searchpack.WitnessMatched},
	} {
		n := &loadedNode{shards: c.shards, loaded: map[string]string{"i": "v2"}, field: c.field}
		q := witnessOf(c.texts, "i")
		q.Points[0].Field = ""
		if !c.former {
			q.Former = ""
		}
		got, err := seeing(t, n).compare(t.Context(), q, c.shards, "")
		want := searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{c.want: 1}}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// An answer is about the live file that was meant, or there is none.
func TestWitnessIsAboutTheLiveFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := newConfigDir(dir, func(string) {})
	n := &loadedNode{shards: map[string]int{"i": 0}, loaded: map[string]string{"i": "v2"}}
	b := &book{}
	w := &worker{node: n, conf: conf, book: b, builds: newBuilds(conf, n, b, func() string { return "" }), before: earlier{}}
	q := witnessOf([]string{"laptop"}, "i")
	live := filepath.Join(dir, "analyzers", "F1")
	if err := os.MkdirAll(filepath.Dir(live), 0o755); err != nil {
		t.Fatal(err)
	}
	for content, good := range map[string]bool{"": false, "v1": false, "v2": true} {
		if content != "" {
			if err := os.WriteFile(live, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			// The same size and maybe the same time as before: another file to whoever looks.
			if err := os.Chtimes(live, time.Time{}, time.Now().Add(time.Duration(len(content)+int(content[1]))*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := w.witness(t.Context(), []searchpack.Witness{q})
		if (err == nil) != good {
			t.Errorf("with %q: %+v, %v", content, r, err)
		}
		if err := os.RemoveAll(live); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckWitnesses(t *testing.T) {
	t.Parallel()
	good := func() searchpack.Duty {
		return searchpack.Duty{ID: "d", Kind: searchpack.DutyWitness, Witnesses: []searchpack.Witness{witnessOf([]string{"laptop"}, "shop")}}
	}
	if err := checkDuties([]searchpack.Duty{good()}); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(q *searchpack.Witness){
		"a pattern":      func(q *searchpack.Witness) { q.Points[0].Index = "*" },
		"a path":         func(q *searchpack.Witness) { q.PackageID = "../x" },
		"no digest":      func(q *searchpack.Witness) { q.Digest = "x" },
		"no body":        func(q *searchpack.Witness) { q.Live, q.Former = "", "" },
		"an index":       func(q *searchpack.Witness) { q.Live = `{"index":"x"}` },
		"a former index": func(q *searchpack.Witness) { q.Former = `{"index":"x"}` },
		"a long text":    func(q *searchpack.Witness) { q.Texts = []string{strings.Repeat("x", maxWitnessText+1)} },
		"many texts":     func(q *searchpack.Witness) { q.Texts = make([]string, maxWitnessTexts+1) },
		"many points":    func(q *searchpack.Witness) { q.Points = make([]searchpack.WitnessPlace, maxWitnessPoints+1) },
	} {
		d := good()
		edit(&d.Witnesses[0])
		if checkDuties([]searchpack.Duty{d}) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
