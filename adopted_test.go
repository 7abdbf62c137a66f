package searchpack

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckFilePath(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"analysis/synonyms.txt", "synonyms.txt", "analyzers/synonyms.txt", "analysis/de/wörter.txt", "a b.txt", "analysis/rules.xml", "words", "analyzers/de/F1",
	} {
		if err := CheckFilePath(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", ".", "..", "/etc/passwd", "../x.txt", "a/../b.txt", "./a.txt", "a//b.txt", "a/", "a\\b.txt", "a\"b.txt", "a\nb.txt", " a.txt", "a.txt ", "a\x00b", "\xff.txt",
		"a:b.txt", "a,b.txt", "*.txt", strings.Repeat("a", 256), "a\u202eb.txt", "@@searchpack-path@@",
		"opensearch.yml", "OpenSearch.yml", "sub/opensearch.yml", "jvm.options", "jvm.options.d/heap", "log4j2.properties", "opensearch.keystore",
		"opensearch-security/internal_users.txt", "OPENSEARCH-SECURITY/x", "node.pem", "certs/x.txt", "esnode-key.PEM", "x.key", "x.p12", "x.jks",
		"analyzers/F1", "analyzers/pkg-12ab", "analyzers/.searchpack/x", ".searchpack/x", ".hidden",
	} {
		if err := CheckFilePath(bad); ErrorCode(err) != ErrInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFilePath(t *testing.T) {
	t.Parallel()
	a, f := Association{PackageID: "F1"}, FileOrder{PackageID: "F1"}
	if a.FilePath() != "analyzers/F1" || f.FilePath() != "analyzers/F1" {
		t.Errorf("%s, %s", a.FilePath(), f.FilePath())
	}
	a.Path, f.Path = "analysis/a.txt", "analysis/a.txt"
	if a.FilePath() != "analysis/a.txt" || f.FilePath() != "analysis/a.txt" {
		t.Errorf("%s, %s", a.FilePath(), f.FilePath())
	}
}

func TestPathsTo(t *testing.T) {
	t.Parallel()
	for p, want := range map[string][]string{
		"synonyms.txt":        {"synonyms.txt"},
		"analysis/en/ae.txt":  {"analysis", "analysis/en", "analysis/en/ae.txt"},
		"analysis/wörter.txt": {"analysis", "analysis/wörter.txt"},
	} {
		if got := PathsTo(p); !slices.Equal(got, want) {
			t.Errorf("%s: %v", p, got)
		}
	}
}
