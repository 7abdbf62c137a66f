package agent

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// A second agent with a state folder of its own would undo what the first one places, and the first
// one what it places. It is refused at its start, and so is a sync; when the first has ended, it
// works.
func TestSecondAgentOnTheConfigurationFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(nil).run()
	other := s.node(func(c *Config) { c.ConfigDir = b.cfg.ConfigDir })
	second, err := New(other.cfg)
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"run": second.Run(t.Context()), "sync": other.sync()} {
		if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), b.cfg.ConfigDir) || !strings.Contains(err.Error(), "another state folder") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(s.agents()) != 1 {
		t.Error("the second agent has enrolled")
	}
	if used, err := ConfigInUse(b.cfg.ConfigDir); err != nil || !used {
		t.Errorf("ConfigInUse: %v, %v", used, err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if used, err := ConfigInUse(b.cfg.ConfigDir); err != nil || used {
		t.Errorf("after the end ConfigInUse: %v, %v", used, err)
	}
	if err := other.sync(); err != nil {
		t.Error(err)
	}
}

// The same folder by another name is the same folder.
func TestLinkToTheConfigurationFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	release, err := lockConfigDir(t.Context(), dir, time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := lockConfigDir(t.Context(), link, time.Millisecond, slog.New(slog.DiscardHandler)); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Error(err)
	}
}

// The lock leaves nothing in the folder and needs no right to write there. One that cannot be opened
// at all keeps no agent from starting: what is wrong shows, and passes, while it runs.
func TestLockNeedsNoWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	release, err := lockConfigDir(t.Context(), dir, time.Millisecond, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if used, err := ConfigInUse(dir); err != nil || !used {
		t.Errorf("not locked: %v, %v", used, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 || log.Len() > 0 {
		t.Errorf("%v, %v, %s", names, err, &log)
	}
	gone, err := lockConfigDir(t.Context(), filepath.Join(dir, "none"), time.Millisecond, logger)
	if err != nil || !strings.Contains(log.String(), "cannot be locked") {
		t.Errorf("%v: %s", err, &log)
	}
	gone()
}

// Reading what an agent shows the server makes no key.
func TestCertificateChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, _, err := Certificate(dir); err == nil {
		t.Error("there is a certificate")
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("made %v", names)
	}
	b := newSite(t).node(nil).run()
	cert, authority, err := Certificate(b.cfg.StateDir)
	if err != nil || cert.Leaf == nil || !strings.Contains(string(authority), "BEGIN CERTIFICATE") {
		t.Errorf("%v: %v", cert.Leaf, err)
	}
}
