package distro

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pair is a home in use with what a node owns, and another beside it.
func pair(t *testing.T) string {
	t.Helper()
	dest := filepath.Join(t.TempDir(), "opensearch")
	for dir, version := range map[string]string{dest: "2.19.0", dest + besideMark: "3.8.0"} {
		write(t, filepath.Join(dir, labelFile), `{"schema":1,"version":"`+version+`","source":""}`, 0o644)
		write(t, filepath.Join(dir, "lib", "opensearch-"+version+".jar"), version, 0o644)
		write(t, filepath.Join(dir, ConfigDir, "jvm.options"), version, 0o644)
		for _, d := range []string{DataDir, LogsDir, filepath.Join(ConfigDir, "analyzers")} {
			check(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
		}
	}
	for _, name := range owned {
		write(t, filepath.Join(dest, name), "the node's", 0o644)
	}
	return dest
}

var owned = []string{"data/nodes/0/x", "logs/shop.log", "config/analyzers/F1", "config/analyzers/.searchpack/y", "config/opensearch.yml", "config/hunspell/de/de.dic"}

// holds checks that the home is of the version, with its own configuration and all that the node owns.
func holds(t *testing.T, dest, version string) {
	t.Helper()
	if have, _, err := Resident(dest); err != nil || have != version {
		t.Errorf("resident is %s, %v; want %s", have, err, version)
	}
	for name, want := range map[string]string{"lib/opensearch-" + version + ".jar": version, "config/jvm.options": version} {
		if text, err := os.ReadFile(filepath.Join(dest, name)); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, name := range owned {
		if text, err := os.ReadFile(filepath.Join(dest, name)); err != nil || string(text) != "the node's" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, left := range []string{formerMark, swapMark} {
		if _, err := os.Lstat(dest + left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left (%v)", left, err)
		}
	}
}

func TestSwapThereAndBack(t *testing.T) {
	t.Parallel()
	dest := pair(t)
	check(t, Mend(dest)) // nothing to mend
	holds(t, dest, "2.19.0")
	check(t, Swap(dest))
	holds(t, dest, "3.8.0")
	check(t, Swap(dest))
	holds(t, dest, "2.19.0")
	check(t, Swap(dest))
	holds(t, dest, "3.8.0")
	check(t, DropBeside(dest))
	if isDir(dest + besideMark) {
		t.Error("the former home is still there")
	}
	if err := Swap(dest); err == nil {
		t.Error("swapped with nothing")
	}
	holds(t, dest, "3.8.0")
}

// Whatever instruction a swap is interrupted after, Mend finishes it.
func TestMend(t *testing.T) {
	t.Parallel()
	rename := func(t *testing.T, from, to string) {
		t.Helper()
		check(t, os.RemoveAll(to))
		check(t, os.Rename(from, to))
	}
	steps := []func(t *testing.T, dest string){
		func(t *testing.T, dest string) { write(t, dest+swapMark, "3.8.0", 0o600) },
		func(t *testing.T, dest string) { check(t, os.RemoveAll(filepath.Join(dest+besideMark, DataDir))) },
		func(t *testing.T, dest string) {
			rename(t, filepath.Join(dest, DataDir), filepath.Join(dest+besideMark, DataDir))
		},
		func(t *testing.T, dest string) {
			rename(t, filepath.Join(dest, "config", "analyzers"), filepath.Join(dest+besideMark, "config", "analyzers"))
		},
		func(t *testing.T, dest string) { check(t, moveOwn(dest, dest+besideMark)) },
		func(t *testing.T, dest string) { rename(t, dest, dest+formerMark) },
		func(t *testing.T, dest string) { rename(t, dest+besideMark, dest) },
		func(t *testing.T, dest string) { rename(t, dest+formerMark, dest+besideMark) },
	}
	for done := 1; done <= len(steps); done++ {
		dest := pair(t)
		for _, step := range steps[:done] {
			step(t, dest)
		}
		check(t, Mend(dest))
		holds(t, dest, "3.8.0")
		if version, _, err := Resident(dest + besideMark); err != nil || version != "2.19.0" {
			t.Errorf("after %d steps beside lies %s, %v", done, version, err)
		}
	}
}

func TestLayoutBesideReplacesAnother(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	dest := filepath.Join(r.dir, "d", "opensearch")
	write(t, filepath.Join(dest+besideMark, labelFile), `{"schema":1,"version":"3.8.0","source":""}`, 0o644)
	for range 2 { // the second finds it there
		home, err := LayoutBeside(t.Context(), "2.19.0", dest, r.o)
		if err != nil || home.Version != "2.19.0" || !strings.HasSuffix(home.Dir, besideMark) {
			t.Fatalf("%+v, %v", home, err)
		}
	}
	if version, _, err := Resident(dest + besideMark); err != nil || version != "2.19.0" {
		t.Errorf("beside lies %s, %v", version, err)
	}
	if _, _, err := Resident(dest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is no home at %s, and: %v", dest, err)
	}
}
