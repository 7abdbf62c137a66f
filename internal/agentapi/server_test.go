package agentapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var domain = searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// site is a server with real stores on loopback.
type site struct {
	t     *testing.T
	clock *clock
	store *sqlstore.Store
	blobs *blobstore.Dir
	ca    *enroll.Authority
	srv   *agentapi.Server
	gives *givesPermits
	url   string
	stop  func()
}

func newSite(t *testing.T) *site {
	t.Helper()
	ctx := t.Context()
	s := &site{t: t, gives: &givesPermits{}, clock: &clock{t: time.Now().UTC().Truncate(time.Second)}}
	var err error
	if s.store, err = sqlstore.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "db"), sqlstore.Options{Now: s.clock.now}); err != nil {
		t.Fatal(err)
	}
	if s.blobs, err = blobstore.NewDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if s.ca, _, err = enroll.NewAuthority(s.clock.now()); err != nil {
		t.Fatal(err)
	}
	s.srv = agentapi.NewServer(agentapi.ServerConfig{Store: s.store, Blobs: s.blobs, Authority: s.ca, Now: s.clock.now, Usage: usage.Parse, Permits: s.gives})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "https://" + ln.Addr().String()
	hs := &http.Server{Handler: s.srv.Handler(), TLSConfig: s.srv.TLSConfig(), ErrorLog: nil}
	run, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.srv.Run(run) })
	wg.Go(func() { _ = hs.ServeTLS(ln, "", "") })
	s.stop = sync.OnceFunc(func() {
		cancel()
		_ = hs.Close()
		wg.Wait()
		_ = s.store.Close()
		_ = s.blobs.Close()
	})
	t.Cleanup(s.stop)
	s.update(func(tx searchpack.Tx) error {
		return tx.PutDomain(ctx, &searchpack.Domain{DomainKey: domain, ID: "000000000000/shop", CreatedAt: s.clock.now()})
	})
	return s
}

func (s *site) update(f func(tx searchpack.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) token(edit func(*searchpack.JoinToken)) enroll.Token {
	s.t.Helper()
	tok := enroll.NewToken(s.ca.KeyHash())
	row := &searchpack.JoinToken{ID: tok.ID, Domain: domain, SecretHash: tok.SecretHash(), Uses: 1, CreatedAt: s.clock.now()}
	if edit != nil {
		edit(row)
	}
	s.update(func(tx searchpack.Tx) error { return tx.PutJoinToken(context.Background(), row) })
	return tok
}

// member is an enrolled agent.
type member struct {
	*agentapi.Client
	key  *ecdsa.PrivateKey
	csr  []byte
	cert tls.Certificate
	got  *agentapi.EnrollAnswer
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := enroll.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, csr
}

func (s *site) enroll(tok enroll.Token, csr []byte) (*agentapi.EnrollAnswer, error) {
	return agentapi.Enroll(s.t.Context(), s.url, tok, csr, "n1", s.clock.now)
}

func (s *site) join() *member {
	s.t.Helper()
	key, csr := newKey(s.t)
	got, err := s.enroll(s.token(nil), csr)
	if err != nil {
		s.t.Fatal(err)
	}
	m := &member{key: key, csr: csr, got: got, cert: keyPair(s.t, key, got.Certificate)}
	if m.Client, err = agentapi.NewClient(s.url, []byte(got.Authority), m.cert, s.clock.now); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(m.Close)
	return m
}

func keyPair(t *testing.T, key *ecdsa.PrivateKey, certPEM string) tls.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(certPEM))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key, Leaf: leaf}
}

// asked returns how often a reconcile of the domain was asked for, and forgets it.
func (s *site) asked() int64 {
	s.t.Helper()
	ctx := context.Background()
	w, err := s.store.Claim(ctx, s.clock.now(), time.Minute, "test", searchpack.WorkReconcile)
	if err != nil {
		s.t.Fatal(err)
	}
	if w == nil {
		return 0
	}
	if err := s.store.Finish(ctx, s.clock.now(), w, searchpack.WorkResult{}, nil); err != nil {
		s.t.Fatal(err)
	}
	return w.Asked
}

func (s *site) agent(id string) *searchpack.AgentState {
	s.t.Helper()
	var a *searchpack.AgentState
	err := s.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
		a, err = tx.Agent(context.Background(), id)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) order(id string, o searchpack.Order) {
	s.t.Helper()
	o.Schema = 1
	s.update(func(tx searchpack.Tx) error { return tx.PutOrder(context.Background(), id, &o) })
}

