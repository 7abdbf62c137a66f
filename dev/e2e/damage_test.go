package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// healPromise is how soon a damaged file must be back.
const healPromise = 15 * time.Second

// damagedFiles: somebody else writes to what was placed.
func (c *cluster) damagedFiles(t *testing.T) {
	defer explainFailure(t, c.u)
	want := string(c.p.text(c.version))
	for _, tt := range []struct {
		name, node string
		kind       searchpack.IncidentKind
		damage     func(path string) error
	}{
		{"overwritten in place", "n1", searchpack.IncidentChanged, func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			if err == nil {
				_, err = f.WriteString("laptop, toaster\n")
				_ = f.Close()
			}
			return err
		}},
		{"one byte of it, size and times kept", "n1", searchpack.IncidentChanged, changeOneByte},
		{"deleted", "n1", searchpack.IncidentMissing, os.Remove},
		{"replaced by another file", "n2", searchpack.IncidentChanged, func(path string) error {
			if err := os.WriteFile(path+".other", []byte("sofa, couch\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".other", path)
		}},
		{"replaced by a link", "n3", searchpack.IncidentChanged, func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink("/etc/passwd", path)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := c.node(t, tt.node)
			path := c.p.path(n.Config)
			before := c.incidents(t, tt.node)
			if err := tt.damage(path); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			c.backWithin(t, path, want)
			t.Logf("back after %.1f s", time.Since(began).Seconds())
			c.incidentShows(t, tt.node, tt.kind, before)
		})
	}
	t.Run("replaced by a folder", c.replacedByFolder)
	searchable(t, c.p, "books", c.version)
}

// backWithin waits for the right bytes in a plain file; the package stays ACTIVE all the time.
func (c *cluster) backWithin(t *testing.T, path, want string) {
	t.Helper()
	eventuallyWithin(t, healPromise, func() string {
		if s := c.p.state(t); s != fmt.Sprintf("ACTIVE v%d", c.version) {
			t.Fatalf("a damaged file made it %s", s)
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err.Error()
		}
		if !info.Mode().IsRegular() {
			return fmt.Sprintf("%s lies there", info.Mode())
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != want {
			return fmt.Sprintf("other bytes: %.60q, %v", b, err)
		}
		return ""
	})
}

// replacedByFolder: a folder may hold what somebody wants back. An empty one makes way; one that
// holds something is named, and the file is back when it has been moved away.
func (c *cluster) replacedByFolder(t *testing.T) {
	n := c.node(t, "n2")
	path, want := c.p.path(n.Config), string(c.p.text(c.version))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	eventuallyWithin(t, healPromise, func() string {
		if s := c.p.state(t); s != fmt.Sprintf("ACTIVE v%d", c.version) {
			t.Fatalf("a folder in the file's place made it %s", s)
		}
		if _, err := os.Stat(filepath.Join(path, "mine")); err != nil {
			return "" // it made way, to wherever
		}
		_, table := cli(t, c.u, "nodes", "demo")
		if !strings.Contains(table, "is a folder") {
			return "nodes does not name the folder:\n" + table
		}
		return ""
	})
	if err := os.RemoveAll(path + ".aside"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".aside"); err != nil {
		t.Fatal(err)
	}
	c.backWithin(t, path, want)
	if err := os.RemoveAll(path + ".aside"); err != nil {
		t.Fatal(err)
	}
}

// changeOneByte changes content only: size and modification time are as they were.
func changeOneByte(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("X"), info.Size()/2)
	_ = f.Close()
	if err != nil {
		return err
	}
	return os.Chtimes(path, info.ModTime(), info.ModTime())
}

func (c *cluster) incidents(t *testing.T, node string) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, i := range c.nodes(t)[node].Incidents {
		known[i.ID] = true
	}
	return known
}

// incidentShows waits for a new incident of the node, healed, in the document and in the table.
func (c *cluster) incidentShows(t *testing.T, node string, kind searchpack.IncidentKind, before map[string]bool) {
	t.Helper()
	eventuallyWithin(t, healPromise, func() string {
		all := c.nodes(t)[node].Incidents
		i := slices.IndexFunc(all, func(i *searchpack.NodeIncident) bool {
			return !before[i.ID] && i.Healed && i.Kind == kind && i.PackageID == c.p.id && i.Wanted == searchpack.DigestOf(c.p.text(c.version))
		})
		if i < 0 {
			return fmt.Sprintf("nodes --output json shows no new healed %s incident of %s: %+v", kind, node, all)
		}
		_, table := cli(t, c.u, "nodes", "demo")
		for line := range strings.Lines(table) {
			if strings.HasPrefix(line, node) && strings.Contains(line, "incident") && strings.Contains(line, c.p.id) && strings.Contains(line, "healed") {
				return ""
			}
		}
		return "the table shows no incident of " + node + ":\n" + table
	})
}
