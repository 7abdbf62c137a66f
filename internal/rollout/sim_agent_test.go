package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// simAgent is a model agent. Its order and epoch are on disk; what it was answered is in memory.
type simAgent struct {
	*sim
	node    *simNode
	id      string
	running bool
	life    int // counts starts, so that what an earlier process had planned is dropped
	epoch   int64
	seq     int64
	order   searchpack.Order
	probes  map[string]searchpack.ProbeResult
	duties  map[string]searchpack.DutyResult
	told    int64 // cluster state version last sent without being asked
	rev     int   // grows with everything a report would show
	orders  []time.Time
	restart simRestart      // on disk
	ended   map[string]bool // permits that have ended, on disk
	asking  bool
	attempt int64
	// confirmed is when the server was asked that said that the order in hand is its latest.
	confirmed time.Time
}

func newSimAgent(s *sim, n *simNode) *simAgent {
	a := &simAgent{sim: s, node: n, id: "agent-" + n.name, ended: map[string]bool{}}
	s.server.agents[a.id] = &searchpack.AgentState{
		Agent: searchpack.Agent{ID: a.id, Domain: simDomain, Name: n.name, EnrolledAt: simStart},
	}
	return a
}

func (a *simAgent) start() {
	if a.running {
		return
	}
	a.running = true
	a.life++
	a.rev++
	a.epoch, a.seq = a.epoch+1, 0
	a.probes, a.duties = map[string]searchpack.ProbeResult{}, map[string]searchpack.DutyResult{}
	a.log("agent %s up", a.node.name)
	a.asking, a.confirmed = false, time.Time{}
	a.resume()
	a.beat()
	a.work()
}

func (a *simAgent) stop() {
	if a.running {
		a.running = false
		a.log("agent %s down", a.node.name)
	}
}

// later runs f if the same process is still there.
func (a *simAgent) later(d time.Duration, f func()) {
	life := a.life
	a.after(d, func() {
		if a.running && a.life == life {
			f()
		}
	})
}

// beat reports and polls every ten seconds.
func (a *simAgent) beat() {
	a.report()
	a.net(func() { a.server.poll(a) })
	a.askPermit()
	if a.order.Speaker && a.told != a.cluster.version {
		a.sendUsage("")
	}
	a.later(9*time.Second+a.upTo(2*time.Second), a.beat)
}

// take takes in an order, if it is newer than the one in hand.
func (a *simAgent) take(o searchpack.Order) {
	if !a.running || o.Generation <= a.order.Generation {
		return
	}
	a.order = o
	for d := range a.node.plugins.bad {
		named := slices.ContainsFunc(slices.Concat(o.Plugins, o.Alternatives), func(p searchpack.PluginOrder) bool { return p.Digest == d }) ||
			slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.Digest == d })
		if !named {
			delete(a.node.plugins.bad, d)
		}
	}
	a.confirmed = time.Time{}
	a.rev++
	for id := range a.probes {
		if !slices.ContainsFunc(o.Probes, func(p searchpack.Probe) bool { return p.ID == id }) {
			delete(a.probes, id)
		}
	}
	for id := range a.duties {
		if !slices.ContainsFunc(o.Duties, func(d searchpack.Duty) bool { return d.ID == id }) {
			delete(a.duties, id)
		}
	}
	a.askPermit()
	if a.fault(0.3) {
		a.report() // before anything is done
	}
	a.work()
}

// work does one thing at a time until the node is as ordered; between any two things the process
// may die.
func (a *simAgent) work() {
	life := a.life
	a.later(a.pace(), func() {
		if a.fault(0.01) {
			a.crash()
			return
		}
		what, again := a.do()
		if what == "" {
			if again {
				a.later(time.Second+a.upTo(3*time.Second), a.work)
			}
			a.report()
			return
		}
		a.rev++
		if a.fault(0.01) {
			a.crash()
		}
		if a.running && a.life == life {
			if a.chance(0.2) {
				a.report()
			}
			a.work()
		}
	})
}

