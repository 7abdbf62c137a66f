package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// inspect runs Dictionary on a string; reading one cannot fail.
func inspect(t testing.TB, content string, declared searchpack.Kind) Result {
	t.Helper()
	res, err := Dictionary(strings.NewReader(content), Options{Declared: declared})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// brief renders findings as "line:column rule", errors with an exclamation mark.
func brief(findings []searchpack.Finding) []string {
	got := []string{}
	for _, f := range findings {
		mark := ""
		if f.Severity == searchpack.SeverityError {
			mark = "!"
		}
		got = append(got, fmt.Sprintf("%d:%d %s%s", f.Line, f.Column, strings.TrimPrefix(f.Rule, "synonyms."), mark))
	}
	return got
}

func TestFindingIsUseful(t *testing.T) {
	t.Parallel()
	res := inspect(t, "laptop, notebook\na => b => c\n", searchpack.KindSynonyms)
	want := []searchpack.Finding{{
		Rule: "synonyms.two-arrows", Severity: searchpack.SeverityError, Line: 2, Column: 8, Text: "a => b => c",
	}}
	res.Findings[0].Message, res.Findings[0].Remedy = "", ""
	if diff := cmp.Diff(want, res.Findings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	guessed := inspect(t, "laptop, notebook\na => b => c\n", searchpack.KindUnknown).Findings
	if !strings.Contains(guessed[0].Remedy, "searchpack-kind") || !strings.Contains(guessed[0].Remedy, "--kind") {
		t.Errorf("the remedy of a guessed kind does not say how to declare another: %q", guessed[0].Remedy)
	}
}

func countRule(res Result, id string) int {
	n := 0
	for _, f := range res.Findings {
		if f.Rule == id {
			n++
		}
	}
	return n
}
