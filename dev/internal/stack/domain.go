package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/child"
)

// localDomain runs the nodes of one domain row from its first sight until the row is gone or the
// stack stops, and carries out its changes.
type localDomain struct {
	row     searchpack.Domain // as it was at first sight
	dir     string
	since   time.Time // reports from before it are of another run
	deps    deps
	cancel  context.CancelFunc
	wake    chan struct{} // room for one: the rows may have changed
	done    chan struct{} // closed when nothing of it runs any more, and its files are gone if it was removed
	cluster Cluster       // of the goroutine that runs the domain

	mu      sync.Mutex
	nodes   []*node
	up      bool // the nodes were started and answered once
	failure error
	removed bool
}

// deps is what domains need of the stack.
type deps struct {
	keeper   *child.Keeper
	clusters Clusters
	agents   Agents
	store    searchpack.Store
	catalog  changes
	server   string // URL of the agents' listener
	token    func(ctx context.Context, k searchpack.DomainKey) (string, error)
	changed  func()
	retry    time.Duration // the pause before the nodes of a domain are tried again, doubled each time
	patience patience
	log      *slog.Logger
}

// changes is what carrying out a change asks of the catalog.
type changes interface {
	MoveChange(ctx context.Context, key searchpack.DomainKey, id string, step searchpack.UpgradeStep, progress float64, note string) error
	EndChange(ctx context.Context, key searchpack.DomainKey, id, failure string) error
	RetireNode(ctx context.Context, who searchpack.Caller, domain, node string) (*searchpack.Agent, error)
}

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// openDomain begins to run the domain below dir.
func openDomain(ctx context.Context, row searchpack.Domain, dir string, d deps) *localDomain {
	ctx, cancel := context.WithCancel(ctx)
	l := &localDomain{row: row, dir: dir, since: time.Now().Truncate(time.Microsecond), deps: d, cancel: cancel,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run(ctx)
	return l
}

// poke makes the domain look at its rows.
func (l *localDomain) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run keeps trying until the nodes are up, then carries out changes until the end.
func (l *localDomain) run(ctx context.Context) {
	defer l.deps.changed()
	defer close(l.done)
	for pause := l.deps.retry; ; pause = min(2*pause, lastRetry) {
		err := l.start(ctx)
		l.mu.Lock()
		l.up, l.failure = err == nil, err
		l.mu.Unlock()
		l.deps.changed()
		if err == nil {
			l.serve(ctx)
		}
		if ctx.Err() != nil {
			break
		}
		l.deps.log.Error("the nodes of a domain cannot be started", "domain", l.row.Name, "error", err, "again in", pause)
		l.end() // a node that came up alone would hold ports and files that the next try lays out anew
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
		}
		break
	}
	<-ctx.Done()
	l.end()
	l.mu.Lock()
	removed := l.removed
	l.mu.Unlock()
	if removed {
		if err := os.RemoveAll(l.dir); err != nil {
			l.deps.log.Error("the folder of a deleted domain cannot be removed", "folder", l.dir, "error", err)
		}
	}
}

