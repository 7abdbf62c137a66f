package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// bench is a world with obedient agents, moved by hand: tests say what happens, step applies what
// Decide makes of it.
type bench struct {
	t *testing.T
	w World
	// off takes rules out of Decide.
	off guards
	// verdict answers probes; nil = all good.
	verdict func(agent string, p searchpack.Probe) (searchpack.Verdict, string)
	// refresh answers refresh duties; nil = all good.
	refresh func(d searchpack.Duty) searchpack.DutyResult
	uses    []searchpack.Use // what a look finds
	// witness answers witnesses; nil = no node has anything to show, because none has a refresh route.
	witness func(agent string, q searchpack.Witness) searchpack.WitnessReport
	// checked answers verify duties; nil = every check has passed.
	checked func(agent string, d searchpack.Duty) searchpack.DutyResult
	// there is what somebody laid at the path of a file that is adopted, by node; refuses is what they
	// say against it.
	there   map[string]searchpack.Digest
	refuses string
	events  []string
	// incidents as they were written, one after the other.
	incidents []searchpack.NodeIncident
	done      []searchpack.Rollout // ended rollouts
}

// newBench makes a domain of n nodes that report, n1 elected, with package F1 in versions v1 to v3.
func newBench(t *testing.T, n int) *bench {
	t.Helper()
	b := &bench{t: t, w: World{
		Now: simStart, Domain: searchpack.Domain{DomainKey: simDomain},
		Packages: map[string]searchpack.Package{}, Versions: map[string]searchpack.Version{}, Findings: map[string][]searchpack.Finding{},
	}}
	b.w.Packages["F1"] = searchpack.Package{ID: "F1", Name: "shop-words", Type: searchpack.TypeDictionary}
	for i := 1; i <= 3; i++ {
		id := fmt.Sprintf("v%d", i)
		b.w.Versions[id] = searchpack.Version{
			ID: id, PackageID: "F1", Number: i, Kind: searchpack.KindSynonyms, KindDeclared: true, Digest: searchpack.DigestOf([]byte(id)), Size: 2,
		}
	}
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("n%d", i)
		b.w.Agents = append(b.w.Agents, searchpack.AgentState{
			Agent: searchpack.Agent{ID: "a" + name[1:], Domain: simDomain, Name: name, EnrolledAt: simStart.Add(-time.Hour)},
		})
	}
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	return b
}

func (b *bench) facts(i int) *searchpack.NodeFacts {
	f := &searchpack.NodeFacts{
		ClusterUUID: "C", NodeID: "id-" + b.w.Agents[i].Name, Name: b.w.Agents[i].Name, ManagerID: "id-n1", Term: 3, StateVersion: 7,
	}
	f.RefreshAPI = b.witness != nil
	for _, a := range b.w.Agents {
		f.Members = append(f.Members, searchpack.Member{NodeID: "id-" + a.Name, Name: a.Name})
	}
	return f
}

// report has agent i report the facts; what it said else stays.
func (b *bench) report(i int, f *searchpack.NodeFacts) {
	r := searchpack.Report{Schema: 1, Epoch: 1}
	if old := b.w.Agents[i].Report; old != nil {
		r = *old
	}
	r.Seq++
	r.Node = f
	b.w.Agents[i].Report, b.w.Agents[i].ReportedAt = &r, b.w.Now
}

// serve puts a version in place as an earlier rollout would have.
func (b *bench) serve(version string) {
	b.w.Associations = []searchpack.Association{{
		Domain: simDomain, PackageID: "F1", Status: searchpack.Active, ServingID: version, WantedID: version,
	}}
	b.run()
	b.run()
	for _, a := range b.w.Agents {
		if f := a.Report.Files; len(f) != 1 || f[0].Digest != b.w.Versions[version].Digest {
			b.t.Fatalf("%s does not serve %s: %+v", a.Name, version, f)
		}
	}
}

// ask queues a rollout of F1 and sets the association as the catalog does.
func (b *bench) ask(action searchpack.Action, version string) {
	b.t.Helper()
	p := b.w.Packages["F1"]
	p.AvailableID = version
	b.w.Packages["F1"] = p
	if action == searchpack.ActionDissociate {
		b.made(Dissociate(b.call(), "F1"))
		return
	}
	b.made(Associate(b.call(), Ask{PackageID: "F1"}))
}

// call is what a call finds now.
func (b *bench) call() Call {
	c := Call{
		Domain: simDomain, Packages: b.w.Packages, Versions: b.w.Versions, Associations: map[string]searchpack.Association{}, Open: b.w.Rollouts,
		RolloutID: fmt.Sprintf("r%d", len(b.w.Rollouts)+len(b.done)+1), Now: b.w.Now,
	}
	for _, a := range b.w.Associations {
		c.Associations[a.PackageID] = a
	}
	return c
}

