package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const (
	whole = `{"tokenizer":"standard","filter":["` + searchpack.PathMark + `"],"text":"searchpack"}`
	part  = `{"tokenizer":"standard","filter":["` + searchpack.PathMark + `"],"text":"part"}`
)

// previewed makes a domain of three nodes where v1 serves and an index uses it.
func previewed(t *testing.T, uses ...searchpack.Use) *bench {
	t.Helper()
	b := newBench(t, 3)
	b.serve("v1")
	b.step()
	b.obey()
	b.used(uses...)
	return b
}

// preview asks for v2, as the catalog does.
func (b *bench) preview(id string) {
	b.t.Helper()
	p, err := NewPreview(b.w, PreviewAsk{PackageID: "F1", VersionID: "v2", Index: "shop", Text: "laptop"})
	if err != nil {
		b.t.Fatal(err)
	}
	p.ID, p.CreatedAt, p.ExpiresAt = id, b.w.Now, b.w.Now.Add(searchpack.PreviewLife)
	b.w.Previews = append(b.w.Previews, p)
}

// previewDuties are those in the orders, by node.
func (b *bench) previewDuties() map[string][]searchpack.Duty {
	out := map[string][]searchpack.Duty{}
	for _, a := range b.w.Agents {
		for _, d := range a.Order.Duties {
			if d.Kind == searchpack.DutyPreview {
				out[a.Name] = append(out[a.Name], d)
			}
		}
	}
	return out
}

func wholeUse() searchpack.Use {
	u := indexUse("shop")
	u.Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: whole}}
	return u
}

// The speaker alone is asked, and told of the candidate; what it says goes into the row, and then it is
// asked no more.
func TestPreviewAsksTheSpeaker(t *testing.T) {
	t.Parallel()
	b := previewed(t, wholeUse())
	before := map[string][]searchpack.FileOrder{}
	for _, a := range b.w.Agents {
		before[a.Name] = a.Order.Files
	}
	b.preview("p")
	b.step()
	v1, v2 := b.w.Versions["v1"], b.w.Versions["v2"]
	duties := b.previewDuties()
	if len(duties) != 1 || len(duties["n1"]) != 1 {
		t.Fatalf("asked %+v", duties)
	}
	at := func(path string) string { return strings.ReplaceAll(whole, searchpack.PathMark, path) }
	want := &searchpack.PreviewTask{
		PackageID: "F1", Text: "laptop", Before: at("analyzers/F1"), Live: v1.Digest,
		After: at("analyzers/.searchpack/" + string(v2.Digest)), Candidate: v2.Digest,
	}
	if d := cmp.Diff(want, duties["n1"][0].Preview); d != "" {
		t.Error(d)
	}
	for _, a := range b.w.Agents {
		got := slices.ContainsFunc(a.Order.Candidates, func(c searchpack.Candidate) bool { return c.Digest == v2.Digest })
		if got != (a.Name == "n1") || !slices.Equal(a.Order.Files, before[a.Name]) {
			t.Errorf("%s is told %+v", a.Name, a.Order)
		}
	}
	answer := &searchpack.PreviewReport{After: &searchpack.Tokens{Tokens: []searchpack.Token{{Text: "notebook"}}}}
	b.answer(0, answer)
	d := b.step()
	if len(d.Previews) != 1 || d.Previews[0].Node != "n1" || d.Previews[0].LiveID != "v1" || cmp.Diff(answer, d.Previews[0].Answer) != "" {
		t.Errorf("answered %+v", d.Previews)
	}
	if o := b.w.Agents[0].Order; len(b.previewDuties()) > 0 || len(o.Candidates) > 0 {
		t.Errorf("after the answer %+v", o)
	}
}

// answer has agent i answer the previews that it is asked.
func (b *bench) answer(i int, r *searchpack.PreviewReport) {
	b.obey()
	a := &b.w.Agents[i]
	for j := range a.Report.Duties {
		a.Report.Duties[j].Preview = r
	}
}

