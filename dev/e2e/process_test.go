package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// spawns are starts of child processes, all carried out on one thread.
var spawns = make(chan func())

// spawner starts children on a thread that lives as long as the test program: the kernel sends the
// parent-death signal when the starting *thread* ends.
func spawner() {
	runtime.LockOSThread()
	for f := range spawns {
		f()
	}
}

// spawn starts a child that is asked to stop when this program dies in whatever way (a panic, a
// time-out of go test), and that a Ctrl-C on the terminal reaches only so.
func spawn(cmd *exec.Cmd) error { return spawnWith(cmd, nil, syscall.SIGTERM) }

// spawnAs is spawn for a process of another user, if we may.
func spawnAs(cmd *exec.Cmd, uid uint32) error {
	if os.Getuid() != 0 {
		return spawn(cmd)
	}
	return spawnWith(cmd, &syscall.Credential{Uid: uid, Gid: uid}, syscall.SIGTERM)
}

// spawnWith has the child get a signal when this program dies.
func spawnWith(cmd *exec.Cmd, user *syscall.Credential, orphaned syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphaned, Credential: user}
	started := make(chan error, 1)
	spawns <- func() { started <- cmd.Start() }
	return <-started
}

// openDir makes a folder that the nodes' own user may pass through; t.TempDir is closed to it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "searchpack-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// below lists the processes whose arguments, program or working directory name the folder: "pid
// arguments". It sees all users' processes when we are root, else our own.
func below(folder string) []string {
	all, _ := filepath.Glob("/proc/[0-9]*")
	var found []string
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || !alive(pid) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		if bytes.Contains(args, []byte(folder)) || strings.HasPrefix(cwd, folder) || strings.HasPrefix(exe, folder) {
			found = append(found, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(args, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// nothingBelow waits until no process has anything to do with the folder.
func nothingBelow(t *testing.T, folder string) {
	t.Helper()
	eventually(t, func() string {
		if left := below(folder); len(left) > 0 {
			return "still running: " + strings.Join(left, "\n")
		}
		return ""
	})
}

// kill9 kills a process that the data folder's document has named, unless its id has become
// somebody else's meanwhile.
func kill9(data string, pid int) error {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !bytes.Contains(args, []byte(data)) {
		return fmt.Errorf("process %d is none of %s: %.200s (%w)", pid, data, args, err)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// needsJVM skips tests that start OpenSearch where nobody asked for them.
func needsJVM(t *testing.T) {
	t.Helper()
	if os.Getenv("SEARCHPACK_JVM") != "1" {
		t.Skip("starts OpenSearch: set SEARCHPACK_JVM=1")
	}
}
