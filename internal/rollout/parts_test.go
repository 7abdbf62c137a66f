package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// newPartBench is a plugBench with a configuration C1 and a license L1, each in two versions, and a second
// plugin P2 that nobody has.
func newPartBench(t *testing.T, n int) *plugBench {
	t.Helper()
	b := newPlugBench(t, n)
	b.w.Domain.Policy.Restart = searchpack.RestartAny // two nodes have no majority without one
	for id, kind := range map[string]searchpack.PackageType{"C1": searchpack.TypeConfig, "L1": searchpack.TypeLicense} {
		b.w.Packages[id] = searchpack.Package{ID: id, Name: "lemmas-" + strings.ToLower(id[:1]), Type: kind, AvailableID: strings.ToLower(id[:1]) + "1"}
		for i := 1; i <= 2; i++ {
			v := fmt.Sprint(strings.ToLower(id[:1]), i)
			b.w.Versions[v] = searchpack.Version{
				ID: v, PackageID: id, Number: i, Digest: searchpack.DigestOf([]byte(v)), Size: 2, Source: searchpack.Source{Key: "some/file.JSON", Signature: "signed"},
			}
		}
	}
	b.demands("p1", searchpack.PackageConfiguration{License: searchpack.RequirementRequired, LicenseFilepath: "lic/./lemmas.json"})
	b.available("P1", "p1")
	return b
}

// available makes a version the newest.
func (b *plugBench) available(id, version string) {
	p := b.w.Packages[id]
	p.AvailableID, p.AvailableConfiguration = version, b.w.Versions[version].Configuration
	b.w.Packages[id] = p
}

func (b *plugBench) demands(version string, c searchpack.PackageConfiguration) {
	v := b.w.Versions[version]
	v.Configuration = &c
	b.w.Versions[version] = v
}

// together associates the plugin with what belongs to it.
func (b *plugBench) together() {
	b.t.Helper()
	b.made(Associate(b.call(), asks("C1 <- P1", "L1 <- P1", "P1")...))
	b.finish()
	b.happened = nil
}

// parts is what the first node has of packages that belong to the plugin.
func (b *plugBench) parts() string {
	var out []string
	for _, v := range []string{"c1", "c2", "l1", "l2"} {
		x := b.w.Versions[v]
		for _, name := range []string{"n1", "n2"} {
			if b.nodes[name].parts[x.PackageID] == x.Digest {
				out = append(out, v+" on "+name)
			}
		}
	}
	return strings.Join(out, ", ")
}

func (b *plugBench) rows() string {
	var out []string
	for _, a := range b.w.Associations {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.PackageID, a.Status, a.ServingID)))
	}
	return strings.Join(out, ", ")
}

// sameCandidates checks what agents are told of the first versions.
func (b *plugBench) sameCandidates(got []searchpack.Candidate) {
	b.t.Helper()
	for _, c := range got {
		v := b.w.Versions[strings.ToLower(c.PackageID)]
		want := searchpack.Candidate{PackageID: c.PackageID, Digest: v.Digest, Size: 2, Plugin: true, Signature: v.Source.Signature}
		switch c.PackageID {
		case "C1":
			want.Part, want.For = searchpack.PartConfig, "lemmas"
		case "L1":
			want.Part, want.For, want.Path = searchpack.PartLicense, "lemmas", "lic/lemmas.json"
		}
		if diff := cmp.Diff(want, c); diff != "" {
			b.t.Error(diff)
		}
	}
}

func TestPluginWithConfigurationAndLicense(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.made(Associate(b.call(), asks("C1 <- P1", "L1 <- P1", "P1")...))
	b.goUntil("candidates", func() bool { return len(b.w.Agents[0].Order.Candidates) > 0 })
	b.sameCandidates(b.w.Agents[0].Order.Candidates)
	b.finish()
	// One restart of each node for all three.
	if got := b.says(false); got != "stop n2, stop n1" || b.everywhere() != "p1" || b.parts() != "c1 on n1, c1 on n2, l1 on n1, l1 on n2" {
		t.Errorf("%s; %s; %s", got, b.everywhere(), b.parts())
	}
	if got := b.rows(); got != "C1 ACTIVE c1, L1 ACTIVE l1, P1 ACTIVE p1" {
		t.Error(got)
	}
	if len(b.w.Proofs) != 6 || slices.ContainsFunc(b.w.Proofs, func(p searchpack.Proof) bool { return p.Level != searchpack.LevelLoaded }) {
		t.Errorf("%+v", b.w.Proofs)
	}
	o := b.w.Agents[0].Order
	if o.Schema != searchpack.OrderSchemaParts || len(o.Plugins) != 3 || len(o.Files) != 0 {
		t.Fatalf("%+v", o)
	}
	if l := o.Plugins[1]; l.Part != searchpack.PartLicense || l.Name != "lemmas" || l.Path != "lic/lemmas.json" || l.Signature != "signed" {
		t.Errorf("%+v", l)
	}
	standing := Restarts(b.w)["a1"].Plugins
	if len(standing) != 3 || standing[0].Part != searchpack.PartConfig || standing[0].State != PluginRuns {
		t.Errorf("%+v", standing)
	}
}

