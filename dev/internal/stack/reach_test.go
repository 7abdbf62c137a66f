package stack

import (
	"os"
	"path/filepath"
	"testing"
)

// world makes a closed or open parent with a data folder in it, and a base outside.
func world(t *testing.T, parentMode os.FileMode) (d *dataDir, base string) {
	t.Helper()
	top, err := os.MkdirTemp("", "searchpack-reach-") // t.TempDir lies below a closed folder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	parent := filepath.Join(top, "parent")
	for path, mode := range map[string]os.FileMode{top: 0o755, parent: parentMode} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if open, err := openTo(top); err != nil || !open {
		t.Skipf("the temporary folder is closed itself: %v", err)
	}
	if d, err = openData(filepath.Join(parent, "data")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d, filepath.Join(top, "base")
}

func TestDomainsStayWhereTheyCanBeReached(t *testing.T) {
	t.Parallel()
	d, base := world(t, 0o755)
	if err := os.Chmod(d.path, 0o700); err != nil { // as mktemp -d makes it
		t.Fatal(err)
	}
	dir, err := d.domainsDir(true, base)
	if err != nil || dir != d.join(domainsName) {
		t.Fatalf("%s, %v", dir, err)
	}
	if open, err := openTo(dir); err != nil || !open {
		t.Errorf("the data folder was not opened: %v", err)
	}
	if info, err := os.Stat(d.join(serverName)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("what is secret: %v, %v", info, err)
	}
}

func TestDomainsMoveOutOfClosedFolders(t *testing.T) {
	t.Parallel()
	d, base := world(t, 0o700)
	if dir, err := d.domainsDir(false, base); err != nil || dir != d.join(domainsName) {
		t.Fatalf("for our own user: %s, %v", dir, err)
	}
	dir, err := d.domainsDir(true, base)
	if err != nil || filepath.Dir(filepath.Dir(dir)) != base {
		t.Fatalf("%s, %v; want it below %s", dir, err, base)
	}
	if open, err := openTo(dir); err != nil || !open {
		t.Errorf("%s cannot be entered (%v)", dir, err)
	}
	if info, _ := os.Stat(filepath.Dir(d.path)); info.Mode().Perm() != 0o700 {
		t.Error("somebody else's folder was opened")
	}
	if err := os.WriteFile(filepath.Join(dir, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, separate := range []bool{true, false} {
		if again, err := d.domainsDir(separate, base); err != nil || again != dir {
			t.Errorf("the next time: %s, %v", again, err)
		}
	}
	if _, err := os.Stat(filepath.Join(d.join(domainsName), "kept")); err != nil {
		t.Errorf("not to be found from the data folder: %v", err)
	}
	if got := d.outsideOf(base); got != filepath.Dir(dir) {
		t.Errorf("outside is %q", got)
	}
	if err := sweepOutside(base); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the sweep took domains that are in use: %v", err)
	}
	if err := os.RemoveAll(d.path); err != nil {
		t.Fatal(err)
	}
	if err := sweepOutside(base); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Errorf("left of a deleted data folder: %v", left)
	}
}

func TestDomainsThatLieThereStay(t *testing.T) {
	t.Parallel()
	d, base := world(t, 0o700)
	if err := os.Mkdir(d.join(domainsName, "demo"), 0o755); err != nil {
		t.Fatal(err)
	}
	if dir, err := d.domainsDir(true, base); err != nil || dir != d.join(domainsName) {
		t.Fatalf("%s, %v", dir, err)
	}
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Errorf("left outside: %v", left)
	}
}

func TestOutsideOfFollowsOurLinksOnly(t *testing.T) {
	t.Parallel()
	d, base := world(t, 0o755)
	victim := t.TempDir()
	if err := os.Remove(d.join(domainsName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(victim, domainsName), d.join(domainsName)); err != nil {
		t.Fatal(err)
	}
	if got := d.outsideOf(base); got != "" {
		t.Errorf("would delete %s", got)
	}
}
