package parts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// The test binary plays the agent: what it says and how it ends stands in AGENT.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == AgentCommand {
		for _, kv := range os.Environ() {
			if strings.HasPrefix(kv, "SEARCHPACK_") || strings.HasPrefix(kv, "AWS_") {
				os.Stderr.WriteString(kv + " reaches the agent\n") //nolint:errcheck // nobody to tell
				os.Exit(3)
			}
		}
		if os.Getenv("AGENT_FAILS") != "" {
			os.Stderr.WriteString("searchpack-dev: the state folder is damaged\n") //nolint:errcheck // nobody to tell
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func spec(t *testing.T) (stack.Agents, stack.AgentSpec) {
	t.Helper()
	dir := t.TempDir()
	k, err := child.Open(filepath.Join(dir, "processes"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return New(os.Args[0]).Agents(k), stack.AgentSpec{
		Process: "demo.n1.agent", Node: "n1", Server: "https://127.0.0.1:1", TokenFile: filepath.Join(dir, "token"),
		Config: dir, State: filepath.Join(dir, "state"), Log: filepath.Join(dir, "agent.log"),
	}
}

func TestSync(t *testing.T) {
	t.Setenv("SEARCHPACK_SERVER", "https://elsewhere")
	t.Setenv("AWS_ACCESS_KEY_ID", "secret")
	agents, a := spec(t)
	if err := agents.Sync(context.Background(), a); err != nil {
		log, _ := os.ReadFile(a.Log)
		t.Fatalf("%v: %s", err, log)
	}
	t.Setenv("AGENT_FAILS", "1")
	err := agents.Sync(context.Background(), a)
	if err == nil || !strings.Contains(err.Error(), "the state folder is damaged") || !strings.Contains(err.Error(), a.Log) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

func TestPlaceSaysWhichNode(t *testing.T) {
	t.Parallel()
	_, a := spec(t)
	args := place("run", a)
	for _, pair := range [][2]string{{"--name", "n1"}, {"--server", a.Server}, {"--config", a.Config}, {"--state", a.State}, {"--token-file", a.TokenFile}} {
		if i := slices.Index(args, pair[0]); i < 0 || args[i+1] != pair[1] {
			t.Errorf("%s is not %s in %v", pair[0], pair[1], args)
		}
	}
}

func TestEngineOf(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"3.8.0": "OpenSearch_3.8", "2.19.1": "OpenSearch_2.19", "3.9.0-SNAPSHOT": "OpenSearch_3.9"} {
		if got := engineOf(version); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

func TestClustersRefuse(t *testing.T) {
	t.Parallel()
	c := &clusters{offers: []offer{{engine: "OpenSearch_3.8", what: "3.8.0"}}, log: func(string) {}}
	_, err := c.Open(context.Background(), stack.ClusterOptions{Domain: searchpack.Domain{EngineVersion: "OpenSearch_2.19", Nodes: 1}, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "OpenSearch_2.19") || !strings.Contains(err.Error(), "OpenSearch_3.8") {
		t.Errorf("a version that is not offered: %v", err)
	}
	o := stack.DefaultOptions()
	o.OpenSearch = []string{t.TempDir()}
	if _, err := openClusters(context.Background(), o, func(string) {}); err == nil {
		t.Error("an empty folder is no installation")
	}
	o.OpenSearch = []string{stack.None}
	files, err := openClusters(context.Background(), o, func(string) {})
	if err != nil || len(files.Engines()) != 0 {
		t.Errorf("%v, %v", files, err)
	}
	made, err := files.Open(context.Background(), stack.ClusterOptions{
		Domain: searchpack.Domain{DomainKey: searchpack.DomainKey{Name: "demo"}, Nodes: 2, FilesOnly: true}, Dir: t.TempDir(),
		BeforeStart: func(context.Context, stack.NodeInfo) error { return nil },
	})
	if err != nil || len(made.Nodes()) != 2 {
		t.Fatalf("%v, %v", made, err)
	}
	if _, err := os.Stat(filepath.Join(made.Nodes()[1].Info().Config, "opensearch.yml")); err != nil {
		t.Error(err)
	}
	_, err = files.Open(context.Background(), stack.ClusterOptions{
		Domain: searchpack.Domain{Nodes: 1}, Dir: t.TempDir(),
		BeforeStart: func(context.Context, stack.NodeInfo) error { return errors.New("not in order") },
	})
	if err == nil {
		t.Error("a node whose files are not in order was opened")
	}
}
