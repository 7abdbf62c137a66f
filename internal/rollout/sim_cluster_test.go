package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// simCluster is a model of OpenSearch: who is in it, who is elected, which indices and templates
// name which file, and what each node has loaded.
type simCluster struct {
	*sim
	term, version int64
	nodes         []*simNode
	manager       *simNode
	users         map[string]*simUser
	made          int
	members       []searchpack.Member // of the present state, shared by reports
	alloc         searchpack.Allocation
	shape         int // grows with members and manager
}

// simUser is an index or a component template that names a package's file.
type simUser struct {
	name    string
	kind    searchpack.UserKind
	pkg     string
	plug    bool   // its analyzer needs the plugin
	unseen  bool   // nobody sees that it needs the plugin
	path    string // named instead of the package's own file
	strict  bool   // its analyzer refuses files that others take
	created time.Time
	version int64 // of the cluster state that first has it
}

// simNode is one OpenSearch process with its disk. Every index has a copy on every node.
type simNode struct {
	*simCluster
	name    string
	id      string
	disks   int
	up      bool
	since   time.Time
	downAt  time.Time
	files   map[string]searchpack.Digest // live
	at      map[string]searchpack.Digest // what somebody else laid, by path, or what came in its place
	kept    map[string]string            // adopted, in the agent's journal: package -> path
	hidden  map[string]searchpack.Digest
	cands   map[searchpack.Digest]bool
	loaded  map[string]searchpack.Digest // by index; absent = its copy here is unassigned
	turned  map[string]bool              // indices whose copy here went back to an older state by itself
	plugins simPlugins
	home    string // OpenSearch that lies there; "" = versions do not matter in this run
	engine  string // that runs, or ran last
	agent   *simAgent
}

func newSimCluster(s *sim) *simCluster {
	return &simCluster{sim: s, users: map[string]*simUser{}}
}

func (c *simCluster) addNode(name string) *simNode {
	n := &simNode{simCluster: c, name: name}
	if c.engines() {
		n.home = simEngines[0]
	}
	n.newDisk()
	c.nodes = append(c.nodes, n)
	return n
}

// newDisk gives the node an empty disk: OpenSearch then has another node id.
func (n *simNode) newDisk() {
	n.disks++
	n.id = fmt.Sprintf("%s-disk%d", n.name, n.disks)
	n.files, n.hidden = map[string]searchpack.Digest{}, map[string]searchpack.Digest{}
	n.cands, n.loaded = map[searchpack.Digest]bool{}, map[string]searchpack.Digest{}
	n.turned = map[string]bool{}
	n.plugins.clear()
	n.at, n.kept = map[string]searchpack.Digest{}, map[string]string{}
}

// read is what the node finds where an index names the file.
func (n *simNode) read(u *simUser) searchpack.Digest { return n.lies(u.pkg, u.path) }

// lies is what a package's file is on the node, at a path or where files lie that are not adopted.
func (n *simNode) lies(pkg, path string) searchpack.Digest {
	if path != "" {
		return n.at[path]
	}
	return n.files[pkg]
}

func (n *simNode) start() {
	if n.up {
		return
	}
	if n.unfit() {
		n.log("node %s does not start: no version of the plugin is for %s", n.name, n.home)
		n.after(20*time.Second, n.start) // its service manager
		return
	}
	n.up, n.since, n.engine = true, n.now, n.home
	n.loaded, n.turned = map[string]searchpack.Digest{}, map[string]bool{}
	n.sync()
	n.boot()
	n.plugins.down = ""
	n.log("node %s up", n.name)
	if n.manager == nil {
		n.elect(n)
	}
	n.changed()
	n.reroute()
}

func (n *simNode) stop() {
	if !n.up {
		return
	}
	n.up, n.downAt = false, n.now
	n.log("node %s down", n.name)
	if n.manager == n {
		n.manager = nil
		if up := n.upNodes(); len(up) > 0 {
			n.elect(up[n.rng.IntN(len(up))])
		}
	}
	n.changed()
}

func (c *simCluster) elect(n *simNode) {
	c.manager = n
	c.term++
	c.changed()
	c.log("node %s is elected, term %d", n.name, c.term)
}

// changed makes a new cluster state.
func (c *simCluster) changed() {
	c.version++
	c.shape++
	c.members = nil
	for _, n := range c.upNodes() {
		c.members = append(c.members, searchpack.Member{NodeID: n.id, Name: n.name})
	}
}

func (c *simCluster) upNodes() []*simNode {
	var out []*simNode
	for _, n := range c.nodes {
		if n.up {
			out = append(out, n)
		}
	}
	return out
}

// refuses: an analyzer of this node cannot be built from these bytes.
func (n *simNode) refuses(d searchpack.Digest, strict bool) bool {
	switch bad := n.truth[d]; bad {
	case "":
		return d == ""
	case "strict":
		return strict
	case "load", "check": // every question is answered well, only loading fails, or a check
		return false
	case "all":
		return true
	default:
		return bad == n.name
	}
}

