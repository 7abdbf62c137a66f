package rollout

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// withLicense adds the license P1, in version p1, to the bench.
func withLicense(b *bench) {
	b.w.Packages["P1"] = searchpack.Package{ID: "P1", Name: "lemmas", Type: searchpack.TypeLicense, AvailableID: "p1"}
	b.w.Versions["p1"] = searchpack.Version{ID: "p1", PackageID: "P1", Number: 1, Digest: searchpack.DigestOf([]byte("p1")), Size: 2}
}

// find returns the association of a package, and whether there is one.
func (b *bench) find(id string) (searchpack.Association, bool) {
	for _, a := range b.w.Associations {
		if a.PackageID == id {
			return a, true
		}
	}
	return searchpack.Association{}, false
}

// A license fails at once, with everything that was to come with it, and no node hears of either.
func TestLicensesAreNotServed(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{0, 2} {
		b := newBench(t, nodes)
		withLicense(b)
		if nodes > 0 {
			b.serve("v1")
			p := b.w.Packages["F1"]
			p.AvailableID = "v2"
			b.w.Packages["F1"] = p
			b.made(Associate(b.call(), Ask{PackageID: "P1"}, Ask{PackageID: "F1"}))
		} else {
			b.made(Associate(b.call(), Ask{PackageID: "P1"}))
		}
		b.step()
		plugin, _ := b.find("P1")
		if plugin.Status != searchpack.AssociationFailed || plugin.Error == nil || plugin.Error.Type != "PluginsNotServed" {
			t.Fatalf("%d nodes: %+v", nodes, plugin)
		}
		wantText(t, "the reason", plugin.Error.Message, "not served by this version of Searchpack yet", "lemmas (PACKAGE-LICENSE)", "Nothing was placed.")
		if last := b.done[len(b.done)-1]; last.State != searchpack.RolloutFailed || last.Phase != searchpack.PhaseLook || last.EndedAt.IsZero() {
			t.Errorf("rollout %+v", last)
		}
		if nodes == 0 {
			continue
		}
		words, _ := b.find("F1")
		if words.Status != searchpack.AssociationFailed || words.ServingID != "v1" || *words.Error != *plugin.Error {
			t.Errorf("what came with it: %+v", words)
		}
		wantText(t, "the reason", words.Error.Message, "v1 of shop-words still serves")
		if b.files() != "live v1, live v1" || len(b.w.Agents[0].Order.Candidates) != 0 {
			t.Errorf("files %s, order %+v", b.files(), b.w.Agents[0].Order)
		}
	}
}

func TestDissociateALicense(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	withLicense(b)
	b.serve("v1")
	b.made(Associate(b.call(), Ask{PackageID: "P1"}))
	b.step()
	b.made(Dissociate(b.call(), "P1"))
	b.step() // nothing to ask a node for
	if _, there := b.find("P1"); there || b.phase() != "" {
		t.Errorf("P1 is still there, phase %q", b.phase())
	}
	if a, _ := b.find("F1"); a.Status != searchpack.Active || b.files() != "live v1, live v1" {
		t.Errorf("F1 %+v, files %s", a, b.files())
	}

	// With a dictionary it takes the dictionary's way, and the nodes hear of that alone.
	b.made(Associate(b.call(), Ask{PackageID: "P1"}))
	b.step()
	b.made(Dissociate(b.call(), "P1", "F1"))
	seen := ""
	for range 20 {
		b.step()
		for _, f := range b.w.Agents[0].Order.Files {
			seen += f.PackageID
		}
		b.obey()
	}
	if strings.Contains(seen, "P1") || len(b.w.Associations) != 0 {
		t.Errorf("orders of %s; left are %+v", seen, b.w.Associations)
	}
}

// In use is in use for all: nothing of the call goes.
func TestSeveralInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	withLicense(b)
	b.serve("v1")
	b.made(Associate(b.call(), Ask{PackageID: "P1"}))
	b.step()
	b.uses = []searchpack.Use{indexUse("shop")}
	b.made(Dissociate(b.call(), "P1", "F1"))
	b.run()
	for _, id := range []string{"P1", "F1"} {
		if a, there := b.find(id); !there || a.Status != searchpack.DissociationFailed || a.Error.Type != "InUse" {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if b.files() != "live v1, live v1" {
		t.Errorf("files %s", b.files())
	}
}