// made writes what a call made.
func (b *bench) made(ch Change, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range ch.Associations {
		b.associate(a)
	}
	b.replace(ch.Replaced)
	b.w.Rollouts = append(b.w.Rollouts, ch.Rollout)
}

func (b *bench) associate(a searchpack.Association) {
	b.w.Associations = append(b.without(a.PackageID), a)
	slices.SortFunc(b.w.Associations, func(x, y searchpack.Association) int { return cmp.Compare(x.PackageID, y.PackageID) })
}

func (b *bench) without(id string) []searchpack.Association {
	return slices.DeleteFunc(slices.Clone(b.w.Associations), func(x searchpack.Association) bool { return x.PackageID == id })
}

func (b *bench) replace(rs []searchpack.Rollout) {
	for _, r := range rs {
		i := slices.IndexFunc(b.w.Rollouts, func(x searchpack.Rollout) bool { return x.ID == r.ID })
		if b.w.Rollouts[i] = r; !r.State.Open() {
			b.done = append(b.done, r)
			b.w.Rollouts = slices.Delete(b.w.Rollouts, i, i+1)
		}
	}
}

// step decides and applies, and checks that deciding again changes nothing.
func (b *bench) step() Decision {
	b.t.Helper()
	d := decide(b.w, b.off)
	for _, a := range d.Bound {
		b.w.Agents[b.index(a.ID)].Agent = a
	}
	for id, o := range d.Orders {
		b.w.Agents[b.index(id)].Order = o
	}
	b.replace(d.Rollouts)
	for _, p := range d.Permits {
		b.w.Permits[slices.IndexFunc(b.w.Permits, func(x searchpack.Permit) bool { return x.ID == p.ID })] = p
	}
	if d.Settings != nil {
		b.w.Domain.Saved = d.Settings.Saved
	}
	for _, a := range d.Associations {
		b.associate(a)
	}
	for _, id := range d.Dissociated {
		b.w.Associations = b.without(id)
	}
	for _, p := range d.Unproven {
		b.w.Proofs = slices.DeleteFunc(b.w.Proofs, sameProof(p))
	}
	for _, p := range d.Proofs {
		b.w.Proofs = append(slices.DeleteFunc(b.w.Proofs, sameProof(p)), p)
	}
	for _, p := range d.Previews {
		b.w.Previews[slices.IndexFunc(b.w.Previews, func(x searchpack.Preview) bool { return x.ID == p.ID })] = p
	}
	b.w.Previews = slices.DeleteFunc(b.w.Previews, func(p searchpack.Preview) bool { return slices.Contains(d.Forgotten, p.ID) })
	if d.Watch != nil {
		b.w.Domain.Watch = *d.Watch
	}
	for _, i := range d.Incidents {
		b.incidents = append(b.incidents, i)
		b.w.Incidents = slices.DeleteFunc(b.w.Incidents, func(x searchpack.NodeIncident) bool { return x.ID == i.ID })
		if !i.Healed {
			b.w.Incidents = append(b.w.Incidents, i)
		}
	}
	for _, e := range d.Events {
		b.events = append(b.events, e.Action)
	}
	if again := decide(b.w, b.off); !nothing(again) {
		b.t.Fatalf("deciding again changes something: %s", brief(again))
	}
	return d
}

func sameProof(p searchpack.Proof) func(searchpack.Proof) bool {
	return func(x searchpack.Proof) bool { return x.AgentID == p.AgentID && x.PackageID == p.PackageID }
}

func (b *bench) index(id string) int {
	return slices.IndexFunc(b.w.Agents, func(a searchpack.AgentState) bool { return a.ID == id })
}

// obey has the agents named (all if none) do what they were told, and report it.
func (b *bench) obey(names ...string) {
	for i := range b.w.Agents {
		if a := &b.w.Agents[i]; len(names) == 0 || slices.Contains(names, a.Name) {
			b.obeyOne(a)
		}
	}
}

