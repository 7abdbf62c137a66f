package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// mapped are the rules "a => b" of a file, for fakeNode: a is analyzed to b, everything else to itself.
func mapped(content string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(content) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " => "); ok {
			out[from] = to
		}
	}
	return out
}

// texts reads a JSON string or a list of them.
func texts(raw json.RawMessage) []string {
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		all = make([]string, 1)
		_ = json.Unmarshal(raw, &all[0])
	}
	return all
}

// tokens answers _analyze as OpenSearch does: texts of a list follow each other with one unit between.
func tokens(rules map[string]string, all []string) string {
	type token struct {
		Token string `json:"token"`
		Start int    `json:"start_offset"`
		End   int    `json:"end_offset"`
	}
	out, at := []token{}, 0
	for _, text := range all {
		to, ok := rules[text]
		if !ok {
			to = text
		}
		out = append(out, token{to, at, at + len(text)})
		at += len(text) + 1
	}
	b, _ := json.Marshal(map[string]any{"tokens": out})
	return string(b)
}

// vectors answers _termvectors of a document that is not stored, by what is loaded.
func (f *fakeNode) vectors(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Doc map[string]json.RawMessage
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	f.calls = append(f.calls, "loaded?")
	type term struct {
		Freq int `json:"term_freq"`
	}
	terms := map[string]term{}
	for _, text := range texts(body.Doc["title"]) {
		to, ok := mapped(f.loaded)[text]
		if !ok {
			to = text
		}
		terms[to] = term{terms[to].Freq + 1}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"_index": f.index, "found": true, "term_vectors": map[string]any{"title": map[string]any{"terms": terms}},
	})
}

// dictionaryRollout is the orders of a rollout from one content of F1 to another, as rollout.Decide writes
// them, phase by phase.
type dictionaryRollout struct {
	*beside
	f           *fakeNode
	former, new searchpack.FileOrder
	candidates  []searchpack.Candidate
	witness     searchpack.Duty
}

func newDictionaryRollout(t *testing.T, from, to string) *dictionaryRollout {
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	d := &dictionaryRollout{beside: b, f: f, former: b.live("F1", from), new: b.live("F1", to)}
	f.set(func() { f.loaded = from })
	chain := func(path string) string { // with a filter behind the one that is probed
		return fmt.Sprintf(`{"tokenizer":"whitespace","filter":[{"type":"synonym_graph","synonyms_path":%q},"trim"],"text":"x"}`, path)
	}
	d.candidates = []searchpack.Candidate{
		{PackageID: "F1", Digest: d.new.Digest, Size: d.new.Size}, {PackageID: "F1", Digest: d.former.Digest, Size: d.former.Size, Later: true},
	}
	d.witness = searchpack.Duty{ID: "witness", Kind: searchpack.DutyWitness, Witnesses: []searchpack.Witness{{
		PackageID: "F1", Digest: d.new.Digest, Live: chain("analyzers/F1"), Former: chain(searchpack.CandidatePath(d.former.Digest)),
		Texts: []string{"sofa", "lamp"}, Points: []searchpack.WitnessPlace{{Index: "shop", Analyzer: "srch", Field: "title"}},
	}}}
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{d.former}})
	b.taken(o, "the former version is live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, from) })
	return d
}

// carryOut goes through the phases and returns what the node was asked from their beginning.
func (d *dictionaryRollout) carryOut() (calls []string, w searchpack.WitnessReport) {
	d.t.Helper()
	began := len(d.f.called())
	before := []searchpack.Duty{d.witness}
	former, live := []searchpack.FileOrder{d.former}, []searchpack.FileOrder{d.new}
	o := d.order(searchpack.Order{Files: former, Candidates: d.candidates, Before: before})
	d.taken(o, "the candidate is ready", func(r *searchpack.Report) bool {
		return len(r.Candidates) == 1 && r.Candidates[0].Ready
	})
	probes := []searchpack.Probe{probeOf("candidate", searchpack.CandidatePath(d.new.Digest), d.new.Digest, "")}
	o = d.order(searchpack.Order{Files: former, Candidates: d.candidates, Before: before, Probes: probes})
	d.taken(o, "the candidate is good", func(r *searchpack.Report) bool { return verdicts(r)["candidate"] == searchpack.VerdictGood })
	d.eventually("it was looked what is loaded", func() bool { return slices.Contains(d.f.called(), "loaded?") })
	o = d.order(searchpack.Order{Files: live, Candidates: d.candidates})
	d.taken(o, "it is placed", func(r *searchpack.Report) bool {
		return shows(r, "F1", searchpack.FileLive, "") && r.Files[0].Digest == d.new.Digest
	})
	o = d.order(searchpack.Order{Files: live, Candidates: d.candidates, Duties: []searchpack.Duty{{ID: "refresh", Kind: searchpack.DutyRefresh, Indices: []string{"shop"}}}})
	d.taken(o, "it is reloaded", func(r *searchpack.Report) bool { return len(r.Duties) == 1 && r.Duties[0].Done })
	probes = []searchpack.Probe{probeOf("live", "analyzers/F1", d.new.Digest, "")}
	o = d.order(searchpack.Order{Files: live, Candidates: d.candidates, Probes: probes, Duties: []searchpack.Duty{d.witness}})
	r := d.taken(o, "it is proven", func(r *searchpack.Report) bool {
		return verdicts(r)["live"] == searchpack.VerdictGood && len(r.Duties) == 1 && r.Duties[0].Done
	})
	return d.f.called()[began:], r.Duties[0].Witnessed[0]
}

