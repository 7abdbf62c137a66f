package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// adoptedPath is where the files of TestAdoption lie, as its index names them.
const adoptedPath = "analysis/synonyms.txt"

// TestAdoption: a file that was laid on three nodes by hand, and that an index names there, becomes a
// package without a change on disk, is updated and rolled back where it lies, and stays when it is
// released.
func TestAdoption(t *testing.T) {
	needsJVM(t)
	adoption{indexed: true}.run(t, startOn(t, filepath.Join(openDir(t), "data"), clusterVersion(), jvmPatience, "--domain", "demo", "--nodes", "3"))
}

// TestAdoptionOfFilesOnly is the same without an OpenSearch.
func TestAdoptionOfFilesOnly(t *testing.T) {
	t.Parallel()
	adoption{}.run(t, start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "3"))
}

func (a adoption) run(t *testing.T, u *up) {
	a.u, a.p, a.dir = u, &pack{u: u, name: "synonyms"}, t.TempDir()
	nodes := u.document().Domains[0].Nodes
	for _, n := range nodes {
		a.lay(t, n, a.p.text(1))
	}
	a.lay(t, nodes[2], []byte("other, notebook\n")) // an Ansible run that left one node out
	if a.indexed {
		makeIndexOf(t, u, adoptedPath, "books")
	}
	putObject(t, u, "nothing", []byte("nothing\n")) // makes the bucket
	for _, part := range []struct {
		name string
		run  func(*adoption, *testing.T)
	}{
		{"one node has other bytes", (*adoption).refused},
		{"all nodes have the bytes", (*adoption).adopted},
		{"a new version comes where the file lies", (*adoption).updated},
		{"the file is watched", (*adoption).healed},
		{"the former version comes back", (*adoption).rolledBack},
		{"the file stays when it is released", (*adoption).released},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(&a, t) }) {
			return // what follows would only wait
		}
	}
}

type adoption struct {
	indexed bool // there is an OpenSearch, with the index books that names the file
	u       *up
	p       *pack
	dir     string // for copies of files
}

// searchable waits until every node finds what the version says.
func (a *adoption) searchable(t *testing.T, version int) {
	t.Helper()
	if a.indexed {
		searchable(t, a.p, "books", version)
	}
}

func adoptedFile(n stack.NodeEntry) string {
	return filepath.Join(n.Config, filepath.FromSlash(adoptedPath))
}

// adoptedMode is one that nothing else has: a file keeps it.
const adoptedMode = 0o604

func (a *adoption) lay(t *testing.T, n stack.NodeEntry, text []byte) {
	t.Helper()
	file := adoptedFile(n)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, adoptedMode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, adoptedMode); err != nil {
		t.Fatal(err)
	}
}

// files says of each node's file which it is, when it was changed, and what it holds.
func (a *adoption) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, n := range a.u.document().Domains[0].Nodes {
		info, err := os.Lstat(adoptedFile(n))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(adoptedFile(n))
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		out[n.Name] = fmt.Sprintf("inode %d, modified %v, changed %v, mode %v, %q", st.Ino, info.ModTime().UnixNano(), st.Ctim, info.Mode(), text)
	}
	return out
}

// withoutChange leaves out when the inode was changed.
func withoutChange(text string) string {
	head, rest, _ := strings.Cut(text, ", changed ")
	_, tail, _ := strings.Cut(rest, "}")
	return head + tail
}

