package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// writeHome makes a small OpenSearch of files; jars as inspecttest.Zip has them.
func writeHome(t *testing.T, files map[string][]inspecttest.File) string {
	t.Helper()
	home := t.TempDir()
	for name, content := range files {
		data := content[0].Data
		if strings.HasSuffix(name, ".jar") {
			var err error
			if data, err = inspecttest.Zip(content); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func class(name, line string) inspecttest.File {
	return inspecttest.File{Name: name + ".class", Data: []byte("class " + name + line)}
}

func descriptor(name, class string) []inspecttest.File {
	return []inspecttest.File{{Data: []byte("# by hand\nname=" + name + "\nclassname=" + class + "\n")}}
}

func TestTableOfAHome(t *testing.T) {
	t.Parallel()
	home := writeHome(t, map[string][]inspecttest.File{
		"lib/opensearch-9.8.7.jar": {
			{Name: "modules.txt", Data: []byte("here\nnowhere\n")}, class("org/opensearch/plugins/Plugin", ""), class("org/opensearch/plugins/ExtensiblePlugin", ""),
			class("org/opensearch/plugins/Words", ""), class("own/Base", " extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/ExtensiblePlugin"),
		},
		"lib/a.jar": {class("a/A", ""), {Name: "module-info.class", Data: []byte("module module-info")}},
		"modules/here/plugin-descriptor.properties":  descriptor("here", "here.Here"),
		"modules/here/here.jar":                      {class("here/Here", " extends own/Base")},
		"modules/there/plugin-descriptor.properties": descriptor("there", "there.There"),
		"modules/there/there.jar":                    {class("there/There", " extends org/opensearch/plugins/Plugin")},
	})
	folder := t.TempDir()
	if err := run(home, folder); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(folder, "9.8.7.table"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := target.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	want := target.Header{
		Version: "9.8.7", Jars: []string{"a.jar", "opensearch-9.8.7.jar"}, Classes: 5,
		Modules: []target.Module{{Name: "here", Extensible: &yes}, {Name: "nowhere"}, {Name: "there", Extensible: &no}},
		Plugins: map[string][]string{
			"org/opensearch/plugins/Plugin": {}, "org/opensearch/plugins/ExtensiblePlugin": {},
			"own/Base": {"org/opensearch/plugins/Plugin", "org/opensearch/plugins/ExtensiblePlugin"},
		},
	}
	if diff := cmp.Diff(want, l.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if jar, found := l.Jar("a.A"); jar != "a.jar" || !found {
		t.Errorf("a.A in %s, %v", jar, found)
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string][]inspecttest.File
		words string
	}{
		"empty":      {nil, "give the folder of an unpacked OpenSearch"},
		"no version": {map[string][]inspecttest.File{"lib/a.jar": {class("a/A", "")}}, "opensearch-VERSION.jar"},
		"no jar":     {map[string][]inspecttest.File{"lib/a.jar": {{Name: "A.class", Data: []byte("broken class A")}}}, "A.class"},
		"no descriptor": {map[string][]inspecttest.File{
			"lib/opensearch-9.8.7.jar": {class("a/A", "")}, "modules/m/m.jar": {class("a/A", "")},
		}, "plugin-descriptor.properties"},
	} {
		if err := run(writeHome(t, c.files), t.TempDir()); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
