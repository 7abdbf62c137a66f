package refreshplugin

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSourceForVersions(t *testing.T) {
	t.Parallel()
	cases := map[string]map[string]string{ // version -> file -> line
		"2.19.0": {"RefreshRoute.java": "import org.opensearch.client.node.NodeClient;", "Reload.java": "HEEDS_BLOCKS = true;"},
		"2.19.1": {"Reload.java": "mappers.reloadSearchAnalyzers(registry);"},
		"3.0.0":  {"RefreshRoute.java": "import org.opensearch.transport.client.node.NodeClient;", "Reload.java": "KNOWS_CACHED_RESOURCES = false;"},
		"3.6.0":  {"Reload.java": "HEEDS_BLOCKS = false;"},
		"3.7.0":  {"Reload.java": "mappers.reloadSearchAnalyzers(registry, cachedResources);"},
		"3.8.0":  {"Reload.java": "KNOWS_CACHED_RESOURCES = true;"},
	}
	prints := map[string]bool{}
	for version, lines := range cases {
		home := distro.Home{Version: version}
		files, err := source(home)
		check(t, err)
		for file, line := range lines {
			if !strings.Contains(files[file], line) {
				t.Errorf("%s: %s lacks %q", version, file, line)
			}
		}
		prints[fingerprint(files, descriptor(home))] = true
	}
	if len(prints) != len(cases) {
		t.Errorf("%d fingerprints of %d versions", len(prints), len(cases))
	}
}

func TestFingerprintHoldsEveryByte(t *testing.T) {
	t.Parallel()
	base := fingerprint(map[string]string{"A": "x", "B": "y"}, "d")
	for name, other := range map[string]string{
		"text":       fingerprint(map[string]string{"A": "x", "B": "z"}, "d"),
		"name":       fingerprint(map[string]string{"A": "x", "C": "y"}, "d"),
		"border":     fingerprint(map[string]string{"A": "xB 1\ny"}, "d"),
		"descriptor": fingerprint(map[string]string{"A": "x", "B": "y"}, "e"),
	} {
		if other == base {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
	if fingerprint(map[string]string{"B": "y", "A": "x"}, "d") != base {
		t.Error("the same files have another fingerprint")
	}
}

func TestDescriptor(t *testing.T) {
	t.Parallel()
	const want = `name=searchpack-refresh-search-analyzers
description=Refreshes search analyzers in Searchpack's development clusters
version=1.0.0
opensearch.version=2.19.0
java.version=11
classname=searchpack.refresh.RefreshPlugin
`
	if diff := cmp.Diff(want, descriptor(distro.Home{Version: "2.19.0"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(descriptor(distro.Home{Version: "3.8.0"}), "java.version=21\n") {
		t.Error("3.x plugins are for Java 21")
	}
}

// fakeJavac makes one class file per source and notes each call.
const fakeJavac = `#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
if [ -e "$here/broken" ]; then echo "Reload.java:20: error: cannot find symbol"; exit 1; fi
while [ $# -gt 0 ]; do
  case $1 in
    -d) shift; out=$1; mkdir -p "$out/searchpack/refresh" ;;
    *.java) name=${1##*/}; cp "$1" "$out/searchpack/refresh/${name%.java}.class" ;;
  esac
  shift
done
`

func fakeHome(t *testing.T) (distro.Cache, distro.Home, string) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "jdk", "bin")
	check(t, os.MkdirAll(bin, 0o755))
	check(t, os.WriteFile(filepath.Join(bin, "javac"), []byte(fakeJavac), 0o755))
	home := filepath.Join(dir, "home")
	check(t, os.MkdirAll(filepath.Join(home, "plugins"), 0o755))
	cache, err := distro.CacheAt(filepath.Join(dir, "cache"))
	check(t, err)
	return cache, distro.Home{Dir: home, Version: "2.19.0", JDK: distro.JDK{Home: filepath.Join(dir, "jdk")}}, bin
}

func TestBuildOnce(t *testing.T) {
	t.Parallel()
	cache, home, bin := fakeHome(t)
	built, err := Build(t.Context(), cache, home)
	check(t, err)
	again, err := Build(t.Context(), cache, home)
	if err != nil || again != built {
		t.Errorf("again: %s, %v", again, err)
	}
	calls, err := os.ReadFile(filepath.Join(bin, "calls"))
	check(t, err)
	if strings.Count(string(calls), "\n") != 1 || !strings.Contains(string(calls), "--release 11 -cp "+home.Dir+"/lib/* ") {
		t.Errorf("javac was called: %s", calls)
	}
	names := []string{}
	entries, err := os.ReadDir(built)
	check(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	jar := Name + "-1.0.0.jar"
	if diff := cmp.Diff([]string{"plugin-descriptor.properties", jar}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	z, err := zip.OpenReader(filepath.Join(built, jar))
	check(t, err)
	defer func() { _ = z.Close() }()
	if len(z.File) != 7 || z.File[0].Name != "searchpack/refresh/RefreshAction.class" {
		t.Errorf("%d entries, the first %s", len(z.File), z.File[0].Name)
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	cache, home, bin := fakeHome(t)
	check(t, os.WriteFile(filepath.Join(bin, "broken"), nil, 0o644))
	err := Install(t.Context(), cache, home)
	if err == nil || !strings.Contains(err.Error(), "building the refresh plugin for OpenSearch 2.19.0") || !strings.Contains(err.Error(), "cannot find symbol") {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Join(home.Dir, "plugins")); len(entries) != 0 {
		t.Errorf("in plugins/: %v", entries)
	}
	check(t, os.Remove(filepath.Join(bin, "broken")))
	check(t, Install(t.Context(), cache, home))
}

func TestInstall(t *testing.T) {
	t.Parallel()
	cache, home, _ := fakeHome(t)
	check(t, os.MkdirAll(filepath.Join(home.Dir, incoming, "x"), 0o755)) // left by a kill
	check(t, Install(t.Context(), cache, home))
	placed := filepath.Join(home.Dir, "plugins", Name)
	first, err := contents(placed)
	check(t, err)
	if len(first) != 2 {
		t.Errorf("installed: %d files", len(first))
	}
	before, err := os.Stat(placed)
	check(t, err)
	check(t, Install(t.Context(), cache, home))
	if after, err := os.Stat(placed); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same plugin was installed again (%v)", err)
	}
	// Another one is replaced: a former version of this program made it.
	check(t, os.WriteFile(filepath.Join(placed, "plugin-descriptor.properties"), []byte("name=old\n"), 0o644))
	check(t, os.WriteFile(filepath.Join(placed, "old.jar"), nil, 0o644))
	check(t, Install(t.Context(), cache, home))
	if now, err := contents(placed); err != nil || !same(first, now) {
		t.Errorf("the former plugin stays (%v)", err)
	}
	entries, err := os.ReadDir(home.Dir)
	check(t, err)
	if len(entries) != 1 {
		t.Errorf("left in the home: %v", entries)
	}
}

func TestIndexManagementIsLeftAlone(t *testing.T) {
	t.Parallel()
	cache, home, bin := fakeHome(t)
	home.IndexManagement = true
	check(t, Install(t.Context(), cache, home))
	if entries, _ := os.ReadDir(filepath.Join(home.Dir, "plugins")); len(entries) != 0 {
		t.Errorf("in plugins/: %v", entries)
	}
	if _, err := os.Stat(filepath.Join(bin, "calls")); err == nil {
		t.Error("javac was called")
	}
}
