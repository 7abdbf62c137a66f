package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// serveFolders makes a bench whose versions are folders, on nodes of these versions of OpenSearch.
func serveFolders(t *testing.T, uses []searchpack.Use, versions ...string) *bench {
	t.Helper()
	b := newBench(t, len(versions))
	for id, v := range b.w.Versions {
		v.Kind, v.Tree = searchpack.KindHunspell, true
		b.w.Versions[id] = v
	}
	for i := range versions {
		b.w.Agents[i].Report.Node.Version = versions[i]
	}
	b.serve("v1")
	b.uses = uses
	return b
}

func hunspellUse(name string) searchpack.Use {
	u := indexUse(name)
	u.Component, u.FileKind, u.Chains = "filter.h", searchpack.KindHunspell, nil
	return u
}

// TestFolderOrders: agents are told that the zip becomes a folder, and are asked nothing about it.
func TestFolderOrders(t *testing.T) {
	t.Parallel()
	wrong := indexUse("wrong") // reads a folder as synonyms, which no node can be asked about
	b := serveFolders(t, []searchpack.Use{hunspellUse("shop"), wrong}, "3.8.0")
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseReload)
	o := b.w.Agents[0].Order
	if len(o.Files) != 1 || !o.Files[0].Tree || len(o.Candidates) != 1 || !o.Candidates[0].Tree || len(o.Probes) != 0 {
		t.Errorf("order %+v", o)
	}
	b.run()
	if len(b.w.Proofs) != 1 || b.w.Proofs[0].Probe != "digest only" {
		t.Errorf("proofs %+v, waiting %q", b.w.Proofs, b.waiting())
	}
}

// TestHunspellReload: with what nodes keep where every node can, else the finding says that nodes must
// be restarted. Nothing is kept of what never lay there.
func TestHunspellReload(t *testing.T) {
	t.Parallel()
	fixed, indexed, closed := hunspellUse("fixed"), hunspellUse("indexed"), hunspellUse("closed")
	fixed.Updateable, fixed.HotReload = false, false
	indexed.Updateable, indexed.HotReload, indexed.Fields = false, false, []string{"body (index)"}
	closed.Closed = true
	uses := []searchpack.Use{hunspellUse("shop"), fixed, indexed, closed}
	for _, tt := range []struct {
		name     string
		versions []string
		noAPI    bool
		cached   string // indices refreshed with what nodes keep
		want     []string
	}{
		{"all new", []string{"3.8.0", "3.7.0"}, false, "shop", []string{"fixed: filter.h cannot", "indexed: filter.h is used at index time", "closed: filter.h cannot"}},
		{"one old", []string{"3.8.0", "2.19.0"}, false, "", []string{"shop: filter.h cannot", "fixed: filter.h cannot", "indexed: filter.h is used at index time", "closed: filter.h cannot"}},
		{"no route", []string{"4.0.0"}, true, "shop", []string{"shop: OpenSearch here has no", "fixed: filter.h cannot", "indexed: filter.h is used at index time", "closed: filter.h cannot"}},
	} {
		b := serveFolders(t, uses, tt.versions...)
		var cached []string
		b.refresh = func(d searchpack.Duty) searchpack.DutyResult {
			if !d.CachedResources {
				t.Errorf("%s: %v is refreshed without what the nodes keep", tt.name, d.Indices)
			}
			cached = append(cached, d.Indices...)
			return searchpack.DutyResult{Done: true, NoRefreshAPI: tt.noAPI}
		}
		b.ask(searchpack.ActionAssociate, "v2")
		b.run()
		if got := strings.Join(slices.Compact(cached), " "); got != tt.cached {
			t.Errorf("%s: %q is refreshed, want %q", tt.name, got, tt.cached)
		}
		found := b.association().Findings
		if b.association().Status != searchpack.Active || len(found) != len(tt.want) {
			t.Fatalf("%s: %s with %+v", tt.name, b.association().Status, found)
		}
		for i, f := range found {
			wantText(t, tt.name, f.Message, "restart needed: index "+tt.want[i])
			wantText(t, tt.name, f.Remedy, "restart the nodes one after another")
		}
	}
	b := newBench(t, 1)
	v := b.w.Versions["v1"]
	v.Kind, v.Tree = searchpack.KindHunspell, true
	b.w.Versions["v1"] = v
	b.uses = []searchpack.Use{fixed}
	b.ask(searchpack.ActionAssociate, "v1")
	if b.run(); b.association().Status != searchpack.Active || len(b.association().Findings) != 0 {
		t.Errorf("the first version: %+v", b.association())
	}
}
