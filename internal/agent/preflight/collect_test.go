package preflight

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// home lays out files; what ends in .jar holds the classes that are named.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(text)
		if strings.HasSuffix(name, ".jar") && text != "damaged" {
			var in []inspecttest.File
			for class := range strings.FieldsSeq(text) {
				in = append(in, inspecttest.File{Name: class + ".class", Data: []byte("class " + class)})
			}
			data = must(inspecttest.Zip(in))
		}
		if err := os.WriteFile(full, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func descriptor(name, extends string) string {
	return "name=" + name + "\ndescription=d\nversion=1\nopensearch.version=3.8.0\njava.version=21\nclassname=x\nextended.plugins=" + extends + "\n"
}

func TestCollect(t *testing.T) {
	t.Parallel()
	dir := home(t, map[string]string{
		"lib/opensearch-3.8.0.jar": "org/opensearch/A", "lib/opensearch-core-3.8.0.jar": "org/opensearch/B", "lib/tools/x/y.jar": "x/Y", "lib/README": "",
		"modules/base/" + plugin.DescriptorName: descriptor("base", ""), "modules/base/base.jar": "b/B",
		"modules/lang/" + plugin.DescriptorName: descriptor("lang", "base"), "modules/lang/lang.jar": "l/L",
		"modules/other/" + plugin.DescriptorName: descriptor("other", ""), "modules/other/other.jar": "o/O",
		"plugins/p/" + plugin.DescriptorName: descriptor("pname", "lang"), "plugins/p/p.jar": "p/P l/L", "plugins/p/sub/q.jar": "q/Q", "plugins/p/bad.jar": "damaged",
		"plugins/lib/shared.jar": "s/S", "plugins/.hidden": "", "plugins/README": "", "plugins/empty/x": "", "plugins/.installing-7/x": "",
		"plugins/.removing-gone": "", "plugins/broken/" + plugin.DescriptorName: "name", "plugins/q/" + plugin.DescriptorName: descriptor("q", ""),
	})
	if err := os.Symlink("/", filepath.Join(dir, "plugins", "away")); err != nil {
		t.Fatal(err)
	}
	n, err := Collect(t.Context(), dir, 25)
	if err != nil {
		t.Fatal(err)
	}
	if n.Version != v380 || n.Java != 25 || len(n.Lib) != 2 || n.Lib["org.opensearch.B"] != "opensearch-core-3.8.0.jar" {
		t.Errorf("%v %d %v", n.Version, n.Java, n.Lib)
	}
	jars := map[string]string{}
	for _, b := range n.Bundles {
		text := "-"
		if b.Jars != nil {
			text = ""
		}
		for _, j := range b.Jars {
			text += j.Path + ":" + strings.Join(j.Classes, ",") + " "
		}
		jars[b.Folder+" "+b.Name] = text
	}
	for name, want := range map[string]string{
		"base base": "modules/base/base.jar:b.B ", "lang lang": "modules/lang/lang.jar:l.L ", "other other": "-", "p pname": "plugins/p/bad.jar: plugins/p/p.jar:p.P,l.L ", "q q": "",
	} {
		if jars[name] != want || len(jars) != 5 {
			t.Errorf("%s: %q, want %q, of %v", name, jars[name], want, jars)
		}
	}
	got := Check(n, Change{})
	want := []string{
		"Could not load plugin descriptor for plugin directory [.installing-7]", "found file [plugins/.removing-gone] from a failed attempt to remove the plugin [gone]; execute",
		"Could not load plugin descriptor for plugin directory [README]", "Could not load plugin descriptor for plugin directory [away]",
		"Could not load plugin descriptor for plugin directory [broken]", "Could not load plugin descriptor for plugin directory [empty]",
		"failed to load plugin pname due to jar hell: class: l.L jar1: modules/lang/lang.jar jar2: plugins/p/p.jar",
	}
	if !slices.EqualFunc(got, want, func(r Refusal, w string) bool { return strings.HasPrefix(r.Text, w) }) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// A zip is inspected against what was collected.
	zip := pluginZip(t, "extended.plugins=other\n", inspecttest.File{Name: "o.jar!/o/O.class", Data: []byte("class o/O")})
	n, err = Collect(t.Context(), dir, 25, "other")
	if err != nil {
		t.Fatal(err)
	}
	c, refused, err := Inspect(bytes.NewReader(zip), int64(len(zip)), n)
	if err != nil || c == nil {
		t.Fatal(refused, err)
	}
	if got := Check(n, Change{Place: []Bundle{c.Bundle}}); !slices.ContainsFunc(got, func(r Refusal) bool {
		return r.Text == "failed to load plugin lemmas due to jar hell: class: o.O jar1: modules/other/other.jar jar2: plugins/lemmas/o.jar"
	}) {
		t.Error(got)
	}
}

// OpenSearch follows a plugins/ that is a link, and plugindir places them there.
func TestCollectFollowsTheLinkOfPlugins(t *testing.T) {
	t.Parallel()
	away := home(t, map[string]string{"p/" + plugin.DescriptorName: descriptor("p", ""), "p/p.jar": "p/P"})
	dir := home(t, map[string]string{"lib/opensearch-3.8.0.jar": "org/opensearch/A"})
	if err := os.Symlink(away, filepath.Join(dir, "plugins")); err != nil {
		t.Fatal(err)
	}
	n, err := Collect(t.Context(), dir, 25)
	if err != nil || len(n.Foreign) > 0 || len(n.Bundles) != 1 || n.Bundles[0].Name != "p" || len(n.Bundles[0].Jars) != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}

// A jar may be a link, and a plugin's folder, as by OpenSearch. What is no file is not opened: the look names it,
// and goes on; a plugin that goes takes it along.
func TestCollectWhatIsNoFile(t *testing.T) {
	t.Parallel()
	elsewhere := home(t, map[string]string{"x.jar": "x/X", "linked/" + plugin.DescriptorName: descriptor("linked", ""), "linked/l.jar": "l/L"})
	dir := home(t, map[string]string{
		"lib/opensearch-3.8.0.jar": "org/opensearch/A", "plugins/p/" + plugin.DescriptorName: descriptor("p", ""), "plugins/p/p.jar": "p/P", "plugins/q/x": "",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(unix.Mkfifo(in("lib/pipe.jar"), 0o644), os.Symlink(filepath.Join(elsewhere, "x.jar"), in("lib/x.jar")), unix.Mkfifo(in("plugins/p/pipe.jar"), 0o644),
		os.Symlink("nowhere", in("plugins/p/gone.jar")), os.Symlink("loop.jar", in("plugins/p/loop.jar")), os.Mkdir(in("plugins/p/folder.jar"), 0o755),
		os.Symlink(filepath.Join(elsewhere, "x.jar"), in("plugins/p/x.jar")),
		os.Symlink(filepath.Join(elsewhere, "linked"), in("plugins/linked")), unix.Mkfifo(in("plugins/q/"+plugin.DescriptorName), 0o644), unix.Mkfifo(in("plugins/pipe"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	n, err := Collect(t.Context(), dir, 25)
	if err != nil {
		t.Fatal(err)
	}
	if n.Lib["x.X"] != "x.jar" || len(n.Bundles) != 2 || len(n.Bundles[0].Jars) != 1 || n.Bundles[0].Name != "linked" || len(n.Bundles[1].Jars) != 6 {
		t.Errorf("%+v", n)
	}
	texts := func(c Change) (out []string) {
		for _, r := range Check(n, c) {
			if !strings.Contains(r.Text, "jar hell") {
				out = append(out, r.Text)
			}
		}
		return out
	}
	always := []string{
		"Could not load plugin descriptor for plugin directory [pipe]", "Could not load plugin descriptor for plugin directory [q]", "lib/pipe.jar cannot be looked at: it is no regular file but a pipe",
	}
	own := []string{
		"plugins/p/folder.jar cannot be looked at: it is no regular file but a folder", "plugins/p/gone.jar cannot be looked at: it is no regular file but a link that leads nowhere",
		"plugins/p/loop.jar cannot be looked at: it is no regular file but a link that leads nowhere", "plugins/p/pipe.jar cannot be looked at: it is no regular file but a pipe",
	}
	if got, want := texts(Change{}), slices.Concat(always, own); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := texts(Change{Remove: []string{"p"}}); !slices.Equal(got, always) {
		t.Errorf("without it: %q", got)
	}
}

// An agent in a container of its own has plugins/ on a volume, and the image's own in the home.
func TestCollectPluginsFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := home(t, map[string]string{
		"lib/opensearch-3.8.0.jar": "org/opensearch/A", "lib/opensearch-core-3.8.0.jar": "org/opensearch/B",
		"plugins/image/" + plugin.DescriptorName: descriptor("image", ""),
		"volume/placed/" + plugin.DescriptorName: descriptor("placed", ""), "volume/placed/p.jar": "p/P",
	})
	n, err := CollectFrom(t.Context(), dir, filepath.Join(dir, "volume"), 21)
	if err != nil || len(n.Bundles) != 1 || n.Bundles[0].Name != "placed" || len(n.Lib) != 2 {
		t.Errorf("%v, %+v", err, n.Bundles)
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	for words, files := range map[string]map[string]string{
		"/lib: ":                      {"x": ""},
		"it is no home of OpenSearch": {"lib/opensearch-core-3.8.0.jar": ""},
	} {
		if _, err := Collect(t.Context(), home(t, files), 0); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v", files, err)
		}
	}
	if _, err := Collect(t.Context(), filepath.Join(t.TempDir(), "no"), 0); err == nil {
		t.Error("there is no folder")
	}
}

func TestJavaRelease(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.3\"\n": 21, "JAVA_VERSION=\"25\"\n": 25, "X": 0, "": 0} {
		dir := home(t, map[string]string{"release": text})
		if got, err := JavaRelease(dir); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	if _, err := JavaRelease(t.TempDir()); err == nil {
		t.Error("there is no file")
	}
}

// The version of a home is that of its jar. While jars of two lie there a package manager is at it, and
// nobody knows with which the node would start.
func TestHomeVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
		err   string
	}{
		"one":       {map[string]string{"lib/opensearch-2.19.1.jar": "a/A", "lib/opensearch-core-2.19.0.jar": "a/B"}, "2.19.1", ""},
		"candidate": {map[string]string{"lib/opensearch-3.0.0-rc1.jar": "a/A"}, "3.0.0", ""},
		"two":       {map[string]string{"lib/opensearch-2.19.0.jar": "a/A", "lib/opensearch-2.19.1.jar": "a/A"}, "", "jars of OpenSearch 2.19.0 and 2.19.1: an upgrade is under way"},
		"none":      {map[string]string{"lib/x.jar": "a/A"}, "", "it is no home of OpenSearch"},
		"no lib":    {map[string]string{"bin/x": ""}, "", "lib"},
	} {
		dir := home(t, c.files)
		v, err := HomeVersion(dir)
		if v.String() != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, v, err)
		}
		if _, err := Collect(t.Context(), dir, 0); name == "two" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: collected: %v", name, err)
		}
	}
	if _, err := HomeVersion(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("no home")
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	zip := pluginZip(t, "")
	n := Node{Version: v380, Java: 25}
	c, _, err := Inspect(bytes.NewReader(zip), int64(len(zip)), n)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if got := Fits(n, c.Bundle); len(got) != 0 {
		t.Errorf("%v", got)
	}
	n.Version.Patch = 1
	if got := Fits(n, c.Bundle); len(got) != 1 || !strings.Contains(got[0].Text, "was built for OpenSearch version 3.8.0 but version 3.8.1 is running") {
		t.Errorf("%v", got)
	}
}
