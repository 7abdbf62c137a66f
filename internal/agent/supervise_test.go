package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// fakeChild is a node that an agent has for a child.
type fakeChild struct {
	file string // of the node; had is what lay there at each start
	ends chan struct{}

	mu      sync.Mutex
	runs    bool
	had     []string
	closed  int
	end     *NodeEnded
	clear   error
	started func() // at a start
}

func newFakeChild(file string) *fakeChild {
	return &fakeChild{file: file, ends: make(chan struct{}, 1), started: func() {}}
}

func (c *fakeChild) Start(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := os.ReadFile(c.file)
	if err != nil {
		b = []byte("<none>")
	}
	c.runs, c.end, c.had = true, nil, append(c.had, string(b))
	c.started()
	return nil
}

func (c *fakeChild) Stop(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs, c.end = false, nil
	return nil
}

func (c *fakeChild) Running(context.Context) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs, nil
}

func (c *fakeChild) Log(context.Context, time.Time) string { return "" }

func (c *fakeChild) Clear(context.Context) error { return c.clear }

func (c *fakeChild) Started() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.had) > 0
}

func (c *fakeChild) Ends() <-chan struct{} { return c.ends }

func (c *fakeChild) Ended() (status int, how string, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return 0, "", false
	}
	return c.end.Status, c.end.How, true
}

func (c *fakeChild) Close(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs, c.closed = false, c.closed+1
	return nil
}

// ended is how the child ends by itself.
func (c *fakeChild) ended(e NodeEnded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs, c.end = false, &e
	c.ends <- struct{}{}
}

// starts is what lay at the file at each start.
func (c *fakeChild) starts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.had
}

// supervised is a node that has enrolled before, with F1 at v1 placed and v2 ordered; its agent is down.
func supervised(t *testing.T) (*beside, *fakeChild) {
	t.Helper()
	b := newSite(t).node(nil)
	b.runWith(b.live("F1", "one\n"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "two\n")}})
	c := newFakeChild(b.path("analyzers/F1"))
	b.cfg.FilesOnly, b.cfg.OpenSearch, b.cfg.Supervised = false, &filesOnly{}, c
	return b, c
}

// What is ordered is in place before the node starts, and the node ends with its agent.
func TestSupervises(t *testing.T) {
	t.Parallel()
	b, c := supervised(t)
	b.start()
	b.eventually("the node starts", func() bool { return len(c.starts()) > 0 })
	b.eventually("its agent works", func() bool {
		r := b.agent().Report
		return r != nil && shows(r, "F1", searchpack.FileLive, "two\n") && r.RestartMode == searchpack.RestartOwn
	})
	if c.closed > 0 {
		t.Error("stopped while the agent runs")
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	if got := c.starts(); len(got) != 1 || got[0] != "two\n" || c.closed != 1 {
		t.Errorf("started with %q, stopped %d times", got, c.closed)
	}
	if s, err := Status(b.cfg.StateDir); err != nil || s.SyncedAt == nil {
		t.Errorf("that it was put in place is not noted: %+v, %v", s, err)
	}
}

// Without the server the node starts with what was ordered last, or not at all.
func TestSupervisesWithoutTheServer(t *testing.T) {
	t.Parallel()
	b, c := supervised(t)
	b.site.stop()
	b.cfg.WaitForServer = true
	said := make(chan string, 100)
	b.cfg.Logger = slog.New(slog.NewTextHandler(lines(said), nil))
	b.start()
	for !strings.Contains(<-said, "asking again") {
	}
	if err := b.stop(); err != nil || len(c.starts()) > 0 || c.closed > 0 {
		t.Errorf("told to end while it waits for the server: %v; started with %q", err, c.starts())
	}
	b.cfg.WaitForServer, b.cfg.Logger = false, nil
	b.start()
	b.eventually("the node starts", func() bool { return len(c.starts()) > 0 })
	if err := b.stop(); err != nil || c.starts()[0] != "one\n" {
		t.Errorf("%v; started with %q", err, c.starts())
	}
}

// A node that ends by itself ends its agent, which says how, here and to the server.
func TestSupervisedNodeEnds(t *testing.T) {
	t.Parallel()
	b, c := supervised(t)
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(t.Context()) }()
	b.eventually("its agent works", func() bool {
		r := b.agent().Report
		return r != nil && shows(r, "F1", searchpack.FileLive, "two\n")
	})
	c.ended(NodeEnded{137, "signal: killed"})
	var ended *NodeEnded
	if err := <-done; !errors.As(err, &ended) || ended.Status != 137 || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the agent ended with %v", err)
	}
	if r := b.agent().Report; r.Node != nil || !strings.Contains(r.NodeError, "ended by itself: signal: killed") {
		t.Errorf("the server was told %+v, %q", r.Node, r.NodeError)
	}
	if len(c.starts()) != 1 || c.closed != 1 {
		t.Errorf("started %q, stopped %d times", c.starts(), c.closed)
	}
}