func TestConfigurationIsUpdatedAndGoes(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.together()
	b.available("C1", "c2")
	b.made(Associate(b.call(), asks("C1")...))
	b.finish()
	if got := b.says(false); got != "stop n2, stop n1" || b.parts() != "c2 on n1, c2 on n2, l1 on n1, l1 on n2" || b.rows() != "C1 ACTIVE c2, L1 ACTIVE l1, P1 ACTIVE p1" {
		t.Errorf("update: %s; %s; %s", got, b.parts(), b.rows())
	}
	b.happened = nil
	b.made(Dissociate(b.call(), "C1"))
	b.finish()
	if got := b.says(false); got != "stop n1, stop n2" || b.parts() != "l1 on n1, l1 on n2" || b.everywhere() != "p1" || b.rows() != "L1 ACTIVE l1, P1 ACTIVE p1" {
		t.Errorf("dissociation: %s; %s; %s; %s", got, b.parts(), b.everywhere(), b.rows())
	}
	b.happened = nil
	b.made(Dissociate(b.call(), "P1")) // takes the license along
	b.finish()
	if got := b.says(false); got != "stop n1, stop n2" || b.parts() != "" || b.everywhere() != "-" || b.rows() != "" {
		t.Errorf("dissociation of the plugin: %s; %s; %s; %s", got, b.parts(), b.everywhere(), b.rows())
	}
}

// What the nodes had comes back, all of it, when one of them does not start.
func TestPartsGoBackWithTheirPlugin(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.together()
	b.demands("p2", searchpack.PackageConfiguration{License: searchpack.RequirementRequired, LicenseFilepath: "l.json"})
	b.available("P1", "p2")
	b.available("C1", "c2")
	b.made(Associate(b.call(), asks("P1", "C1")...))
	b.nodes["n1"].fails = "boom" // the second
	b.goUntil("told", func() bool { return b.told("p2") == "n2" })
	if l := b.w.Agents[1].Order.Plugins[1]; l.Path != "l.json" || b.w.Agents[0].Order.Plugins[1].Path != "lic/lemmas.json" {
		t.Errorf("the license goes where the plugin's version says: %+v", l)
	}
	b.finish()
	if got := b.says(false); got != "stop n2, stop n1, stop n2" || b.parts() != "c1 on n1, c1 on n2, l1 on n1, l1 on n2" || b.everywhere() != "p1" {
		t.Errorf("%s; %s; %s", got, b.parts(), b.everywhere())
	}
	if got := b.rows(); got != "C1 ASSOCIATION_FAILED c1, L1 ACTIVE l1, P1 ASSOCIATION_FAILED p1" {
		t.Error(got)
	}
}

// A node that has not all of it ready is told of nothing: it would start with a part.
func TestAllOrNothingForANode(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.made(Associate(b.call(), asks("C1 <- P1", "L1 <- P1", "P1")...))
	b.goUntil("the restarts", func() bool { return len(b.w.Rollouts) > 0 && b.w.Rollouts[0].Phase == searchpack.PhaseRestart })
	d := newDecider(b.w, guards{})
	d.takeStock()
	n := d.byID["a2"]
	if !d.couldStart(n, d.rollouts[0]) {
		t.Fatal("it has all")
	}
	delete(n.ready, b.w.Versions["l1"].Digest)
	if d.couldStart(n, d.rollouts[0]) {
		t.Error("it lacks the license")
	}
	for _, o := range d.pluginOrders(n) {
		t.Errorf("it is told %+v", o)
	}
}

