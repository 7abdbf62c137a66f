package nodecontrol

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// killTime bounds the wait for processes that were told to end by SIGKILL: only one that hangs in the
// kernel takes longer.
const killTime = 10 * time.Second

// ChildConfig says how a node is started as this program's own child.
type ChildConfig struct {
	// Command is the program and its arguments. It must stay, and end when it gets SIGTERM: OpenSearch's
	// own scripts become OpenSearch by exec, or pass the signal on.
	Command []string
	// Lock is a file whose lock the node's processes hold for as long as one of them lives, however this
	// program ended. It is made if need be.
	Lock string
	// LogDir is the node's folder of logs; "" = its log is not read.
	LogDir         string
	Stdout, Stderr *os.File // the node's own: what it prints does not pass through this program
}

// Child is a node that is this program's own child. It implements agent.Supervised.
//
// No second one is started beside it, whatever died: the node gets SIGTERM when this program dies
// (Linux), and its processes inherit a locked file, which the kernel unlocks when the last of them is
// gone. While it is locked nothing is started.
type Child struct {
	c     ChildConfig
	ended chan struct{} // has a value when the node has ended by itself

	mu   sync.Mutex // held through each start
	last *process   // nil before the first start
	end  *end       // how the last one ended by itself; nil = it runs, or was told to stop
}

// end is how a process ended: see Ended.
type end struct {
	status int
	how    string
}

// process is one start of the node.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	told bool          // to stop
}

// NewChild checks the configuration and starts nothing. ErrInvalid: there is no command.
func NewChild(c ChildConfig) (*Child, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the command that starts OpenSearch is missing: write it behind --, such as -- /usr/share/opensearch/bin/opensearch")
	}
	return &Child{c: c, ended: make(chan struct{}, 1)}, nil
}

// Started reports whether this program has started the node before.
func (c *Child) Started() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last != nil
}

// Ended says how the node ended, if it did so by itself and was neither started again nor told to stop:
// its exit status, or 128 and the signal's number, as shells say it; and "exit status 1", "signal: killed".
func (c *Child) Ended() (status int, how string, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return 0, "", false
	}
	return c.end.status, c.end.how, true
}

// Ends has a value when Ended has become true.
func (c *Child) Ends() <-chan struct{} { return c.ended }

// Start starts the node; one that runs is left alone. ErrConflict: processes of a former one are left.
func (c *Child) Start(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && c.last.running() {
		return nil
	}
	lock, err := takeLock(c.c.Lock)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()                     // not unlocked: the node has it open, too
	cmd := exec.Command(c.c.Command[0], c.c.Command[1:]...) //nolint:gosec // the node's own command line names it
	cmd.Stdout, cmd.Stderr = c.c.Stdout, c.c.Stderr
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = childAttributes()
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go c.attend(p, started)
	if err := <-started; err != nil {
		return fmt.Errorf("start OpenSearch: %w", err)
	}
	note(lock, cmd.Process.Pid)
	c.last, c.end = p, nil
	return nil
}

// attend starts a process, and stays until it has ended: the kernel sends the parent-death signal when
// the thread that has started a child ends, so that this one must live as long as the child.
func (c *Child) attend(p *process, started chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	_ = p.cmd.Wait() // how it ended is in ProcessState
	c.mu.Lock()
	defer c.mu.Unlock()
	close(p.done)
	if p.told {
		return
	}
	c.end = endOf(p.cmd.ProcessState)
	select {
	case c.ended <- struct{}{}:
	default:
	}
}

// endOf says how a process ended; nil is one of which nothing is known.
func endOf(s *os.ProcessState) *end {
	if s == nil {
		return &end{1, "how is not known"}
	}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return &end{128 + int(w.Signal()), s.String()}
	}
	return &end{s.ExitCode(), s.String()}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Running reports whether a process of the node is there.
func (c *Child) Running(context.Context) (bool, error) {
	c.mu.Lock()
	p := c.last
	c.mu.Unlock()
	if p != nil && p.running() {
		return true, nil
	}
	return ChildRuns(c.c.Lock)
}

// Stop tells the node to stop, and returns when none of its processes is left. ErrUnavailable: ctx ended
// before.
func (c *Child) Stop(ctx context.Context) error {
	c.mu.Lock()
	p := c.last
	if p != nil && p.running() {
		p.told = true
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only for one that has ended
	}
	c.end = nil
	c.mu.Unlock()
	if p != nil {
		select {
		case <-p.done:
		case <-ctx.Done():
			return searchpack.Errorf(searchpack.ErrUnavailable, "the node (process %d) was told to stop, and still runs", p.cmd.Process.Pid)
		}
		// What it has started ends with it, or is told to. Its number is not given to others meanwhile.
		if runs, err := ChildRuns(c.c.Lock); err == nil && runs {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		}
	}
	return c.vanished(ctx)
}