// It ends its agent also before that could enrol.
func TestSupervisedNodeEndsWithoutServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	b.site.stop()
	c := newFakeChild(b.path("analyzers/F1"))
	c.started = func() { c.end = &NodeEnded{3, "exit status 3"} }
	b.cfg.FilesOnly, b.cfg.OpenSearch, b.cfg.Supervised = false, &filesOnly{}, c
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ended *NodeEnded
	if err := a.Run(t.Context()); !errors.As(err, &ended) || ended.Status != 3 {
		t.Error(err)
	}
}

// Nothing is started beside an OpenSearch that runs, or with files that could not be put in place.
func TestNotSupervised(t *testing.T) {
	t.Parallel()
	b, c := supervised(t)
	c.clear = searchpack.Errorf(searchpack.ErrConflict, "an OpenSearch that an agent has started here still runs")
	run := func() error {
		a, err := New(b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		return a.Run(t.Context())
	}
	if err := run(); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Error(err)
	}
	c.clear = nil
	home := t.TempDir()
	end := processOf(t, home)
	b.cfg.Plugins, b.cfg.StopTimeout = &PluginConfig{Home: home}, 300*time.Millisecond
	if err := run(); err == nil || !strings.Contains(err.Error(), "and this agent has not started it") {
		t.Error(err)
	}
	end()
	b.cfg.Plugins, b.cfg.StopTimeout = nil, 0
	if err := os.RemoveAll(b.path("analyzers")); err != nil {
		t.Fatal(err)
	}
	write(t, b.path("analyzers"), "somebody's file")
	if err := run(); err == nil || !strings.Contains(err.Error(), "not in place") {
		t.Error(err)
	}
	if len(c.starts()) > 0 || c.closed > 0 {
		t.Errorf("started with %q, stopped %d times", c.starts(), c.closed)
	}
	b.cfg.FilesOnly, b.cfg.OpenSearch = true, nil
	if _, err := New(b.cfg); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("files-only: %v", err)
	}
}

// An end while a permit is in hand is a start that failed, which the restarter mends: the agent goes on.
// Once the node was back, it is an end like every other.
func TestEndInARestart(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	c := newFakeChild("")
	c.end = &NodeEnded{1, "exit status 1"}
	r := &run{cfg: Config{Supervised: c}, book: f.book, restart: newBell()}
	for _, stage := range []restartStage{restartBegun, restartStopped, restartStarted, restartRestored} {
		if err := f.book.setRestart(&restart{Permit: "p", Stage: stage}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan *NodeEnded, 1)
		go func() { done <- r.untilEnded(ctx) }()
		<-r.restart // the restarter is told
		cancel()
		if ended := <-done; ended != nil {
			t.Errorf("%s: the agent ends with %v", stage, ended)
		}
	}
	for _, j := range []*restart{{Permit: "p", Stage: restartBack}, nil} {
		if err := f.book.setRestart(j); err != nil {
			t.Fatal(err)
		}
		if ended := r.untilEnded(t.Context()); ended == nil || ended.Status != 1 {
			t.Errorf("%+v: %v", j, ended)
		}
	}
}

// ownChild is the node of a fakeRestart as the child of the restarter's own process.
type ownChild struct {
	*fakeRestart
	*fakeChild
	own bool // this process has started it
}

func (c *ownChild) Start(ctx context.Context) error {
	err := c.fakeRestart.Start(ctx)
	c.own = c.own || err == nil
	return err
}
func (c *ownChild) Started() bool                               { return c.own }
func (c *ownChild) Stop(ctx context.Context) error              { return c.fakeRestart.Stop(ctx) }
func (c *ownChild) Running(ctx context.Context) (bool, error)   { return c.fakeRestart.Running(ctx) }
func (c *ownChild) Log(ctx context.Context, t time.Time) string { return c.fakeRestart.Log(ctx, t) }