func TestEnrollTwiceWithOneKeyIsOneAgent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tok := s.token(nil)
	_, csr := newKey(t)
	first, err := s.enroll(tok, csr)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.asked(); n != 1 {
		t.Errorf("enrolment asked for %d reconciles", n)
	}
	again, err := s.enroll(tok, csr)
	if err != nil {
		t.Fatalf("an agent that was killed before it saw the answer: %v", err)
	}
	if first.AgentID != again.AgentID || first.Domain != domain {
		t.Errorf("first %s, again %s, domain %v", first.AgentID, again.AgentID, first.Domain)
	}
	_, other := newKey(t)
	if _, err := s.enroll(tok, other); searchpack.ErrorCode(err) != searchpack.ErrDenied {
		t.Errorf("a second agent with a token for one: %v", err)
	}
}

func TestEnrollRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	stranger, _, err := enroll.NewAuthority(s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	good := s.token(func(r *searchpack.JoinToken) { r.Uses = -1 })
	wrong := good
	wrong.Secret = enroll.NewToken("").Secret
	pinned := good
	pinned.CAKeyHash = stranger.KeyHash()
	for name, tc := range map[string]struct {
		tok  enroll.Token
		want searchpack.Code
	}{
		"unknown":        {enroll.NewToken(s.ca.KeyHash()), searchpack.ErrDenied},
		"wrong secret":   {wrong, searchpack.ErrDenied},
		"ended":          {s.token(func(r *searchpack.JoinToken) { r.ExpiresAt = s.clock.now() }), searchpack.ErrDenied},
		"used up":        {s.token(func(r *searchpack.JoinToken) { r.Uses = 0 }), searchpack.ErrDenied},
		"elsewhere":      {s.token(func(r *searchpack.JoinToken) { r.CIDR = "10.0.0.0/8" }), searchpack.ErrDenied},
		"bad range":      {s.token(func(r *searchpack.JoinToken) { r.CIDR = "x" }), searchpack.ErrDenied},
		"another server": {pinned, searchpack.ErrUnavailable},
		"from here":      {s.token(func(r *searchpack.JoinToken) { r.CIDR = "127.0.0.0/8" }), ""},
		"good":           {good, ""},
	} {
		_, csr := newKey(t)
		// Trying it says the same, as often as one likes: it takes no use.
		for range 2 {
			if err := agentapi.TryToken(t.Context(), s.url, tc.tok, s.clock.now); searchpack.ErrorCode(err) != tc.want {
				t.Errorf("%s: tried: %v, want %q", name, err, tc.want)
			}
		}
		if _, err := s.enroll(tc.tok, csr); searchpack.ErrorCode(err) != tc.want {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestRetiredAndDeletedAreGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.update(func(tx searchpack.Tx) error {
		a := s.agentIn(tx, m.got.AgentID)
		a.RetiredAt = s.clock.now()
		return tx.PutAgent(context.Background(), &a.Agent)
	})
	_, err := m.Order(t.Context(), 0, 0)
	if !agentapi.IsGone(err) || !strings.Contains(err.Error(), "retired") {
		t.Errorf("retired: %v", err)
	}
	if _, err := s.enroll(s.token(nil), m.csr); !agentapi.IsGone(err) {
		t.Errorf("a retired key enrols again: %v", err)
	}
	other := s.join()
	s.update(func(tx searchpack.Tx) error { return tx.DeleteDomain(context.Background(), domain) })
	if _, err := other.Report(t.Context(), report(1, 1)); !agentapi.IsGone(err) {
		t.Errorf("deleted domain: %v", err)
	}
}

func (s *site) agentIn(tx searchpack.Tx, id string) *searchpack.AgentState {
	a, err := tx.Agent(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func TestRenew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.clock.add(40 * time.Hour) // the certificate has ended
	if _, err := m.Order(t.Context(), -1, 0); !agentapi.IsExpired(err) {
		t.Fatalf("with an ended certificate: %v", err)
	}
	_, other := newKey(t)
	if _, err := m.Renew(t.Context(), other); searchpack.ErrorCode(err) != searchpack.ErrDenied {
		t.Errorf("renewed for another key: %v", err)
	}
	got, err := m.Renew(t.Context(), m.csr)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Use([]byte(got.Authority), keyPair(t, m.key, got.Certificate)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Order(t.Context(), -1, 0); err != nil {
		t.Errorf("after renewing: %v", err)
	}
}

func TestOrderWakes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	if o, err := m.Order(t.Context(), 0, time.Millisecond); o != nil || err != nil {
		t.Fatalf("no order yet: %v %v", o, err)
	}
	type answer struct {
		o   *searchpack.Order
		err error
	}
	got := make(chan answer)
	wait := func(have int64) {
		go func() {
			o, err := m.Order(context.Background(), have, 30*time.Second)
			got <- answer{o, err}
		}()
	}
	wait(0)
	s.order(m.got.AgentID, searchpack.Order{Generation: 3})
	s.srv.Wake()
	if a := <-got; a.err != nil || a.o.Generation != 3 {
		t.Fatalf("woken with %v %v", a.o, a.err)
	}
	// Another server's write is seen without Wake, and a lower generation (a restored database) too.
	wait(3)
	s.order(m.got.AgentID, searchpack.Order{Generation: 2})
	if a := <-got; a.err != nil || a.o.Generation != 2 {
		t.Fatalf("woken with %v %v", a.o, a.err)
	}
	// A server that stops lets go of those who wait.
	wait(2)
	s.stop()
	if a := <-got; searchpack.ErrorCode(a.err) != searchpack.ErrUnavailable {
		t.Fatalf("at the end: %v %v", a.o, a.err)
	}
}

func report(epoch, seq int64) *searchpack.Report {
	return &searchpack.Report{
		Schema: 1, Epoch: epoch, Seq: seq, Generation: 1,
		Node: &searchpack.NodeFacts{ClusterUUID: "c", NodeID: "n", ManagerID: "n", Term: 1, StateVersion: 1},
	}
}

func TestReportAsksForWorkOnlyWithNews(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.asked()
	incident := searchpack.Incident{ID: "i-1", Kind: searchpack.IncidentMissing, PackageID: "F1", Wanted: searchpack.DigestOf(nil), At: s.clock.now()}
	healed := incident
	healed.Healed = true
	seq := int64(9)
	send := func(edit func(*searchpack.Report)) *searchpack.Report {
		t.Helper()
		seq++
		r := report(7, seq)
		if edit != nil {
			edit(r)
		}
		s.clock.add(time.Second)
		if _, err := m.Report(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	check := func(name string, asks bool, stored int64) {
		t.Helper()
		if got := s.asked() > 0; got != asks {
			t.Errorf("%s: asked for a reconcile: %v", name, got)
		}
		if got := s.agent(m.got.AgentID).Report.Seq; got != stored {
			t.Errorf("%s: report %d is stored, want %d", name, got, stored)
		}
	}
	send(nil)
	check("first", true, 10)
	send(nil)
	check("the same", false, 10)
	send(func(r *searchpack.Report) { r.Node.StateVersion = 9 })
	check("a newer cluster state", false, 12)
	send(func(r *searchpack.Report) { r.Seq = 5; r.NodeError = "x" })
	check("late", false, 12)
	file := func(r *searchpack.Report) {
		r.Node.StateVersion = 9
		r.Files = []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileLive}}
	}
	send(file)
	check("a file", true, 14)
	send(func(r *searchpack.Report) { file(r); r.Incidents = []searchpack.Incident{incident} })
	check("an incident", true, 15)
	send(func(r *searchpack.Report) { file(r); r.Incidents = []searchpack.Incident{healed} })
	check("mended", true, 16)
	send(file)
	check("acknowledged incidents are no news", false, 16)
	s.clock.add(time.Minute)
	send(file)
	check("after a silence", true, 18)
	send(func(r *searchpack.Report) { file(r); r.Epoch, r.Seq = 8, 1 })
	check("another epoch", false, 1)

	var stored []*searchpack.NodeIncident
	if err := s.store.View(t.Context(), func(tx searchpack.Tx) (err error) {
		stored, err = tx.Incidents(t.Context(), domain, 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(stored) != 1 || !stored[0].Healed || stored[0].AgentID != m.got.AgentID {
		t.Errorf("incidents: %+v", stored)
	}
}

func TestHeartbeatsAreWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	for seq := int64(1); seq < 3; seq++ {
		s.clock.add(20 * time.Second)
		if _, err := m.Report(t.Context(), report(1, seq)); err != nil {
			t.Fatal(err)
		}
	}
	want := s.clock.now()
	run, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.srv.Run(run); err != nil { // a Run that ends at once writes what there is
		t.Fatal(err)
	}
	if a := s.agent(m.got.AgentID); !a.ReportedAt.Equal(want) || a.Report.Seq != 1 {
		t.Errorf("heard at %v, want %v; report %d", a.ReportedAt, want, a.Report.Seq)
	}
}

func usageOf(version int64, duty string) *searchpack.UsageReport {
	return &searchpack.UsageReport{Schema: 1, ClusterUUID: "c", Term: 1, Version: version, DutyID: duty,
		State: json.RawMessage(`{"cluster_uuid":"c","metadata":{"indices":{}}}`)}
}

func (s *site) usage() *searchpack.Usage {
	s.t.Helper()
	var u *searchpack.Usage
	if err := s.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
		u, err = tx.Usage(context.Background(), domain)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return u
}

func TestUsageKeepsTheNewest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.asked()
	if err := m.Usage(t.Context(), usageOf(5, "")); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("from an agent that is not asked: %v", err)
	}
	look := func(id string) []searchpack.Duty { return []searchpack.Duty{{ID: id, Kind: searchpack.DutyLook}} }
	s.order(m.got.AgentID, searchpack.Order{Generation: 1, Speaker: true, Duties: look("r2")})
	for _, step := range []struct {
		name    string
		send    *searchpack.UsageReport
		code    searchpack.Code
		version int64
		duty    string
		asks    bool
	}{
		{"first", usageOf(5, ""), "", 5, "", true},
		{"newer, nothing else", usageOf(6, ""), "", 6, "", false},
		{"an older look answers", usageOf(4, "r2"), "", 6, "r2", true},
		{"again", usageOf(4, "r2"), "", 6, "r2", false},
		{"by itself keeps the duty", usageOf(8, ""), "", 8, "r2", false},
		{"a look that is over", usageOf(9, "r1"), searchpack.ErrConflict, 8, "r2", false},
		{"unreadable", &searchpack.UsageReport{Schema: 1, ClusterUUID: "c", Version: 10, State: json.RawMessage(`[]`)}, searchpack.ErrInvalid, 8, "r2", false},
	} {
		if err := m.Usage(t.Context(), step.send); searchpack.ErrorCode(err) != step.code {
			t.Errorf("%s: %v", step.name, err)
		}
		u := s.usage()
		if u.Version != step.version || u.DutyID != step.duty {
			t.Errorf("%s: version %d duty %q", step.name, u.Version, u.DutyID)
		}
		if got := s.asked() > 0; got != step.asks {
			t.Errorf("%s: asked %v", step.name, got)
		}
	}
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	content := bytes.Repeat([]byte("laptop, notebook\n"), 5000)
	d, size, err := s.blobs.Write(t.Context(), bytes.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Blob(t.Context(), d, 0); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("a blob that no order names: %v", err)
	}
	gone := searchpack.DigestOf([]byte("gone"))
	s.order(m.got.AgentID, searchpack.Order{Generation: 1,
		Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: d, Size: size}, {PackageID: "F2", Digest: gone}}})
	if _, err := m.Blob(t.Context(), gone, 0); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("a blob that is lost: %v", err)
	}
	for _, o := range []searchpack.Order{
		{Generation: 2, Plugins: []searchpack.PluginOrder{{PackageID: "pkg-1", Digest: gone}}}, {Generation: 3, Alternatives: []searchpack.PluginOrder{{PackageID: "pkg-1", Digest: gone}}},
	} {
		o.Candidates = []searchpack.Candidate{{PackageID: "F1", Digest: d, Size: size}}
		s.order(m.got.AgentID, o)
		if _, err := m.Blob(t.Context(), gone, 0); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
			t.Errorf("a plugin's blob by order %d: %v", o.Generation, err)
		}
	}
	for _, offset := range []int64{0, 1, size - 1} {
		got, err := m.Blob(t.Context(), d, offset)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(got)
		if err != nil || got.Close() != nil {
			t.Fatal(err)
		}
		if got.Start != offset || got.Total != size || !bytes.Equal(b, content[offset:]) {
			t.Errorf("from %d: start %d, total %d, %d bytes", offset, got.Start, got.Total, len(b))
		}
	}
	if _, err := m.Blob(t.Context(), d, size+5); err == nil {
		t.Error("a part beyond the end was given")
	}
	if _, err := m.Blob(t.Context(), "../../etc/passwd", 0); err == nil {
		t.Error("a path was taken for a digest")
	}
}

