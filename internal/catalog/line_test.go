package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/runner"
)

// plugin makes an AVAILABLE package of the plugin lemmas.
func (b *bench) plugin(engine, openSearch string) *searchpack.Package {
	b.t.Helper()
	p, err := b.CreatePackage(b.t.Context(), b.who, CreatePackageInput{
		Name: "lemmas", Type: searchpack.TypePlugin, EngineVersion: engine, Source: searchpack.Source{Bucket: "dictionaries", Key: "lemmas.zip"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.imported(p)
	b.update(func(tx searchpack.Tx) error {
		v, err := tx.Version(b.t.Context(), p.AvailableID)
		if err == nil {
			v.Plugin = &searchpack.PluginProperties{Name: "lemmas", Version: "1", ClassName: "C", OpenSearch: openSearch}
			err = tx.PutVersion(b.t.Context(), v)
		}
		return err
	})
	return p
}

// world is what decides sees of the domain.
func (b *bench) world() (w rollout.World) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) (err error) {
		w, err = runner.Load(b.t.Context(), tx, b.who.Key("products"), b.now)
		return err
	})
	return w
}

// An upgrade of a domain with a plugin needs a build for the new version, which the check says before
// anything is begun.
func TestUpgradeNeedsThePlugin(t *testing.T) {
	t.Parallel()
	b := local(t)
	p := b.plugin("OpenSearch_3.7", "3.7.0")
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	for _, checkOnly := range []bool{true, false} {
		ch := b.upgrade("OpenSearch_3.8", checkOnly)
		if ch.Status != searchpack.ChangeFailed || ch.Step != searchpack.UpgradeCheck ||
			!strings.Contains(ch.Error, "lemmas ("+p.ID+")") || !strings.Contains(ch.Error, "no available version for OpenSearch_3.8") {
			t.Errorf("check only %v: %+v", checkOnly, ch)
		}
	}
	next := b.plugin("OpenSearch_3.8", "3.8.0")
	if next.ID == p.ID {
		t.Fatal("one package")
	}
	if ch := b.upgrade("OpenSearch_3.8", false); ch.Status != searchpack.ChangePending {
		t.Errorf("with a build: %+v", ch)
	}
}

// A version that takes a range of OpenSearch counts for all of it.
func TestUpgradeWithinARange(t *testing.T) {
	t.Parallel()
	b := local(t)
	p := b.plugin("OpenSearch_3.7", "^3.7.0")
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	if ch := b.upgrade("OpenSearch_3.8", true); ch.Status != searchpack.ChangeCompleted {
		t.Errorf("%+v", ch)
	}
}

// The plan for a plugin that is not associated knows its line: what a node with another OpenSearch gets.
func TestPlanKnowsTheLine(t *testing.T) {
	t.Parallel()
	b := local(t)
	b.reports("products", 2, "3.7.0")
	b.update(func(tx searchpack.Tx) error { // which are in a cluster
		for i, version := range []string{"3.7.0", "3.8.0"} {
			err := tx.PutReport(t.Context(), fmt.Sprintf("products-n%d", i+1), &searchpack.Report{Schema: 1, Epoch: 2, Seq: 1, Node: &searchpack.NodeFacts{
				ClusterUUID: "c", NodeID: fmt.Sprintf("x%d", i+1), Name: fmt.Sprintf("n%d", i+1), Version: version, ManagerID: "x2", Term: 1,
				Members: []searchpack.Member{{NodeID: "x1", Name: "n1"}, {NodeID: "x2", Name: "n2"}},
			}}, b.now)
			if err != nil {
				return err
			}
		}
		return nil
	})
	next := b.plugin("OpenSearch_3.8", "3.8.0")
	note := func() string {
		t.Helper()
		v := b.plan(next, 0)
		if v.Restarts == nil || len(v.Restarts.Nodes) != 2 || v.Restarts.Nodes[1].Note != "" {
			t.Fatalf("%+v, %+v", v.Outlook, v.Restarts)
		}
		return v.Restarts.Nodes[0].Note
	}
	if got := note(); !strings.Contains(got, "no version of lemmas") || !strings.Contains(got, "is made for OpenSearch 3.7.0") {
		t.Errorf("without a build for its node: %q", got)
	}
	p := b.plugin("OpenSearch_3.7", "3.7.0")
	if got := note(); got != "it gets v1 of package "+p.ID+", which is made for its OpenSearch 3.7.0" {
		t.Errorf("with one: %q", got)
	}
}

