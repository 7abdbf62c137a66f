package cli

import (
	"maps"
	"strings"
	"testing"
)

func init() {
	const preview = "POST /domains/shop/packages/F111111111/preview"
	const first = "POST /domains/empty/packages/F111111111/preview"
	maps.Copy(commands, map[string]commandTest{
		"preview":       {&PreviewCmd{Package: "synonyms", Domain: "shop", Index: "products", Text: "cheap tv", Version: "3"}, []string{preview}, "preview"},
		"preview-first": {&PreviewCmd{Package: "synonyms", Domain: "empty", Index: "products", Text: "tv", Analyzer: "search"}, []string{first}, "preview-first"},
	})
	maps.Copy(recorded, map[string]string{preview: "preview", first: "preview-first"})
}

func TestPreviewAsks(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]*PreviewCmd{
		`{"index":"products","text":"<tv>","version":"v3"}`:   {Version: "3", Index: "products", Text: "<tv>"},
		`{"analyzer":"search","index":"products","text":"x"}`: {Analyzer: "search", Index: "products", Text: "x"},
	} {
		c.Package, c.Domain = "F111111111", "shop"
		s := newServer(t, nil)
		if _, err := s.run(t, c, "table", Terminal{}); err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(s.bodies[len(s.bodies)-1])
		if got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
	s := newServer(t, nil)
	if _, err := s.run(t, &PreviewCmd{Package: "F1", Version: "latest"}, "table", Terminal{}); err == nil || len(s.requests) > 0 {
		t.Errorf("a version that is none: %v, asked %v", err, s.requests)
	}
}

// What is new, gone, other and the same, by position.
func TestPreviewChanges(t *testing.T) {
	t.Parallel()
	token := func(text string, at int) previewToken { return previewToken{Token: text, Position: at} }
	for name, c := range map[string]struct {
		before, after []previewToken
		want          []string
	}{
		"same in another order": {[]previewToken{token("a", 0), token("b", 0)}, []previewToken{token("b", 0), token("a", 0)}, []string{"a, b", "the same tokens"}},
		"new":                   {nil, []previewToken{token("a", 2)}, []string{"2         -            a           new"}},
		"gone":                  {[]previewToken{token("a", 2)}, nil, []string{"gone"}},
		"other":                 {[]previewToken{token("a", 2)}, []previewToken{{Token: "a", Position: 2, Length: 2}}, []string{"a (spans 2)", "other"}},
		"nothing":               {nil, nil, []string{"no token is left"}},
	} {
		x := &previewLine{Version: "v3", Live: "v1", Before: &previewTokens{Tokens: c.before}, After: previewTokens{Tokens: c.after}}
		p := &page{}
		x.show(p)
		for _, want := range c.want {
			if got := p.text.String(); !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
		if same := strings.Contains(p.text.String(), "the same tokens"); same != strings.HasPrefix(name, "same") {
			t.Errorf("%s: %s", name, p.text.String())
		}
	}
}