// copyOf is a file with a version's text.
func (a *adoption) copyOf(t *testing.T, version int) string {
	t.Helper()
	file := filepath.Join(a.dir, fmt.Sprintf("synonyms-%d.txt", version))
	if err := os.WriteFile(file, a.p.text(version), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (a *adoption) adopt(t *testing.T) (int, string) {
	t.Helper()
	code, out := cli(t, a.u, "adopt", a.copyOf(t, 1), "--path", adoptedPath, "--name", "synonyms", "--domain", "demo", "--bucket", bucket, "--wait")
	t.Logf("adopt: %d\n%s", code, out)
	return code, out
}

func (a *adoption) refused(t *testing.T) {
	defer explainFailure(t, a.u)
	before := a.files(t)
	code, out := a.adopt(t)
	if code != 1 || !strings.Contains(out, "n3: other bytes (") || strings.Contains(out, "n1:") || strings.Contains(out, "n2:") {
		t.Fatalf("adopt: %d\n%s", code, out)
	}
	a.unchanged(t, before)
}

func (a *adoption) unchanged(t *testing.T, before map[string]string) {
	t.Helper()
	for name, now := range a.files(t) {
		if now != before[name] {
			t.Errorf("the file on %s was touched:\n%s\n%s", name, before[name], now)
		}
	}
}

func (a *adoption) adopted(t *testing.T) {
	defer explainFailure(t, a.u)
	a.lay(t, nodeOf(t, a.u, "n3"), a.p.text(1))
	before := a.files(t)
	if code, out := a.adopt(t); code != 0 || !strings.Contains(out, "v1 is ACTIVE, proven by 3 nodes") {
		t.Fatalf("adopt: %d\n%s", code, out)
	}
	a.unchanged(t, before)
	// n3 had loaded the other bytes: what it serves is what is proven.
	a.searchable(t, 1)
	a.unchanged(t, before)
	commands := [][]string{{"nodes", "demo"}, {"plan", "synonyms", "--domain", "demo"}, {"domains"}}
	if a.indexed {
		commands = append(commands, []string{"usage", "synonyms", "--domain", "demo"})
	}
	for _, command := range commands {
		if code, out := cli(t, a.u, command...); code != 0 || !strings.Contains(out, adoptedPath) {
			t.Errorf("%v does not tell the path: %d\n%s", command, code, out)
		}
	}
	if code, out := a.adopt(t); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("adopt again: %d\n%s", code, out)
	}
}

// holds waits until every node has a version's text where the file lies, with its mode.
func (a *adoption) holds(t *testing.T, version int) {
	t.Helper()
	eventually(t, func() string {
		for _, n := range a.u.document().Domains[0].Nodes {
			text, err := os.ReadFile(adoptedFile(n))
			if err != nil || !bytes.Equal(text, a.p.text(version)) {
				return fmt.Sprintf("%s has %q (%v)", n.Name, text, err)
			}
			info, err := os.Stat(adoptedFile(n))
			if err != nil || info.Mode().Perm() != adoptedMode {
				return fmt.Sprintf("%s: mode %v (%v)", n.Name, info.Mode(), err)
			}
			all, err := os.ReadDir(filepath.Dir(adoptedFile(n)))
			if err != nil || len(all) != 1 {
				return fmt.Sprintf("%s: the folder holds %v (%v)", n.Name, all, err)
			}
			if all, err = os.ReadDir(filepath.Join(n.Config, "analyzers")); err != nil || len(all) != 1 { // .searchpack
				return fmt.Sprintf("%s: analyzers holds %v (%v)", n.Name, all, err)
			}
		}
		return ""
	})
}

func (a *adoption) updated(t *testing.T) {
	defer explainFailure(t, a.u)
	code, out := cli(t, a.u, "push", a.copyOf(t, 2), "--name", "synonyms", "--domain", "demo", "--bucket", bucket, "--wait")
	if code != 0 || !strings.Contains(out, "v2 is ACTIVE, proven by 3 nodes") {
		t.Fatalf("push: %d\n%s", code, out)
	}
	a.holds(t, 2)
	a.searchable(t, 2)
}

func (a *adoption) healed(t *testing.T) {
	defer explainFailure(t, a.u)
	a.lay(t, nodeOf(t, a.u, "n2"), a.p.text(1)) // the next Ansible run
	a.holds(t, 2)
	if err := os.Remove(adoptedFile(nodeOf(t, a.u, "n1"))); err != nil {
		t.Fatal(err)
	}
	a.holds(t, 2)
}

func (a *adoption) rolledBack(t *testing.T) {
	defer explainFailure(t, a.u)
	if code, out := cli(t, a.u, "rollback", "synonyms", "--domain", "demo"); code != 0 {
		t.Fatalf("rollback: %d\n%s", code, out)
	}
	a.holds(t, 1)
	a.searchable(t, 1)
	eventually(t, func() string {
		if _, out := cli(t, a.u, "domains", "demo"); !strings.Contains(out, "ACTIVE") {
			return out
		}
		return ""
	})
}

func (a *adoption) released(t *testing.T) {
	defer explainFailure(t, a.u)
	var found []struct {
		ID string `json:"package_id"`
	}
	code, out := cli(t, a.u, "packages", "synonyms", "--output", "json")
	if err := json.Unmarshal([]byte(out), &found); code != 0 || err != nil || len(found) != 1 {
		t.Fatalf("packages: %d %v\n%s", code, err, out)
	}
	a.p.id = found[0].ID
	before := a.files(t)
	a.p.askDissociate(t) // an index names the file, and goes on
	eventually(t, func() string {
		if d, err := a.p.association(t.Context()); err != nil || d != nil {
			return fmt.Sprintf("still associated: %+v (%v)", d, err)
		}
		return ""
	})
	a.unchanged(t, before)
	c := &cluster{u: a.u, p: a.p}
	what := "agent" // files-only nodes have no other process
	if a.indexed {
		what = "node"
	}
	if code, out := command(t, what, "stop", "demo/n2", "--data", a.u.data); code != 0 {
		t.Fatalf("%s stop: %d %s", what, code, out)
	}
	c.start(t, what, "n2")
	a.searchable(t, 1)
	now := a.files(t)
	for name := range before {
		// As root the stack gives a node that starts its configuration folder's owner: a change of the inode.
		if was, is := withoutChange(before[name]), withoutChange(now[name]); was != is {
			t.Errorf("after the restart the file on %s is another:\n%s\n%s", name, was, is)
		}
	}
	a.lay(t, nodeOf(t, a.u, "n1"), a.p.text(3)) // it is nobody's but its owner's
	other := newPack(t, a.u, "other", 0)        // which every agent looks at all its files for
	other.askAssociate(t)
	other.active(t, 1)
	text, err := os.ReadFile(adoptedFile(nodeOf(t, a.u, "n1")))
	if err != nil || !bytes.Equal(text, a.p.text(3)) {
		t.Errorf("%q, %v", text, err)
	}
}
