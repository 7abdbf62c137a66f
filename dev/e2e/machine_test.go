package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// machine is a machine of its own as far as units can tell: namespaces of processes, mounts and names in
// which a real systemd is process 1, with an OpenSearch of packages installed and Searchpack's program. What
// is written to /etc, /usr, /var, /run and /tmp goes with it. It shares the network.
type machine struct {
	t     *testing.T
	init  int // systemd's process id out here
	http  int // OpenSearch's ports
	ended chan struct{}
}

// needsSystemd skips where there can be no such machine.
func needsSystemd(t *testing.T) {
	t.Helper()
	needsNamespaces(t)
	for _, file := range []string{"/lib/systemd/systemd", "/usr/lib/polkit-1/polkitd", "/usr/bin/dbus-daemon", "/usr/bin/nsenter"} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("%s is not there: apt-get install systemd polkitd dbus util-linux", file)
		}
	}
	if _, err := os.Stat(cgroups()); err != nil {
		t.Skipf("no control groups: %v", err)
	}
}

// needsNamespaces skips where no process can have mounts of its own.
func needsNamespaces(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces and mounts: needs root")
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip("unshare is not there: apt-get install util-linux")
	}
	if known, err := os.ReadFile("/proc/filesystems"); err != nil || !strings.Contains(string(known), "\toverlay") {
		t.Skip("the kernel has no overlay file system")
	}
}

// javaFor is the folder of the home's Java; it skips where another root would not have it.
func javaFor(t *testing.T, home distro.Home) string {
	t.Helper()
	java, err := filepath.EvalSymlinks(home.JDK.Home)
	if err != nil || !strings.HasPrefix(java, "/usr/") {
		t.Skipf("the Java of OpenSearch %s lies in %s, and only /usr is seen there: %v", home.Version, java, err)
	}
	return java
}

// cgroups is the hierarchy in which systemd keeps its units.
func cgroups() string {
	if _, err := os.Stat("/sys/fs/cgroup/systemd/cgroup.procs"); err == nil {
		return "/sys/fs/cgroup/systemd"
	}
	return "/sys/fs/cgroup"
}

// newMachine boots one.
func newMachine(t *testing.T, version string) *machine {
	t.Helper()
	dir := openDir(t)
	home, err := distro.Layout(t.Context(), version, filepath.Join(dir, "home"), distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, http: freePort(t), ended: make(chan struct{})}
	unit, err := os.ReadFile(filepath.Join("testdata", "systemd", "opensearch.service"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"opensearch.yml": fmt.Sprintf("cluster.name: units\nnode.name: n1\ndiscovery.type: single-node\npath.data: /var/lib/opensearch\npath.logs: /var/log/opensearch\n"+
			"http.port: %d\ntransport.port: %d\n", m.http, freePort(t)),
		"opensearch.env":     "OPENSEARCH_JAVA_HOME=" + javaFor(t, home) + "\nOPENSEARCH_PATH_CONF=/etc/opensearch\nOPENSEARCH_JAVA_OPTS=-Xms512m -Xmx512m\n",
		"opensearch.service": string(unit),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // configuration that everybody may read
			t.Fatal(err)
		}
	}
	m.boot(dir)
	return m
}

// boot starts systemd, in a control group of its own.
func (m *machine) boot(dir string) {
	m.t.Helper()
	group := filepath.Join(cgroups(), filepath.Base(dir))
	if err := os.Mkdir(group, 0o755); err != nil { //nolint:gosec // as all of them are
		m.t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "systemd", "boot.sh"))
	if err != nil {
		m.t.Fatal(err)
	}
	packaging, err := filepath.Abs(filepath.Join("..", "..", "packaging"))
	if err != nil {
		m.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "boot.log"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	enter := `echo $$ >"$1/cgroup.procs"; shift; exec unshare --pid --fork --kill-child --mount --uts --ipc -- sh "$@"`
	cmd := exec.Command("sh", "-c", enter, "sh", group, script, dir, client, packaging)
	cmd.Stdout, cmd.Stderr = log, log
	if err := spawnWith(cmd, nil, syscall.SIGKILL); err != nil { // unshare is deaf to SIGTERM
		m.t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(m.ended) }()
	m.t.Cleanup(func() {
		if m.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			_, journal := m.try("journalctl", "--no-pager", "--lines", "20000")
			m.t.Logf("%s\n%s", text, interesting(journal))
		}
		if m.init != 0 {
			_ = syscall.Kill(m.init, syscall.SIGKILL) // all in its namespace go with it, and unshare sees it end
		} else {
			_ = cmd.Process.Kill()
		}
		<-m.ended
		eventually(m.t, func() string { return removeGroups(group) })
	})
	eventually(m.t, func() string {
		select {
		case <-m.ended:
			text, _ := os.ReadFile(log.Name())
			m.t.Fatalf("systemd has ended: %s", text)
		default:
		}
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		if n, err := fmt.Sscan(string(children), &m.init); n != 1 {
			return fmt.Sprintf("no process 1: %v", err)
		}
		if _, out := m.try("systemctl", "is-system-running"); strings.TrimSpace(out) != "running" {
			return "systemd is " + out
		}
		return ""
	})
}

// interesting are the lines of systemd and Searchpack, and OpenSearch's errors.
func interesting(journal string) string {
	var lines []string
	for line := range strings.Lines(journal) {
		if strings.Contains(line, " level=") || strings.Contains(line, "searchpack: ") || strings.Contains(line, "systemd[") || strings.Contains(line, "ERROR") || strings.Contains(line, "Service ] [n1] loaded plugin") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-150):], "")
}

// removeGroups removes the control groups below one, and that; "" = done.
func removeGroups(group string) string {
	var dirs []string
	err := filepath.WalkDir(group, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for i := len(dirs) - 1; i >= 0 && err == nil; i-- {
		err = syscall.Rmdir(dirs[i])
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// try runs a program there, and returns its status and output.
func (m *machine) try(args ...string) (int, string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", fmt.Sprint(m.init), "--mount", "--pid", "--uts", "--ipc", "--"}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// run runs the lines of a script of the documentation, in the folder that has packaging/.
func (m *machine) run(script string) string {
	m.t.Helper()
	code, out := m.try("sh", "-ec", "cd /usr/share\n"+script)
	if code != 0 {
		m.t.Fatalf("%s: %d\n%s", script, code, out)
	}
	return out
}

// write makes a file there.
func (m *machine) write(path, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(path), []byte(text), 0o644); err != nil { //nolint:gosec // configuration
		m.t.Fatal(err)
	}
}

// path is where a file of the machine is found out here.
func (m *machine) path(name string) string { return fmt.Sprintf("/proc/%d/root%s", m.init, name) }

// invocation is systemd's name for the present start of OpenSearch.
func (m *machine) invocation() string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl show opensearch --property InvocationID --value"))
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
