package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// lineBench is a domain of three nodes with OpenSearch 2.19.0 and a line of plugins: p1 of P1 for 2.19.0
// serves, p2 of P1 is for 2.19.1, q1 of P2 for every 3.x. In this order they were made.
func lineBench(t *testing.T) *plugBench {
	t.Helper()
	b := newPlugBench(t, 3)
	b.w.Packages["P1"] = searchpack.Package{ID: "P1", Name: "lemmas", Type: searchpack.TypePlugin, EngineVersion: "OpenSearch_2.19"}
	b.w.Packages["P2"] = searchpack.Package{ID: "P2", Name: "lemmas", Type: searchpack.TypePlugin, EngineVersion: "OpenSearch_3.8"}
	b.build("p1", "P1", 1, "2.19.0")
	b.build("p2", "P1", 2, "2.19.1")
	b.build("q1", "P2", 1, "^3.0.0")
	for i := range b.w.Agents {
		b.engine(i, "2.19.0")
	}
	b.reportAll()
	b.has("p1")
	return b
}

// build adds a version of the line.
func (b *plugBench) build(id, packageID string, number int, openSearch string) {
	b.w.Versions[id] = searchpack.Version{
		ID: id, PackageID: packageID, Number: number, Digest: searchpack.DigestOf([]byte(id)), Size: 2,
		CreatedAt: simStart.Add(time.Duration(len(b.w.Lines["P1"])) * time.Second),
		Plugin:    &searchpack.PluginProperties{Name: "lemmas", Version: id, ClassName: "org.Lemmas", OpenSearch: openSearch},
	}
	if b.w.Lines == nil {
		b.w.Lines = map[string][]string{}
	}
	line := append(slices.Clone(b.w.Lines["P1"]), id)
	b.w.Lines["P1"], b.w.Lines["P2"] = line, line
}

// engine has the i-th node's package manager bring an OpenSearch; it runs from its next start on.
func (b *plugBench) engine(i int, version string) { b.nodes[b.w.Agents[i].Name].home = version }

// upgrade has the i-th node's OpenSearch be another: it is stopped, and starts with what its order says
// for that version, as its agent does by itself.
func (b *plugBench) upgrade(i int, version string) {
	a := &b.w.Agents[i]
	n := b.nodes[a.Name]
	n.home = version
	for _, o := range a.Order.Plugins {
		n.disk, n.runs = b.chosen(a.Order, o, version), b.chosen(a.Order, o, version)
	}
	b.reportAll()
	for range 5 {
		b.turn()
	}
}

// chosen is what the agent makes of a line of its order.
func (b *plugBench) chosen(all searchpack.Order, o searchpack.PluginOrder, version string) searchpack.Digest {
	for _, x := range append([]searchpack.PluginOrder{o}, all.Alternatives...) {
		for _, v := range b.w.Versions {
			if x.PackageID == o.PackageID && v.Digest == x.Digest && newDecider(b.w, guards{}).madeFor(v, version) {
				return v.Digest
			}
		}
	}
	return ""
}

// ordered are the versions that the nodes are told to have.
func (b *plugBench) ordered() string {
	var out []string
	for _, a := range b.w.Agents {
		for _, o := range a.Order.Plugins {
			out = append(out, o.PackageID+":"+o.VersionID)
		}
	}
	return strings.Join(out, " ")
}

func TestOrdersNameTheLine(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	o := b.w.Agents[0].Order
	var others []string
	for _, x := range o.Alternatives {
		others = append(others, fmt.Sprint(x.PackageID, " ", x.VersionID, " ", x.OpenSearch))
	}
	if o.Plugins[0].OpenSearch != "2.19.0" || strings.Join(others, ", ") != "P1 q1 ^3.0.0, P1 p2 2.19.1" {
		t.Errorf("%+v, %s", o.Plugins, others)
	}
	for i := range 2 * maxAlternatives {
		b.build(fmt.Sprint("r", i), "P2", i, fmt.Sprintf("4.%d.0", i))
	}
	b.step()
	if o = b.w.Agents[0].Order; len(o.Alternatives) != maxAlternatives || o.Alternatives[0].OpenSearch != "4.31.0" {
		t.Errorf("%d alternatives, the first for %s", len(o.Alternatives), o.Alternatives[0].OpenSearch)
	}
}

