package rollout

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

var simDomain = searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}

// simServer is the store with two servers before it. Each loads the world, decides, and commits a
// moment later, if no other decision and no call came between (the fence); reports may.
type simServer struct {
	*sim
	agents       map[string]*searchpack.AgentState
	ids          []string          // of agents, sorted
	keys         map[string]string // what the last report of an agent said, shortly
	associations map[string]searchpack.Association
	rollouts     []searchpack.Rollout // all, oldest first
	packages     map[string]searchpack.Package
	versions     map[string]searchpack.Version
	proofs       map[proofKey]searchpack.Proof
	usage        *searchpack.Usage
	previews     []searchpack.Preview
	permits      []searchpack.Permit
	released     map[string]bool // paths of files that were adopted before
	policy       searchpack.DomainPolicy
	saved        *searchpack.SavedAllocation
	incidents    []searchpack.NodeIncident // open ones
	watched      searchpack.DomainWatch
	looks        map[string]simLook // what was true when a look was read
	byID         map[string]*simAgent
	checks       map[string][]searchpack.Check // by version
	refused      int                           // associations that a check has made fail
	checked      World                         // the world of the decision being checked
	list         []simMember                   // see must
	complete     bool                          // nobody of list is silent
	textsFor     string                        // rollout whose texts are made, or being made
	rounds       map[string]time.Time          // rollout -> when its round began, whatever its row says
	placing      string                        // version and rollout whose placing was checked
	fence        int
	decisions    int
	due          time.Time // when a decision is planned; zero = none
}

// simLook is the truth when a look was first read: package -> node that had its file live -> since
// when that node was up.
type simLook map[string]map[string]time.Time

func newSimServer(s *sim) *simServer {
	v := &simServer{
		sim: s, byID: map[string]*simAgent{}, released: map[string]bool{}, agents: map[string]*searchpack.AgentState{}, keys: map[string]string{},
		associations: map[string]searchpack.Association{}, packages: map[string]searchpack.Package{},
		versions: map[string]searchpack.Version{}, proofs: map[proofKey]searchpack.Proof{}, looks: map[string]simLook{}, rounds: map[string]time.Time{},
	}
	for i := range 4 {
		id := fmt.Sprintf("F%d", i+1)
		v.packages[id] = searchpack.Package{ID: id, Name: "pkg" + id, Type: searchpack.TypeDictionary, Status: searchpack.PackageAvailable}
		v.update(id, "")
	}
	v.packages[simLicense] = searchpack.Package{ID: simLicense, Name: "plug-license", Type: searchpack.TypeLicense, Status: searchpack.PackageAvailable}
	v.update(simLicense, "")
	v.packages[simPlugin] = searchpack.Package{ID: simPlugin, Name: "plug", Type: searchpack.TypePlugin, Status: searchpack.PackageAvailable}
	v.packages[simSibling] = searchpack.Package{ID: simSibling, Name: "plug", Type: searchpack.TypePlugin, Status: searchpack.PackageAvailable}
	v.update(simPlugin, "")
	return v
}

// update makes a new version of a package whose bytes have a fault.
func (v *simServer) update(pkg, fault string) { v.updateFor(pkg, fault, v.madeFor(pkg)) }

// updateFor makes one of a plugin for an OpenSearch.
func (v *simServer) updateFor(pkg, fault, openSearch string) {
	p := v.packages[pkg]
	p.AvailableNumber++
	ver := searchpack.Version{
		ID: fmt.Sprintf("%s-v%d", pkg, p.AvailableNumber), PackageID: pkg, Number: p.AvailableNumber,
		Kind: searchpack.KindSynonyms, KindDeclared: true, Digest: searchpack.DigestOf([]byte(fmt.Sprint(pkg, p.AvailableNumber))), Size: 1, CreatedAt: v.now,
	}
	if isPlugin(pkg) {
		ver.Kind = ""
	}
	if isPlugin(pkg) && pkg != simLicense {
		ver.Tree, ver.Plugin = true, &searchpack.PluginProperties{Name: "plug", Version: fmt.Sprint(pkg, p.AvailableNumber), ClassName: "C", OpenSearch: openSearch}
	}
	p.AvailableID = ver.ID
	v.packages[pkg], v.versions[ver.ID], v.truth[ver.Digest] = p, ver, fault
	v.log("%s has fault %q", ver.ID, fault)
}

