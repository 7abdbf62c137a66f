package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/installer"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
	"github.com/searchpack/searchpack/internal/agent/preflight"
)

// preflightCase is a plugin that is to join base and child, which are installed.
type preflightCase struct {
	name  string
	edits []string // of installerCase
	// refused is what both say of it; "" = it is taken.
	refused string
	ours    string // what preflight says, where that is not refused
	only2   bool   // OpenSearch 3 takes it
}

const classOfBase = "add shared.jar!/org/base/Shared.class class org/base/Shared"

var preflightCases = []preflightCase{
	{name: "a stranger"},
	{name: "a stranger with a class of base", edits: []string{classOfBase}},
	{name: "extends base", edits: []string{"extended.plugins=base"}},
	{name: "extends base, with a class of it", edits: []string{"extended.plugins=base", classOfBase}, refused: "failed to load plugin lemmas due to jar hell"},
	{name: "extends child, with a class of base", edits: []string{"extended.plugins=child", classOfBase}, refused: "failed to load plugin lemmas due to jar hell"},
	{name: "extends base and child", edits: []string{"extended.plugins=base,child"}, refused: "have duplicate codebases with each other", only2: true},
	{name: "extends base optionally, with a class of it", edits: []string{"extended.plugins=base;optional=true", classOfBase}, refused: "failed to load plugin lemmas due to jar hell", only2: true},
	{name: "with a class of OpenSearch", edits: []string{"add lib.jar!/org/opensearch/Version.class class org/opensearch/Version"}, refused: "jar hell"},
	{name: "extends nothing that is there", edits: []string{"extended.plugins=nope"}, refused: "Missing plugin [nope], dependency of [lemmas]"},
	{name: "extends nothing that is there, optionally", edits: []string{"extended.plugins=nope;optional=true"}},
	{name: "the name of base", edits: []string{"name=base"}, refused: "already exists", ours: "-"},
	{name: "the name of base in another folder", edits: []string{"name=base", "custom.foldername=other"}, refused: "plugins/base] already exists; if you need to update the plugin, uninstall it first using command 'remove base'",
		ours: "plugin directory [plugins/base] already exists; if you need to update the plugin, uninstall it first using command 'remove base'"},
	{name: "the name of a module", edits: []string{"name=lang-painless"}, refused: "plugin 'lang-painless' cannot be installed as a plugin, it is a system module"},
	{name: "another version", edits: []string{"opensearch.version=1.0.0"}, refused: "Plugin [lemmas] was built for OpenSearch version 1.0.0 but version $V is running"},
	{name: "another Java", edits: []string{"java.version=99"}, refused: "lemmas requires Java 99:, your system: $J"},
}

// TestPreflight holds the preflight against the installer of a home where other plugins are installed,
// and what plugindir makes of a zip against what the installer makes of it.
func TestPreflight(t *testing.T) {
	t.Parallel()
	needsJVM(t)
	for _, version := range distro.Offered() {
		t.Run(version, func(t *testing.T) { // one JVM at a time
			home, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
			if err != nil {
				t.Fatal(err)
			}
			samePlaces(t, home)
			sameRefusals(t, home)
		})
	}
}

func zipFor(t *testing.T, home distro.Home, edits ...string) []byte {
	t.Helper()
	return installerCase{name: t.Name(), edits: edits}.zip(t, home.Version)
}

