package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// syncPromise is how soon `agent sync --once` must have ended: a node waits for it before it starts.
const syncPromise = 10 * time.Second

// TestSyncWithoutServer: a host comes back while the server is away. Before OpenSearch starts there,
// `agent sync --once` has put back what was damaged.
func TestSyncWithoutServer(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "1")
	p := newPack(t, u, "synonyms", fillerLines)
	p.askAssociate(t)
	p.active(t, 1)
	n := nodeOf(t, u, "n1")
	u.signal(syscall.SIGKILL)
	nothingBelow(t, u.data)
	path, want := p.path(n.Config), string(p.text(1))

	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never says a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, tt := range []struct {
		name, server string
		damage       func() error
	}{
		{"file damaged", "https://127.0.0.1:1", func() error { return changeOneByte(path) }},
		{"file emptied", "https://127.0.0.1:1", func() error { return os.Truncate(path, 0) }},
		{"file gone", "https://127.0.0.1:1", func() error { return os.Remove(path) }},
		{"folder gone", "https://127.0.0.1:1", func() error { return os.RemoveAll(filepath.Dir(path)) }},
		{"server silent", "https://" + silent.Addr().String(), func() error { return os.Remove(path) }},
		{"nothing wrong", "https://127.0.0.1:1", func() error { return nil }},
	} {
		if err := tt.damage(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		began := time.Now()
		out, err := exec.CommandContext(ctx, client, "agent", "sync", "--once",
			"--server", tt.server, "--config", n.Config, "--state", n.AgentState).CombinedOutput()
		took := time.Since(began)
		cancel()
		if err != nil || took > syncPromise {
			t.Errorf("%s: %v after %v\n%s", tt.name, err, took, out)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != want {
			t.Errorf("%s: the file is not back: %d bytes, %v\n%s", tt.name, len(b), err, out)
		}
		t.Logf("%s: %v", tt.name, took.Round(time.Millisecond))
	}

	// The incidents are told when the server is back.
	u = start(t, u.data, "--domain", "demo", "--nodes", "1")
	eventually(t, func() string {
		_, table := cli(t, u, "nodes", "demo")
		if !strings.Contains(table, "incident") || !strings.Contains(table, "healed") {
			return "the server does not hear of the incidents:\n" + table
		}
		return ""
	})
}
