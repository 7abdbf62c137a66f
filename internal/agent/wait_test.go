package agent

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func (b *beside) syncIn(ctx context.Context) error {
	b.t.Helper()
	a, err := New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	return a.SyncOnce(ctx)
}

// lines is a log that hands over each line.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

// start-without-server: wait. While the server is away the start does not go on with what may be an old
// version; when it is back, it does with the newest.
func TestNoStartWithoutTheServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(func(c *Config) { c.WaitForServer = true })
	b.runWith(b.live("F1", "one\n"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "two\n")}})
	addr := strings.TrimPrefix(b.url, "https://")
	b.site.stop()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.syncIn(short); searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), "start-without-server: wait") {
		t.Errorf("without the server: %v", err)
	}
	said := make(chan string, 100)
	b.cfg.Logger = slog.New(slog.NewTextHandler(lines(said), nil))
	done := make(chan error, 1)
	go func() { done <- b.syncIn(t.Context()) }()
	if line := <-said; !strings.Contains(line, "asking again") {
		t.Errorf("it says %s", line)
	}
	b.site.start(addr)
	if err := <-done; err != nil || b.lies("analyzers/F1") != "two\n" {
		t.Errorf("with the server back: %v, %q", err, b.lies("analyzers/F1"))
	}
}

// The same beside an agent that runs: it must have taken in the newest order.
func TestNoStartBesideAnAgentThatIsCutOff(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(func(c *Config) { c.WaitForServer = true })
	b.runWith(b.live("F1", "one\n"))
	if err := b.sync(); err != nil {
		t.Errorf("with the newest order in place: %v", err)
	}
	addr := strings.TrimPrefix(b.url, "https://")
	b.site.stop()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.syncIn(short); err == nil || !strings.Contains(err.Error(), "start-without-server: wait") {
		t.Errorf("cut off: %v", err)
	}
	b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "two\n")}})
	b.site.start(addr)
	if err := b.sync(); err != nil || b.lies("analyzers/F1") != "two\n" {
		t.Errorf("afterwards: %v, %q", err, b.lies("analyzers/F1"))
	}
}

// A server that has no use for the agent any more has been heard.
func TestRetiredNodeStarts(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(func(c *Config) { c.WaitForServer = true })
	b.runWith(b.live("F1", "one\n"))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	a := b.agent().Agent
	a.RetiredAt = time.Now()
	b.update(func(tx searchpack.Tx) error { return tx.PutAgent(context.Background(), &a) })
	if err := b.sync(); err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("%v, %q", err, b.lies("analyzers/F1"))
	}
}
