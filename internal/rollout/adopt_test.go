package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

const there = "analysis/synonyms.txt"

// adopter is a bench whose nodes have a version at a path.
func adopter(t *testing.T, version string) *bench {
	t.Helper()
	b := newBench(t, 3)
	p := b.w.Packages["F1"]
	p.AvailableID, p.AvailableNumber, p.Status = "v1", 1, searchpack.PackageAvailable
	b.w.Packages["F1"] = p
	b.lay(version, "n1", "n2", "n3")
	return b
}

// lay has somebody put a version's bytes at the path on nodes; "" = nothing lies there.
func (b *bench) lay(version string, nodes ...string) {
	if b.there == nil {
		b.there = map[string]searchpack.Digest{}
	}
	for _, n := range nodes {
		b.there[n] = b.w.Versions[version].Digest
	}
}

func (b *bench) adopt() {
	b.t.Helper()
	ch, err := Associate(b.call(), Ask{PackageID: "F1", Path: there, VersionID: "v1"})
	b.made(ch, err)
}

// adopted is what a node does about a file with a path, and reports.
func (b *bench) adopted(node string, f searchpack.FileOrder) searchpack.FileReport {
	x := searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path}
	switch {
	case b.refuses != "":
		x.Refused, x.Error = true, b.refuses
		return x
	case f.State == searchpack.FileReleased:
		return x
	case f.State == searchpack.FileLive:
		b.there[node] = f.Digest
	}
	x.Digest = b.there[node]
	return x
}

// states are what the orders say of the file, node by node.
func (b *bench) states() string {
	var out []string
	for _, a := range b.w.Agents {
		text := "-"
		for _, f := range a.Order.Files {
			text = string(f.State) + " " + f.Path
		}
		out = append(out, text)
	}
	return strings.Join(slices.Compact(out), ", ")
}

func TestAdoption(t *testing.T) {
	t.Parallel()
	b := adopter(t, "v1")
	b.adopt()
	b.until(searchpack.PhaseProbe)
	if got := b.states(); got != "adopt "+there {
		t.Errorf("while it is adopted the nodes are told: %s", got)
	}
	if o := b.w.Agents[0].Order; o.Schema != searchpack.OrderSchemaPaths {
		t.Errorf("the order has schema %d", o.Schema)
	}
	for b.phase() != "" {
		b.obey()
		b.step()
		if b.association().ServingID == "" && strings.Contains(b.states(), "live") {
			t.Fatalf("told to write before it serves: %s", b.states())
		}
	}
	a := b.association()
	if a.Status != searchpack.Active || a.ServingID != "v1" || a.Path != there || len(b.w.Proofs) != 3 {
		t.Errorf("%+v, %d proofs", a, len(b.w.Proofs))
	}
	b.step()
	if got := b.states(); got != "live "+there {
		t.Errorf("once it serves the nodes are told: %s", got)
	}
	b.obey()
	b.step()
	if len(b.w.Proofs) != 3 {
		t.Errorf("%d proofs are left", len(b.w.Proofs))
	}
}

func TestAdoptedFileIsUpdatedAndReleased(t *testing.T) {
	t.Parallel()
	b := adopter(t, "v1")
	b.adopt()
	b.run()
	b.step()
	b.obey()
	b.ask(searchpack.ActionAssociate, "v2")
	b.run()
	if a := b.association(); a.ServingID != "v2" || a.Path != there || b.states() != "live "+there {
		t.Errorf("the update: %+v, %s", a, b.states())
	}
	b.verdict = func(string, searchpack.Probe) (searchpack.Verdict, string) { return searchpack.VerdictBad, "no" }
	b.ask(searchpack.ActionAssociate, "v3")
	b.run()
	if a := b.association(); a.Status != searchpack.AssociationFailed || a.ServingID != "v2" || b.states() != "live "+there {
		t.Errorf("a bad update: %+v, %s", a, b.states())
	}
	b.verdict = nil

	// Who uses it does not matter: it stays.
	b.uses = []searchpack.Use{indexUse("shop")}
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseRemove)
	if b.states() != "released "+there {
		t.Errorf("the nodes are told: %s", b.states())
	}
	b.run()
	if len(b.w.Associations) > 0 || b.there["n1"] != b.w.Versions["v2"].Digest {
		t.Errorf("%+v, %s", b.w.Associations, b.there["n1"].Short())
	}
	b.obey()
	b.step()
	if got := b.states(); got != "-" {
		t.Errorf("afterwards the nodes are told: %s", got)
	}
}

func TestAdoptionRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*bench)
		says    string
	}{
		"other bytes": {func(b *bench) { b.lay("v3", "n2") }, "n2: other bytes (SHA-256"},
		"none":        {func(b *bench) { b.lay("", "n1", "n3") }, "n1, n3: no such file"},
		"not allowed": {func(b *bench) { b.refuses = "start it with --adopt analysis" }, "n1, n2, n3: start it with --adopt analysis"},
		"a folder": {func(b *bench) {
			v := b.w.Versions["v1"]
			v.Tree = true
			b.w.Versions["v1"] = v
		}, "is a folder"},
		"placed before": {func(b *bench) {
			r := *b.w.Agents[2].Report
			r.Files = []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileLive, Digest: b.w.Versions["v1"].Digest}}
			b.w.Agents[2].Report = &r
		}, "n3: analyzers/F1 lies there from before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := adopter(t, "v1")
			c.prepare(b)
			b.adopt()
			b.run()
			a := b.association()
			if a.Status != searchpack.AssociationFailed || a.Error == nil || a.Error.Type != adoptionRefused || a.ServingID != "" {
				t.Fatalf("%+v", a)
			}
			wantText(t, "error", a.Error.Message, c.says)
			if advised, bytes := strings.Contains(a.Error.Message, "the same bytes"), name == "other bytes" || name == "none"; advised != bytes {
				t.Errorf("the bytes are what is wrong: %v; it says: %s", bytes, a.Error.Message)
			}
			if strings.Contains(b.states(), "live") {
				t.Errorf("the nodes are told: %s", b.states())
			}
			if name == "other bytes" { // mended, it goes on
				b.lay("v1", "n2")
				b.adopt()
				b.run()
				if a := b.association(); a.Status != searchpack.Active {
					t.Errorf("after it was mended: %+v", a)
				}
			}
		})
	}
}