// Two packages of one line are not associated with one domain, in one call or two.
func TestNamesakesAreNotAssociatedTogether(t *testing.T) {
	t.Parallel()
	b := local(t)
	p, next := b.plugin("OpenSearch_3.7", "3.7.0"), b.plugin("OpenSearch_3.8", "3.8.0")
	_, err := b.AssociatePackages(t.Context(), b.who, "products", []AssociateInput{{PackageID: p.ID}, {PackageID: next.ID}})
	wantCode(t, err, searchpack.ErrConflict)
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: next.ID})
	wantCode(t, err, searchpack.ErrConflict)
	if err == nil || !strings.Contains(err.Error(), p.ID) || !strings.Contains(err.Error(), "when every node runs OpenSearch_3.8") {
		t.Errorf("%v", err)
	}
	_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
	wantCode(t, err, searchpack.ErrConflict) // as it is
	other := b.imported(b.create(CreatePackageInput{Name: "other", Type: searchpack.TypePlugin, EngineVersion: "OpenSearch_3.8", Source: searchpack.Source{Bucket: "dictionaries", Key: "other.zip"}}))
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: other.ID}); err != nil {
		t.Errorf("another plugin: %v", err)
	}
}

// What decides sees the line of every plugin; of others' packages only those that are shared. A package of
// which nodes run a version is not deleted, although only its namesake is associated.
func TestLineIsLoadedAndKept(t *testing.T) {
	t.Parallel()
	b := local(t)
	p, next := b.plugin("OpenSearch_3.7", "3.7.0"), b.plugin("OpenSearch_3.8", "3.8.0")
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	w := b.world()
	for _, id := range []string{p.ID, next.ID} {
		if len(w.Lines[id]) != 2 || w.Packages[id].Name != "lemmas" || w.Versions[w.Packages[id].AvailableID].Plugin == nil {
			t.Errorf("line of %s: %v", id, w.Lines[id])
		}
	}
	b.update(func(tx searchpack.Tx) error { // the package is somebody else's, who shares only that one
		for _, x := range []*searchpack.Package{p, next} {
			row, err := tx.Package(t.Context(), x.ID)
			if err != nil {
				return err
			}
			if row.Account = "999900001111"; x == p {
				row.SharedWith = []string{b.who.Account}
			}
			if err := tx.PutPackage(t.Context(), row); err != nil {
				return err
			}
		}
		return nil
	})
	if w = b.world(); len(w.Lines[p.ID]) != 1 || w.Lines[next.ID] != nil {
		t.Errorf("of what is not shared: %v", w.Lines)
	}
	b.who.Account = "999900001111"
	b.update(func(tx searchpack.Tx) error {
		agents, err := tx.Agents(t.Context(), searchpack.DomainKey{Account: "111122223333", Region: "us-east-1", Name: "products"})
		if err != nil {
			return err
		}
		return tx.PutOrder(t.Context(), agents[0].ID, &searchpack.Order{Schema: 1, Generation: 1, Plugins: []searchpack.PluginOrder{
			{PackageID: p.ID, State: searchpack.PluginInstalled, VersionID: next.AvailableID},
		}})
	})
	_, err := b.DeletePackage(t.Context(), b.who, next.ID)
	wantCode(t, err, searchpack.ErrConflict)
	if err == nil || !strings.Contains(err.Error(), p.ID) {
		t.Errorf("%v", err)
	}
}

// A plugin that its owner does not share any more: the domain and its nodes keep what they have and were told
// of, also of a namesake, and get no version that came after.
func TestLineOfWhatIsNotSharedAnyMore(t *testing.T) {
	t.Parallel()
	b := local(t)
	p, next := b.plugin("OpenSearch_3.7", "3.7.0"), b.plugin("OpenSearch_3.8", "3.8.0")
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	share := func(with ...string) {
		b.update(func(tx searchpack.Tx) error {
			for _, x := range []*searchpack.Package{p, next} {
				row, err := tx.Package(t.Context(), x.ID)
				if err != nil {
					return err
				}
				row.Account, row.SharedWith = "999900001111", with
				if err := tx.PutPackage(t.Context(), row); err != nil {
					return err
				}
			}
			return nil
		})
	}
	later := *p
	b.update(func(tx searchpack.Tx) error { // which nobody has
		later.ID = p.ID + "-2"
		return tx.PutVersion(t.Context(), &searchpack.Version{
			ID: later.ID, PackageID: p.ID, Number: 2, Status: searchpack.PackageAvailable, Digest: searchpack.DigestOf([]byte("2")), Size: 1,
			Plugin: &searchpack.PluginProperties{Name: "lemmas", Version: "2", ClassName: "C", OpenSearch: "3.7.1"}, CreatedAt: b.now,
		})
	})
	share(b.who.Account)
	if w := b.world(); len(w.Lines[p.ID]) != 3 {
		t.Fatalf("while it is shared: %v", w.Lines)
	}
	share()
	if w := b.world(); len(w.Lines[p.ID]) != 1 || w.Lines[next.ID] != nil || w.Packages[p.ID].ID == "" {
		t.Errorf("what is associated stays, and nothing else: %v", w.Lines)
	}
	b.update(func(tx searchpack.Tx) error {
		agents, err := tx.Agents(t.Context(), b.who.Key("products"))
		if err != nil {
			return err
		}
		return tx.PutOrder(t.Context(), agents[0].ID, &searchpack.Order{Schema: 1, Generation: 1,
			Plugins:      []searchpack.PluginOrder{{PackageID: p.ID, State: searchpack.PluginInstalled, VersionID: next.AvailableID}},
			Alternatives: []searchpack.PluginOrder{{PackageID: p.ID, State: searchpack.PluginInstalled, VersionID: p.AvailableID}},
		})
	})
	if w := b.world(); len(w.Lines[p.ID]) != 2 || w.Versions[next.AvailableID].Digest == "" || w.Versions[later.ID].Digest != "" {
		t.Errorf("what a node runs of a namesake: %v", w.Lines)
	}
}

