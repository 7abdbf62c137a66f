package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/distro"
)

// scratch is a folder that the nodes' user can enter; t.TempDir is not.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "searchpack-cluster-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))
	return dir
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fakeHome is a home whose program is this test binary.
func fakeHome(t *testing.T, dir, how string) distro.Home {
	t.Helper()
	for _, d := range append(distro.WrittenDirs(), "bin", "plugins", "config/analyzers") {
		check(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	self, err := os.Executable()
	check(t, err)
	program := filepath.Join(dir, "bin", "node")
	if os.Link(self, program) != nil {
		in, err := os.Open(self)
		check(t, err)
		defer func() { _ = in.Close() }()
		out, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
		check(t, err)
		_, err = io.Copy(out, in)
		check(t, errors.Join(err, out.Close()))
	}
	script := fmt.Sprintf("#!/bin/sh\n%s=%s exec %s\n", behaviour, how, program)
	check(t, os.WriteFile(filepath.Join(dir, "bin", "opensearch"), []byte(script), 0o755))
	return distro.Home{Dir: dir, Version: "3.8.0", JDK: distro.JDK{Home: "/usr"}}
}

// fakeCluster is a cluster of such nodes, one per behaviour.
func fakeCluster(t *testing.T, change func(*Options), how ...string) *Cluster {
	t.Helper()
	dir := scratch(t)
	o := Options{Name: "shop", Dir: filepath.Join(dir, "state")}
	for i, h := range how {
		o.Homes = append(o.Homes, fakeHome(t, filepath.Join(dir, nodeName(i)), h))
	}
	if change != nil {
		change(&o)
	}
	c, err := Create(o)
	check(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestStartStopKill(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well", "well", "well")
	check(t, c.Start(t.Context()))
	ports := map[int]bool{}
	for _, n := range c.Nodes() {
		if !n.Running() || n.Pid() == 0 {
			t.Errorf("%s does not run", n.Name())
		}
		ports[n.HTTPPort()] = true
	}
	if len(ports) != 3 {
		t.Errorf("ports %v", ports)
	}

	n2 := c.Node("n2")
	pid, url, done := n2.Pid(), n2.URL(), n2.Done()
	check(t, n2.Start(t.Context())) // runs already
	if n2.Pid() != pid {
		t.Error("Start of a running node started another")
	}
	n2.Kill()
	<-done
	if n2.Running() || n2.Pid() != 0 || syscall.Kill(pid, 0) == nil {
		t.Error("n2 runs after Kill")
	}
	if !c.Node("n1").Running() || !c.Node("n3").Running() {
		t.Error("Kill of n2 ended others")
	}
	check(t, n2.Start(t.Context()))
	check(t, n2.WaitReady(t.Context()))
	if n2.URL() != url {
		t.Errorf("n2 moved from %s to %s", url, n2.URL())
	}

	n2.Stop(t.Context())
	n2.Stop(t.Context()) // down already
	if n2.Running() {
		t.Error("n2 runs after Stop")
	}
	check(t, c.Start(t.Context())) // the one that is down
	c.Stop(t.Context())
	for _, n := range c.Nodes() {
		if n.Running() {
			t.Errorf("%s runs after Stop", n.Name())
		}
	}
	if c.Node("n4") != nil {
		t.Error("there is no n4")
	}
}

func TestStopIsForcedWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "deaf")
	check(t, c.Start(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.Stop(ended)
	if c.Node("n1").Running() {
		t.Error("a node that ignores SIGTERM runs after Stop")
	}
}

func TestNodeThatDiesWhileStarting(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well", "dies")
	err := c.Start(t.Context())
	if err == nil {
		t.Fatal("the cluster started")
	}
	for _, want := range []string{"n2 of shop ended while starting (exit status 1)", "unknown setting [bogus]",
		c.Node("n2").Logs() + "/stdout.log", "OpenSearch.java:185"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	if c.Node("n1").Running() {
		t.Error("n1 is left running")
	}
}

func TestBeforeStart(t *testing.T) {
	t.Parallel()
	refuse := errors.New("no files")
	var seen []string
	c := fakeCluster(t, func(o *Options) {
		o.BeforeStart = func(_ context.Context, n *Node) error {
			if n.Running() {
				t.Error("BeforeStart of a running node")
			}
			seen = append(seen, n.Name())
			if len(seen) == 2 {
				return refuse
			}
			made := filepath.Join(n.Config(), "analyzers", ".searchpack")
			return errors.Join(os.Mkdir(made, 0o700), os.WriteFile(filepath.Join(made, "x"), nil, 0o600))
		}
	}, "well")
	n := c.Node("n1")
	check(t, n.Start(t.Context()))
	check(t, n.WaitReady(t.Context()))
	for _, path := range []string{"config", "config/opensearch.yml", "config/analyzers/.searchpack", "config/analyzers/.searchpack/x", "data", "logs/stdout.log", "tmp"} {
		if uid := owner(t, filepath.Join(n.Home().Dir, path)); uid != c.user.uid && path != "logs/stdout.log" {
			t.Errorf("%s belongs to %d, not to the nodes' user", path, uid)
		}
	}
	if os.Geteuid() == 0 && owner(t, filepath.Join(n.Home().Dir, "plugins")) != 0 {
		t.Error("plugins/ belongs to the nodes' user")
	}
	n.Kill()
	if err := n.Start(t.Context()); !errors.Is(err, refuse) || n.Running() {
		t.Errorf("start = %v, running %v", err, n.Running())
	}
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

func TestEnvironmentOfNodes(t *testing.T) {
	t.Setenv("JAVA_TOOL_OPTIONS", "-Dx=y")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c := fakeCluster(t, nil, "well")
	check(t, os.WriteFile(filepath.Join(c.Node("n1").Home().Dir, "tmp", "left"), nil, 0o600))
	check(t, c.Start(t.Context()))
	n := c.Node("n1")
	text, err := os.ReadFile(filepath.Join(n.Home().Dir, "data", "environment"))
	check(t, err)
	env := strings.Split(string(text), "\n")
	temp := filepath.Join(n.Home().Dir, "tmp")
	for _, want := range []string{"HOME=" + temp, "OPENSEARCH_TMPDIR=" + temp, "JAVA_HOME=/usr", "OPENSEARCH_JAVA_OPTS=" + javaOptions} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
	for _, e := range env {
		if strings.HasPrefix(e, "JAVA_TOOL_OPTIONS") || strings.HasPrefix(e, "AWS_") {
			t.Errorf("the environment holds %s", e)
		}
	}
	if _, err := os.Stat(filepath.Join(temp, "left")); err == nil {
		t.Error("tmp/ still holds what was left there")
	}
	if os.Geteuid() != 0 {
		return
	}
	if uid := owner(t, filepath.Join("/proc", strconv.Itoa(n.Pid()))); uid != nodeUser {
		t.Errorf("the node runs as %d", uid)
	}
	groups, err := os.ReadFile(filepath.Join(n.Home().Dir, "data", "groups"))
	check(t, err)
	if string(groups) != "[]" {
		t.Errorf("the node has root's groups %s", groups)
	}
}

func TestLinkInPlaceOfOutput(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well")
	victim := filepath.Join(scratch(t), "victim")
	check(t, os.WriteFile(victim, []byte("mine"), 0o644))
	n := c.Node("n1")
	check(t, os.Symlink(victim, filepath.Join(n.Logs(), "stdout.log")))
	check(t, os.Symlink(victim, filepath.Join(n.Config(), "opensearch.yml")))
	check(t, os.Symlink(victim, filepath.Join(n.Config(), ".opensearch.yml.new")))
	check(t, c.Start(t.Context()))
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" || owner(t, victim) != os.Geteuid() {
		t.Errorf("a link in the node's own folder was followed: %q %v", text, err)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well", "well")
	n := c.Node("n1")
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(n.HTTPPort())))
	check(t, err)
	before := n.HTTPPort()
	if err := n.Start(t.Context()); !errors.Is(err, errPortTaken) || !strings.Contains(err.Error(), strconv.Itoa(before)) {
		t.Errorf("start of one node = %v", err)
	}
	check(t, c.Start(t.Context())) // the whole cluster moves
	if n.HTTPPort() == before {
		t.Error("n1 did not move")
	}
	check(t, l.Close())
	c.Close()
	saved, err := readState(filepath.Join(c.dir, stateFile))
	check(t, err)
	if saved.Nodes[0].HTTPPort != n.HTTPPort() {
		t.Error("the new port was not saved")
	}
}

func TestSomebodyElseAnswers(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"name":"n1","cluster_name":"other"}`)
	}))
	defer other.Close()
	c := fakeCluster(t, nil, "well")
	n := c.Node("n1")
	_, port, err := net.SplitHostPort(other.Listener.Addr().String())
	check(t, err)
	c.state.Nodes[0].HTTPPort, err = strconv.Atoi(port)
	check(t, err)
	if ready, err := n.answers(t.Context()); ready || !errors.Is(err, errPortTaken) {
		t.Errorf("answers = %v, %v", ready, err)
	}
}

func TestWaitReadyEndsWithContext(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well")
	if err := c.Node("n1").WaitReady(t.Context()); err == nil {
		t.Error("a node that was not started is ready")
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := c.WaitHealth(short, "green"); err == nil || !strings.Contains(err.Error(), "no node runs") {
		t.Errorf("health = %v", err)
	}
}

// A run that was killed leaves processes: they are known by more than their id.
func TestKillLeftovers(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	if names, err := KillLeftovers(t.Context(), filepath.Join(dir, "nothing")); err != nil || names != nil {
		t.Errorf("without a folder: %v, %v", names, err)
	}
	var processes []*exec.Cmd
	for range 2 {
		cmd := exec.Command("sleep", "1000")
		check(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		processes = append(processes, cmd)
	}
	keeper, err := child.Open(filepath.Join(dir, processDir))
	check(t, err)
	defer keeper.Close()
	for i, name := range []string{"shop.n1.opensearch", "shop.n2.opensearch"} {
		check(t, keeper.Note(name, processes[i].Process.Pid))
	}
	// n2's process has ended, and its id now belongs to somebody else, started at another time.
	record := filepath.Join(dir, processDir, "shop.n2.opensearch.json")
	text, err := os.ReadFile(record)
	check(t, err)
	other := strings.Replace(string(text), `"start":`, `"start":1`, 1)
	check(t, os.WriteFile(record, []byte(other), 0o600))

	reaped := make(chan error, 1)
	go func() { reaped <- processes[0].Wait() }()
	names, err := KillLeftovers(t.Context(), dir)
	check(t, err)
	if !slices.Equal(names, []string{"shop.n1.opensearch"}) {
		t.Errorf("ended %v", names)
	}
	<-reaped //nolint:errcheck // killed: how does not matter
	if syscall.Kill(processes[1].Process.Pid, 0) != nil {
		t.Error("a foreign process was ended")
	}
}

// After a kill -9 of the program its nodes are gone, at the latest when the next run begins.
func TestNothingOutlivesAKilledRun(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	home := fakeHome(t, filepath.Join(dir, "n1"), "well")
	self, err := os.Executable()
	check(t, err)
	run := exec.Command(self)
	run.Env = append(os.Environ(), behaviour+"=parent", parentDir+"="+dir)
	out, err := run.StdoutPipe()
	check(t, err)
	check(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal("the cluster did not start: ", err)
	}
	if syscall.Kill(pid, 0) != nil {
		t.Fatal("the node does not run")
	}
	check(t, run.Process.Kill())
	_, err = KillLeftovers(t.Context(), filepath.Join(dir, "state"))
	check(t, err)

	next, err := Create(Options{Name: "shop", Dir: filepath.Join(dir, "state"), Homes: []distro.Home{home}})
	check(t, err)
	defer next.Close()
	before := next.Node("n1").URL()
	check(t, next.Start(t.Context()))
	if next.Node("n1").URL() != before {
		t.Error("the port was still taken: a node outlived its run")
	}
}