func (a *simAgent) pace() time.Duration {
	if a.fault(0.05) {
		return a.upTo(10 * time.Second)
	}
	return a.upTo(20 * time.Millisecond)
}

func (a *simAgent) crash() {
	a.stop()
	a.after(time.Second+a.upTo(40*time.Second), a.start)
}

// do carries out the first thing that is not as ordered. "": there is none; again: some could not
// be done and are to be tried again.
func (a *simAgent) do() (what string, again bool) {
	for _, f := range []func() (string, bool){a.doFiles, a.doCandidates, a.doProbes, a.doDuties} {
		w, more := f()
		if w != "" {
			return w, false
		}
		again = again || more
	}
	return "", again
}

func (a *simAgent) doFiles() (string, bool) {
	n, again := a.node, false
	for _, f := range a.order.Files {
		switch f.State {
		case searchpack.FileReleased:
			if n.kept[f.PackageID] == f.Path {
				delete(n.kept, f.PackageID)
				return "release", false
			}
		case searchpack.FileLive:
			if f.Path != "" {
				what, more := a.keep(f)
				if what != "" {
					return what, false
				}
				again = again || more
				continue
			}
			if n.kept[f.PackageID] != "" {
				delete(n.kept, f.PackageID)
			}
			if n.files[f.PackageID] == f.Digest {
				continue
			}
			if !n.cands[f.Digest] && n.hidden[f.PackageID] != f.Digest && a.fault(0.3) {
				again = true // cannot be fetched now
				continue
			}
			n.files[f.PackageID] = f.Digest
			delete(n.hidden, f.PackageID)
			return "place", false
		case searchpack.FileHidden:
			if d, ok := n.files[f.PackageID]; ok {
				n.hidden[f.PackageID] = d
				delete(n.files, f.PackageID)
				return "hide", false
			}
		case searchpack.FileRemoved:
			if n.files[f.PackageID] != "" || n.hidden[f.PackageID] != "" {
				delete(n.files, f.PackageID)
				delete(n.hidden, f.PackageID)
				return "remove", false
			}
		}
	}
	return "", again
}

// keep takes over an adopted file, or puts the ordered bytes in its place.
func (a *simAgent) keep(f searchpack.FileOrder) (what string, again bool) {
	n := a.node
	switch {
	case n.at[f.Path] == f.Digest && n.kept[f.PackageID] == f.Path:
		return "", false
	case n.at[f.Path] == f.Digest:
		n.kept[f.PackageID] = f.Path
		return "adopt", false
	case !n.cands[f.Digest] && a.fault(0.3):
		return "", true
	}
	n.at[f.Path], n.kept[f.PackageID] = f.Digest, f.Path
	return "replace", false
}

func (a *simAgent) doCandidates() (string, bool) {
	n, again := a.node, false
	wanted := map[searchpack.Digest]bool{}
	for _, c := range a.order.Candidates {
		wanted[c.Digest] = true
		if n.cands[c.Digest] {
			continue
		}
		if a.fault(0.3) {
			again = true
			continue
		}
		n.cands[c.Digest] = true
		return "fetch", false
	}
	for d := range n.cands {
		if !wanted[d] {
			delete(n.cands, d)
		}
	}
	return "", again
}

func (a *simAgent) doProbes() (string, bool) {
	again := false
	for _, p := range a.order.Probes {
		if res, ok := a.probes[p.ID]; ok && res.Verdict != searchpack.VerdictRetry {
			continue
		}
		if a.digestAt(p.Path, p.PackageID, p.Digest) != p.Digest {
			continue
		}
		v := a.ask(p)
		if v != searchpack.VerdictRetry {
			a.probes[p.ID] = searchpack.ProbeResult{ID: p.ID, Digest: p.Digest, Verdict: v, Status: 400, Reason: "Failed to build synonyms"}
			return "probe", false
		}
		a.probes[p.ID] = searchpack.ProbeResult{ID: p.ID, Digest: p.Digest, Verdict: v}
		again = true
	}
	return "", again
}