// start lays the nodes out, starts all of them, and then the agents.
func (l *localDomain) start(ctx context.Context) error {
	if err := l.prepareDir(); err != nil {
		return err
	}
	cluster, err := l.deps.clusters.Open(ctx, ClusterOptions{
		Domain: l.row, Dir: l.dir, Process: l.process(), Keeper: l.deps.keeper, BeforeStart: l.sync,
	})
	if err != nil {
		return err
	}
	l.cluster = cluster
	var nodes []*node
	for _, c := range cluster.Nodes() {
		nodes = append(nodes, l.newNode(c))
	}
	l.setNodes(nodes)
	if err := l.sweep(nodes); err != nil {
		return err
	}
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	for _, n := range nodes {
		n.watch(n.cluster.Done())
		if err := n.startAgent(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *localDomain) newNode(c ClusterNode) *node {
	return &node{
		cluster: c, agents: l.deps.agents, changed: l.deps.changed, server: l.deps.server,
		dir: filepath.Join(l.dir, c.Info().Name), process: l.process(), token: l.token, domain: l.row.Name,
	}
}

func (l *localDomain) token(ctx context.Context) (string, error) {
	return l.deps.token(ctx, l.row.DomainKey)
}

func (l *localDomain) setNodes(nodes []*node) {
	l.mu.Lock()
	l.nodes = nodes
	l.mu.Unlock()
	l.deps.changed()
}

var nodeFolder = regexp.MustCompile(`^n[0-9]+$`)

// sweep removes what a kill -9 kept from going: folders of nodes that were dropped, and files that
// were about to take the name of one.
func (l *localDomain) sweep(nodes []*node) error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		known := slices.ContainsFunc(nodes, func(n *node) bool { return n.name() == e.Name() })
		if nodeFolder.MatchString(e.Name()) && !known || strings.HasPrefix(e.Name(), ".") {
			if err := os.RemoveAll(filepath.Join(l.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// process is the prefix of the names of the domain's processes. A folder's name may hold dots.
func (l *localDomain) process() string { return strings.ReplaceAll(filepath.Base(l.dir), ".", "-") }

// sync brings what the agent of a node was last told into place, before the node starts. A node
// whose agent has never run has nothing to bring, unless it joins a domain that serves.
func (l *localDomain) sync(ctx context.Context, i NodeInfo) error {
	spec := agentSpec(i, filepath.Join(l.dir, i.Name), l.process(), l.deps.server, l.row.Name)
	if entries, err := os.ReadDir(spec.State); err != nil || len(entries) == 0 {
		if !i.Joins {
			return nil
		}
		if err := writeToken(ctx, spec, l.token); err != nil {
			return err
		}
	}
	if err := l.deps.agents.Sync(ctx, spec); err != nil {
		return fmt.Errorf("%s is not started, because its files could not be brought up to date: %w", i.Name, err)
	}
	return nil
}

// mark is DIR/domain.json: which row the folder belongs to. A domain deleted and made again under
// the same name is another one, and does not inherit files.
type mark struct {
	Schema    int                  `json:"schema"` // 1
	Key       searchpack.DomainKey `json:"domain"`
	CreatedAt time.Time            `json:"created_at"`
}

const markName = "domain.json"

func (l *localDomain) prepareDir() error {
	path := filepath.Join(l.dir, markName)
	want := mark{Schema: 1, Key: l.row.DomainKey, CreatedAt: l.row.CreatedAt.UTC()}
	if have, err := readMark(path); err == nil && have.Key == want.Key && have.CreatedAt.Equal(want.CreatedAt) {
		return nil
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("removing what an earlier domain of this name left: %w", err)
	}
	if err := os.Mkdir(l.dir, 0o711); err != nil {
		return err
	}
	b, err := json.Marshal(want)
	if err != nil {
		return err
	}
	return replaceFile(path, b)
}

func readMark(path string) (mark, error) {
	var m mark
	info, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	if info.Size() > documentLimit {
		return m, errors.New("too large")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// end stops every process of the domain, agents and nodes at once. It has no deadline of its own:
// each process has one.
func (l *localDomain) end() {
	l.mu.Lock()
	nodes := l.nodes
	l.mu.Unlock()
	var wg sync.WaitGroup
	for _, n := range nodes {
		wg.Go(func() { n.end(context.Background()) })
	}
	wg.Wait()
}

// remove ends the domain and then deletes its files.
func (l *localDomain) remove() {
	l.mu.Lock()
	l.removed = true
	l.mu.Unlock()
	l.cancel()
}

// state returns the nodes, whether they came up, and else why not.
func (l *localDomain) state() ([]*node, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes, l.up, l.failure
}

// node returns the node of that name.
func (l *localDomain) node(name string) (*node, bool) {
	nodes, _, _ := l.state()
	for _, n := range nodes {
		if n.name() == name {
			return n, true
		}
	}
	return nil, false
}