func TestPartIsRefused(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.nodes["n2"].refuses = "line 3 of the node's allow file"
	b.made(Associate(b.call(), asks("C1 <- P1", "L1 <- P1", "P1")...))
	b.finish()
	if got := b.rows(); got != "C1 ASSOCIATION_FAILED, L1 ASSOCIATION_FAILED, P1 ASSOCIATION_FAILED" || b.says(true) != "" {
		t.Errorf("%s; %s", got, b.says(true))
	}
	wantText(t, "the reason", b.failure(), pluginRefused, "n2 refuses", "line 3 of the node's allow file", "Nothing was placed.")
}

// Files-only nodes place it without a restart.
func TestPartsWithoutOpenSearch(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.w.Domain.FilesOnly = true
	d := newDecider(b.w, guards{})
	for id, want := range map[string]string{"p1": "no OpenSearch", "c1": "no OpenSearch"} {
		if level, words := d.pluginProof(b.w.Versions[id]); level != searchpack.LevelPlaced || words != want {
			t.Errorf("%s: %s %s", id, level, words)
		}
	}
	n := &node{AgentState: searchpack.AgentState{Report: &searchpack.Report{}}, plugins: map[string]searchpack.PluginReport{"C1": {Installed: b.w.Versions["c1"].Digest}}}
	if !d.hasPlugin(n, d.installed("C1", b.w.Versions["c1"])) || d.hasPlugin(n, removed("C1", searchpack.PartConfig, "lemmas")) {
		t.Error("the report does not count")
	}
}

// An association from before licenses had to name a plugin ends at once, no node hears of it, and it can be
// dissociated.
func TestPartOfNoPlugin(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{0, 2} {
		b := newPartBench(t, nodes)
		b.w.Associations = []searchpack.Association{{Domain: simDomain, PackageID: "L1", Status: searchpack.Associating, WantedID: "l1"}}
		b.w.Rollouts = []searchpack.Rollout{{ID: "r1", Domain: simDomain, State: searchpack.RolloutQueued, Steps: []searchpack.RolloutStep{{PackageID: "L1", Action: searchpack.ActionAssociate, VersionID: "l1"}}}}
		b.finish()
		a := b.w.Associations[0]
		if a.Status != searchpack.AssociationFailed || a.Error.Type != noPlugin {
			t.Fatalf("%d nodes: %+v", nodes, a)
		}
		wantText(t, "the reason", a.Error.Message, "Package L1 is a PACKAGE-LICENSE", "PrerequisitePackageIDList", "Nothing was placed.")
		b.made(Dissociate(b.call(), "L1"))
		for range 20 {
			b.turn()
			for _, agent := range b.w.Agents {
				if len(agent.Order.Plugins)+len(agent.Order.Candidates) > 0 {
					t.Fatalf("%+v", agent.Order)
				}
			}
		}
		if b.rows() != "" || b.says(false) != "" {
			t.Errorf("%d nodes: %s; %s", nodes, b.rows(), b.says(false))
		}
	}
}

// In use is in use for all: nothing of the call goes.
func TestSeveralInUse(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.serve("v1")
	b.together()
	b.uses = []searchpack.Use{indexUse("shop")}
	b.made(Dissociate(b.call(), "P1", "F1"))
	b.finish()
	if got := b.rows(); got != "C1 DISSOCIATION_FAILED c1, F1 DISSOCIATION_FAILED v1, L1 DISSOCIATION_FAILED l1, P1 DISSOCIATION_FAILED p1" {
		t.Error(got)
	}
	if b.says(false) != "" || b.files() != "live v1, live v1" || b.parts() != "c1 on n1, c1 on n2, l1 on n1, l1 on n2" {
		t.Errorf("%s; %s; %s", b.says(false), b.files(), b.parts())
	}
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

// Whoever needs the plugin does not keep its configuration: only of plugins is it asked who needs them.
func TestConfigurationOfAPluginInUseGoes(t *testing.T) {
	t.Parallel()
	b := newPartBench(t, 2)
	b.together()
	b.usedBy(tagged)
	b.made(Dissociate(b.call(), "C1"))
	b.finish()
	if got := b.rows(); got != "L1 ACTIVE l1, P1 ACTIVE p1" || b.says(false) != "stop n1, stop n2" {
		t.Errorf("%s; %s", got, b.says(false))
	}
	b.made(Dissociate(b.call(), "P1"))
	b.finish()
	if got := b.rows(); got != "L1 DISSOCIATION_FAILED l1, P1 DISSOCIATION_FAILED p1" {
		t.Error(got)
	}
	if why := b.failure(); strings.Count(why, "index tagged") != 1 {
		t.Errorf("the user is not named once: %s", why)
	}
}