// A patch upgrade, node by node: every node has the version for its own OpenSearch, nobody restarts any
// because of that, and in the end the version that runs is the one that serves.
func TestPatchUpgrade(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.upgrade(0, "2.19.1")
	if b.everywhere() != "[p2 p1 p1]" || b.ordered() != "P1:p2 P1:p1 P1:p1" || b.status() != "ACTIVE p1" || len(b.w.Proofs) != 3 {
		t.Fatalf("one upgraded: %s, %s, %s, %+v", b.everywhere(), b.ordered(), b.status(), b.w.Proofs)
	}
	b.build("p3", "P1", 3, "2.19.1") // what nodes have stays until it is called for
	b.upgrade(1, "2.19.1")
	b.upgrade(2, "2.19.1")
	if b.everywhere() != "p2" || b.status() != "ACTIVE p2" || b.says(false) != "" {
		t.Fatalf("all upgraded: %s, %s, happened: %s", b.everywhere(), b.status(), b.says(false))
	}
	for _, p := range b.w.Proofs {
		if p.VersionID != "p2" || p.PackageID != "P1" {
			t.Errorf("%+v", p)
		}
	}
	b.wants(install, "p3") // and now it is
	b.finish()
	if b.everywhere() != "p3" || b.status() != "ACTIVE p3" {
		t.Errorf("updated: %s, %s", b.everywhere(), b.status())
	}
}

// The association moves to the namesake package, and what needs it follows.
func TestUpgradeMovesTheAssociation(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.w.Packages["L1"] = searchpack.Package{ID: "L1", Name: "words", Type: searchpack.TypeLicense}
	b.w.Associations = append(b.w.Associations, searchpack.Association{Domain: simDomain, PackageID: "L1", Status: searchpack.AssociationFailed, Prerequisites: []string{"F9", "P1"}})
	for i := range 3 {
		if a := b.row("P1"); a == nil || a.ServingID != "p1" {
			t.Fatalf("after %d nodes: %+v", i, a)
		}
		b.upgrade(i, "3.8.0")
	}
	if b.row("P1") != nil || b.everywhere() != "q1" {
		t.Fatalf("%+v, %s", b.w.Associations, b.everywhere())
	}
	a := b.row("P2")
	if a == nil || a.Status != searchpack.Active || a.ServingID != "q1" || a.WantedID != "q1" {
		t.Errorf("%+v", a)
	}
	if got := b.row("L1").Prerequisites; !slices.Equal(got, []string{"F9", "P2"}) {
		t.Errorf("needed by %v", got)
	}
	if b.ordered() != "P2:q1 P2:q1 P2:q1" || b.says(false) != "" {
		t.Errorf("%s, happened: %s", b.ordered(), b.says(false))
	}
	if len(b.w.Proofs) != 3 || b.w.Proofs[0].PackageID != "P2" || b.w.Proofs[0].VersionID != "q1" {
		t.Errorf("%+v", b.w.Proofs)
	}
	if n := slices.IndexFunc(b.events, func(e string) bool { return strings.Contains(e, "plugin follows the engine") }); n < 0 {
		t.Errorf("no event among %v", b.events)
	}
	b.build("q2", "P2", 2, "^3.0.0") // it goes on as that package's
	b.w.Packages["P2"] = searchpack.Package{ID: "P2", Name: "lemmas", Type: searchpack.TypePlugin, EngineVersion: "OpenSearch_3.8", AvailableID: "q2"}
	b.made(Associate(b.call(), Ask{PackageID: "P2", VersionID: "q2"}))
	b.finish()
	if b.everywhere() != "q2" {
		t.Errorf("%s", b.everywhere())
	}
}