// A node builds the filter three times for a rollout: for the probe of the candidate, when it reloads, and
// once for probe and witness of the live file.
func TestRolloutBuildsThreeTimes(t *testing.T) {
	t.Parallel()
	d := newDictionaryRollout(t, "sofa => couch\n", "sofa => settee\n")
	calls, w := d.carryOut()
	if w.Counts[searchpack.WitnessMatched] != 1 {
		t.Errorf("witnessed %s", jsonOf(w))
	}
	var built []string
	for _, c := range calls {
		if c != "loaded?" && c != "POST /shop/_cache/clear" {
			built = append(built, c)
		}
	}
	if want := []string{"analyze " + string(d.new.Digest), "refresh shop", "analyze F1"}; !slices.Equal(built, want) {
		t.Errorf("the filter was built by %q, want %q", built, want)
	}
	if got := d.lies(searchpack.CandidatePath(d.former.Digest)); got != "<none>" {
		t.Errorf("the former file was fetched although nobody asked for it: %q", got)
	}
}

// A node that goes on with what it had before shows the former file, which is asked for it.
func TestRolloutThatIsNotLoaded(t *testing.T) {
	t.Parallel()
	d := newDictionaryRollout(t, "sofa => couch\n", "sofa => settee\n")
	d.f.set(func() { d.f.moving = true })
	calls, w := d.carryOut()
	if w.Counts[searchpack.WitnessFormer] != 1 || len(w.Open) != 1 || w.Open[0].Text != "sofa" {
		t.Errorf("witnessed %s", jsonOf(w))
	}
	if !slices.Contains(calls, "analyze "+string(d.former.Digest)) {
		t.Errorf("the former file was not asked: %q", calls)
	}
}

// A probe is answered by a witness only if that had the node build the probe's chain from the same file.
func TestBuiltForAProbe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(q *searchpack.Probe, w *searchpack.Witness)
		want bool
	}{
		"the same chain":  {func(*searchpack.Probe, *searchpack.Witness) {}, true},
		"another chain":   {func(q *searchpack.Probe, _ *searchpack.Witness) { q.Body = `{"tokenizer":"v3","text":"x"}` }, false},
		"another package": {func(q *searchpack.Probe, _ *searchpack.Witness) { q.PackageID = "F2" }, false},
		"a candidate":     {func(q *searchpack.Probe, _ *searchpack.Witness) { q.Path = searchpack.CandidatePath(q.Digest) }, false},
		"other bytes":     {func(_ *searchpack.Probe, w *searchpack.Witness) { w.Digest = searchpack.DigestOf([]byte("v3")) }, false},
		"not the bytes there": {func(q *searchpack.Probe, w *searchpack.Witness) {
			w.Digest = searchpack.DigestOf([]byte("v3"))
			q.Digest = w.Digest
		}, false},
		"nothing to be asked":  {func(_ *searchpack.Probe, w *searchpack.Witness) { w.Texts = nil }, false},
		"a body that is wrong": {func(q *searchpack.Probe, w *searchpack.Witness) { q.Body = "?"; w.Live = "?" }, false},
	} {
		n := &loadedNode{}
		w := seeing(t, n)
		q := searchpack.Probe{PackageID: "F1", Path: "analyzers/F1", Digest: searchpack.DigestOf([]byte("v2")), Body: `{"tokenizer":"v2","text":"x"}`}
		asked := witnessOf([]string{"laptop"}, "i")
		c.edit(&q, &asked)
		o := &searchpack.Order{Duties: []searchpack.Duty{{ID: "d", Kind: searchpack.DutyWitness, Witnesses: []searchpack.Witness{asked}}}}
		if got := w.builds.built(t.Context(), o, q); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// An answer is kept for whoever needs the same, not for a witness that asks again, another start of the
// node, another order or another file; and what changed meanwhile is no answer.
func TestTermsAreKept(t *testing.T) {
	t.Parallel()
	n := &loadedNode{}
	w := seeing(t, n)
	q := witnessOf([]string{"laptop"}, "i")
	asks := func(what, start string, compare bool, builds int) {
		t.Helper()
		before := len(n.built)
		terms, err := w.builds.terms(t.Context(), q, start, compare)
		if got := len(n.built) - before; err != nil || got != builds || len(terms) != 1 || !slices.Equal(terms[0], []string{"laptop", "v2"}) {
			t.Errorf("%s: %v, %v, %d builds", what, terms, err, got)
		}
	}
	asks("first", "e1", false, 1)
	asks("the witness has it, too", "e1", true, 0)
	asks("the witness again", "e1", true, 1)
	asks("a probe", "e1", false, 0)
	asks("another start", "e2", false, 1)
	lay(t, w.conf.path, "v2")
	asks("another file of the same bytes", "e2", false, 1)
	w.book.rec.Order.Generation++
	asks("another order", "e2", false, 1)
	if len(w.builds.kept) != 1 {
		t.Errorf("%d are kept", len(w.builds.kept))
	}
	n.during = func() { lay(t, w.conf.path, "v2") }
	if _, err := w.builds.terms(t.Context(), q, "e3", false); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("changed meanwhile: %v", err)
	}
	lay(t, w.conf.path, "v1")
	if _, err := w.builds.terms(t.Context(), q, "e2", false); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("other bytes: %v", err)
	}
}