// builds: the node can build the analyzers of the index.
func (n *simNode) builds(u *simUser) bool {
	if u.plug {
		return n.plugins.runs[simPlugin] != ""
	}
	return !n.refuses(n.read(u), u.strict)
}

// create makes an index or a component template. The manager builds an index's analyzers, so it
// refuses when its own file is missing or bad; a component template is taken unseen.
func (c *simCluster) create(u simUser) {
	if c.manager == nil || u.kind == searchpack.UserIndex && !c.manager.builds(&u) {
		return
	}
	c.made++
	u.name, u.created = fmt.Sprintf("u%d", c.made), c.now
	c.version++
	u.version = c.version
	c.users[u.name] = &u
	c.log("created %s %s of %s (strict %v)", u.kind, u.name, u.pkg, u.strict)
	for _, n := range c.upNodes() {
		n.reroute()
	}
	c.tellSpeaker()
}

func (c *simCluster) delete(name string) {
	delete(c.users, name)
	c.version++
	c.log("deleted %s", name)
	c.tellSpeaker()
}

func (c *simCluster) names() []string { return slices.Sorted(maps.Keys(c.users)) }

// usedBy lists who names the file.
func (c *simCluster) usedBy(pkg string) []*simUser {
	var out []*simUser
	for _, name := range c.names() {
		if c.users[name].pkg == pkg && c.users[name].path == c.server.associations[pkg].Path {
			out = append(out, c.users[name])
		}
	}
	return out
}

// reroute starts copies that are not assigned, where the file can be read.
func (n *simNode) reroute() {
	if n.effective() != "all" {
		return
	}
	for _, name := range n.names() {
		u := n.users[name]
		if _, ok := n.loaded[name]; ok || u.kind != searchpack.UserIndex || !n.builds(u) {
			continue
		}
		n.loaded[name] = n.read(u)
	}
}

// refresh rebuilds the index's search analyzers on every node that has a copy.
func (c *simCluster) refresh(index string) searchpack.IndexRefresh {
	u := c.users[index]
	if u == nil {
		return searchpack.IndexRefresh{Index: index, Gone: true}
	}
	out := searchpack.IndexRefresh{Index: index, Analyzers: []string{"srch"}}
	for _, n := range c.upNodes() {
		if _, ok := n.loaded[index]; !ok {
			continue
		}
		if d := n.read(u); n.refuses(d, u.strict) || n.truth[d] == "load" {
			out.Failed++
			out.Reason = "Failed to build synonyms"
			continue
		}
		if n.fault(0.2) {
			continue // a copy that is moving: it arrives with what it had loaded
		}
		n.loaded[index] = n.read(u)
		delete(n.turned, index)
	}
	return out
}

// witness answers DutyWitness from what this node has loaded; the bodies name versions by the digest
// of the file that they read.
func (n *simNode) witness(q searchpack.Witness) searchpack.WitnessReport {
	r := searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{}}
	for _, p := range q.Points {
		state := searchpack.WitnessNothing
		if d, here := n.loaded[p.Index]; here {
			switch {
			case n.fault(0.05):
				state = searchpack.WitnessUnanswered
			case len(q.Texts) == 0:
				state = searchpack.WitnessSame
			case d == q.Digest:
				state = searchpack.WitnessMatched
			case strings.Contains(q.Former, string(d)):
				state = searchpack.WitnessFormer
			default:
				state = searchpack.WitnessOther
			}
		}
		r.Counts[state]++
		if !state.Loaded() {
			r.Open = append(r.Open, searchpack.WitnessFinding{WitnessPlace: p, State: state, Text: "text"})
		}
	}
	return r
}

// usage is what the speaker would send now.
func (c *simCluster) usage(dutyID string) searchpack.Usage {
	u := searchpack.Usage{ClusterUUID: "C", Term: c.term, Version: c.version, DutyID: dutyID}
	for _, name := range c.names() {
		x := c.users[name]
		if x.plug {
			continue
		}
		u.Uses = append(u.Uses, searchpack.Use{
			PackageID: x.pkg, Path: x.path, UserKind: x.kind, Name: x.name, Component: "filter.syn", FileKind: searchpack.KindSynonyms,
			Updateable: true, HotReload: true, Chains: []searchpack.Chain{{Analyzer: "srch", Body: chainBody(x.strict)}},
		})
		if x.kind == searchpack.UserIndex {
			u.Uses[len(u.Uses)-1].Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: chainBody(x.strict)}}
		}
	}
	return u
}

func chainBody(strict bool) string {
	if strict {
		return `{"strict":"` + searchpack.PathMark + `"}`
	}
	return `{"plain":"` + searchpack.PathMark + `"}`
}

// analyze answers one _analyze body: false = refused.
func (n *simNode) analyze(body, path string, d searchpack.Digest) bool {
	if strings.HasPrefix(path, searchpack.CandidateDir+"/control-") {
		return true
	}
	return !n.refuses(d, strings.Contains(body, `"strict"`))
}
