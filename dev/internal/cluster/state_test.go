package cluster

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

func TestConfigurationGolden(t *testing.T) {
	t.Parallel()
	s := state{Schema: 1, Name: "shop", Nodes: []nodeState{{"n1", 15001, 15002, false}, {"n2", 15003, 15004, false}, {"n3", 15005, 15006, false}}}
	const want = `# Written by searchpack-dev at every start of this node: changes here are lost.
cluster.initial_cluster_manager_nodes: ["n1","n2","n3"]
cluster.name: "shop"
cluster.routing.allocation.disk.threshold_enabled: false
discovery.seed_hosts: ["127.0.0.1:15002","127.0.0.1:15004","127.0.0.1:15006"]
http.port: 15003
network.host: "127.0.0.1"
node.name: "n2"
node.store.allow_mmap: false
transport.port: 15004
`
	if diff := cmp.Diff(want, string(configuration(s, 1, distro.Home{}, nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	secured := string(configuration(s, 0, distro.Home{Security: true}, map[string]string{"node.attr.zone": "a: \"b\"\nx", "network.host": "0"}))
	for _, line := range []string{"plugins.security.disabled: true\n", `node.attr.zone: "a: \"b\"\nx"` + "\n", "network.host: \"0\"\n"} {
		if !strings.Contains(secured, line) {
			t.Errorf("lacks %q:\n%s", line, secured)
		}
	}
}

func options(t *testing.T, dir string, nodes int) Options {
	t.Helper()
	o := Options{Name: "shop", Dir: filepath.Join(dir, "state")}
	for i := range nodes {
		home := filepath.Join(dir, nodeName(i))
		check(t, os.MkdirAll(home, 0o755))
		o.Homes = append(o.Homes, distro.Home{Dir: home, JDK: distro.JDK{Home: "/usr"}})
	}
	return o
}

func TestPortsStay(t *testing.T) {
	t.Parallel()
	o := options(t, scratch(t), 3)
	first, err := Create(o)
	check(t, err)
	first.Close()
	second, err := Create(o)
	check(t, err)
	second.Close()
	if diff := cmp.Diff(first.state, second.state); diff != "" {
		t.Errorf("the second run has another state:\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(o.Dir, stateFile))
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	entries, err := os.ReadDir(o.Dir)
	check(t, err)
	if len(entries) != 2 { // the state and the folder of processes
		t.Errorf("left in the folder: %v", entries)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	good := options(t, dir, 2)
	c, err := Create(good)
	check(t, err)
	c.Close()
	cases := map[string]struct {
		change func(*Options)
		want   string
	}{
		"bad name":        {func(o *Options) { o.Name = "a/b" }, "is no name for a cluster"},
		"no node":         {func(o *Options) { o.Homes = nil }, "1 to 9 nodes"},
		"other name":      {func(o *Options) { o.Name = "blog" }, `holds the cluster "shop" of 2 nodes`},
		"other size":      {func(o *Options) { o.Homes = o.Homes[:1] }, `holds the cluster "shop" of 2 nodes`},
		"home is missing": {func(o *Options) { o.Homes[1].Dir += "x" }, "n2x"},
	}
	for name, tc := range cases {
		o := options(t, dir, 2)
		tc.change(&o)
		if c, err := Create(o); err == nil {
			c.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamagedState(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"schema":1,"na`:            "is damaged",
		`{"schema":2,"name":"shop"}`: "another searchpack-dev (schema 2)",
		`{"schema":1,"name":"shop","nodes":[{"name":"../x","http_port":1,"transport_port":2}]}`:                                              `is called "../x"`,
		`{"schema":1,"name":"shop","nodes":[{"name":"n1","http_port":70000,"transport_port":2}]}`:                                            "port 70000 of n1",
		`{"schema":1,"name":"shop","nodes":[{"name":"n1","http_port":5,"transport_port":5}]}`:                                                "port 5 of n1",
		`{"schema":1,"name":"shop","nodes":[{"name":"n1","http_port":5,"transport_port":6},{"name":"n2","http_port":6,"transport_port":7}]}`: "port 6 of n2",
	} {
		path := filepath.Join(t.TempDir(), stateFile)
		check(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := readState(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// FuzzState: whatever is in the file, what is accepted can be used.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"schema":1,"name":"shop","nodes":[{"name":"n1","http_port":15001,"transport_port":15002}]}`))
	f.Add([]byte(`{"schema":1,"nodes":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), stateFile)
		check(t, os.WriteFile(path, text, 0o600))
		s, err := readState(path)
		if err != nil {
			return
		}
		seen := map[int]bool{}
		for i, n := range s.Nodes {
			if n.Name != nodeName(i) || seen[n.HTTPPort] || n.HTTPPort == n.TransportPort || n.HTTPPort <= 0 || n.TransportPort > 65535 {
				t.Errorf("accepted %+v", s)
			}
			seen[n.HTTPPort], seen[n.TransportPort] = true, true
		}
	})
}

func TestFreePorts(t *testing.T) {
	t.Parallel()
	ports, err := freePorts(18, nil)
	check(t, err)
	taken := map[int]bool{}
	for _, port := range ports {
		if taken[port] {
			t.Errorf("port %d twice", port)
		}
		taken[port] = true
		if first, ok := firstEphemeral(); ok && first > lowestPort+1000 && port >= first {
			t.Errorf("port %d is one that the kernel hands out", port)
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(ports[0])))
	check(t, err)
	defer func() { _ = l.Close() }()
	if isFree(ports[0]) || !isFree(ports[1]) {
		t.Error("isFree is wrong")
	}
}

func TestCheckReach(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	inside := filepath.Join(closed, "home")
	check(t, os.Mkdir(inside, 0o755))
	check(t, os.Chmod(closed, 0o700))
	err := runAs{uid: nodeUser, gid: nodeUser, change: true}.checkReach(inside)
	if err == nil || !strings.Contains(err.Error(), "user 9200, who cannot enter") {
		t.Errorf("as another user: %v", err)
	}
	check(t, runAs{uid: os.Geteuid()}.checkReach(inside))
	dir := scratch(t)
	check(t, runAs{uid: nodeUser, gid: nodeUser, change: true}.checkReach(dir))
	check(t, os.Chmod(dir, 0o700))
	check(t, runAs{uid: os.Geteuid(), change: true}.checkReach(dir))
	check(t, os.Chmod(dir, 0o710))
	check(t, runAs{uid: nodeUser, gid: os.Getegid(), change: true}.checkReach(dir))
}

func TestReplaceFileLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "folder")
	check(t, os.MkdirAll(filepath.Join(target, "x"), 0o755))
	if err := replaceFile(target, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left: %v %v", entries, err)
	}
}