// raw sends a request as any TLS client could.
func (s *site) raw(method, path string, h http.Header, body io.Reader, cert *tls.Certificate) (status int, answered http.Header, text string) {
	s.t.Helper()
	cfg := &tls.Config{RootCAs: s.ca.Pool(), ServerName: enroll.ServerName}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	tr := &http.Transport{TLSClientConfig: cfg}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = h
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

func TestBadRequestsGetJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	v1 := func(extra ...string) http.Header {
		h := http.Header{agentapi.ProtocolHeader: {"1"}}
		for i := 0; i < len(extra); i += 2 {
			h.Set(extra[i], extra[i+1])
		}
		return h
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 5<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	stranger, _, err := enroll.NewAuthority(s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	certPEM, err := stranger.SignAgent(m.csr, m.got.AgentID, domain, s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	forged := keyPair(t, m.key, string(certPEM))
	for _, tc := range []struct {
		name, method, path string
		h                  http.Header
		body               string
		cert               *tls.Certificate
		status             int
		code               string
	}{
		{"no protocol", "GET", agentapi.PathOrder, http.Header{}, "", &m.cert, 426, "protocol"},
		{"another protocol", "GET", agentapi.PathOrder, http.Header{agentapi.ProtocolHeader: {"2"}}, "", &m.cert, 426, "protocol"},
		{"unknown path", "GET", "/favicon.ico", v1(), "", nil, 404, "not_found"},
		{"wrong method", "PUT", agentapi.PathReport, v1(), "", nil, 404, "not_found"},
		{"no certificate", "POST", agentapi.PathReport, v1(), "{}", nil, 403, "denied"},
		{"forged certificate", "POST", agentapi.PathReport, v1(), "{}", &forged, 403, "denied"},
		{"not JSON", "POST", agentapi.PathReport, v1(), "<html>", &m.cert, 400, "invalid"},
		{"no schema", "POST", agentapi.PathReport, v1(), "{}", &m.cert, 400, "invalid"},
		{"hostile incident", "POST", agentapi.PathReport, v1(), `{"schema":1,"epoch":1,"seq":1,"incidents":[{"id":"a\u0000b","kind":"missing","package_id":"F1","wanted":""}]}`, &m.cert, 400, "invalid"},
		{"not gzip", "POST", agentapi.PathReport, v1("Content-Encoding", "gzip"), "{}", &m.cert, 400, "invalid"},
		{"unknown packing", "POST", agentapi.PathReport, v1("Content-Encoding", "br"), "{}", &m.cert, 400, "invalid"},
		{"a bomb", "POST", agentapi.PathReport, v1("Content-Encoding", "gzip"), bomb.String(), &m.cert, 413, "too_large"},
		{"too long", "POST", agentapi.PathEnroll, v1(), strings.Repeat(" ", 40<<10), nil, 413, "too_large"},
		{"enrolment without a token", "POST", agentapi.PathEnroll, v1(), `{"name":"n1"}`, nil, 400, "invalid"},
		{"enrolment with a path for a name", "POST", agentapi.PathEnroll, v1(), `{"name":"../n1"}`, nil, 400, "invalid"},
		{"no generation", "GET", agentapi.PathOrder, v1(), "", &m.cert, 400, "invalid"},
		{"negative wait", "GET", agentapi.PathOrder + "?generation=0&wait=-1s", v1(), "", &m.cert, 400, "invalid"},
	} {
		status, header, body := s.raw(tc.method, tc.path, tc.h, strings.NewReader(tc.body), tc.cert)
		var e struct{ Code, Message string }
		err := json.Unmarshal([]byte(body), &e)
		if status != tc.status || err != nil || e.Code != tc.code || e.Message == "" || header.Get(agentapi.ProtocolHeader) != "1" {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
}

// A node without an OpenSearch would prove less than a domain of real nodes demands.
func TestFilesOnlyNodeIsRefusedInARealDomain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	r := report(7, 1)
	r.Node.FilesOnly = true
	if _, err := m.Report(t.Context(), r); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("got %v, want a refusal", err)
	}
	if got := s.agent(m.got.AgentID).Report; got != nil {
		t.Errorf("stored %+v", got)
	}
}