// A node that is down may have anything: it is waited for, because it would be overwritten later.
func TestAdoptionWaitsForEveryNode(t *testing.T) {
	t.Parallel()
	b := adopter(t, "v1")
	b.leave(2)
	b.adopt()
	for range 5 {
		b.later(time.Minute, "n3")
		b.obey("n1", "n2")
		b.step()
	}
	if b.phase() != "fetch" {
		t.Fatalf("phase %s: %s", b.phase(), b.waiting())
	}
	wantText(t, "waiting", b.waiting(), "waiting for n3 to look at "+there)
}

func TestAdoptCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask     string
		rows    []searchpack.Association
		typ     searchpack.PackageType
		code    searchpack.Code
		path    string
		message string
	}{
		"new":                  {ask: there, path: there},
		"as before":            {ask: there, rows: []searchpack.Association{{PackageID: "F1", Status: searchpack.AssociationFailed, Path: there}}, path: there},
		"kept":                 {rows: []searchpack.Association{{PackageID: "F1", Status: searchpack.Active, ServingID: "v1", Path: there}}, path: there},
		"elsewhere, failed":    {ask: there, rows: []searchpack.Association{{PackageID: "F1", Status: searchpack.AssociationFailed, Path: "a.txt"}}, path: there},
		"elsewhere":            {ask: there, rows: []searchpack.Association{{PackageID: "F1", Status: searchpack.Active, ServingID: "v1", Path: "a.txt"}}, code: searchpack.ErrConflict, message: "its file there is a.txt"},
		"placed":               {ask: there, rows: []searchpack.Association{{PackageID: "F1", Status: searchpack.Active, ServingID: "v1"}}, code: searchpack.ErrConflict, message: "its file there is analyzers/F1"},
		"another's":            {ask: there, rows: []searchpack.Association{{PackageID: "F2", Status: searchpack.Active, Path: there}}, code: searchpack.ErrConflict, message: "of package F2"},
		"a package's place":    {ask: "analyzers/F2", code: searchpack.ErrInvalid},
		"candidates":           {ask: "analyzers/.searchpack/x", code: searchpack.ErrInvalid},
		"OpenSearch's own":     {ask: "opensearch.yml", code: searchpack.ErrInvalid},
		"a plugin":             {ask: there, typ: searchpack.TypePlugin, code: searchpack.ErrInvalid},
		"in analyzers, a name": {ask: "analyzers/synonyms.txt", path: "analyzers/synonyms.txt"},
	} {
		call := Call{Domain: simDomain, RolloutID: "r", Now: simStart, Associations: map[string]searchpack.Association{}, Packages: map[string]searchpack.Package{
			"F1": {ID: "F1", Type: searchpack.TypeDictionary, AvailableID: "v2", Status: searchpack.PackageAvailable},
		}}
		if c.typ != "" {
			p := call.Packages["F1"]
			p.Type = c.typ
			call.Packages["F1"] = p
		}
		for _, a := range c.rows {
			call.Associations[a.PackageID] = a
		}
		ch, err := Associate(call, Ask{PackageID: "F1", Path: c.ask})
		if searchpack.ErrorCode(err) != c.code || !strings.Contains(searchpack.ErrorMessage(err), c.message) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && ch.Associations[0].Path != c.path {
			t.Errorf("%s: path %q", name, ch.Associations[0].Path)
		}
	}
}

// A file that was adopted and one that was placed are dissociated together: one is hidden and removed, the
// other stays live until it is released.
func TestAdoptedAndPlacedAreDissociatedTogether(t *testing.T) {
	t.Parallel()
	b := adopter(t, "v1")
	b.adopt()
	b.run()
	b.step()
	b.obey()
	withSecond(b)
	ch, err := Associate(b.call(), Ask{PackageID: "F2"})
	b.made(ch, err)
	b.run()
	ch, err = Dissociate(b.call(), "F1", "F2")
	b.made(ch, err)
	b.step()
	for b.phase() != "" {
		b.obey()
		b.step()
		for _, a := range b.w.Agents {
			for _, f := range a.Order.Files {
				if f.PackageID == "F1" && (f.State == searchpack.FileHidden || f.State == searchpack.FileRemoved || f.Path != there) {
					t.Fatalf("in phase %s %s is told %+v", b.phase(), a.Name, f)
				}
			}
		}
	}
	if len(b.w.Associations) > 0 {
		t.Errorf("left: %+v", b.w.Associations)
	}
}

// A node that was away when the file was released hears of it when it is back; nothing is removed there.
func TestReleaseReachesLateNodes(t *testing.T) {
	t.Parallel()
	b := adopter(t, "v1")
	r := *b.w.Agents[1].Report
	r.Files = []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileLive, Path: there, Digest: b.w.Versions["v1"].Digest}}
	b.w.Agents[1].Report = &r
	b.step()
	if f := b.w.Agents[1].Order.Files; len(f) != 1 || f[0].State != searchpack.FileReleased || f[0].Path != there {
		t.Errorf("it is told %+v", f)
	}
}