// The agent is told of the move and has nothing to do: a report from before it, which has the plugin under
// the former package, makes nobody remove it.
func TestReportFromBeforeTheMove(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.w.Associations[0].PackageID, b.w.Associations[0].ServingID = "P2", "p1"
	b.step()
	for _, a := range b.w.Agents {
		if slices.ContainsFunc(a.Order.Plugins, func(o searchpack.PluginOrder) bool { return o.State == searchpack.PluginRemoved }) {
			t.Errorf("%+v", a.Order.Plugins)
		}
	}
}

// A node for whose OpenSearch there is none: it is said where people look, and nothing moves on.
func TestNoVersionFits(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.upgrade(2, "2.19.2")
	const want = "no version is made for OpenSearch 2.19.2 of n3"
	if a := b.row("P1"); a.Status != searchpack.Active || a.Note != want {
		t.Errorf("%+v", a)
	}
	s := Restarts(b.w)["a3"].Plugins[0]
	if s.State != PluginRefused || !strings.Contains(s.Why, "no version of lemmas is made for OpenSearch 2.19.2") || !strings.Contains(s.Do, "searchpack push FILE --name lemmas") {
		t.Errorf("%+v", s)
	}
	if d := Debts(b.w)["a3"]; len(d) != 1 || !strings.Contains(d[0].Why, "2.19.2") {
		t.Errorf("%+v", d)
	}
	b.build("p4", "P1", 4, "~2.19.2")
	b.turn()
	if o := b.w.Agents[2].Order.Plugins[0]; o.VersionID != "p4" || b.row("P1").Note != "" {
		t.Errorf("pushed: %+v, %q", o, b.row("P1").Note)
	}
	// It lies there, and runs on for now: said too.
	b.engine(0, "5.0.0")
	b.reportAll()
	if s = Restarts(b.w)["a1"].Plugins[0]; s.State != PluginRuns || !strings.Contains(s.Why, "5.0.0") || s.Do == "" {
		t.Errorf("%+v", s)
	}
}

// A rollout brings each node the version for its own OpenSearch; where none has the one that is called
// for, they refuse it.
func TestRolloutAcrossVersions(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.upgrade(0, "2.19.1")
	b.build("p3", "P1", 3, "2.19.1")
	b.nodes["n2"].refuses = "it is made for 2.19.1" // never asked
	b.nodes["n3"].refuses = "it is made for 2.19.1"
	b.wants(install, "p3")
	b.finish()
	if b.everywhere() != "[p3 p1 p1]" || b.status() != "ACTIVE p3" || b.says(false) != "stop n1" || len(b.w.Proofs) != 3 {
		t.Errorf("%s, %s, happened: %s, %+v", b.everywhere(), b.status(), b.says(false), b.w.Proofs)
	}
	b.w.Proofs = nil
	b.turn()
	if len(b.w.Proofs) != 3 {
		t.Errorf("proven anew: %+v", b.w.Proofs)
	}

	b = lineBench(t)
	for _, n := range b.nodes {
		n.refuses = "was built for OpenSearch version 2.19.1 but version 2.19.0 is running"
	}
	b.wants(install, "p2")
	b.finish()
	wantText(t, "reason", b.failure(), "refuses v2 of lemmas", "was built for", "v1 of package P1 is made for OpenSearch 2.19.0")
	if b.everywhere() != "p1" || b.status() != "ASSOCIATION_FAILED p1" {
		t.Errorf("%s, %s", b.everywhere(), b.status())
	}
	// What was called for in vain is right once the nodes are upgraded.
	for i := range 3 {
		b.upgrade(i, "2.19.1")
	}
	if b.everywhere() != "p2" || b.status() != "ACTIVE p2" || b.row("P1").Error != nil {
		t.Errorf("%s, %s", b.everywhere(), b.status())
	}
}

