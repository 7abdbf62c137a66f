package distro

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJars(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	write(t, filepath.Join(r.dir, "b-1.jar"), "b", 0o644)
	write(t, filepath.Join(r.dir, "c-2.jar"), "c", 0o644)
	cache, err := OpenCache(r.o.Env)
	check(t, err)
	want := []string{"a:b:1", "a:c:2"}
	for range 2 {
		dir, err := Jars(t.Context(), cache, "extra", want, r.o)
		check(t, err)
		entries, err := os.ReadDir(dir)
		check(t, err)
		if len(entries) != 2 || entries[0].Name() != "b-1.jar" || entries[1].Name() != "c-2.jar" {
			t.Errorf("%v, want the two jars", entries)
		}
	}
	if calls := r.calls(); len(calls) != 2 {
		t.Errorf("calls %q, want one per jar", calls)
	}
	write(t, filepath.Join(r.dir, "d-3.zip"), "d", 0o644)
	dir, err := Jars(t.Context(), cache, "whole", []string{"a:d:3:zip"}, r.o)
	check(t, err)
	if b, err := os.ReadFile(filepath.Join(dir, "d-3.zip")); err != nil || string(b) != "d" {
		t.Errorf("%q, %v, want the zip", b, err)
	}
	_, err = Jars(t.Context(), cache, "missing", []string{"a:d:1"}, r.o)
	wants(t, err, "Could not find artifact a:d:1:jar")
	_, err = Jars(t.Context(), cache, "odd", []string{"a:d"}, r.o)
	wants(t, err, `"a:d" is no artifact`)
	if isDir(filepath.Join(cache.Dir(), "missing")) {
		t.Error("a failure left a folder")
	}
}

func TestCompile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	javac := filepath.Join(dir, "bin", "javac")
	h := Home{Version: "3.8.0", JDK: JDK{Home: dir}}
	write(t, javac, "#!/bin/sh\necho \"$@\" > "+dir+"/args\n", 0o755)
	check(t, h.Compile(t.Context(), []string{"A.java", "B.java"}, []string{"lib/*", "x.jar"}, "out"))
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	check(t, err)
	for _, want := range []string{"--release 21", "-cp lib/*:x.jar", "-d out A.java B.java"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("javac %s, want %s in it", args, want)
		}
	}
	fails := Home{Version: "2.19.0", JDK: JDK{Home: filepath.Join(dir, "other")}}
	write(t, filepath.Join(dir, "other", "bin", "javac"), "#!/bin/sh\necho A.java:1: error: such; exit 1\n", 0o755)
	wants(t, fails.Compile(t.Context(), nil, nil, "out"), "A.java:1: error: such")
	none := Home{Version: "2.19.0", JDK: JDK{Home: filepath.Join(dir, "none")}}
	if err := none.Compile(t.Context(), nil, nil, "out"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without javac: %v", err)
	}
}

func TestAnalysisLibraries(t *testing.T) {
	t.Parallel()
	got := Installation{Dir: "/os"}.Analysis()
	if len(got) != 2 || got[0] != "/os/lib/*" || got[1] != "/os/modules/analysis-common/*" {
		t.Errorf("%q", got)
	}
}