// serves has the domain serve v1 of a plugin, with one node that runs it.
func (b *bench) serves(p *searchpack.Package, openSearch string) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		v, err := tx.Version(b.t.Context(), p.AvailableID)
		if err != nil {
			return err
		}
		v.Digest, v.Size = searchpack.DigestOf([]byte(p.ID)), 1
		return errors.Join(tx.PutVersion(b.t.Context(), v),
			tx.PutAssociation(b.t.Context(), &searchpack.Association{
				Domain: b.who.Key("products"), PackageID: p.ID, Status: searchpack.Active, ServingID: v.ID, WantedID: v.ID, CreatedAt: b.now, UpdatedAt: b.now,
			}),
			b.runs(tx, openSearch, ""))
	})
}

// runs has the domain's node say which plugin it has.
func (b *bench) runs(tx searchpack.Tx, openSearch string, zip searchpack.Digest) error {
	return tx.PutReport(b.t.Context(), "products-n1", &searchpack.Report{Schema: 1, Epoch: 3, Seq: b.now.UnixMicro(), OpenSearch: openSearch, Node: &searchpack.NodeFacts{
		ClusterUUID: "c", NodeID: "x1", Name: "n1", Version: openSearch, ManagerID: "x1", Term: 1, Members: []searchpack.Member{{NodeID: "x1", Name: "n1"}},
	}, Plugins: []searchpack.PluginReport{{Name: "lemmas", Installed: zip}}}, b.now)
}

// decided writes what the rules say to the node.
func (b *bench) decided() searchpack.Order {
	b.t.Helper()
	var o searchpack.Order
	b.update(func(tx searchpack.Tx) error {
		w, err := runner.Load(b.t.Context(), tx, b.who.Key("products"), b.now)
		if err != nil {
			return err
		}
		for id, order := range rollout.Decide(w).Orders {
			if err := tx.PutOrder(b.t.Context(), id, &order); err != nil {
				return err
			}
		}
		agents, err := tx.Agents(b.t.Context(), b.who.Key("products"))
		if err == nil {
			o = agents[0].Order
		}
		return err
	})
	return o
}

// A namesake that nodes may only have to choose one day is deleted, and they are told that it is gone; one that
// a node has, or is to try, is not.
func TestDeleteAnAlternative(t *testing.T) {
	t.Parallel()
	b := local(t)
	p, next := b.plugin("OpenSearch_3.7", "3.7.0"), b.plugin("OpenSearch_3.8", "3.8.0")
	zip := searchpack.DigestOf([]byte("next"))
	b.update(func(tx searchpack.Tx) error {
		v, err := tx.Version(t.Context(), next.AvailableID)
		if err != nil {
			return err
		}
		v.Digest = zip
		return tx.PutVersion(t.Context(), v)
	})
	b.serves(p, "3.7.0")
	told := b.decided()
	if len(told.Alternatives) != 1 || told.Alternatives[0].Digest != zip {
		t.Fatalf("%+v", told)
	}
	refused := func(what string) {
		t.Helper()
		_, err := b.DeletePackage(t.Context(), b.who, next.ID)
		if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), p.ID) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Its owner has brought the node another OpenSearch, and the server was away: it has chosen by itself.
	b.update(func(tx searchpack.Tx) error { return b.runs(tx, "3.8.0", zip) })
	refused("while the node says that it has it")
	b.update(func(tx searchpack.Tx) error {
		trying := told
		trying.Candidates = []searchpack.Candidate{{PackageID: p.ID, Plugin: true, Digest: zip}}
		return errors.Join(b.runs(tx, "3.7.0", ""), tx.PutOrder(t.Context(), "products-n1", &trying))
	})
	refused("while the node tries it")
	b.update(func(tx searchpack.Tx) error { return tx.PutOrder(t.Context(), "products-n1", &told) })
	b.work()
	if _, err := b.DeletePackage(t.Context(), b.who, next.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := b.work(), []string{"reconcile/" + b.who.Key("products").String()}; !slices.Equal(got, want) {
		t.Errorf("to be looked at: %v, want %v", got, want)
	}
	if told = b.decided(); len(told.Alternatives) != 0 || len(told.Plugins) != 1 || told.Plugins[0].VersionID != p.AvailableID {
		t.Errorf("%+v", told)
	}
}