// digestAt is what lies at a probe's path.
func (a *simAgent) digestAt(path, pkg string, d searchpack.Digest) searchpack.Digest {
	if path == searchpack.ReferencePath(pkg) {
		return a.node.files[pkg]
	}
	if path == simPath {
		return a.node.at[path]
	}
	if a.node.cands[d] {
		return d
	}
	return ""
}

func (a *simAgent) ask(p searchpack.Probe) searchpack.Verdict {
	n := a.node
	if !n.up || a.fault(0.1) {
		return searchpack.VerdictRetry
	}
	if n.analyze(p.Body, p.Path, p.Digest) {
		return searchpack.VerdictGood
	}
	control, lies := searchpack.CandidateDir+"/control-", n.files[p.PackageID]
	if containsPath(p.Control, simPath) {
		control, lies = simPath, n.at[simPath]
	} else if len(p.Control) > 0 && !containsPath(p.Control, control) {
		control = searchpack.ReferencePath(p.PackageID)
	}
	if n.analyze(p.Control, control, lies) {
		return searchpack.VerdictBad
	}
	return searchpack.VerdictNone
}

func (a *simAgent) doDuties() (string, bool) {
	again := false
	for _, d := range a.order.Duties {
		if a.duties[d.ID].Done {
			continue
		}
		if d.Kind == searchpack.DutyAllocation && a.now.Sub(a.confirmed) >= searchpack.ConfirmWithin {
			a.confirm()
			again = true
			continue
		}
		if !a.node.up || a.cluster.manager == nil || a.fault(0.2) {
			again = true
			a.duties[d.ID] = searchpack.DutyResult{ID: d.ID, Error: "OpenSearch does not answer"}
			continue
		}
		res := a.duty(d)
		if !res.Done {
			again = true
			a.duties[d.ID] = res
			continue
		}
		a.duties[d.ID] = res
		return "duty", false
	}
	return "", again
}

// duty carries one out on a node that answers. Not done: it is to be tried again.
func (a *simAgent) duty(d searchpack.Duty) searchpack.DutyResult {
	res := searchpack.DutyResult{ID: d.ID, Done: true}
	switch d.Kind {
	case searchpack.DutyLook:
		a.sendUsage(d.ID)
	case searchpack.DutyRefresh:
		for _, name := range d.Indices {
			res.Refreshed = append(res.Refreshed, a.cluster.refresh(name))
		}
	case searchpack.DutyWitness:
		for _, q := range d.Witnesses {
			if a.node.lies(q.PackageID, a.pathOf(q.PackageID)) != q.Digest {
				res.Done, res.Error = false, "the file is not the one to compare with"
				break
			}
			res.Witnessed = append(res.Witnessed, a.node.witness(q))
		}
	case searchpack.DutyPreview:
		if res.Preview = a.preview(d.Preview); res.Preview == nil {
			res.Done, res.Error = false, "the files are not there"
		}
	case searchpack.DutyVerify:
		return a.verify(d)
	case searchpack.DutyNeeds:
		res.Needs = a.needs(d.Needs)
	case searchpack.DutyHealth:
		h := a.node.health()
		res.Health = &h
	case searchpack.DutyAllocation:
		a.cluster.setAllocation(*d.Allocation)
	case searchpack.DutyReroute, searchpack.DutySettle:
		for _, n := range a.cluster.upNodes() {
			n.reroute()
		}
		if h := a.node.health(); d.Kind == searchpack.DutySettle && h.Worse(d.Baseline) != "" {
			res.Done, res.Error, res.Health = false, h.Worse(d.Baseline), &h
		}
	}
	return res
}