// Nothing moves on while a node is silent, while nodes have different versions, or a rollout is under way.
func TestWhatHoldsTheMove(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.upgrade(0, "2.19.1")
	b.upgrade(1, "2.19.1")
	b.w.Agents[2].ReportedAt = b.w.Now.Add(-time.Minute)
	b.step()
	if b.status() != "ACTIVE p1" {
		t.Errorf("while a node is silent: %s", b.status())
	}
	b.upgrade(2, "2.19.1")
	if b.status() != "ACTIVE p2" {
		t.Errorf("%s", b.status())
	}
}

// Without OpenSearch the engine is what the domain's row says.
func TestFilesOnlyFollowsTheRow(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.w.Domain.FilesOnly, b.w.Domain.EngineVersion = true, "OpenSearch_2.19"
	d := newDecider(b.w, guards{})
	if got := d.fitting(b.w.Versions["q1"], d.starts(d.nodes[0])); got.PackageID != "P1" {
		t.Errorf("%+v", got)
	}
	if len(d.alternatives([]searchpack.PluginOrder{d.installed("P1", b.w.Versions["p1"])})) != 0 {
		t.Error("alternatives for nodes that never start")
	}
}

func TestMadeForText(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	v := b.w.Versions["p1"]
	for name, c := range map[string]struct {
		properties *searchpack.PluginProperties
		engine     string
		want       string
	}{
		"said": {v.Plugin, "OpenSearch_3.8", "2.19.0"}, "by the package": {&searchpack.PluginProperties{}, "OpenSearch_3.8", "~3.8.0"},
		"not known": {&searchpack.PluginProperties{}, "", ""}, "no plugin": {nil, "OpenSearch_3.8", ""}, "Elasticsearch": {&searchpack.PluginProperties{}, "Elasticsearch_7.10", ""},
	} {
		b.w.Packages["P1"] = searchpack.Package{ID: "P1", Type: searchpack.TypePlugin, EngineVersion: c.engine}
		v.Plugin = c.properties
		if got := newDecider(b.w, guards{}).madeForText(v); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// row is the association of a package; nil if there is none.
func (b *plugBench) row(packageID string) *searchpack.Association {
	for i := range b.w.Associations {
		if b.w.Associations[i].PackageID == packageID {
			return &b.w.Associations[i]
		}
	}
	return nil
}

// What follows the latest version does not follow a build that no node takes.
func TestSuits(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	suits := func(version string) bool {
		p := b.w.Packages["P1"]
		p.AvailableID = version
		b.w.Packages["P1"] = p
		return Suits(b.w, "P1")
	}
	if !suits("p1") || suits("p2") || !suits("gone") || !Suits(b.w, "F1") {
		t.Error("before an upgrade")
	}
	b.engine(0, "2.19.1")
	b.reportAll()
	if !suits("p1") || !suits("p2") {
		t.Error("while one is upgraded")
	}
	b.w.Agents = nil
	if !suits("p2") {
		t.Error("without nodes")
	}
}

// What was called for in vain is the former package's: the association that has moved on wants what serves, and
// nothing holds a version of a package that is not associated any more.
func TestMoveForgetsWhatFailed(t *testing.T) {
	t.Parallel()
	b := lineBench(t)
	b.build("p3", "P1", 3, "2.19.0")
	for _, n := range b.nodes {
		n.refuses = "no"
	}
	b.wants(install, "p3")
	b.finish()
	if b.status() != "ASSOCIATION_FAILED p1" {
		t.Fatal(b.status())
	}
	for i := range 3 {
		b.upgrade(i, "3.8.0")
	}
	if a := b.row("P2"); a == nil || a.Status != searchpack.Active || a.ServingID != "q1" || a.WantedID != "q1" || a.Error != nil {
		t.Errorf("%+v", a)
	}
}

// Whenever a newer build is published while nodes restart, each restarts once, and gets what the line held
// when the rollout began.
func TestBuildPublishedDuringARollout(t *testing.T) {
	t.Parallel()
	for turn := 1; turn < 30; turn++ {
		b := lineBench(t)
		b.made(Dissociate(b.call(), "P1"))
		b.finish()
		b.happened = nil
		b.engine(0, "2.19.1") // p2 is for it
		b.reportAll()
		b.wants(install, "p1")
		for range turn {
			b.turn()
		}
		b.build("p3", "P1", 3, "2.19.1")
		b.build("p4", "P1", 4, "2.19.0")
		b.finish()
		if b.everywhere() != "[p2 p1 p1]" || b.status() != "ACTIVE p1" || b.says(false) != "stop n2, stop n3, stop n1" {
			t.Errorf("published in turn %d: %s, %s, happened: %s", turn, b.everywhere(), b.status(), b.says(false))
		}
	}
}

// A node that is given back what it had gets the version that it had, also where another of its line serves,
// and whatever was published since.
func TestGivenBackWhatLayThere(t *testing.T) {
	t.Parallel()
	for _, published := range []bool{false, true} {
		b := lineBench(t)
		b.upgrade(0, "2.19.1")
		b.upgrade(1, "2.19.1")
		if b.everywhere() != "[p2 p2 p1]" || b.status() != "ACTIVE p1" {
			t.Fatal(b.everywhere(), b.status())
		}
		b.build("p3", "P1", 3, "2.19.1")
		b.nodes["n1"].fails = "it threw" // the elected manager, which is the last
		b.wants(install, "p3")
		b.goUntil("the first has it", func() bool { return b.nodes["n2"].runs == b.w.Versions["p3"].Digest })
		if published {
			b.build("p4", "P1", 4, "2.19.1")
		}
		b.finish()
		if b.everywhere() != "[p2 p2 p1]" || b.status() != "ASSOCIATION_FAILED p1" {
			t.Errorf("published %v: %s, %s, happened: %s", published, b.everywhere(), b.status(), b.says(false))
		}
	}
}

// Without OpenSearch no node refuses a version for another one. Where the line has the right one the rollout
// ends, whenever the domain's engine changes, and nodes have that.
func TestEngineChangesWithoutOpenSearch(t *testing.T) {
	t.Parallel()
	for turn := range 10 {
		b := lineBench(t)
		b.w.Domain.FilesOnly, b.w.Domain.EngineVersion = true, "OpenSearch_2.19"
		b.build("p3", "P1", 3, "2.19.0")
		b.wants(install, "p3")
		for i := range 30 {
			if i == turn {
				b.w.Domain.EngineVersion = "OpenSearch_3.8"
			}
			b.turn()
			for i, a := range b.w.Agents {
				b.start(b.w.Agents[i].Order, b.nodes[a.Name])
			}
		}
		if a := b.row("P2"); len(b.w.Rollouts) != 0 || b.everywhere() != "q1" || a == nil || a.Status != searchpack.Active || a.ServingID != "q1" {
			t.Errorf("in turn %d: %s, %+v, %s", turn, b.everywhere(), b.w.Associations, b.waiting())
		}
	}
}

// A node that takes a version that is not made for its OpenSearch, against its own preflight, ends the rollout,
// before it is stopped or after.
func TestNodeTakesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := lineBench(t)
		if after {
			b.engine(0, "2.19.1")
			b.reportAll()
		}
		b.wants(install, "p2")
		if after {
			b.goUntil("n1 has it", func() bool { return b.nodes["n1"].runs == b.w.Versions["p2"].Digest })
			for i := range b.w.Agents {
				b.engine(i, "2.19.0")
			}
			b.reportAll()
		}
		b.finish()
		if b.status() != "ASSOCIATION_FAILED p1" || b.everywhere() != "p1" {
			t.Errorf("after %v: %s, %s, happened: %s", after, b.status(), b.everywhere(), b.says(false))
		}
		wantText(t, "reason", b.failure(), "PluginRefused: v2 of lemmas is made for OpenSearch 2.19.1, and n", " has 2.19.0.", "v1 of package P1 is made for OpenSearch 2.19.0")
	}
}
