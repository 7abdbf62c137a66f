package extapi

import (
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// The previews that the fake catalog answers with.
var (
	preview = &catalog.PreviewView{
		Package: searchpack.Package{ID: "F111111111", Name: "synonyms"}, Version: &searchpack.Version{Number: 3}, Live: good,
		Preview: searchpack.Preview{
			ID: "p-1", Domain: key, PackageID: "F111111111", Index: "products", Analyzer: "search", Partial: true, Text: "cheap tv", Node: "n1",
			Body: "{}", CreatedAt: moment, ExpiresAt: moment,
			Answer: &searchpack.PreviewReport{
				Before: &searchpack.Tokens{Tokens: []searchpack.Token{
					{Text: "cheap", Type: "word"}, {Text: "tv", Position: 1, Type: "word"}, {Text: "telly", Position: 1, Type: "SYNONYM"}, {Text: "old", Position: 3},
				}},
				After: &searchpack.Tokens{Tokens: []searchpack.Token{
					{Text: "cheap", Type: "word"}, {Text: "tv", Position: 1, Type: "word", Length: 2}, {Text: "tele", Position: 1, Type: "SYNONYM"},
					{Text: "vision", Position: 2, Type: "SYNONYM"},
				}, More: 7},
			},
		},
	}
	previewOfTheFirst = &catalog.PreviewView{
		Package: searchpack.Package{ID: "F111111111", Name: "synonyms"}, Version: good,
		Preview: searchpack.Preview{
			Domain: searchpack.DomainKey{Name: "empty"}, PackageID: "F111111111", Index: "products", Analyzer: "search", Text: "tv", Node: "n1",
			Answer: &searchpack.PreviewReport{After: &searchpack.Tokens{}},
		},
	}
)

func TestPreviewRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"version":"former","index":"i","text":"x"}`, `{"version":"v0"}`, `{"texts":["x"]}`, `[]`} {
		s := newSite(t)
		if w := s.ask("POST /domains/shop/packages/F1/preview", body); w.Code != 400 || s.catalog.asked != nil {
			t.Errorf("%s: status %d, the catalog was asked %v", body, w.Code, s.catalog.asked)
		}
	}
}
