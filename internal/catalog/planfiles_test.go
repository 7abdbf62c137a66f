package catalog

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// asPlugin makes a plugin of the package; its versions have these files and properties.
func (b *bench) asPlugin(p *searchpack.Package, manifests [][]searchpack.ManifestEntry, properties ...searchpack.PluginProperties) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		p, err := tx.Package(b.t.Context(), p.ID)
		if err != nil {
			return err
		}
		p.Type, p.EngineVersion = searchpack.TypePlugin, "OpenSearch_3.8"
		vs, err := tx.Versions(b.t.Context(), p.ID)
		if err != nil {
			return err
		}
		err = tx.PutPackage(b.t.Context(), p)
		for i := range vs {
			vs[i].Plugin = &properties[i]
			vs[i].Digest = searchpack.DigestOf([]byte{byte(i)})
			err = errors.Join(err, tx.PutVersion(b.t.Context(), vs[i]))
			if manifests != nil {
				err = errors.Join(err, tx.PutManifest(b.t.Context(), vs[i].ID, manifests[i]))
			}
		}
		return err
	})
}

// A plan of a plugin says what changes in it: what the descriptor says, and which files.
func TestPlanOfAPluginSaysWhatChanges(t *testing.T) {
	t.Parallel()
	file := func(path string, content byte) searchpack.ManifestEntry {
		return searchpack.ManifestEntry{Path: path, Digest: searchpack.DigestOf([]byte{content}), Mode: 0o644}
	}
	old := searchpack.PluginProperties{Name: "lemmas", Version: "1.0", ClassName: "com.example.Lemmas"}
	younger := searchpack.PluginProperties{Name: "lemmas", Version: "1.1", ClassName: "com.example.Lemmatizer", Description: "Lemmas"}
	var many []searchpack.ManifestEntry
	for i := range 2 * maxFiles {
		many = append(many, file(fmt.Sprintf("%02d.jar", i), 1))
	}
	for name, c := range map[string]struct {
		serving   int
		manifests [][]searchpack.ManifestEntry
		younger   searchpack.PluginProperties
		want      *Difference
	}{
		"all": {1, [][]searchpack.ManifestEntry{{file("a.jar", 1), file("b.jar", 1), file("c.jar", 1)}, {file("a.jar", 2), file("c.jar", 1), file("d.jar", 1)}}, younger, &Difference{
			Added: 1, Removed: 1, Changed: 1, Note: "by file",
			Texts: []string{"description: nothing => Lemmas", "version: 1.0 => 1.1", "classname: com.example.Lemmas => com.example.Lemmatizer", "~ a.jar", "+ d.jar", "- b.jar"},
		}},
		"files not kept": {1, nil, old, &Difference{Note: "the bytes differ; which files are in the zip was not kept when these versions were imported"}},
		"the first":      {0, nil, old, nil},
	} {
		b, p := inState(t, searchpack.Active, c.serving, 1, "")
		b.differences = func(context.Context, *searchpack.Version, *searchpack.Version) (*Difference, error) {
			t.Errorf("%s: compared as a dictionary", name)
			return nil, nil
		}
		b.asPlugin(p, c.manifests, old, c.younger)
		v, err := b.Plan(t.Context(), b.who, "products", p.ID, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, v.Difference); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	b, p := inState(t, searchpack.Active, 1, 1, "")
	b.asPlugin(p, [][]searchpack.ManifestEntry{{file("00.jar", 1)}, many}, old, younger)
	v, err := b.Plan(t.Context(), b.who, "products", p.ID, 2, nil)
	if err != nil || v.Difference == nil || v.Difference.Added != len(many)-1 || len(v.Difference.Texts) != maxFiles {
		t.Errorf("%v %+v", err, v.Difference)
	}
}
