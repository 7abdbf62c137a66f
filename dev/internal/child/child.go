// Package child starts the processes that searchpack-dev runs beside itself (S3, agents, OpenSearch
// nodes) and ends them: at a stop by signal and patience, after a kill -9 of searchpack-dev by the
// kernel (parent-death signal) or, where that does not reach, by the next start on the same data
// folder, which finds them in a folder of records.
//
// It must not know what a process is for, and never ends a process that it has not started: a
// record names process id, start time and boot, so a reused id is left alone.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Keeper starts processes and keeps a record of each that runs.
type Keeper struct {
	dir   string
	start chan func()
	once  sync.Once
}

// Open makes a keeper whose records lie in dir, which is made if absent. Close it after all its
// processes have ended.
func Open(dir string) (*Keeper, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &Keeper{dir: dir, start: make(chan func())}
	go k.spawn()
	return k, nil
}

// spawn starts processes on one thread of its own. The kernel sends the parent-death signal when
// the *thread* that started a child ends, so that thread must live as long as the keeper.
func (k *Keeper) spawn() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for f := range k.start {
		f()
	}
}

// Close ends the keeper. Processes that still run get their parent-death signal.
func (k *Keeper) Close() { k.once.Do(func() { close(k.start) }) }

// Process is a started process.
type Process struct {
	keeper *Keeper
	name   string
	cmd    *exec.Cmd
	done   chan struct{}
	err    error // set before done is closed
}

// Start starts cmd under a name that is unique among the running processes of this keeper (letters,
// digits, dot and minus). The process leads a process group of its own, so that Ctrl-C on a
// terminal reaches searchpack-dev alone, which then stops its children in order; and it is killed
// when searchpack-dev dies. If the record cannot be written the process is ended again.
func (k *Keeper) Start(name string, cmd *exec.Cmd) (*Process, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error, 1)
	k.start <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{keeper: k, name: name, cmd: cmd, done: make(chan struct{})}
	err := k.Note(name, cmd.Process.Pid)
	go p.wait()
	if err != nil {
		p.signal(syscall.SIGKILL)
		<-p.done
		return nil, fmt.Errorf("noting the process of %s: %w", name, err)
	}
	return p, nil
}

func (p *Process) wait() {
	p.err = p.cmd.Wait()
	p.keeper.Forget(p.name)
	close(p.done)
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how an ended process ended: nil is exit status 0.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop asks the process to end (SIGTERM), kills it and its process group when grace has passed or
// ctx ends, and returns when it is gone.
func (p *Process) Stop(ctx context.Context, grace time.Duration) {
	if p == nil || !p.Running() {
		return
	}
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal goes to the whole group: a start script may not have become the program yet. A group whose
// leader was reaped keeps its number reserved while it has members, so the number is not reused.
func (p *Process) signal(sig syscall.Signal) {
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); errors.Is(err, syscall.ESRCH) {
		_ = p.cmd.Process.Signal(sig)
	}
}
