package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/distro"
)

// stopGrace is how long a node may take to end by itself; it takes about 0.5 s.
const stopGrace = 20 * time.Second

// Node is one OpenSearch process and its home. All methods may be called at any time by several
// goroutines.
type Node struct {
	cluster *Cluster
	index   int // in the state's nodes
	name    string

	starts sync.Mutex // held from before BeforeStart until the process runs, and while it is ended

	mu      sync.Mutex
	home    distro.Home
	process *child.Process // of the last start; nil before the first
	cmd     *exec.Cmd
}

// Name is the node.name: "n1".
func (n *Node) Name() string { return n.name }

// Home is where the node lives.
func (n *Node) Home() distro.Home {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.home
}

// Rehome gives the node another home, which lies in the same folder and holds what the node owns.
// swap brings it there; it runs while the process is down. A node that runs is an error.
func (n *Node) Rehome(home distro.Home, swap func() error) error {
	n.starts.Lock()
	defer n.starts.Unlock()
	if n.Running() {
		return fmt.Errorf("%s of %s runs: its home cannot be changed", n.name, n.cluster.name)
	}
	if err := n.cluster.user.checkReach(home.Dir, home.JDK.Home); err != nil {
		return err
	}
	if err := swap(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.home = home
	return nil
}

// Config is the absolute path of its configuration folder.
func (n *Node) Config() string { return n.Home().Config() }

// Logs is the absolute path of its log folder.
func (n *Node) Logs() string { return filepath.Join(n.Home().Dir, distro.LogsDir) }

func (n *Node) ports() nodeState { return n.cluster.stateNow().Nodes[n.index] }

// HTTPPort is where the node answers, on 127.0.0.1. It changes only when a whole cluster that was
// down finds it taken by another program.
func (n *Node) HTTPPort() int { return n.ports().HTTPPort }

// URL is the node's address: "http://127.0.0.1:15123".
func (n *Node) URL() string { return "http://" + loopback + ":" + strconv.Itoa(n.HTTPPort()) }

func (n *Node) current() (*child.Process, *exec.Cmd) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process, n.cmd
}

// Running reports whether the node's process has not ended. It may not answer yet.
func (n *Node) Running() bool {
	p, _ := n.current()
	return p != nil && p.Running()
}

// Pid is the process id, 0 when the node is down.
func (n *Node) Pid() int {
	if p, _ := n.current(); p != nil && p.Running() {
		return p.PID()
	}
	return 0
}

// Done is closed when the process of the last start has ended. It is nil before the first.
func (n *Node) Done() <-chan struct{} {
	if p, _ := n.current(); p != nil {
		return p.Done()
	}
	return nil
}

// Start starts the node if it is down and returns when its process runs; WaitReady tells when it
// answers.
func (n *Node) Start(ctx context.Context) error {
	n.starts.Lock()
	defer n.starts.Unlock()
	if n.Running() {
		return nil
	}
	if err := n.prepare(ctx); err != nil {
		return fmt.Errorf("starting %s of %s: %w", n.name, n.cluster.name, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return n.launch()
}

// prepare does what must be done while the process is down.
func (n *Node) prepare(ctx context.Context) error {
	if n.cluster.before != nil {
		if err := n.cluster.before(ctx, n); err != nil {
			return err
		}
	}
	at := n.ports()
	for _, port := range []int{at.HTTPPort, at.TransportPort} {
		if !becomesFree(ctx, port) {
			return fmt.Errorf("%w: %d on %s", errPortTaken, port, loopback)
		}
	}
	home, err := os.OpenRoot(n.Home().Dir)
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	if err := emptyDir(home, distro.TempDir); err != nil {
		return err
	}
	if err := n.writeConfig(home); err != nil {
		return err
	}
	return n.cluster.user.own(home)
}

// emptyDir removes what a killed process left behind.
func emptyDir(home *os.Root, dir string) error {
	if err := home.RemoveAll(dir); err != nil {
		return err
	}
	return home.Mkdir(dir, 0o755)
}

// writeConfig does not follow a link that a node, whose folder it is, may have put there.
func (n *Node) writeConfig(home *os.Root) error {
	const name, temp = distro.ConfigDir + "/opensearch.yml", distro.ConfigDir + "/.opensearch.yml.new"
	if err := home.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := home.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(configuration(n.cluster.stateNow(), n.index, n.Home(), n.cluster.settings))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return home.Rename(temp, name)
}

// outputFile holds what the node prints: all of its log, and what goes wrong before there is one.
const outputFile = distro.LogsDir + "/stdout.log"

func (n *Node) launch() error {
	home, err := os.OpenRoot(n.Home().Dir)
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	if err := home.Remove(outputFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	output, err := home.OpenFile(outputFile, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }() // the process has its own

	// The script turns into the Java process by exec, so the id stays.
	at := n.Home()
	cmd := exec.Command(filepath.Join(at.Dir, "bin", "opensearch"))
	cmd.Dir = at.Dir
	cmd.Env = environment(at, filepath.Join(at.Dir, distro.TempDir), os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.cluster.user.credential()}
	process, err := n.cluster.keeper.Start(n.cluster.name+"."+n.name+".opensearch", cmd)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process, n.cmd = process, cmd
	return nil
}

// Stop asks the node to end and returns when it is gone: by force after a bound, or at once when
// ctx ends. A node that is down stays so.
func (n *Node) Stop(ctx context.Context) {
	n.starts.Lock()
	defer n.starts.Unlock()
	p, _ := n.current()
	p.Stop(ctx, stopGrace)
}

// Kill ends the node as kill -9 does and returns when it is gone. It stays down until started.
func (n *Node) Kill() {
	n.starts.Lock()
	defer n.starts.Unlock()
	p, cmd := n.current()
	if p == nil || !p.Running() {
		return
	}
	_ = cmd.Process.Kill() // fails only for a process that has ended
	<-p.Done()
}
