package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// jvmPatience bounds the start of three nodes on a machine with other things to do.
const jvmPatience = 6 * time.Minute

// fillerLines make a file of about 400 kB, which takes long enough to write that a half of it would
// be seen, and OpenSearch little to read.
const fillerLines = 10_000

// clusterVersion is the OpenSearch of TestCluster: 3.8.0, where starting is slower and more is
// checked, or what a drill asks for.
func clusterVersion() string {
	return cmp.Or(os.Getenv("SEARCHPACK_E2E_OPENSEARCH"), "3.8.0")
}

// TestCluster does to a real three-node OpenSearch what happens to clusters: files are damaged,
// agents and nodes are killed, hosts come back in an odd order. The parts build on each other.
func TestCluster(t *testing.T) {
	needsJVM(t)
	u := startOn(t, filepath.Join(openDir(t), "data"), clusterVersion(), jvmPatience, "--domain", "demo", "--nodes", "3")
	p := newPack(t, u, "synonyms", fillerLines)
	p.askAssociate(t)
	p.active(t, 1)
	makeIndex(t, p, "books")
	searchable(t, p, "books", 1)
	c := &cluster{u: u, p: p, version: 1}
	for _, part := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"every node shows what it has loaded", (*cluster).loaded},
		{"checks of a version are run", (*cluster).verified},
		{"nodes are asked rightly about files", (*cluster).probedRight},
		{"ways of use", (*cluster).waysOfUse},
		{"a preview changes nothing", (*cluster).previewed},
		{"updates under search load", (*cluster).underLoad},
		{"a dissociation meets users", (*cluster).dissociated},
		{"damaged files come back", (*cluster).damagedFiles},
		{"agents are killed during rollouts", (*cluster).killedAgents},
		{"the manager node is killed during a rollout", (*cluster).killedNode},
		{"a host is down and comes back", (*cluster).hostRestart},
		{"a folder of Hunspell dictionaries", (*cluster).hunspell},
		{"the only copy of an index moves during a rollout", (*cluster).movingTarget},
		{"a file is swapped between placing and reload", (*cluster).oddNodeOut},
		{"two packages at once and one is bad", (*cluster).twoAtOnce},
		{"nodes are away during rollouts", (*cluster).nodesAway},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(c, t) }) {
			return // what follows would only wait
		}
	}
	d := u.document()
	if code := u.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("searchpack-dev ended with %d: %s", code, u.stderr.String())
	}
	gone(t, u.data, pids(d))
	nothingBelow(t, u.data)
}

// cluster is what the parts of TestCluster share.
type cluster struct {
	u       *up
	p       *pack
	version int // of p, the newest
}

// next makes the next version available.
func (c *cluster) next(t *testing.T) {
	t.Helper()
	c.version++
	c.p.update(t, c.version)
}

func (c *cluster) node(t *testing.T, name string) stack.NodeEntry {
	t.Helper()
	return nodeOf(t, c.u, name)
}

func nodeOf(t *testing.T, u *up, name string) stack.NodeEntry {
	t.Helper()
	for _, n := range u.document().Domains[0].Nodes {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("no node %s", name)
	return stack.NodeEntry{}
}

// nodes is `searchpack nodes demo --output json`.
func (c *cluster) nodes(t *testing.T) map[string]catalog.NodeView {
	t.Helper()
	code, out := cli(t, c.u, "nodes", "demo", "--output", "json")
	var v catalog.NodesView
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
		t.Fatalf("nodes: %d %v\n%s", code, err, out)
	}
	byName := map[string]catalog.NodeView{}
	for _, n := range v.Nodes {
		byName[n.Name] = n
	}
	return byName
}

// The least that happens while agents are killed.
const (
	agentKills      = 12
	versionsBetween = 4
)