func (b *bench) obeyOne(a *searchpack.AgentState) {
	r := *a.Report
	r.Seq++
	r.Generation, r.Candidates, r.Probes, r.Duties = a.Order.Generation, nil, nil, nil
	r.Files = slices.Clone(r.Files)
	for _, f := range a.Order.Files {
		i := slices.IndexFunc(r.Files, func(x searchpack.FileReport) bool { return x.PackageID == f.PackageID })
		switch {
		case f.Path != "":
			r.Files = append(slices.DeleteFunc(r.Files, func(y searchpack.FileReport) bool { return y.PackageID == f.PackageID }), b.adopted(a.Name, f))
		case f.State == searchpack.FileLive && i < 0:
			r.Files = append(r.Files, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Digest: f.Digest})
		case i < 0:
		case f.State == searchpack.FileRemoved:
			r.Files = slices.Delete(r.Files, i, i+1)
		default:
			r.Files[i].State = f.State
			if f.State == searchpack.FileLive {
				r.Files[i].Digest = f.Digest
			}
		}
	}
	for _, c := range a.Order.Candidates {
		// Fetching takes a while: what is new in the order is ready the next time.
		known := slices.ContainsFunc(a.Report.Candidates, func(x searchpack.CandidateReport) bool { return x.Digest == c.Digest })
		r.Candidates = append(r.Candidates, searchpack.CandidateReport{Digest: c.Digest, Ready: known})
	}
	for _, p := range a.Order.Probes {
		v, why := searchpack.VerdictGood, ""
		if b.verdict != nil {
			v, why = b.verdict(a.Name, p)
		}
		r.Probes = append(r.Probes, searchpack.ProbeResult{ID: p.ID, Digest: p.Digest, Verdict: v, Reason: why})
	}
	for _, d := range a.Order.Duties {
		res := searchpack.DutyResult{ID: d.ID, Done: true}
		if d.Kind == searchpack.DutyLook {
			b.w.Usage = &searchpack.Usage{ClusterUUID: "C", Term: 3, Version: 7, DutyID: d.ID, Uses: b.uses}
		}
		if d.Kind == searchpack.DutyWitness {
			for _, q := range d.Witnesses {
				res.Witnessed = append(res.Witnessed, b.witness(a.Name, q))
			}
		}
		if d.Kind == searchpack.DutyVerify {
			res.Verified = b.passed(d)
			if b.checked != nil {
				res = b.checked(a.Name, d)
			}
			res.ID = d.ID
		}
		if d.Kind == searchpack.DutyRefresh && b.refresh != nil {
			res = b.refresh(d)
			res.ID = d.ID
		}
		r.Duties = append(r.Duties, res)
	}
	a.Report, a.ReportedAt = &r, b.w.Now
}

// passed is what a node says that every check of the duty has passed on.
func (b *bench) passed(d searchpack.Duty) []searchpack.CheckResult {
	var out []searchpack.CheckResult
	for _, c := range d.Verify.Checks {
		out = append(out, searchpack.CheckResult{State: searchpack.CheckPassed, Indices: []string{c.Index}})
	}
	return out
}

// run steps and obeys until nothing is open any more or nothing moves, and returns the phases that
// were gone through.
func (b *bench) run() []string {
	b.t.Helper()
	var phases []string
	for range 40 {
		b.step()
		phase := b.phase()
		if len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
		if phase == "" {
			break
		}
		b.obey()
	}
	b.obey()
	return phases
}

// until runs until the running rollout is in the phase, before anybody has obeyed it.
func (b *bench) until(p searchpack.Phase) {
	b.t.Helper()
	for range 40 {
		if b.step(); b.phase() == string(p) {
			return
		}
		b.obey()
	}
	b.t.Fatalf("never got to %s, is in %q: %s", p, b.phase(), b.waiting())
}

func (b *bench) phase() string {
	if len(b.w.Rollouts) == 0 {
		return ""
	}
	return string(b.w.Rollouts[0].Phase)
}

func (b *bench) waiting() string {
	if len(b.w.Rollouts) == 0 {
		return ""
	}
	return b.w.Rollouts[0].Waiting
}

func (b *bench) association() searchpack.Association {
	b.t.Helper()
	if len(b.w.Associations) != 1 {
		b.t.Fatalf("there are %d associations", len(b.w.Associations))
	}
	return b.w.Associations[0]
}

// later lets time go by; agents named silent are not heard meanwhile.
func (b *bench) later(d time.Duration, silent ...string) {
	b.w.Now = b.w.Now.Add(d)
	for i := range b.w.Agents {
		if !slices.Contains(silent, b.w.Agents[i].Name) {
			b.w.Agents[i].ReportedAt = b.w.Now
		}
	}
}

// file is what the agent's order says of F1: "live v1", "hidden", "-".
func (b *bench) file(name string) string {
	for _, a := range b.w.Agents {
		for _, f := range a.Order.Files {
			if a.Name == name && f.PackageID == "F1" {
				return strings.TrimSpace(string(f.State) + " " + f.VersionID)
			}
		}
	}
	return "-"
}

func (b *bench) files() string {
	var out []string
	for _, a := range b.w.Agents {
		out = append(out, b.file(a.Name))
	}
	return strings.Join(out, ", ")
}

// index is an open index with an updateable search analyzer.
func indexUse(name string) searchpack.Use {
	return searchpack.Use{
		PackageID: "F1", UserKind: searchpack.UserIndex, Name: name, Component: "filter.syn", FileKind: searchpack.KindSynonyms,
		Updateable: true, HotReload: true, Analyzers: []string{"srch"}, Fields: []string{"title (search)"},
		Chains: []searchpack.Chain{{Analyzer: "srch", Body: `{"filter":["` + searchpack.PathMark + `"],"of":"` + name + `"}`}},
	}
}

func wantText(t *testing.T, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", what, got, want)
		}
	}
}