// world is what a server loads.
func (v *simServer) world() World {
	w := World{
		Now: v.now, Domain: searchpack.Domain{DomainKey: simDomain, Policy: v.policy, Watch: v.watched, Saved: v.saved}, Permits: v.worldPermits(),
		Incidents: slices.Clone(v.incidents), Packages: maps.Clone(v.packages),
		Versions: maps.Clone(v.versions), Usage: v.usage, Previews: slices.Clone(v.previews), Checks: map[string][]searchpack.Check{}, Lines: v.line(),
	}
	for id, ver := range v.versions {
		w.Checks[id] = v.checksOf(ver)
	}
	if len(v.ids) != len(v.agents) {
		v.ids = slices.Sorted(maps.Keys(v.agents))
	}
	w.Agents = make([]searchpack.AgentState, 0, len(v.ids))
	for _, id := range v.ids {
		w.Agents = append(w.Agents, *v.agents[id])
	}
	for _, id := range slices.Sorted(maps.Keys(v.associations)) {
		w.Associations = append(w.Associations, v.associations[id])
	}
	for _, r := range v.rollouts {
		if r.State.Open() {
			w.Rollouts = append(w.Rollouts, r)
		}
	}
	w.Proofs = slices.Collect(maps.Values(v.proofs)) // in any order
	return w
}

// dirty plans a decision.
func (v *simServer) dirty() {
	most := 60 * time.Millisecond
	if v.nodes >= large { // what is loaded and written is as much more
		most = time.Second
	}
	v.dueAt(v.now.Add(v.upTo(most)))
}

func (v *simServer) dueAt(t time.Time) {
	t = t.Truncate(time.Microsecond)
	if !v.due.IsZero() && !t.Before(v.due) {
		return
	}
	v.due = t
	v.after(t.Sub(v.now), func() {
		if v.due.Equal(v.now) {
			v.due = time.Time{}
			v.decide()
		}
	})
}

func (v *simServer) decide() {
	v.follow()
	w := v.world()
	fence := v.fence
	d := decide(w, v.off)
	v.decisions++
	if v.decisions%20 == 0 && !reflect.DeepEqual(d, decide(w, v.off)) {
		v.fail("the same world gives two decisions")
	}
	if v.fault(0.1) { // this server is slow, the other goes on
		v.after(v.upTo(3*time.Second), func() {
			if v.fence == fence {
				v.commit(w, d)
			}
			v.dirty()
		})
		v.dirty()
		return
	}
	v.commit(w, d)
}

// commit checks and writes a decision. Deciding again at once must change nothing.
func (v *simServer) commit(w World, d Decision) {
	v.check(w, d)
	v.fence++
	v.apply(w, d)
	if !d.Next.IsZero() {
		v.dueAt(later(d.Next.Add(time.Microsecond), v.now.Add(time.Millisecond)))
	}
	if w.Now.Equal(v.now) && (v.nodes <= 10 || v.decisions%10 == 0) {
		if again := decide(v.world(), v.off); !nothing(again) {
			v.fail("deciding again changes something: %s", brief(again))
		}
	}
}

func nothing(d Decision) bool {
	return len(d.Orders)+len(d.Rollouts)+len(d.Associations)+len(d.Dissociated)+len(d.Proofs)+len(d.Unproven)+len(d.Bound)+len(d.Events)+len(d.Previews)+len(d.Forgotten)+len(d.Incidents) == 0 && d.Watch == nil && d.Settings == nil
}

func (v *simServer) apply(w World, d Decision) {
	if !nothing(d) {
		v.log("decision %s", brief(d))
	}
	v.takePreviews(d)
	if d.Settings != nil {
		v.saved = d.Settings.Saved
	}
	v.takeIncidents(w, d)
	for _, a := range d.Bound {
		v.agents[a.ID].Agent = a
	}
	for _, r := range d.Rollouts {
		v.put(r)
		v.makeTexts(r)
	}
	for _, p := range d.Permits {
		v.keepPermit(p)
	}
	for _, a := range d.Associations {
		v.associations[a.PackageID] = a
	}
	for _, id := range d.Dissociated {
		if path := v.associations[id].Path; path != "" {
			v.released[path] = true
		}
		delete(v.associations, id)
	}
	for _, p := range d.Proofs {
		v.proofs[proofKey{p.AgentID, p.PackageID}] = p
	}
	for _, p := range d.Unproven {
		delete(v.proofs, proofKey{p.AgentID, p.PackageID})
	}
	for _, a := range v.sim.agents {
		if o, ok := d.Orders[a.id]; ok {
			v.agents[a.id].Order = o
			v.checkFlapping(a, o)
			v.net(func() { a.take(o) })
		}
	}
}

