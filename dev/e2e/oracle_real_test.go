package e2e

import (
	"archive/zip"
	"io"
	"path"
	"path/filepath"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/oracle"
)

// shipped are the lists of words that lie in Lucene's own jar: stop words of some thirty languages.
func shipped(t *testing.T, o *oracle.Oracle) []oracle.Case {
	t.Helper()
	jars, err := filepath.Glob(filepath.Join(o.Libraries(), "lucene-analysis-common-*.jar"))
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
		if path.Ext(f.Name) != ".txt" || path.Dir(f.Name) == "META-INF" {
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
		cases = append(cases, oracle.One(string(searchpack.KindWords), text))
	}
	if len(cases) < 30 {
		t.Errorf("%d lists in %s, want some thirty", len(cases), jars[0])
	}
	return cases
}