// Who was not asked gives no answer, and a preview that nobody answers is forgotten in time.
func TestPreviewEnds(t *testing.T) {
	t.Parallel()
	b := previewed(t, wholeUse())
	b.preview("p")
	b.step()
	other := *b.w.Agents[1].Report
	other.Duties = []searchpack.DutyResult{{
		ID: b.previewDuties()["n1"][0].ID, Done: true, Preview: &searchpack.PreviewReport{Refused: "no"},
	}}
	b.w.Agents[1].Report = &other
	if d := b.step(); len(d.Previews) > 0 || !d.Next.Equal(b.w.Now.Add(FreshFor)) && !d.Next.Equal(b.w.Previews[0].ExpiresAt) {
		t.Errorf("of another node: %+v, again at %s", d.Previews, d.Next)
	}
	b.later(searchpack.PreviewLife - time.Microsecond)
	if d := b.step(); len(d.Forgotten) > 0 || len(b.previewDuties()) != 1 || !d.Next.Equal(b.w.Previews[0].ExpiresAt) {
		t.Errorf("a moment before its end: %+v, again at %s", d.Forgotten, d.Next)
	}
	b.later(time.Microsecond)
	if d := b.step(); !slices.Equal(d.Forgotten, []string{"p"}) || len(b.previewDuties()) > 0 {
		t.Errorf("at its end: forgotten %v, asked %v", d.Forgotten, b.previewDuties())
	}
}

// A rollout goes through the same phases to the same end, with previews open all the while.
func TestPreviewDisturbsNoRollout(t *testing.T) {
	t.Parallel()
	run := func(previews bool) ([]string, searchpack.Association) {
		b := previewed(t, wholeUse())
		b.uses = []searchpack.Use{wholeUse()}
		if previews {
			b.preview("p")
			b.preview("q")
		}
		b.ask(searchpack.ActionAssociate, "v3")
		phases := b.run()
		if got := len(b.previewDuties()["n1"]); previews && got != 2 {
			t.Errorf("%d previews are asked at the end", got)
		}
		return phases, b.association()
	}
	phases, a := run(false)
	with, beside := run(true)
	if !slices.Equal(phases, with) || a.ServingID != "v3" || beside.ServingID != "v3" || beside.Status != a.Status {
		t.Errorf("without %v %s, with %v %s", phases, a.Status, with, beside.Status)
	}
}

// A rollout of the same version shares the candidate, and the live file that changes is another question.
func TestPreviewBesideItsOwnRollout(t *testing.T) {
	t.Parallel()
	b := previewed(t, wholeUse())
	b.uses = []searchpack.Use{wholeUse()}
	b.preview("p")
	b.step()
	first := b.previewDuties()["n1"][0].ID
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseProbe)
	if c := b.w.Agents[0].Order.Candidates; len(c) != 1 {
		t.Errorf("candidates %+v", c)
	}
	b.run()
	if d := b.previewDuties()["n1"]; len(d) != 1 || d[0].ID == first || d[0].Preview.Live != b.w.Versions["v2"].Digest {
		t.Errorf("asked %+v", d)
	}
}

