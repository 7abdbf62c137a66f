//go:build unix

package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	superuser  = "searchpack"
	socketPort = "5432" // names the socket; no port is opened
	// startTimeout bounds the wait for a server that recovers on a slow machine.
	startTimeout = time.Minute
	stopTimeout  = 10 * time.Second
	dirPrefix    = "searchpack-pg-"
)

// server is a running PostgreSQL.
type server struct {
	dir    string // holds the data folder, the log and the socket
	pid    int
	exited chan struct{} // closed when the process has ended
}

// startServer makes a data folder and starts a server on it.
func startServer() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	sweep()
	dir, err := os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, exited: make(chan struct{})}
	if err := s.start(bin, credential()); err != nil {
		tail := s.logTail()
		return nil, errors.Join(fmt.Errorf("start PostgreSQL of %s: %w%s", bin, err, tail), s.stop())
	}
	return s, nil
}

func (s *server) start(bin string, as *syscall.Credential) error {
	if as != nil {
		if err := os.Chown(s.dir, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username="+superuser, "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir = s.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", s.dir, "-p", socketPort,
		"-c", "listen_addresses=", "-c", "unix_socket_permissions=0777", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
		"-c", "shared_buffers=16MB", "-c", "jit=off", "-c", "autovacuum=off")
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	if err := s.spawn(cmd); err != nil {
		return err
	}
	return s.ready()
}

// spawn starts the process on a thread of its own that waits for it: the kernel sends the signal
// of endWithParent when the thread that started the child ends, not when the process does.
func (s *server) spawn(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			s.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			cmd.Wait() //nolint:errcheck // how it ended does not matter
			close(s.exited)
		}
	}()
	return <-started
}

// ready waits until the server answers.
func (s *server) ready() error {
	deadline := time.NewTimer(startTimeout)
	defer deadline.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := s.exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-s.exited:
			return errors.New("it ended at once")
		case <-deadline.C:
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// stop ends the server and removes its folder.
func (s *server) stop() error {
	if s.pid != 0 {
		for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
			syscall.Kill(s.pid, sig) //nolint:errcheck // it may have ended already
			select {
			case <-s.exited:
			case <-time.After(stopTimeout):
				continue
			}
			break
		}
	}
	return os.RemoveAll(s.dir)
}

func (s *server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *server) logTail() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil || len(b) == 0 {
		return ""
	}
	return "\n" + string(b[max(0, len(b)-2000):])
}

// binaries returns the folder with initdb and postgres.
func binaries() (string, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.Reverse(debian)                                  // newest first
	for _, dir := range append(dirs, debian...) {
		_, noInit := exec.LookPath(filepath.Join(dir, "initdb"))
		_, noServer := exec.LookPath(filepath.Join(dir, "postgres"))
		if noInit == nil && noServer == nil {
			return dir, nil
		}
	}
	return "", errNotInstalled
}

// credential returns whom the server runs as: PostgreSQL refuses to be root, and initdb wants a
// user that the system knows. nil: as this process.
func credential() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return &syscall.Credential{Uid: 9201, Gid: 9201}
}

// sweep removes the folders of test processes that were killed. Their servers ended with them.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*")) // the pattern is well-formed
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err != nil || pid <= 0 || syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		os.RemoveAll(dir) //nolint:errcheck // another process's; the next one tries again
	}
}