// placeIn puts plugins into a home as an agent does.
func placeIn(t *testing.T, home distro.Home, zips ...[]byte) *plugindir.Dir {
	t.Helper()
	d, err := plugindir.Open(plugindir.Config{Home: home.Dir, Conf: home.Config()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	var set plugindir.Set
	for _, zip := range zips {
		c, refused, err := preflight.Inspect(bytes.NewReader(zip), int64(len(zip)), nodeIn(t, home))
		if err != nil || c == nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		p := plugindir.Plugin{Name: c.Facts.Name, Folder: c.Facts.Folder, Zip: searchpack.DigestOf(zip), Size: int64(len(zip)), Manifest: c.Manifest}
		if err := d.Stage(t.Context(), p, bytes.NewReader(zip)); err != nil {
			t.Fatal(err)
		}
		set.Place = append(set.Place, p.Zip)
	}
	if _, err := d.Apply(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	return d
}

func nodeIn(t *testing.T, home distro.Home, extended ...string) preflight.Node {
	t.Helper()
	java, err := preflight.JavaRelease(home.JDK.Home)
	if err != nil {
		t.Fatal(err)
	}
	n, err := preflight.Collect(t.Context(), home.Dir, java, extended...)
	if err != nil {
		t.Fatal(err)
	}
	if n.Version.String() != home.Version || java != home.JDK.Major || len(n.Lib) < 10_000 {
		t.Fatalf("%v, Java %d, %d classes in lib/", n.Version, n.Java, len(n.Lib))
	}
	return n
}

// samePlaces installs one zip by OpenSearch's installer and by plugindir, and compares what lies where,
// then takes it away again both ways.
func samePlaces(t *testing.T, home distro.Home) {
	t.Helper()
	folder := "lemma-folder"
	if !home.AtLeast(3, 0) {
		folder = "lemmas" // opensearch-plugin of 2.19 leaves bin/<folder> behind when it removes a plugin with a folder of another name
	}
	zip := zipFor(t, home, "add bin/run #!/bin/sh", "add config/lemmas.yml a: b", "add doc/deep/a.txt text", "add tools/bin/x x", "custom.foldername="+folder)
	name := filepath.Join(t.TempDir(), "lemmas.zip")
	if err := os.WriteFile(name, zip, 0o644); err != nil {
		t.Fatal(err)
	}
	before := places(t, home)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(home.Dir, "bin", "opensearch-plugin"), args...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "JAVA_HOME=" + home.JDK.Home, "OPENSEARCH_JAVA_HOME=" + home.JDK.Home}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("install", "--batch", "file:"+name)
	theirs := places(t, home)
	run("remove", "lemmas", "--purge")
	if diff := cmp.Diff(before, places(t, home)); diff != "" {
		t.Fatalf("the installer left something (-before +after):\n%s", diff)
	}
	d := placeIn(t, home, zip)
	if diff := cmp.Diff(theirs, places(t, home)); diff != "" {
		t.Errorf("the installer and plugindir place otherwise (-installer +plugindir):\n%s", diff)
	}
	run("list") // reads every descriptor
	if err := d.Forget(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), plugindir.Set{Remove: []string{folder}}); err != nil {
		t.Fatal(err)
	}
	removed := places(t, home)
	if err := d.Restore(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theirs, places(t, home)); diff != "" {
		t.Errorf("restored (-installer +plugindir):\n%s", diff)
	}
	run("remove", "lemmas")
	if diff := cmp.Diff(places(t, home), removed); diff != "" {
		t.Errorf("the installer and plugindir remove otherwise (-installer +plugindir):\n%s", diff)
	}
	d.Close()
}

// places lists plugins/, bin/ and config/ with modes and digests.
func places(t *testing.T, home distro.Home) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, dir := range []string{"plugins", "bin", "config"} {
		err := filepath.WalkDir(filepath.Join(home.Dir, dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(home.Dir, name)
			text := info.Mode().String()
			if err == nil && info.Mode().IsRegular() {
				var b []byte
				b, err = os.ReadFile(name)
				text += " " + searchpack.DigestOf(b).Short()
			}
			out[rel] = text
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// sameRefusals asks the installer and the preflight about the cases.
func sameRefusals(t *testing.T, home distro.Home) {
	t.Helper()
	own := func(name, class string, edits ...string) []byte { // a plugin with a class of its own
		return zipFor(t, home, append(edits, "name="+name, "classname="+strings.ReplaceAll(class, "/", "."), "drop "+classOfJar,
			"add "+name+".jar!/"+class+".class "+strings.Replace(pluginClass, "org/example/Lemmas", class, 1))...)
	}
	base := own("base", "org/base/Base", classOfBase)
	child := own("child", "org/child/Child", "extended.plugins=base")
	placeIn(t, home, base, child).Close()
	node := nodeIn(t, home)
	if refused := preflight.Check(node, preflight.Change{}); len(refused) > 0 {
		t.Fatalf("the home as it is: %v", refused)
	}
	fill := strings.NewReplacer("$V", home.Version, "$J", fmt.Sprint(home.JDK.Major))
	zips := make([][]byte, len(preflightCases))
	for i, c := range preflightCases {
		zips[i] = zipFor(t, home, c.edits...)
	}
	for i, theirs := range askInstaller(t, home, zips) {
		c := preflightCases[i]
		refused := fill.Replace(c.refused)
		if c.only2 && home.AtLeast(3, 0) {
			refused = ""
		}
		ours := fmt.Sprint(preflightSays(t, node, zips[i]))
		if theirs.Accepted != (refused == "") || !strings.Contains(theirs.Text, refused) {
			t.Errorf("%s: the installer says %v %s", c.name, theirs.Accepted, theirs.Text)
		}
		switch want := c.ours; {
		case want == "-": // an update, which the installer does not have
		case want == "" && refused == "":
			if ours != "[]" {
				t.Errorf("%s: the preflight refuses it: %s", c.name, ours)
			}
		case !strings.Contains(ours, want) || want == "" && !strings.Contains(ours, refused):
			t.Errorf("%s: the preflight says %s, and the installer %s", c.name, ours, theirs.Text)
		}
	}
	for _, stray := range []string{"README", ".removing-lemmas"} {
		file := filepath.Join(home.Dir, "plugins", stray)
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		theirs := askInstaller(t, home, zips[:1])[0]
		ours := preflightSays(t, nodeIn(t, home), zips[0])
		t.Logf("%s: installer %v %s; preflight %v", stray, theirs.Accepted, theirs.Text, ours)
		if len(ours) != 1 || theirs.Accepted {
			t.Errorf("%s: the installer says %v %s, the preflight %v", stray, theirs.Accepted, theirs.Text, ours)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func askInstaller(t *testing.T, home distro.Home, zips [][]byte) []installer.Result {
	t.Helper()
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir, names := t.TempDir(), []string{}
	for i, zip := range zips {
		names = append(names, filepath.Join(dir, fmt.Sprint(i, ".zip")))
		if err := os.WriteFile(names[i], zip, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	results, err := installer.Install(t.Context(), cache, home, names)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func preflightSays(t *testing.T, n preflight.Node, zip []byte) []preflight.Refusal {
	t.Helper()
	c, refused, err := preflight.Inspect(bytes.NewReader(zip), int64(len(zip)), n)
	if err != nil || c == nil {
		t.Fatal(refused, err)
	}
	return slices.Concat(refused, preflight.Check(n, preflight.Change{Place: []preflight.Bundle{c.Bundle}}))
}