// sendUsage reads the cluster state and sends it. Nobody tells it whether it arrived.
func (a *simAgent) sendUsage(dutyID string) {
	if !a.node.up || a.cluster.manager == nil {
		return
	}
	u := a.cluster.usage(dutyID)
	a.told = u.Version
	if dutyID != "" {
		a.noteLook(dutyID)
	}
	a.net(func() { a.server.takeUsage(a, u) })
}

// report sends what the node is like now.
func (a *simAgent) report() {
	a.seq++
	r := &searchpack.Report{Schema: 1, Epoch: a.epoch, Seq: a.seq, Generation: a.order.Generation, Version: "sim"}
	n, c := a.node, a.cluster
	if n.up {
		r.Node = &searchpack.NodeFacts{
			ClusterUUID: "C", NodeID: n.id, Name: n.name, Term: c.term, StateVersion: c.version, Members: c.members, RefreshAPI: true, Plugins: n.loadedPlugins(), Version: n.engine,
		}
		if c.manager != nil {
			r.Node.ManagerID = c.manager.id
		}
	}
	r.Plugins, r.OpenSearch = a.pluginReports(), n.home
	if !a.external() {
		r.RestartMode = searchpack.RestartOwn
	}
	for _, pkg := range slices.Sorted(maps.Keys(n.files)) {
		r.Files = append(r.Files, searchpack.FileReport{PackageID: pkg, State: searchpack.FileLive, Digest: n.files[pkg]})
	}
	for _, pkg := range slices.Sorted(maps.Keys(n.hidden)) {
		if n.files[pkg] == "" {
			r.Files = append(r.Files, searchpack.FileReport{PackageID: pkg, State: searchpack.FileHidden, Digest: n.hidden[pkg]})
		}
	}
	a.reportAdopted(r)
	if a.fault(0.02) { // the folder cannot be read now
		r.Files = nil
		for _, f := range a.order.Files {
			r.Files = append(r.Files, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path, Error: "input/output error"})
		}
		a.rev++
	}
	for _, cand := range a.order.Candidates {
		r.Candidates = append(r.Candidates, searchpack.CandidateReport{
			Digest: cand.Digest, Ready: n.cands[cand.Digest] && n.refusedPlugin(cand) == "", Refused: n.refusedPlugin(cand),
		})
	}
	for _, id := range slices.Sorted(maps.Keys(a.probes)) {
		r.Probes = append(r.Probes, a.probes[id])
	}
	for _, id := range slices.Sorted(maps.Keys(a.duties)) {
		r.Duties = append(r.Duties, a.duties[id])
	}
	key := fmt.Sprint(a.epoch, a.rev, c.shape, n.up, r.Plugins, n.home)
	a.net(func() { a.server.takeReport(a.id, r, key) })
}

// pathOf is the path at which the order has the package's file.
func (a *simAgent) pathOf(pkg string) string {
	for _, f := range a.order.Files {
		if f.PackageID == pkg {
			return f.Path
		}
	}
	return a.node.kept[pkg]
}

// reportAdopted adds adopted files, those that are looked at, and those just released. Of a package there
// is one file in a report: the ordered one.
func (a *simAgent) reportAdopted(r *searchpack.Report) {
	n := a.node
	one := func(pkg string, f searchpack.FileReport) {
		r.Files = append(slices.DeleteFunc(r.Files, func(x searchpack.FileReport) bool { return x.PackageID == pkg }), f)
	}
	for _, pkg := range slices.Sorted(maps.Keys(n.kept)) {
		one(pkg, searchpack.FileReport{PackageID: pkg, State: searchpack.FileLive, Path: n.kept[pkg], Digest: n.at[n.kept[pkg]]})
	}
	for _, f := range a.order.Files {
		switch {
		case f.Path == "" && n.kept[f.PackageID] != "":
			one(f.PackageID, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Digest: n.files[f.PackageID]})
		case f.State == searchpack.FileAdopt:
			one(f.PackageID, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path, Digest: n.at[f.Path]})
		case f.State == searchpack.FileReleased && n.kept[f.PackageID] != f.Path:
			one(f.PackageID, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path})
		}
	}
}