// comesBack is a new process of the agent, whose node has ended with the one before. Without a restart in
// hand that process starts the node itself.
func (f *fakeRestart) comesBack(epoch int64) {
	f.process, f.answers = 0, false
	f.begin(epoch)
	c := &ownChild{fakeRestart: f, fakeChild: newFakeChild("")}
	f.r.control = c
	if j := f.book.restart(); j == nil || j.Stage == restartBack {
		_ = c.Start(f.t.Context())
	}
}

// Killed anywhere, with the node: it starts again, with the new plugins unless it ended by itself with
// them, and the permit is ended.
func TestSupervisedRestartIsKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "new"} {
		for _, step := range []string{"after begin", "before stop", "after stop", "before apply", "after apply", "before start", "after start", "before restore", "after restore", "before end", "after end"} {
			name := fmt.Sprintf("bad %q, %s", bad, step)
			f := newFakeRestart(t)
			f.bad = bad
			f.r.control = &ownChild{fakeRestart: f, fakeChild: newFakeChild(""), own: true}
			f.crash(step, 1)
			f.comesBack(2)
			f.runs(25)
			if f.process == 0 || !f.answers || f.book.restart() != nil || f.open != "" || len(f.ended) == 0 {
				t.Errorf("%s: %s; in hand %+v, open %q, says %q", name, f.says(), f.book.restart(), f.open, f.r.trouble())
				continue
			}
			last := f.ended[len(f.ended)-1]
			if want := map[bool]string{true: "new", false: "old"}[bad == ""]; f.plugins != want || (last.Failed != "") != (bad != "") {
				t.Errorf("%s: %s; runs with %s, ended %+v", name, f.says(), f.plugins, f.ended)
			}
		}
	}
}

// An agent that goes down while its node starts is no fault of the plugins. One that does so each time is:
// the node takes its whole container with it.
func TestSupervisedNodeTakesItsAgentAlong(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.r.control = &ownChild{fakeRestart: f, fakeChild: newFakeChild(""), own: true}
	f.runs(2)
	if j := f.book.restart(); j == nil || j.Stage != restartStarted {
		t.Fatalf("%+v", j)
	}
	for i := range 3 {
		f.comesBack(int64(i + 2))
		f.r.run(t.Context())
		f.answers = false // it has not joined when both go down again
		if want := []string{"new", "old", "old"}[i]; f.plugins != want || f.process == 0 {
			t.Fatalf("after %d: %s", i+1, f.says())
		}
	}
	f.comesBack(9)
	f.runs(5)
	if len(f.ended) != 1 || !strings.Contains(f.ended[0].Failed, "it ended 2 times together with its agent") || f.book.restart() != nil {
		t.Errorf("%s; %+v; %q", f.says(), f.ended, f.r.trouble())
	}
}

// A command that does not start is no node that has ended with its agent.
func TestSupervisedCommandIsMissing(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.crash("after stop", 1)
	f.comesBack(2)
	f.startErr = errors.New("no such file")
	f.runs(4)
	f.startErr = nil
	f.runs(5)
	if len(f.ended) != 1 || !strings.Contains(f.ended[0].Failed, "no such file") || strings.Contains(f.ended[0].Failed, "together") || f.plugins != "old" {
		t.Errorf("%s; %+v; %q", f.says(), f.ended, f.r.trouble())
	}
}

// Before a start for a permit what is ordered lies there, also if somebody has just changed it.
func TestReadyBeforeAStart(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	b.runWith(b.live("F1", "one\n"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	state, err := openStateDir(t.Context(), b.cfg.StateDir, lockWait, a.cfg.step)
	if err != nil {
		t.Fatal(err)
	}
	defer state.close()
	r, err := a.newRun(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Remove(b.path("analyzers/F1")); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-r.place
		r.placer.pass(context.Background())
	}()
	if err := r.ready(t.Context()); err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("%v, %q", err, b.lies("analyzers/F1"))
	}
	if err := os.RemoveAll(filepath.Dir(b.path("analyzers/F1"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.ready(ctx); err == nil || !strings.Contains(err.Error(), "not in place") {
		t.Error(err)
	}
}
