package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/searchpack/searchpack/internal/server"
)

// site is a Searchpack of its own on the nodes of TestCluster, whose stack has stopped its agents
// meanwhile: agents are processes of bin/searchpack, as in production, and the server can be down while
// everything else goes on. The server runs in this process, so that its clock can be moved: nobody
// waits two minutes until an absent node's proof is owed.
type site struct {
	t       *testing.T
	stack   *up // has the nodes and S3
	dir     string
	ahead   atomic.Int64 // of the server's clock, nanoseconds
	cfg     server.Config
	agents  map[string]*siteAgent // by node
	id      string                // of the package
	version int

	server *server.Server // nil while it is down
	end    context.CancelFunc
	ended  chan error
}

// siteAgent is a node's agent, running or not.
type siteAgent struct {
	args []string // that agent run and agent sync share
	http string
	log  string
	cmd  *exec.Cmd // nil while it is down
	done chan struct{}
}

// newSite starts the server and an agent beside each node.
func newSite(t *testing.T, u *up) *site {
	t.Helper()
	s, token := newServer(t, u)
	for _, n := range u.document().Domains[0].Nodes {
		state := filepath.Join(s.dir, n.Name)
		s.agents[n.Name] = &siteAgent{
			http: n.HTTP, log: state + ".log",
			args: []string{"--server", "https://" + s.cfg.AgentListen, "--token-file", token, "--name", n.Name, "--config", n.Config, "--state", state},
		}
		s.startAgent(n.Name)
	}
	return s
}

// newServer starts the server, and returns a token for as many agents as there are nodes.
func newServer(t *testing.T, u *up) (s *site, token string) {
	t.Helper()
	d := u.document()
	s = &site{t: t, stack: u, dir: openDir(t), agents: map[string]*siteAgent{}}
	s.cfg = server.Default(filepath.Join(s.dir, "server"))
	s.cfg.Listen, s.cfg.AgentListen = "127.0.0.1:0", "127.0.0.1:0"
	s.cfg.SourceEndpoint, s.cfg.SourceRegion, s.cfg.SourceAccessKey, s.cfg.SourceSecretKey = d.Endpoint, d.Region, d.AccessKeyID, d.SecretAccessKey
	s.cfg.AllowedSources = map[string][]string{"*": {"*"}}
	s.cfg.AdminAccessKey, s.cfg.AdminSecretKey = "site", "site-secret"
	s.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	log, err := os.Create(filepath.Join(s.dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	t.Cleanup(func() { s.close(); _ = log.Close() })
	s.serverUp()
	s.cfg.Listen, s.cfg.AgentListen = s.server.Addr(), s.server.AgentAddr() // where it is found again
	var made struct{ Token string }
	s.call(http.MethodPost, "/domains/demo/tokens", object{"uses": len(d.Domains[0].Nodes)}, &made)
	token = filepath.Join(s.dir, "token")
	if err := os.WriteFile(token, []byte(made.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, token
}

// close ends the agents and the server; what has ended stays so.
func (s *site) close() {
	for name := range s.agents {
		s.stopAgent(name)
	}
	if s.server != nil {
		s.serverDown()
	}
}

// serverUp starts the server.
func (s *site) serverUp() {
	s.t.Helper()
	srv, err := server.New(context.Background(), s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.server, s.end, s.ended = srv, cancel, make(chan error, 1)
	go func() { s.ended <- srv.Run(ctx) }()
}

// serverDown stops the server: nobody listens where it was.
func (s *site) serverDown() {
	s.t.Helper()
	s.end()
	if err := <-s.ended; err != nil {
		s.t.Errorf("the server ended: %v", err)
	}
	if err := s.server.Close(); err != nil {
		s.t.Errorf("closing the server: %v", err)
	}
	s.server = nil
}

// startAgent starts the agent of a node.
func (s *site) startAgent(node string) {
	s.t.Helper()
	a := s.agents[node]
	log, err := os.OpenFile(a.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(client, append([]string{"agent", "run", "--opensearch", a.http}, a.args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := spawn(cmd); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	a.cmd, a.done = cmd, done
	go func() { _ = cmd.Wait(); close(done) }()
}

// stopAgent ends the agent of a node as kill -9 does.
func (s *site) stopAgent(node string) {
	a := s.agents[node]
	if a.cmd == nil {
		return
	}
	_ = a.cmd.Process.Kill() // fails only for one that has ended
	<-a.done
	a.cmd = nil
}

// boot is what a host does: agent sync --once, then OpenSearch.
func (s *site) boot(node string) {
	s.t.Helper()
	began := time.Now()
	code, out := execute(s.t, client, append([]string{"agent", "sync", "--once"}, s.agents[node].args...)...)
	if code != 0 {
		s.t.Fatalf("agent sync --once on %s: %d\n%s", node, code, out)
	}
	synced := time.Since(began)
	if code, out := executeWithin(s.t, jvmPatience, program, "node", "start", "demo/"+node, "--data", s.stack.data); code != 0 {
		s.t.Fatalf("node start: %d\n%s", code, out)
	}
	s.t.Logf("%s: sync took %.1f s, then OpenSearch %.1f s", node, synced.Seconds(), (time.Since(began) - synced).Seconds())
}

// shutdown stops OpenSearch on a node.
func (s *site) shutdown(node string) {
	s.t.Helper()
	if code, out := command(s.t, "node", "stop", "demo/"+node, "--data", s.stack.data); code != 0 {
		s.t.Fatalf("node stop: %d\n%s", code, out)
	}
}

// explain, deferred, logs what an operator would look at when the test has failed.
func (s *site) explain() {
	if !s.t.Failed() {
		return
	}
	if s.server != nil {
		for _, path := range []string{"nodes", "rollouts?limit=2", "associations"} {
			var v any
			s.call(http.MethodGet, "/domains/demo/"+path, nil, &v)
			text, _ := json.MarshalIndent(v, "", " ")
			s.t.Logf("%s:\n%s", path, text)
		}
	}
	logs, _ := filepath.Glob(filepath.Join(s.dir, "*.log"))
	for _, log := range logs {
		b, _ := os.ReadFile(log)
		s.t.Logf("the end of %s:\n%s", log, b[max(0, len(b)-3000):])
	}
}