func TestNewPreview(t *testing.T) {
	t.Parallel()
	two := wholeUse()
	two.Analyzers = []string{"idx", "srch"}
	two.Chains = []searchpack.Chain{{Analyzer: "idx", Body: part}, {Analyzer: "srch", Body: part}}
	branches := indexUse("shop")
	branches.Chains = append(branches.Chains, searchpack.Chain{Analyzer: "srch", Body: part})
	blind := indexUse("shop")
	blind.Chains, blind.Witnesses = nil, []searchpack.WitnessPoint{{Analyzer: "srch", Blind: "it is made of too many parts"}}
	equivalent := indexUse("shop")
	equivalent.Chains[0].Equivalent = true
	rules := indexUse("shop")
	rules.Chains[0].Rules = true
	unheld := indexUse("shop")
	unheld.Analyzers = nil
	template := wholeUse()
	template.UserKind = searchpack.UserTemplate
	for name, c := range map[string]struct {
		uses    []searchpack.Use
		index   string // "" = shop
		chosen  string
		edit    func(b *bench)
		want    string // the analyzer
		partial bool
		code    searchpack.Code
		says    string
	}{
		"whole":            {uses: []searchpack.Use{wholeUse()}, want: "srch"},
		"part":             {uses: []searchpack.Use{two}, chosen: "idx", want: "idx", partial: true},
		"one of two":       {uses: []searchpack.Use{two}, chosen: "srch", want: "srch"},
		"not named":        {uses: []searchpack.Use{two}, code: searchpack.ErrInvalid, says: "idx, srch"},
		"unknown":          {uses: []searchpack.Use{two}, chosen: "x", code: searchpack.ErrInvalid, says: "These do: idx, srch"},
		"branches":         {uses: []searchpack.Use{branches}, code: searchpack.ErrUnsupported, says: "not known"},
		"blind":            {uses: []searchpack.Use{blind}, code: searchpack.ErrUnsupported, says: "too many parts"},
		"equivalent":       {uses: []searchpack.Use{equivalent}, code: searchpack.ErrUnsupported},
		"rules alone":      {uses: []searchpack.Use{rules}, code: searchpack.ErrUnsupported},
		"no analyzer":      {uses: []searchpack.Use{unheld}, code: searchpack.ErrInvalid, says: "filter.syn"},
		"another index":    {uses: []searchpack.Use{wholeUse()}, index: "x", code: searchpack.ErrInvalid, says: "does not use"},
		"template":         {uses: []searchpack.Use{template}, code: searchpack.ErrInvalid},
		"no look":          {edit: func(b *bench) { b.w.Usage = nil }, code: searchpack.ErrUnavailable},
		"files only":       {edit: func(b *bench) { b.w.Domain.FilesOnly = true }, code: searchpack.ErrUnsupported},
		"too many at once": {edit: func(b *bench) { b.w.Previews = make([]searchpack.Preview, searchpack.MaxPreviews) }, code: searchpack.ErrLimit},
	} {
		b := previewed(t, c.uses...)
		if c.edit != nil {
			c.edit(b)
		}
		if c.index == "" {
			c.index = "shop"
		}
		p, err := NewPreview(b.w, PreviewAsk{PackageID: "F1", VersionID: "v2", Index: c.index, Analyzer: c.chosen, Text: "x"})
		if searchpack.ErrorCode(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		body := map[bool]string{false: whole, true: part}[c.partial]
		if err == nil && (p.Analyzer != c.want || p.Partial != c.partial || p.Body != body) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestPreviewHindrance(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(b *bench){
		"n1 has not answered":                func(*bench) {},
		"no node of the domain can be asked": func(b *bench) { b.later(time.Hour, "n1", "n2", "n3") },
		"n1 cannot fetch v2: disk full": func(b *bench) {
			b.w.Agents[0].Report.Candidates = []searchpack.CandidateReport{{Digest: b.w.Versions["v2"].Digest, Error: "disk full"}}
		},
		"n1 has fetched 1 of 2 bytes of v2": func(b *bench) {
			b.w.Agents[0].Report.Candidates = []searchpack.CandidateReport{{Digest: b.w.Versions["v2"].Digest, Fetched: 1}}
		},
		"n1 says: OpenSearch is away": func(b *bench) {
			b.w.Agents[0].Report.Duties = []searchpack.DutyResult{{ID: b.previewDuties()["n1"][0].ID, Error: "OpenSearch is away"}}
		},
		"two clusters": func(b *bench) {
			f := b.facts(1)
			f.ClusterUUID = "D"
			b.report(1, f)
		},
	} {
		b := previewed(t, wholeUse())
		b.preview("p")
		b.step()
		edit(b)
		if got := PreviewHindrance(b.w, b.w.Previews[0]); !strings.Contains(got, want) && (want != "two clusters" || !strings.HasPrefix(got, freezeText)) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
