package nodecontrol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// The test program is also what it starts: a node, or an agent that has one for a child.
const (
	playEnv = "SEARCHPACK_TEST_PLAY"
	lockEnv = "SEARCHPACK_TEST_LOCK"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(playEnv); part != "" {
		play(part)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// play is a node that says its number, and "here" at each SIGUSR1.
func play(part string) {
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGTERM, syscall.SIGUSR1)
	switch part {
	case "agent of a node", "agent of a stubborn":
		playAgent(strings.TrimPrefix(part, "agent of a "))
		return
	case "first process":
		playFirst()
		return
	case "parent": // of one that stays when this ends
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), playEnv+"=node")
		cmd.Stdout = os.Stdout
		cmd.ExtraFiles = []*os.File{os.NewFile(3, "lock")} // as a shell hands on what it has open
		if cmd.Start() != nil {
			os.Exit(9)
		}
		os.Exit(7)
	case "orphans": // leaves many behind
		for range 20 {
			out, err := exec.Command("/bin/sh", "-c", "sleep 0 >/dev/null & echo $!").Output()
			if err != nil {
				os.Exit(9)
			}
			fmt.Print("orphan ", string(out))
		}
	}
	fmt.Println("up", os.Getpid())
	for s := range got {
		switch {
		case s == syscall.SIGUSR1:
			fmt.Println("here")
		case part != "stubborn":
			os.Exit(0)
		}
	}
}

// playAgent starts a node and waits to be killed.
func playAgent(part string) {
	c := childOf(os.Getenv(lockEnv), os.Stdout)
	if err := os.Setenv(playEnv, part); err != nil {
		os.Exit(9)
	}
	if err := c.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
	select {}
}

// playFirst is the first process of a container: it waits for orphans, and for its own child.
func playFirst() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
	c := childOf(os.Getenv(lockEnv), os.Stdout)
	go c.Reap(context.Background())
	_ = os.Setenv(playEnv, "orphans")
	if err := c.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
	<-c.Ends()
	status, how, _ := c.Ended()
	fmt.Println("ended", status, how)
}

func childOf(lock string, out *os.File) *Child {
	c, err := NewChild(ChildConfig{Command: []string{os.Args[0]}, Lock: lock, Stdout: out, Stderr: os.Stderr})
	if err != nil {
		panic(err)
	}
	return c
}

// stage is a child of this program, and what it prints.
type stage struct {
	*Child
	t     *testing.T
	lock  string
	out   *os.File
	lines chan string
}

// newStage makes a child that plays the part, with a shell between that sets the environment.
func newStage(t *testing.T, part string) *stage {
	t.Helper()
	s := &stage{t: t, lock: filepath.Join(t.TempDir(), "node.lock"), lines: make(chan string, 100)}
	s.out = reader(t, s.lines)
	c, err := NewChild(ChildConfig{Command: as(part, s.lock), Lock: s.lock, Stdout: s.out, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	s.Child = c
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.Close(ctx)
	})
	return s
}

func as(part, lock string) []string {
	return []string{"/usr/bin/env", playEnv + "=" + part, lockEnv + "=" + lock, os.Args[0]}
}

// reader is a pipe whose lines are told.
func reader(t *testing.T, lines chan<- string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for in := bufio.NewScanner(r); in.Scan(); {
			lines <- in.Text()
		}
	}()
	t.Cleanup(func() { _ = w.Close(); <-done; _ = r.Close() })
	return w
}

const patience = 20 * time.Second

// says waits for a line that begins so, and returns the rest.
func says(t *testing.T, lines <-chan string, begin string) string {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case l := <-lines:
			if rest, ok := strings.CutPrefix(l, begin); ok {
				return strings.TrimSpace(rest)
			}
			t.Logf("printed: %s", l)
		case <-end:
			t.Fatalf("nothing that begins with %q was printed", begin)
		}
	}
}

