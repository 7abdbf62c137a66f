package rollout

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// beforeOf is what the node's order has it remember.
func (b *bench) beforeOf(name string) []searchpack.Duty {
	i := slices.IndexFunc(b.w.Agents, func(a searchpack.AgentState) bool { return a.Name == name })
	return b.w.Agents[i].Order.Before
}

// updates is a bench of three nodes of which n2 has not proven v1, in a rollout of v2 whose texts are made.
func updates(t *testing.T, edit func(b *bench)) *bench {
	t.Helper()
	b := witnessBench(t, 3, map[string]searchpack.WitnessState{"n2": searchpack.WitnessUnanswered})
	b.uses = b.w.Usage.Uses
	b.ask(searchpack.ActionAssociate, "v2")
	if edit != nil {
		edit(b)
	}
	b.step()
	s := &b.w.Rollouts[0].Steps[0]
	s.TextsMade, s.Texts = true, []string{"sofa"}
	return b
}

// Until files move, nodes that have proven the former version are told what the witness will ask of them and
// of the others.
func TestBefore(t *testing.T) {
	t.Parallel()
	b := updates(t, nil)
	var told searchpack.Duty
	former := searchpack.Candidate{PackageID: "F1", Digest: b.w.Versions["v1"].Digest, Size: 2, Kind: searchpack.KindSynonyms, Later: true}
	for _, phase := range []searchpack.Phase{searchpack.PhaseFetch, searchpack.PhaseProbe} {
		b.until(phase)
		for name, want := range map[string]int{"n1": 1, "n2": 0, "n3": 1} {
			if got := b.beforeOf(name); len(got) != want {
				t.Fatalf("in %s %s is told %v", phase, name, got)
			}
		}
		told = b.beforeOf("n1")[0]
		if all := b.w.Agents[0].Order.Candidates; len(all) != 2 || all[0].Later || all[1] != former {
			t.Errorf("in %s the candidates are %+v", phase, all)
		}
		if w := told.Witnesses; told.Kind != searchpack.DutyWitness || len(w) != 1 || w[0].Digest != b.w.Versions["v2"].Digest || !slices.Equal(w[0].Texts, []string{"sofa"}) {
			t.Errorf("in %s it is %+v", phase, told)
		}
	}
	for _, phase := range []searchpack.Phase{searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve} {
		b.until(phase)
		if got := b.beforeOf("n1"); len(got) > 0 {
			t.Errorf("told in %s: %v", phase, got)
		}
	}
	for _, name := range []string{"n1", "n2"} {
		if diff := cmp.Diff(told.Witnesses, b.duty(name, searchpack.DutyWitness).Witnesses); diff != "" {
			t.Errorf("%s is asked something else (-before +now):\n%s", name, diff)
		}
	}
}

// Where it would tell nothing, or something else, nothing is to be remembered.
func TestNothingBefore(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(b *bench){
		"the same bytes": func(b *bench) {
			v := b.w.Versions["v2"]
			v.Digest = b.w.Versions["v1"].Digest
			b.w.Versions["v2"] = v
		},
		"no witness": func(b *bench) { b.off.witness = true },
		"another step changes the index": func(b *bench) {
			b.w.Packages["F2"] = searchpack.Package{ID: "F2", Name: "other", Type: searchpack.TypeDictionary, AvailableID: "w1"}
			b.w.Versions["w1"] = searchpack.Version{ID: "w1", PackageID: "F2", Number: 1, Kind: searchpack.KindSynonyms, KindDeclared: true, Digest: searchpack.DigestOf([]byte("w1")), Size: 2}
			b.w.Associations = append(b.w.Associations, searchpack.Association{Domain: simDomain, PackageID: "F2", Status: searchpack.Associating, WantedID: "w1"})
			b.w.Rollouts[0].Steps = append(b.w.Rollouts[0].Steps, searchpack.RolloutStep{PackageID: "F2", Action: searchpack.ActionAssociate, VersionID: "w1"})
			u := b.uses[0]
			u.PackageID = "F2"
			b.uses = append(b.uses, u)
		},
		"many analyzers": func(b *bench) {
			for i := range maxBefore {
				u := indexUse(fmt.Sprintf("shop%d", i))
				u.Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: u.Chains[0].Body}}
				b.uses = append(b.uses, u)
			}
		},
		"the first version": func(b *bench) {
			b.w.Associations[0].ServingID = ""
		},
	} {
		b := updates(t, edit)
		b.until(searchpack.PhaseFetch)
		if got := slices.Concat(b.beforeOf("n1"), b.beforeOf("n3")); len(got) > 0 {
			t.Errorf("%s: told %v", name, got)
		}
	}
}

// What a preview needs is fetched now, also if a witness leaves it for later.
func TestPreviewOfWhatIsForLater(t *testing.T) {
	t.Parallel()
	b := previewed(t, wholeUse())
	b.preview("p")
	d := newDecider(b.w, guards{})
	d.takeStock()
	d.takePreviews()
	o := searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: b.w.Versions["v2"].Digest, Later: true}}}
	d.addPreviews(&o)
	if len(o.Candidates) != 2 || o.Candidates[1].Later || o.Candidates[1].Digest != o.Candidates[0].Digest {
		t.Errorf("the candidates are %+v", o.Candidates)
	}
}