// makeTexts does what the worker does once a rollout runs: it reads both versions, which takes a
// while, and now and then cannot.
func (v *simServer) makeTexts(r searchpack.Rollout) {
	if r.State != searchpack.RolloutRunning || r.Steps[0].TextsMade || v.textsFor == r.ID {
		return
	}
	v.textsFor = r.ID
	wait := v.upTo(time.Second)
	for v.fault(0.5) {
		wait += 5*time.Second + v.upTo(20*time.Second)
	}
	v.after(wait, func() {
		i := slices.IndexFunc(v.rollouts, func(x searchpack.Rollout) bool { return x.ID == r.ID })
		if v.rollouts[i].State != searchpack.RolloutRunning {
			return
		}
		v.rollouts[i].Steps = slices.Clone(v.rollouts[i].Steps)
		for k := range v.rollouts[i].Steps {
			v.rollouts[i].Steps[k].Texts, v.rollouts[i].Steps[k].TextsMade = []string{"text"}, true
		}
		v.log("texts of %s", r.ID)
		v.fence++
		v.dirty()
	})
}

// brief writes a decision in a line.
func brief(d Decision) string {
	var parts []string
	for _, r := range d.Rollouts {
		parts = append(parts, fmt.Sprintf("rollout %s %s %s/%d %q %q", r.ID, r.State, r.Phase, r.Round, r.Waiting, r.Reason))
	}
	for _, a := range d.Associations {
		parts = append(parts, fmt.Sprintf("%s %s serving %s", a.PackageID, a.Status, a.ServingID))
	}
	for _, id := range d.Dissociated {
		parts = append(parts, id+" dissociated")
	}
	parts = append(parts, fmt.Sprintf("orders %d", len(d.Orders)), fmt.Sprintf("proofs +%d -%d", len(d.Proofs), len(d.Unproven)))
	if len(d.Orders) < 4 {
		for _, id := range slices.Sorted(maps.Keys(d.Orders)) {
			o := d.Orders[id]
			text := ""
			for _, f := range o.Files {
				text += fmt.Sprintf(" %s:%s:%s%s", f.PackageID, f.State, f.VersionID, f.Path)
			}
			parts = append(parts, fmt.Sprintf("%s g%d%s c%d p%d d%d", id, o.Generation, text, len(o.Candidates), len(o.Probes), len(o.Duties)))
		}
	}
	return strings.Join(parts, "; ")
}

// poll answers an agent that asks for its order.
func (v *simServer) poll(a *simAgent) {
	o := v.agents[a.id].Order
	v.net(func() { a.take(o) })
}

// takeReport keeps a report unless a later one is here.
func (v *simServer) takeReport(id string, r *searchpack.Report, key string) {
	st := v.agents[id]
	if !r.Later(st.Report) {
		return
	}
	st.Report = r
	if v.now.After(st.ReportedAt) || setBack(v.now, st.ReportedAt) { // as the store does
		st.ReportedAt = v.now
	}
	if v.keys[id] != key {
		v.keys[id] = key
		v.dirty()
	}
}

// takeUsage does what internal/agentapi does: only looks that are still asked, the newest state.
func (v *simServer) takeUsage(a *simAgent, in searchpack.Usage) {
	o := v.agents[a.id].Order
	if in.DutyID == "" && !o.Speaker || in.DutyID != "" &&
		!slices.ContainsFunc(o.Duties, func(d searchpack.Duty) bool { return d.ID == in.DutyID }) {
		return
	}
	if old := v.usage; old != nil {
		if old.Term > in.Term || old.Term == in.Term && old.Version > in.Version {
			id := in.DutyID
			in = *old
			in.DutyID = id
		}
		if in.DutyID == "" {
			in.DutyID = old.DutyID
		}
	}
	// Whose file a path is, the server knows.
	in.Uses = slices.DeleteFunc(slices.Clone(in.Uses), func(u searchpack.Use) bool { return u.Path != v.associations[u.PackageID].Path })
	v.usage = &in
	v.dirty()
}

// noteLook remembers what is true while a look is read.
func (s *sim) noteLook(dutyID string) {
	s.log("look %s reads version %d", dutyID, s.cluster.version)
	if s.server.looks[dutyID] != nil {
		return
	}
	l := simLook{}
	for _, n := range s.cluster.upNodes() {
		for _, pkg := range slices.Concat(slices.Collect(maps.Keys(n.files)), slices.Collect(maps.Keys(n.kept))) {
			if l[pkg] == nil {
				l[pkg] = map[string]time.Time{}
			}
			l[pkg][n.name] = n.since
		}
	}
	s.server.looks[dutyID] = l
}

// tellSpeaker has the speaker send the usage, as it does whenever the cluster state has changed.
func (c *simCluster) tellSpeaker() {
	for _, a := range c.agents {
		if a.running && a.order.Speaker {
			a.later(c.upTo(3*time.Second), func() { a.sendUsage("") })
		}
	}
}