func (s *stage) start() (pid int) {
	s.t.Helper()
	if err := s.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(says(s.t, s.lines, "up "))
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

func (s *stage) runs(want bool) {
	s.t.Helper()
	if got, err := s.Running(s.t.Context()); err != nil || got != want {
		s.t.Errorf("running: %v, %v", got, err)
	}
}

// until waits for what other processes bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) { // there is nothing to wait on
		if time.Now().After(end) {
			t.Fatal("did not happen: ", what)
		}
	}
}

func gone(pid int) bool { return ticksOf(pid) == "" }

func TestChildStartsAndStops(t *testing.T) {
	t.Parallel()
	s := newStage(t, "node")
	s.runs(false)
	if s.Started() || s.Stop(t.Context()) != nil {
		t.Error("a node that was never started cannot be stopped")
	}
	for range 2 {
		pid := s.start()
		s.runs(true)
		if err := s.Start(t.Context()); err != nil { // as before
			t.Error(err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !gone(pid) {
			t.Error("it still runs")
		}
		s.runs(false)
		if _, _, ended := s.Ended(); ended || !s.Started() {
			t.Error("a node that was told to stop has not ended by itself")
		}
	}
	select {
	case l := <-s.lines:
		t.Errorf("a second one was started: %s", l)
	default:
	}
}

func TestChildEndsByItself(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		command string
		status  int
		how     string
	}{{"exit 0", 0, "exit status 0"}, {"exit 78", 78, "exit status 78"}, {"kill -9 $$", 137, "signal: killed"}} {
		c, err := NewChild(ChildConfig{Command: []string{"/bin/sh", "-c", tt.command}, Lock: filepath.Join(t.TempDir(), "l")})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-c.Ends()
		status, how, ended := c.Ended()
		if status != tt.status || how != tt.how || !ended {
			t.Errorf("%s: %d %q %v", tt.command, status, how, ended)
		}
		if says := c.Log(t.Context(), time.Now()); !strings.Contains(says, tt.how) || !strings.Contains(says, "--node-logs") {
			t.Errorf("%s: %q", tt.command, says)
		}
		if running, err := c.Running(t.Context()); running || err != nil {
			t.Errorf("%s: running %v, %v", tt.command, running, err)
		}
	}
}

func TestChildCannotBeStarted(t *testing.T) {
	t.Parallel()
	if _, err := NewChild(ChildConfig{}); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Error(err)
	}
	lock := filepath.Join(t.TempDir(), "l")
	c, err := NewChild(ChildConfig{Command: []string{"/none/opensearch"}, Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "/none/opensearch") || c.Started() {
		t.Errorf("%v, started %v", err, c.Started())
	}
	if runs, err := ChildRuns(lock); runs || err != nil {
		t.Errorf("it left its lock behind: %v %v", runs, err)
	}
	if err := os.Symlink(t.TempDir(), lock+"2"); err != nil {
		t.Fatal(err)
	}
	c.c.Lock += "2"
	if err := c.Start(t.Context()); err == nil {
		t.Error("a link is taken for the lock")
	}
}

// A node that does not stop is waited for, and killed when the agent ends.
func TestChildIsStubborn(t *testing.T) {
	t.Parallel()
	s := newStage(t, "stubborn")
	pid := s.start()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), strconv.Itoa(pid)) {
		t.Error(err)
	}
	s.runs(true)
	if err := s.Start(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "--stop-timeout") {
		t.Error(err)
	}
	if !gone(pid) {
		t.Error("it still runs")
	}
	s.runs(false)
}

// What a start script leaves behind is the node, too: nothing is started beside it, and it is ended.
func TestChildLeavesProcesses(t *testing.T) {
	t.Parallel()
	s := newStage(t, "parent")
	pid := s.start()
	<-s.Ends()
	if status, _, _ := s.Ended(); status != 7 {
		t.Errorf("status %d", status)
	}
	s.runs(true)
	if err := s.Start(t.Context()); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Error(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	s.runs(false)
	if !gone(pid) {
		t.Error("it still runs")
	}
}

// The kernel's parent-death signal comes when the thread ends that has started the child.
func TestChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, "node")
	thread := make(chan int, 1)
	var ask func()
	ask = func() {
		runtime.LockOSThread()            // the thread ends with this goroutine
		if unix.Gettid() == os.Getpid() { // but the first thread of a program never does
			other := make(chan struct{})
			go func() { defer close(other); ask() }()
			<-other
			return
		}
		if err := s.Start(context.Background()); err != nil {
			t.Error(err)
		}
		thread <- unix.Gettid()
	}
	go ask()
	id := <-thread
	pid, err := strconv.Atoi(says(t, s.lines, "up "))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the thread ends", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", id))
		return errors.Is(err, os.ErrNotExist)
	})
	runtime.GC()
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	says(t, s.lines, "here")
	s.runs(true)
}

