package agent

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// What an analyzer gave before the placing saves the former file from being read only where it proves as
// much: else the witness says what it would have said without.
func TestWitnessRemembersWhatWasLoadedBefore(t *testing.T) {
	t.Parallel()
	const matched, former, other, same = searchpack.WitnessMatched, searchpack.WitnessFormer, searchpack.WitnessOther, searchpack.WitnessSame
	for name, c := range map[string]struct {
		before, now string // versions that are loaded
		edit        func(w *worker, n *loadedNode)
		texts       []string
		want        searchpack.WitnessState
		built       []string
	}{
		"reloaded":                       {before: "v1", now: "v2", want: matched, built: []string{"v2"}},
		"some texts tell nothing":        {before: "v1", now: "v2", texts: []string{"same", "laptop", "same too"}, want: matched, built: []string{"v2"}},
		"not reloaded":                   {before: "v1", now: "v1", want: former, built: []string{"v2", "v1"}},
		"neither":                        {before: "v1", now: "v0", want: other, built: []string{"v2", "v1"}},
		"had it already":                 {before: "v2", now: "v2", want: matched, built: []string{"v2", "v1"}},
		"had it already, turned back":    {before: "v2", now: "v1", want: former, built: []string{"v2", "v1"}},
		"had something else":             {before: "v0", now: "v2", want: matched, built: []string{"v2"}},
		"has something else":             {before: "v0", now: "v0", want: other, built: []string{"v2", "v1"}},
		"had something else, now former": {before: "v0", now: "v1", want: former, built: []string{"v2", "v1"}},
		"no text tells":                  {before: "v1", now: "v1", texts: []string{"same"}, want: same, built: []string{"v2", "v1"}},
		"restarted": {before: "v1", now: "v2", want: matched, built: []string{"v2", "v1"},
			edit: func(_ *worker, n *loadedNode) { n.start = "another" }},
		"the copy came later": {before: "", now: "v2", want: matched, built: []string{"v2", "v1"}},
		"the agent restarted": {before: "v1", now: "v2", want: matched, built: []string{"v2", "v1"},
			edit: func(w *worker, _ *loadedNode) { w.before = earlier{} }},
		"asked through another field": {before: "v1", now: "v2", want: matched, built: []string{"v2", "v1"},
			edit: func(_ *worker, n *loadedNode) { n.field = "body" }},
		"no field any more": {before: "v1", now: "v2", want: searchpack.WitnessBlind, built: []string{"v2", "v1"},
			edit: func(_ *worker, n *loadedNode) { n.field = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &loadedNode{shards: map[string]int{}, loaded: map[string]string{"i": c.before}, field: "title", start: "e1"}
			if c.before != "" {
				n.shards["i"] = 0
			}
			w := seeing(t, n)
			lay(t, w.conf.path, "v1")
			texts := c.texts
			if texts == nil {
				texts = []string{"laptop"}
			}
			q := witnessOf(texts, "i")
			q.Points[0].Field = ""
			w.lookBefore(t.Context(), orderBefore(q))
			if len(n.built) > 0 {
				t.Fatalf("it has built %v to look what is loaded", n.built)
			}
			lay(t, w.conf.path, "v2")
			n.shards["i"], n.loaded["i"] = 0, c.now
			if c.edit != nil {
				c.edit(w, n)
			}
			r, err := w.witness(t.Context(), []searchpack.Witness{q})
			if err != nil || len(r.Witnessed) != 1 || r.Witnessed[0].Counts[c.want] != 1 {
				t.Errorf("witnessed %s, %v; want %s", jsonOf(r.Witnessed), err, c.want)
			}
			if diff := cmp.Diff(c.built, n.built); diff != "" {
				t.Errorf("built (-want +got):\n%s", diff)
			}
		})
	}
}

// orderBefore is an order of a rollout that has not placed anything.
func orderBefore(all ...searchpack.Witness) *searchpack.Order {
	o := &searchpack.Order{Schema: 1, Before: []searchpack.Duty{{ID: "b", Kind: searchpack.DutyWitness, Witnesses: all}}}
	for _, q := range all {
		o.Candidates = append(o.Candidates, searchpack.Candidate{PackageID: q.PackageID, Digest: q.Digest})
	}
	return o
}

// Points are asked once each, in one question for all texts, and only while the new bytes are not live and
// the order is the latest. What belongs to bytes that are no candidate any more is forgotten.
func TestLookBefore(t *testing.T) {
	t.Parallel()
	n := &loadedNode{shards: map[string]int{"a": 0, "b": 0}, loaded: map[string]string{"a": "v1", "b": "v1"}, start: "e1", broken: "b"}
	w := seeing(t, n)
	q := witnessOf([]string{"x", "y"}, "a", "b", "elsewhere")
	w.lookBefore(t.Context(), orderBefore(q))
	if len(n.asked) > 0 {
		t.Errorf("asked %q although the new bytes are live", n.asked)
	}
	lay(t, w.conf.path, "v1")
	old := orderBefore(q)
	old.Generation = 7
	if w.lookBefore(t.Context(), old); len(n.asked) > 0 {
		t.Errorf("asked %q for an order that is not the latest", n.asked)
	}
	for range 3 {
		w.lookBefore(t.Context(), orderBefore(q))
	}
	if want := []string{"a title x+y", "b title x+y"}; !slices.Equal(n.asked, want) {
		t.Errorf("asked %q, want %q", n.asked, want)
	}
	if e := w.before[keyFor(q)(q.Points[0])]; e.start != "e1" || e.terms != textsHash([]string{"v1", "v1", "x", "y"}) {
		t.Errorf("remembered %+v", e)
	}
	if e := w.before[keyFor(q)(q.Points[1])]; e.terms != "" {
		t.Errorf("remembered what was not answered: %+v", e)
	}
	w.only(orderBefore(q))
	if len(w.before) != 3 {
		t.Errorf("forgotten while the candidate is ordered: %v", w.before)
	}
	w.only(&searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: searchpack.DigestOf([]byte("v3"))}}})
	if len(w.before) != 0 {
		t.Errorf("not forgotten: %v", w.before)
	}
}

func TestCheckBefore(t *testing.T) {
	t.Parallel()
	good := orderBefore(witnessOf([]string{"x"}, "shop"))
	if err := checkBefore(good.Before); err != nil {
		t.Fatal(err)
	}
	pattern := orderBefore(witnessOf([]string{"x"}, "*"))
	large := orderBefore(witnessOf([]string{"x"}, slices.Repeat([]string{"shop"}, maxWitnessPoints*2/3)...)).Before[0]
	for name, all := range map[string][]searchpack.Duty{
		"a refresh":    {{ID: "d", Kind: searchpack.DutyRefresh, Indices: []string{"shop"}}},
		"too many":     slices.Repeat(good.Before, maxDuties+1),
		"of a pattern": pattern.Before,
		"many points":  slices.Repeat([]searchpack.Duty{large}, 2),
	} {
		if checkBefore(all) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
