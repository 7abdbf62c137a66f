package rollout

import (
	"testing"

	"github.com/searchpack/searchpack"
)

// withSecond adds the dictionary F2, in version w1, to the bench.
func withSecond(b *bench) {
	b.w.Packages["F2"] = searchpack.Package{ID: "F2", Name: "stop-words", Type: searchpack.TypeDictionary, AvailableID: "w1"}
	b.w.Versions["w1"] = searchpack.Version{ID: "w1", PackageID: "F2", Number: 1, Kind: searchpack.KindSynonyms, KindDeclared: true, Digest: searchpack.DigestOf([]byte("w1")), Size: 2}
}

// askBoth associates F1 in v2 and F2, which F1 needs.
func askBoth(b *bench) {
	b.t.Helper()
	p := b.w.Packages["F1"]
	p.AvailableID = "v2"
	b.w.Packages["F1"] = p
	b.made(Associate(b.call(), Ask{PackageID: "F1", Prerequisites: []string{"F2"}}, Ask{PackageID: "F2"}))
}

// live counts the nodes that are told to have the version live.
func (b *bench) live(version string) int {
	n := 0
	for _, a := range b.w.Agents {
		for _, f := range a.Order.Files {
			if f.State == searchpack.FileLive && f.VersionID == version {
				n++
			}
		}
	}
	return n
}

func TestSeveralDictionaries(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	withSecond(b)
	b.serve("v1")
	askBoth(b)
	b.until(searchpack.PhasePlace)
	if b.live("v2") != 3 || b.live("w1") != 3 {
		t.Errorf("placed together: %d and %d of 3", b.live("v2"), b.live("w1"))
	}
	b.run()
	for id, version := range map[string]string{"F1": "v2", "F2": "w1"} {
		a, _ := b.find(id)
		if a.Status != searchpack.Active || a.ServingID != version || a.Error != nil {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if len(b.w.Proofs) != 6 {
		t.Errorf("%d proofs of 2 packages on 3 nodes", len(b.w.Proofs))
	}
}

// One that is refused keeps the other from being placed, too.
func TestSeveralDictionariesOneIsBad(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	withSecond(b)
	b.serve("v1")
	bad := b.w.Versions["w1"].Digest
	b.verdict = func(_ string, p searchpack.Probe) (searchpack.Verdict, string) {
		if p.Digest == bad {
			return searchpack.VerdictBad, "no word"
		}
		return searchpack.VerdictGood, ""
	}
	askBoth(b)
	b.run()
	first, _ := b.find("F1")
	second, _ := b.find("F2")
	if first.Status != searchpack.AssociationFailed || second.Status != searchpack.AssociationFailed || *first.Error != *second.Error {
		t.Errorf("%+v, %+v", first, second)
	}
	wantText(t, "the reason", first.Error.Message, "refuses v1 of stop-words", "Nothing was placed.", "v1 of shop-words still serves")
	if b.live("v1") != 3 || b.live("v2") != 0 || b.live("w1") != 0 || first.ServingID != "v1" || second.ServingID != "" {
		t.Errorf("files %s", b.files())
	}
}

// TestNeighbour: an index that is reloaded for one package also has an analyzer with the file of another,
// which serves and cannot be built any more. That is said before anything moves; an index that is not
// reloaded, or nothing that is, does not matter.
func TestNeighbour(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(own, neighbour *searchpack.Use)
		refuse bool
	}{
		"the same index":       {func(_, _ *searchpack.Use) {}, true},
		"another index":        {func(_, n *searchpack.Use) { n.Name = "other" }, false},
		"not reloaded with it": {func(_, n *searchpack.Use) { n.Updateable, n.HotReload = false, false }, false},
		"no reload at all":     {func(o, _ *searchpack.Use) { o.Updateable, o.HotReload = false, false }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			withSecond(b)
			b.serve("v1")
			own, neighbour := indexUse("shop"), indexUse("shop")
			neighbour.PackageID, neighbour.Analyzers = "F2", []string{"stops"}
			neighbour.Chains = []searchpack.Chain{{Analyzer: "stops", Body: `["` + searchpack.PathMark + `","F2"]`}}
			tt.change(&own, &neighbour)
			b.uses = []searchpack.Use{own, neighbour}
			b.made(Associate(b.call(), Ask{PackageID: "F2"}))
			b.run()
			b.verdict = func(_ string, p searchpack.Probe) (searchpack.Verdict, string) {
				if p.PackageID == "F2" {
					return searchpack.VerdictBad, "Failed to build synonyms"
				}
				return searchpack.VerdictGood, ""
			}
			for i := range b.w.Agents {
				b.w.Agents[i].Report.Probes = nil
			}
			b.ask(searchpack.ActionAssociate, "v2")
			b.run()
			a, _ := b.find("F1")
			if refused := a.Status == searchpack.AssociationFailed; refused != tt.refuse || !refused && a.ServingID != "v2" || b.live("v2") > 0 == tt.refuse {
				t.Fatalf("%+v, on %d nodes", a, b.live("v2"))
			}
			if tt.refuse {
				wantText(t, "the reason", a.Error.Message, "cannot build index shop, analyzer stops with v1 of stop-words, which serves",
					"Failed to build synonyms. Mend that first, then associate shop-words again.", "Nothing was placed. v1 of shop-words still serves")
			}
		})
	}
}
