package stack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The names in a data folder.
const (
	lockName      = "searchpack-dev.lock"
	controlName   = "control.sock"
	processesName = "processes" // a record per running child, for the next `up`
	s3Name        = "s3"
	serverName    = "server"  // database and blobs
	domainsName   = "domains" // one folder per domain, one in it per node
	serverLogName = "server.log"
	s3LogName     = "s3.log"
)

// dataDir is a locked data folder.
type dataDir struct {
	path string
	lock *os.File
}

// ErrInUse is the cause when another process holds a data folder.
var ErrInUse = errors.New("in use")

// openData makes the folder if it is absent and locks it. Other users may pass through it (nodes
// run under a user of their own when we are root) but not look into it; what is secret in it has
// modes of its own.
func openData(path string) (*dataDir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o711); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(abs, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder cannot be used: %w", err)
	}
	if err := lockFile(f); err != nil {
		pid := holder(f)
		_ = f.Close()
		if errors.Is(err, ErrInUse) {
			return nil, fmt.Errorf("the data folder %s is %w by another searchpack-dev%s; stop it with: searchpack-dev down --data %s", abs, ErrInUse, pid, abs)
		}
		return nil, fmt.Errorf("locking the data folder %s: %w", abs, err)
	}
	d := &dataDir{path: abs, lock: f}
	if err := d.prepare(); err != nil {
		d.close()
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", abs, err)
	}
	return d, nil
}

// lockFile takes the lock, which goes with the process.
func lockFile(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrInUse
		default:
			return err
		}
	}
}

// holder names the process that wrote itself into the lock file.
func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	if _, bad := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || bad != nil {
		return ""
	}
	return " (pid " + strings.TrimSpace(string(b)) + ")"
}

func (d *dataDir) prepare() error {
	if err := d.lock.Truncate(0); err != nil {
		return err
	}
	if _, err := d.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return err
	}
	for name, mode := range map[string]os.FileMode{processesName: 0o700, s3Name: 0o700, serverName: 0o700, domainsName: 0o711} {
		if err := os.Mkdir(d.join(name), mode); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// A document left by a kill -9 would send scripts to an endpoint that is gone.
	if err := os.Remove(d.join(DocumentName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *dataDir) join(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

// close unlocks the folder.
func (d *dataDir) close() { _ = d.lock.Close() }

// destroy deletes what searchpack-dev made in the folder, the lock last, so that no other process can
// use a half-deleted one; and the folder, if nothing else lies in it. A folder that somebody named by
// mistake keeps what is theirs.
func (d *dataDir) destroy() error {
	if outside := d.outsideOf(outsideBase); outside != "" {
		if err := os.RemoveAll(outside); err != nil {
			return err
		}
	}
	names := []string{
		DocumentName, controlName, processesName, s3Name, serverName, domainsName,
		serverLogName, serverLogName + ".1", s3LogName, s3LogName + ".1", lockName,
	}
	for _, name := range names {
		if err := os.RemoveAll(d.join(name)); err != nil {
			return err
		}
	}
	if err := os.Remove(d.path); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EBUSY) {
		return err
	}
	return nil
}

// logLimit is the size from which a log begins anew at a start; the former one is kept beside it.
const logLimit = 16 << 20 // bytes

// OpenLog opens a log for appending; a large one begins anew.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
