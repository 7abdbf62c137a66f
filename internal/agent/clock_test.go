package agent

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

// aside is a node whose clock is off by what is set, beside the server's.
func (s *site) aside(by *atomic.Int64) *beside {
	return s.node(func(c *Config) { c.Now = func() time.Time { return s.now().Add(time.Duration(by.Load())) } })
}

// A clock that is a day and more ahead: everything works, the node says what is wrong, and the
// certificates, which all seem to be over, are not renewed without end.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var renewals atomic.Int64
	s.between(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == agentapi.PathRenew {
				renewals.Add(1)
			}
			h.ServeHTTP(w, r)
		})
	})
	var by atomic.Int64
	by.Store(int64(30 * time.Hour))
	b := s.aside(&by)
	b.runWith(b.live("F1", "one\n"))
	b.problem("the clock of this machine is 30h0m ahead of the server's: chronyc makestep")
	l := &link{cfg: b.cfg, renewAt: s.now()}
	if !l.renewalDue() {
		t.Error("a certificate that is over is not renewed")
	}
	if l.rested = time.Now().Add(renewRest); l.renewalDue() {
		t.Error("it is renewed again at once")
	}
	b.eventually("renewed once", func() bool { return renewals.Load() == 1 })
	by.Store(0)
	b.noProblem()
}

// A clock that is hours behind cuts the agent off: to it no certificate is valid yet. It goes on with
// what it was told, says so in its log, and is back as soon as the clock is right.
func TestClockBehind(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var by atomic.Int64
	b := s.aside(&by)
	b.runWith(b.live("F1", "one\n"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	by.Store(int64(-3 * time.Hour))
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "two\n")}})
	b.start()
	write(t, b.path("analyzers/F1"), "damaged\n")
	b.eventually("mended without the server", func() bool { return b.lies("analyzers/F1") == "one\n" })
	client, err := b.client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Order(t.Context(), 0, 0); err == nil || !strings.Contains(err.Error(), "not yet valid") {
		t.Errorf("it says %v", err)
	}
	by.Store(0)
	b.taken(o, "the newest order", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "two\n") })
}

// client talks to the server as the agent does.
func (b *beside) client() (*agentapi.Client, error) {
	cert, authority, err := Certificate(b.cfg.StateDir)
	if err != nil {
		return nil, err
	}
	return agentapi.NewClient(b.cfg.Server, authority, cert, b.cfg.Now)
}

// The server's clock jumps while agents run: forward beyond the end of certificates, and back before
// they were made. No agent is locked out, and none needs a person.
func TestServersClockJumps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(func(c *Config) { c.Now = time.Now })
	b.runWith(b.live("F1", "one\n"))
	for _, jump := range []time.Duration{30 * time.Hour, -60 * time.Hour, 30 * time.Hour} {
		s.later(jump)
		o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", jump.String())}})
		b.taken(o, "an order after a jump by "+jump.String(), func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, jump.String()) })
	}
}

// What is told of a skew changes in steps, so that a clock that drifts makes no news all the time.
func TestToldSkew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ told, now, want time.Duration }{
		{0, 0, 0},
		{0, 4*time.Minute + 59*time.Second, 0},
		{0, -4*time.Minute - 59*time.Second, 0},
		{0, 5*time.Minute + time.Second, 5 * time.Minute},
		{5 * time.Minute, 4*time.Minute + 30*time.Second, 5 * time.Minute},
		{5 * time.Minute, 5*time.Minute + 59*time.Second, 5 * time.Minute},
		{5 * time.Minute, 6*time.Minute + 10*time.Second, 6 * time.Minute},
		{5 * time.Minute, 3 * time.Minute, 0},
		{-3 * time.Hour, 3 * time.Hour, 3 * time.Hour},
		{0, -3*time.Hour - 10*time.Second, -3 * time.Hour},
	} {
		if got := toldSkew(c.told, c.now); got != c.want {
			t.Errorf("told %s, now %s: %s, want %s", c.told, c.now, got, c.want)
		}
	}
	if text := clockProblem(-3 * time.Hour); !strings.HasPrefix(text, "the clock of this machine is 3h0m behind the server's") {
		t.Error(text)
	}
}
