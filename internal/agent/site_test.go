package agent

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/auth/enroll"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/sqlstore"
	"github.com/searchpack/searchpack/internal/usage"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		crashChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var testDomain = searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}

// site is a server with real stores on loopback, whose orders the test writes itself.
type site struct {
	t     *testing.T
	store *sqlstore.Store
	blobs *blobstore.Dir
	ca    *enroll.Authority
	srv   *agentapi.Server
	url   string

	mu    sync.Mutex
	wrap  func(http.Handler) http.Handler // a hostile or broken server
	until func()
	skew  time.Duration
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t}
	var err error
	if s.store, err = sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(memoryDir(t), "db"), sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.blobs, err = blobstore.NewDir(memoryDir(t)); err != nil {
		t.Fatal(err)
	}
	if s.ca, _, err = enroll.NewAuthority(time.Now()); err != nil {
		t.Fatal(err)
	}
	s.update(func(tx searchpack.Tx) error {
		return tx.PutDomain(context.Background(), &searchpack.Domain{DomainKey: testDomain, ID: "000000000000/shop", FilesOnly: true, CreatedAt: time.Now()})
	})
	s.start("127.0.0.1:0")
	t.Cleanup(func() {
		s.stop()
		_ = s.store.Close()
		_ = s.blobs.Close()
	})
	return s
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.skew)
}

func (s *site) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew += d
}

// start begins to serve; stop ends it, and a later start on the same address goes on.
func (s *site) start(addr string) {
	s.t.Helper()
	s.srv = agentapi.NewServer(agentapi.ServerConfig{Store: s.store, Blobs: s.blobs, Authority: s.ca, Now: s.now, Usage: usage.Parse})
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = "https://" + ln.Addr().String()
	inner := s.srv.Handler()
	hs := &http.Server{
		TLSConfig: s.srv.TLSConfig(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			h := inner
			if s.wrap != nil {
				h = s.wrap(inner)
			}
			s.mu.Unlock()
			h.ServeHTTP(w, r)
		}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.srv.Run(ctx) })
	wg.Go(func() { _ = hs.ServeTLS(ln, "", "") })
	s.until = sync.OnceFunc(func() {
		cancel()
		_ = hs.Close()
		wg.Wait()
	})
}

func (s *site) stop() { s.until() }

func (s *site) between(wrap func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrap = wrap
}

func (s *site) update(f func(tx searchpack.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) tokenFile() string {
	s.t.Helper()
	tok := enroll.NewToken(s.ca.KeyHash())
	s.update(func(tx searchpack.Tx) error {
		return tx.PutJoinToken(context.Background(), &searchpack.JoinToken{ID: tok.ID, Domain: testDomain, SecretHash: tok.SecretHash(), Uses: 1, CreatedAt: time.Now()})
	})
	file := filepath.Join(s.t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(tok.String()+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func (s *site) blob(content string) (searchpack.Digest, int64) {
	s.t.Helper()
	d, size, err := s.blobs.Write(context.Background(), strings.NewReader(content), 1<<30)
	if err != nil {
		s.t.Fatal(err)
	}
	return d, size
}

// agents returns those enrolled.
func (s *site) agents() []*searchpack.AgentState {
	s.t.Helper()
	var out []*searchpack.AgentState
	if err := s.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
		out, err = tx.Agents(context.Background(), testDomain)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// beside is one node: a configuration folder and the agent beside it.
type beside struct {
	*site
	cfg  Config
	stop func() error // ends the running agent and returns what Run returned
}

// fast are intervals for tests.
var fast = Intervals{
	Watch: 50 * time.Millisecond, Facts: 30 * time.Millisecond, Heartbeat: time.Second,
	Coalesce: 5 * time.Millisecond, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
}

func (s *site) node(edit func(*Config)) *beside {
	s.t.Helper()
	conf := memoryDir(s.t)
	if err := os.WriteFile(filepath.Join(conf, "opensearch.yml"), []byte("cluster.name: t\n"), 0o640); err != nil {
		s.t.Fatal(err)
	}
	b := &beside{site: s, stop: func() error { return nil }, cfg: Config{
		Server: s.url, TokenFile: s.tokenFile(), FilesOnly: true, ConfigDir: conf,
		StateDir: filepath.Join(memoryDir(s.t), "state"), Name: "n1", Version: "test", Intervals: fast, Now: s.now,
	}}
	if testing.Verbose() {
		b.cfg.Logger = slog.New(slog.NewTextHandler(s.t.Output(), nil))
	}
	if edit != nil {
		edit(&b.cfg)
	}
	return b
}

// run starts the agent and waits until it has reported.
func (b *beside) run() *beside {
	b.t.Helper()
	b.start()
	b.eventually("the agent reports", func() bool { return b.agent() != nil && b.agent().Report != nil })
	return b
}

func (b *beside) start() {
	b.t.Helper()
	a, err := New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	b.t.Cleanup(func() { _ = b.stop() })
}

func (b *beside) agent() *searchpack.AgentState {
	for _, a := range b.agents() {
		if a.RetiredAt.IsZero() {
			return a
		}
	}
	return nil
}

// order writes the next order and returns it.
func (b *beside) order(o searchpack.Order) searchpack.Order {
	b.t.Helper()
	o.Schema = 1
	for _, f := range o.Files {
		if f.Path != "" {
			o.Schema = searchpack.OrderSchemaPaths
		}
	}
	a := b.agent()
	o.Generation = a.Order.Generation + 1
	b.update(func(tx searchpack.Tx) error { return tx.PutOrder(context.Background(), a.ID, &o) })
	b.srv.Wake()
	return o
}

// taken waits until a report about the order shows what is expected, and returns it.
func (b *beside) taken(o searchpack.Order, what string, ok func(r *searchpack.Report) bool) *searchpack.Report {
	b.t.Helper()
	var r *searchpack.Report
	b.eventually(what, func() bool {
		r = b.agent().Report
		return r != nil && r.Generation == o.Generation && ok(r)
	})
	return r
}

// eventually waits for a condition that other goroutines bring about.
func (b *beside) eventually(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			last := ""
			if a := b.agent(); a != nil {
				last = jsonOf(a.Report)
			}
			b.t.Fatalf("did not happen: %s; last report %s", what, last)
		}
		pause(context.Background(), 5*time.Millisecond)
	}
}

func (b *beside) path(name string) string { return filepath.Join(b.cfg.ConfigDir, name) }

// lies returns what lies under a name in the configuration folder; "<none>" if nothing.
func (b *beside) lies(name string) string {
	info, err := os.Lstat(b.path(name))
	if err != nil || !info.Mode().IsRegular() { // reading a pipe would wait for ever
		return "<none>"
	}
	raw, err := os.ReadFile(b.path(name))
	if err != nil {
		return "<none>"
	}
	return string(raw)
}

func (b *beside) live(id, content string) searchpack.FileOrder {
	d, size := b.blob(content)
	return searchpack.FileOrder{PackageID: id, State: searchpack.FileLive, VersionID: id + "-v1", Version: 1, Digest: d, Size: size}
}

// shows reports whether the report has the package's file so.
func shows(r *searchpack.Report, id string, state searchpack.FileState, content string) bool {
	for _, f := range r.Files {
		if f.PackageID == id {
			return f.State == state && f.Error == "" && (content == "" || f.Digest == searchpack.DigestOf([]byte(content)))
		}
	}
	return false
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

var big = string(bytes.Repeat([]byte("laptop, notebook, ultrabook\n"), 40_000))