// killedAgents: whatever instruction an agent is killed at, no reader sees anything but whole
// versions, and in the end every node has the newest.
func (c *cluster) killedAgents(t *testing.T) {
	defer explainFailure(t, c.u)
	w := watch(t, c.p, false)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	killed := make(chan error, 1)
	go func() { killed <- killAgents(ctx, c.u, w, agentKills) }()
	first := c.version
	for done := false; !done || c.version < first+versionsBetween; {
		c.next(t)
		c.p.askAssociate(t)
		c.p.active(t, c.version)
		select {
		case err := <-killed:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
	}
	t.Logf("%d agents killed during %d rollouts", agentKills, c.version-first)
	w.end(t)
	searchable(t, c.p, "books", c.version)
	for name, n := range c.nodes(t) {
		if n.State != catalog.NodeProves || len(n.Problems) > 0 || len(n.Files) != 1 || n.Files[0].Version != c.version || n.Files[0].Proof == nil || n.Files[0].Proof.Version != c.version {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

// killAgents kills agents and starts them again: every other one at a random moment, the others
// just when a file has got its final name, before that can be reported.
func killAgents(ctx context.Context, u *up, w *watcher, kills int) error {
	for i := range kills {
		name := fmt.Sprintf("n%d", 1+rand.IntN(3))
		moment := time.After(time.Duration(rand.IntN(1500)) * time.Millisecond)
		if i%2 == 0 {
			select {
			case name = <-w.changes:
			case <-time.After(5 * time.Second):
			}
		} else {
			<-moment
		}
		if err := killAgent(ctx, u, name); err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
	}
	return nil
}

// killAgent kills the agent of a node and starts it again.
func killAgent(ctx context.Context, u *up, name string) error {
	pid, err := agentPID(u, name)
	if err != nil {
		return err
	}
	if err := kill9(u.data, pid); err != nil {
		return err
	}
	// Its end must be known before it can be started.
	if err := until(ctx, func() (bool, error) { now, err := agentPID(u, name); return now != pid, err }); err != nil {
		return fmt.Errorf("%s: agent %d does not end: %w", name, pid, err)
	}
	if code, out := command(u.t, "agent", "start", "demo/"+name, "--data", u.data); code != 0 {
		return fmt.Errorf("agent start demo/%s: status %d: %s", name, code, out)
	}
	return until(ctx, func() (bool, error) { now, err := agentPID(u, name); return now != 0 && now != pid, err })
}

func agentPID(u *up, name string) (int, error) {
	d, err := readDocument(u)
	if err != nil {
		return 0, err
	}
	for _, n := range d.Domains[0].Nodes {
		if n.Name == name {
			return n.AgentPID, nil
		}
	}
	return 0, fmt.Errorf("no node %s", name)
}

// until polls for goroutines, which cannot end a test.
func until(ctx context.Context, f func() (bool, error)) error {
	return untilEvery(ctx, 20*time.Millisecond, f)
}

func untilEvery(ctx context.Context, every time.Duration, f func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if done, err := f(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rollout is what `searchpack rollouts demo --output json` says of one.
type rollout struct {
	ID      string                  `json:"id"`
	State   searchpack.RolloutState `json:"state"`
	Phase   searchpack.Phase        `json:"phase"`
	Waiting string                  `json:"waiting"`
	Reason  string                  `json:"reason"`

	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at"`
}

func rollouts(t *testing.T, u *up, limit int) []rollout {
	t.Helper()
	code, out := cli(t, u, "rollouts", "demo", "--limit", fmt.Sprint(limit), "--output", "json")
	var v struct{ Rollouts []rollout }
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
		t.Fatalf("rollouts: %d %v\n%s", code, err, out)
	}
	return v.Rollouts
}

// names waits until the newest rollout says that it waits for this node alone. It must not end
// meanwhile.
func (c *cluster) names(t *testing.T, node string) {
	t.Helper()
	began := time.Now()
	alone := func(text string) bool {
		for _, n := range []string{"n1", "n2", "n3"} {
			if strings.Contains(text, n) != (n == node) {
				return false
			}
		}
		return !strings.Contains(text, "cluster state")
	}
	eventually(t, func() string {
		r := rollouts(t, c.u, 1)[0]
		if !r.State.Open() {
			t.Fatalf("the rollout ended while %s was down: %+v", node, r)
		}
		if !alone(r.Waiting) {
			return fmt.Sprintf("the rollout does not name %s: %+v", node, r)
		}
		t.Logf("after %.1f s: %s", time.Since(began).Seconds(), r.Waiting)
		return ""
	})
	if s := c.p.state(t); !strings.HasPrefix(s, "ASSOCIATING") {
		t.Errorf("while %s is waited for it is %s", node, s)
	}
}

// start starts a node, or its agent.
func (c *cluster) start(t *testing.T, what, node string) {
	t.Helper()
	began := time.Now()
	if code, out := executeWithin(t, jvmPatience, program, what, "start", "demo/"+node, "--data", c.u.data); code != 0 {
		t.Fatalf("%s start demo/%s: %d %s", what, node, code, out)
	}
	t.Logf("%s start %s took %.1f s", what, node, time.Since(began).Seconds())
}

// killedNode: the node that all others look to is killed in the middle of a rollout.
func (c *cluster) killedNode(t *testing.T) {
	defer explainFailure(t, c.u)
	w := watch(t, c.p, false)
	victim := c.node(t, manager(t, c.u))
	c.next(t)
	c.p.askAssociate(t)
	if err := kill9(c.u.data, victim.PID); err != nil {
		t.Fatal(err)
	}
	c.names(t, victim.Name)
	c.start(t, "node", victim.Name)
	c.p.active(t, c.version)
	searchable(t, c.p, "books", c.version)
	w.end(t)
}

// hostRestart: a host goes down with node and agent, a version is rolled out meanwhile, and when it
// is back the agent starts before the node.
func (c *cluster) hostRestart(t *testing.T) {
	defer explainFailure(t, c.u)
	w := watch(t, c.p, false)
	for _, what := range []string{"node", "agent"} {
		if code, out := command(t, what, "stop", "demo/n2", "--data", c.u.data); code != 0 {
			t.Fatalf("%s stop: %d %s", what, code, out)
		}
	}
	c.next(t)
	c.p.askAssociate(t)
	c.names(t, "n2")
	c.start(t, "agent", "n2")
	c.start(t, "node", "n2")
	c.p.active(t, c.version)
	searchable(t, c.p, "books", c.version)
	w.end(t)
}