// agentPlays starts an agent as a process of its own that has a node for a child.
func agentPlays(t *testing.T, part string) (agent *exec.Cmd, node int, lock string) {
	t.Helper()
	lock = filepath.Join(t.TempDir(), "node.lock")
	lines := make(chan string, 100)
	command := as(part, lock)
	agent = exec.Command(command[0], command[1:]...)
	agent.Stdout = reader(t, lines)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	node, err := strconv.Atoi(says(t, lines, "up "))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // by its number, while it is that one
		if n, ok := noted(lock); ok && n.pid == node && ticksOf(node) == n.ticks {
			_ = syscall.Kill(node, syscall.SIGKILL)
		}
	})
	return agent, node, lock
}

// An agent that is killed takes its node with it.
func TestAgentIsKilled(t *testing.T) {
	t.Parallel()
	agent, node, lock := agentPlays(t, "agent of a node")
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the node ends", func() bool { return gone(node) })
	c := childOf(lock, nil)
	if err := c.Clear(t.Context()); err != nil {
		t.Error(err)
	}
}

// A node that does not end with its agent keeps the next one from starting a second node beside it.
func TestAgentIsKilledAndItsNodeStays(t *testing.T) {
	t.Parallel()
	agent, node, lock := agentPlays(t, "agent of a stubborn")
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	c, err := NewChild(ChildConfig{Command: []string{"/bin/sh", "-c", "exit 5"}, Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for what, err := range map[string]error{"clear": c.Clear(ctx), "start": c.Start(t.Context())} {
		if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), strconv.Itoa(node)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if runs, err := c.Running(t.Context()); !runs || err != nil || c.Started() {
		t.Errorf("runs %v, started %v, %v", runs, c.Started(), err)
	}
	if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := c.Clear(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Error(err)
	}
	<-c.Ends()
}

// A number that was given to another process meanwhile names nobody.
func TestNotedIsNotSomebodyElse(t *testing.T) {
	t.Parallel()
	other := exec.Command("/bin/sh", "-c", "read x")
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(t.TempDir(), "l")
	for _, text := range []string{fmt.Sprintf("%d 1\n", other.Process.Pid), fmt.Sprintf("%d\n", other.Process.Pid), "", "x", "-1 5", "1 5"} {
		if err := os.WriteFile(lock, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stopNoted(lock)
	}
	_, _ = in.Write([]byte("x\n"))
	if err := other.Wait(); err != nil {
		t.Errorf("it was told to stop: %v", err)
	}
}

// The first process of a container has the orphans of all others. They are waited for, and the node's own
// end is seen all the same.
func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	lock := filepath.Join(t.TempDir(), "node.lock")
	lines := make(chan string, 100)
	command := as("first process", lock)
	first := exec.Command(command[0], command[1:]...)
	first.Stdout = reader(t, lines)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Process.Kill(); _ = first.Wait() })
	var orphans []int
	for range 20 {
		pid, err := strconv.Atoi(says(t, lines, "orphan "))
		if err != nil {
			t.Fatal(err)
		}
		orphans = append(orphans, pid)
	}
	node, err := strconv.Atoi(says(t, lines, "up "))
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range orphans {
		until(t, fmt.Sprintf("orphan %d is waited for", pid), func() bool {
			f := statOf(pid)
			return len(f) == 0 || f[1] != strconv.Itoa(first.Process.Pid)
		})
	}
	if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := says(t, lines, "ended "); got != "137 signal: killed" {
		t.Errorf("ended %s", got)
	}
}
