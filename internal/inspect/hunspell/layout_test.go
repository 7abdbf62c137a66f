package hunspell

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

func TestLayout(t *testing.T) {
	t.Parallel()
	for files, want := range map[string]string{
		"hunspell/en_US/en.aff hunspell/en_US/en.dic":       "en_US[hunspell/en_US/en.aff hunspell/en_US/en.dic]",
		"en_US/en.aff en_US/b.dic en_US/a.dic README":       "en_US[hunspell/en_US/en.aff hunspell/en_US/a.dic hunspell/en_US/b.dic] README=hunspell/README",
		"de/x.aff de/x.dic fr/y.aff fr/y.dic":               "de[hunspell/de/x.aff hunspell/de/x.dic] fr[hunspell/fr/y.aff hunspell/fr/y.dic]",
		"de_DE.dic de_DE.aff settings.yml":                  "de_DE[hunspell/de_DE/de_DE.aff hunspell/de_DE/de_DE.dic] settings.yml=hunspell/de_DE/settings.yml",
		"README hunspell/en/x.aff hunspell/en/settings.yml": "en[hunspell/en/x.aff] README=README hunspell/en/settings.yml=hunspell/en/settings.yml no-words",
		"README":                      "no-dictionary",
		"en/x.aff x.dic":              "layout",
		"hunspell/x.aff":              "layout",
		"a/b/en/x.aff a/b/en/x.dic":   "layout layout",
		"en/x.dic":                    "no-affixes",
		"en/x.aff en/.y.aff en/x.dic": "affix-files",
		"-en/x.aff -en/x.dic":         "locale",
		"hunspell/en/x.aff hunspell/en/x.dic hunspell/en/more/y.dic": "layout",
	} {
		var found rule.Tally
		names := strings.Fields(files)
		f := Layout(names, &found)
		var got []string
		if f != nil {
			for _, l := range f.Locales {
				var places []string
				for _, n := range append([]string{l.Affix}, l.Words...) {
					places = append(places, f.Place(n))
				}
				got = append(got, fmt.Sprintf("%s%v", l.Name, places))
			}
			for _, n := range slices.Sorted(slices.Values(names)) {
				if !isDictionary(n) {
					got = append(got, n+"="+f.Place(n))
				}
			}
		}
		for _, x := range found.Findings() {
			got = append(got, strings.TrimPrefix(x.Rule, "hunspell."))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", files, text, want)
		}
	}
}

// Where nobody said which OpenSearch reads the folder, nothing is wrong yet.
func TestNeedsVersion(t *testing.T) {
	t.Parallel()
	for tooOld, want := range map[bool]searchpack.Severity{true: searchpack.SeverityWarning, false: searchpack.SeverityNote} {
		var found rule.Tally
		NeedsVersion(&found, tooOld)
		if f := found.Findings(); len(f) != 1 || f[0].Rule != "hunspell.version" || f[0].Severity != want {
			t.Errorf("too old %v: %+v", tooOld, f)
		}
	}
}
