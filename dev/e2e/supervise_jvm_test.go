package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// supervising is a node of a stack that an agent of bin/searchpack has taken over as its child.
type supervising struct {
	*site
	n    stack.NodeEntry
	args []string
	env  []string
	log  string
	uid  uint32 // OpenSearch does not run as root

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// TestSupervise: an agent starts a real OpenSearch as its child, brings it a plugin by a restart, takes it
// along when it is killed, and ends with it.
func TestSupervise(t *testing.T) {
	needsJVM(t)
	version := cmp.Or(os.Getenv("SEARCHPACK_E2E_OPENSEARCH"), oldVersion)
	jar := compiled(t, version)
	u := startOn(t, filepath.Join(openDir(t), "data"), version, jvmPatience, "--domain", "demo", "--nodes", "1")
	s := takeOver(t, u)
	defer s.explain()
	s.start()
	s.eventuallyRuns(0)
	first := s.jvm()

	s.id = s.tagPlugin(version, jar, 1, "")
	s.associate()
	eventuallyWithin(t, rolloutPatience, func() string {
		if a := s.association(); !a.active(1) {
			return fmt.Sprintf("%+v; %s", a, s.waiting())
		}
		return ""
	})
	tagged(t, s.n, "first")
	second := s.jvm()
	if second == first {
		t.Error("the plugin serves without a restart")
	}

	t.Log("the agent is killed")
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	s.start()
	s.eventuallyRuns(second)
	if alive(second) {
		t.Errorf("process %d runs beside %d", second, s.jvm())
	}
	tagged(t, s.n, "first")

	t.Log("OpenSearch is killed")
	if err := syscall.Kill(s.jvm(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 137 {
		t.Errorf("the agent ended with status %d", code)
	}
	s.start()
	s.eventuallyRuns(second)

	t.Log("the agent is told to end")
	last := s.jvm()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 0 || alive(last) {
		t.Errorf("the agent ended with status %d, its node runs: %v", code, alive(last))
	}
}

// takeOver ends the stack's own agent and OpenSearch of n1.
func takeOver(t *testing.T, u *up) *supervising {
	t.Helper()
	n := nodeOf(t, u, "n1")
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", n.PID))
	if err != nil {
		t.Fatal(err)
	}
	var owner syscall.Stat_t
	if err := syscall.Stat(n.Config, &owner); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"agent", "node"} {
		if code, out := command(t, what, "stop", "demo/n1", "--data", u.data); code != 0 {
			t.Fatalf("%s stop: %d %s", what, code, out)
		}
	}
	server, token := newServer(t, u)
	s := &supervising{site: server, n: n, log: filepath.Join(server.dir, "agent.log"), uid: owner.Uid}
	for _, kv := range bytes.Split(bytes.TrimRight(env, "\x00"), []byte{0}) {
		s.env = append(s.env, string(kv))
	}
	own, program, allow := filepath.Join(server.dir, "own"), filepath.Join(server.dir, "searchpack"), filepath.Join(server.dir, "plugins.yml")
	binary, err := os.ReadFile(client)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{program: binary, allow: []byte("schema: 1\nplugins:\n- name: " + tagFilter + "\n")} {
		if err := os.WriteFile(name, data, 0o755); err != nil { // the node's user, too, comes to it here
			t.Fatal(err)
		}
	}
	made := filepath.Join(n.Home, "own-plugins") // the stack's own agent, which may be root, has another
	for _, dir := range []string{own, made} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{own, made, filepath.Join(n.Home, "plugins"), token, allow} {
		if err := os.Chown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.args = []string{
		program, "agent", "run", "--server", "https://" + server.cfg.AgentListen, "--token-file", token, "--name", n.Name, "--config", n.Config,
		"--state", filepath.Join(own, "state"), "--opensearch", n.HTTP, "--home", n.Home, "--plugins-state", made, "--allow-plugins", allow, "--node-logs", n.Logs,
		"--restart", "supervise", "--", filepath.Join(n.Home, "bin", "opensearch"),
	}
	return s
}

func (s *supervising) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(s.args[0], s.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.n.Home, s.env, log, log
	if err := spawnAs(cmd, s.uid); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() { _ = cmd.Wait(); close(done) }()
	s.t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); <-done })
}

// eventuallyRuns waits until the agent has an OpenSearch that answers and is another one than before.
func (s *supervising) eventuallyRuns(before int) {
	s.t.Helper()
	eventuallyWithin(s.t, jvmPatience, func() string {
		select {
		case <-s.done:
			s.t.Fatalf("the agent ended with status %d", s.cmd.ProcessState.ExitCode())
		default:
		}
		if pid := s.jvm(); pid == 0 || pid == before {
			return fmt.Sprintf("no other OpenSearch than %d is the agent's child: %d", before, pid)
		}
		if err := ask(s.t.Context(), s.n, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=1s", nil, nil); err != nil {
			return err.Error()
		}
		return ""
	})
}

// jvm is the agent's child; 0 = it has none.
func (s *supervising) jvm() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, task := range tasks {
		more, _ := os.ReadFile(task)
		b = append(b, more...)
	}
	children := slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(b)))))
	if len(children) > 1 {
		s.t.Fatalf("the agent has the children %v", children)
	}
	if len(children) == 0 {
		return 0
	}
	pid, err := strconv.Atoi(children[0])
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}