// Close stops the node for good, by force when ctx ends before it has stopped: then that is the error.
func (c *Child) Close(ctx context.Context) error {
	err := c.Stop(ctx)
	if err == nil {
		return nil
	}
	c.mu.Lock()
	p := c.last
	c.mu.Unlock()
	if p == nil {
		return err
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // fails only for those that have ended
	ctx, cancel := context.WithTimeout(context.Background(), killTime)
	defer cancel()
	if left := c.vanished(ctx); left != nil {
		return left
	}
	select { // it has let go of its files; it is also waited for
	case <-p.done:
	case <-ctx.Done():
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch did not stop in time and was killed: give it longer with --stop-timeout")
}

// Clear waits until nothing is left of a node that an earlier process of this program has started, and
// tells it to stop. ErrConflict: it still runs when ctx ends.
func (c *Child) Clear(ctx context.Context) error {
	if runs, err := ChildRuns(c.c.Lock); err != nil || !runs {
		return err
	}
	stopNoted(c.c.Lock)
	return c.vanished(ctx)
}

// vanished waits until no process of the node is left.
func (c *Child) vanished(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		runs, err := ChildRuns(c.c.Lock)
		if err != nil || !runs {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errLeft(c.c.Lock)
		}
	}
}

// Log returns the end of the node's log.
func (c *Child) Log(_ context.Context, since time.Time) string {
	text := tail(c.c.LogDir, since)
	_, how, ended := c.Ended()
	switch {
	case text != "":
		return text
	case ended:
		return how + "; what it said stands in the output of the agent (with --node-logs DIR it is told here)"
	}
	return ""
}

// ChildRuns reports whether a process of a node lives that was started with this lock.
func ChildRuns(lock string) (bool, error) {
	f, err := openLock(lock, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	// A shared lock that is given back at once disturbs a start for an instant only.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("lock %s: %w", lock, err)
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	return false, nil
}

func openLock(name string, flags int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the lock of the node: %w", err)
	}
	return f, nil
}

// takeLock locks the file for the node that is to be started. A doctor that looks holds it for an
// instant.
func takeLock(name string) (*os.File, error) {
	f, err := openLock(name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(5 * poll); ; time.Sleep(poll / 10) {
		switch err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == nil:
			return f, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(end):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, errors.Join(errLeft(name), f.Close())
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
}

// errLeft names the process that a start has noted.
func errLeft(lock string) error {
	who := ""
	if n, ok := noted(lock); ok {
		who = ", begun by process " + strconv.Itoa(n.pid)
	}
	return searchpack.Errorf(searchpack.ErrConflict, "an OpenSearch that an agent has started here still runs%s, and a second one beside it would take its data: stop it "+
		"(type: fuser -v %s)", who, lock)
}

// start is a process that was started, with what tells it from a later one of the same number.
type start struct {
	pid   int
	ticks string // between the machine's boot and its start
}

// note keeps who was started, for the next agent and for people. The lock says that something runs; this
// only says what.
func note(lock *os.File, pid int) {
	text := fmt.Sprintf("%d %s\n", pid, ticksOf(pid))
	_ = lock.Truncate(0)
	_, _ = lock.WriteAt([]byte(text), 0)
}

// noted reads what note wrote.
func noted(lock string) (start, bool) {
	f, err := openLock(lock, 0)
	if err != nil {
		return start{}, false
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, 64)
	n, _ := f.Read(b)
	pid, ticks, _ := strings.Cut(strings.TrimSpace(string(b[:n])), " ")
	number, err := strconv.Atoi(pid)
	return start{number, ticks}, err == nil && number > 1 && ticks != ""
}

// stopNoted tells the process that was noted to stop, if it is still that one.
func stopNoted(lock string) {
	n, ok := noted(lock)
	if !ok {
		return
	}
	p, err := os.FindProcess(n.pid) // a handle, before it is looked who that is
	if err != nil {
		return
	}
	defer func() { _ = p.Release() }()
	if ticksOf(n.pid) == n.ticks {
		_ = p.Signal(syscall.SIGTERM)
	}
}
