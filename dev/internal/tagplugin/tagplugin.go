// Package tagplugin makes a small real plugin of OpenSearch for tests and measurements: a token filter
// "tag" that writes the version behind each token. It knows a home to compile against, and no cluster.
package tagplugin

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// Name of the plugin.
const Name = "searchpack-tags"

//go:embed Tags.java
var source []byte

// Jar compiles the plugin's classes against the lib/ of a home, and packs them.
func Jar(ctx context.Context, home distro.Home) ([]byte, error) {
	dir, err := os.MkdirTemp("", "searchpack-tags-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	java, classes := filepath.Join(dir, "Tags.java"), filepath.Join(dir, "classes")
	if err := os.WriteFile(java, source, 0o600); err != nil {
		return nil, err
	}
	if err := os.Mkdir(classes, 0o700); err != nil {
		return nil, err
	}
	if err := home.Compile(ctx, []string{java}, []string{filepath.Join(home.Dir, "lib", "*")}, classes); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(os.DirFS(classes)); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Zip is a version of the plugin for "3.8.0" whose class is that of Tags: "First". Its jar has a name of
// its own: were that of the version before left, no node would start. edits replace lines of the
// descriptor, or add some.
func Zip(target string, jar []byte, version int, class string, edits ...string) ([]byte, error) {
	java := "21"
	if strings.HasPrefix(target, "2.") {
		java = "11"
	}
	lines := []string{
		"name=" + Name, "description=Tags tokens", fmt.Sprintf("version=%d.0.0", version), "opensearch.version=" + target,
		"java.version=" + java, "classname=searchpack.tags.Tags$" + class,
	}
	for _, e := range edits {
		key, _, _ := strings.Cut(e, "=")
		for i, l := range lines {
			if strings.HasPrefix(l, key+"=") {
				lines[i] = ""
			}
		}
		lines = append(lines, e)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct {
		name string
		data []byte
	}{{"plugin-descriptor.properties", []byte(strings.Join(lines, "\n") + "\n")}, {fmt.Sprintf("tags-%d.jar", version), jar}} {
		w, err := z.Create(f.name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}
