package server

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack/internal/pgtest"
)

func TestMain(m *testing.M) {
	serveAsProcess()
	goleak.VerifyTestMain(pgtest.Main(m))
}

// patience bounds everything that a test waits for.
const patience = 30 * time.Second

// testConfig is a server's on port 0 with its data in dir.
func testConfig(dir string) Config {
	c := Default(dir)
	c.Listen, c.AgentListen = "127.0.0.1:0", "127.0.0.1:0"
	c.AllowedSources = map[string][]string{"*": {"*"}}
	return c
}

// running is a server that serves until the test ends or stop is called.
type running struct {
	*Server
	url  string
	stop func()
}

func start(t testing.TB, c Config) *running {
	t.Helper()
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{Server: s, url: "http://" + s.Addr()}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// eventually asks until it is so.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-deadline:
			t.Fatalf("not in %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// works says that a folder serves: the same configuration starts, answers and stops.
func works(t *testing.T, c Config) {
	t.Helper()
	s := start(t, c)
	defer s.stop()
	resp, err := http.Get(s.url + "/searchpack/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("health: %s", resp.Status)
	}
}

// firstCredentials reads what the first start made.
func firstCredentials(t testing.TB, dir string) (access, secret string) {
	t.Helper()
	access, secret, err := ReadCredentials(filepath.Join(dir, credentialsFile))
	if err != nil {
		t.Fatal(err)
	}
	return access, secret
}
