package e2e

import (
	"archive/zip"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/oracle"
)

// realJars are published jars of a few megabytes that hold dictionaries: patterns of some fifty
// languages (each file names its licence), and a Galician dictionary for Hunspell. Of synonyms, type
// tables and user dictionaries we know no such jar.
var realJars = map[searchpack.Kind]struct {
	artifact string
	atLeast  int
}{
	searchpack.KindHyphen:   {"com.itextpdf:itext-hyph-xml:5.1.1", 50},
	searchpack.KindHunspell: {"org.languagetool:language-gl:6.3", 1},
}

// published are dictionaries that somebody uses: the lists of words in Lucene's own jar, stop words of some
// thirty languages, and what realJars hold.
func published(t *testing.T, o *oracle.Oracle, kind searchpack.Kind) []oracle.Case {
	t.Helper()
	if kind == searchpack.KindWords {
		return files(t, kind, filepath.Join(o.Libraries(), "lucene-analysis-common-*.jar"), 30, func(name string) bool {
			return path.Ext(name) == ".txt" && path.Dir(name) != "META-INF"
		})
	}
	jar, ok := realJars[kind]
	if !ok {
		return nil
	}
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := distro.Jars(t.Context(), cache, "real-"+string(kind), []string{jar.artifact}, distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return files(t, kind, filepath.Join(dir, "*.jar"), jar.atLeast, func(name string) bool {
		return slices.Contains([]string{".xml", ".aff", ".dic"}, path.Ext(name)) && !strings.HasPrefix(name, "META-INF/")
	})
}

// files makes a case of each file in the jar that is wanted; of those for Hunspell it makes one.
func files(t *testing.T, kind searchpack.Kind, pattern string, atLeast int, wanted func(name string) bool) []oracle.Case {
	t.Helper()
	jars, err := filepath.Glob(pattern)
	if err != nil || len(jars) != 1 {
		t.Fatalf("jars %q, %v", jars, err)
	}
	z, err := zip.OpenReader(jars[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	var cases []oracle.Case
	for _, f := range z.File {
		if !wanted(f.Name) {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(io.LimitReader(in, 16<<20))
		_ = in.Close()
		if err != nil {
			t.Fatal(err)
		}
		if kind == searchpack.KindHunspell && len(cases) > 0 {
			cases[0].Files = append(cases[0].Files, oracle.File{Name: path.Base(f.Name), Content: text})
			continue
		}
		cases = append(cases, oracle.Case{Kind: string(kind), Files: []oracle.File{{Name: path.Base(f.Name), Content: text}}})
	}
	if len(cases) < atLeast {
		t.Errorf("%d files in %s, want %d at least", len(cases), jars[0], atLeast)
	}
	return cases
}
