package hunspell

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		ignore bool
		want   []string
	}{
		{"", false, nil},
		{"# none\n", false, nil},
		{"ignore_case: true\n", true, nil},
		{"ignore_case: YES\n", true, nil},
		{"ignore_case: off\n", false, nil},
		{"ignore_case: oFF\n", false, []string{"ignore-case settings.yml:1"}},
		{"ignore_case: 'yes'\n", false, []string{"ignore-case settings.yml:1"}},
		{"ignore_case: 'true'\n", true, nil},
		{"ignore_case: ''\n", false, nil},
		{"\nignore_case: maybe\n", false, []string{"ignore-case settings.yml:2"}},
		{"ignore_case: [true]\n", false, []string{"ignore-case settings.yml:1"}},
		{"ignore_case: {a: true}\n", false, []string{"other-setting settings.yml:1"}},
		{"ignore_case: true\na: 1\nstrict_affix_parsing: false\n", true, []string{"other-setting settings.yml:2", "other-setting settings.yml:3"}},
		{"ignore_case: [true\n", false, []string{"settings settings.yml:0"}},
		{"ignore_case: true\n---\na: 1\n", false, []string{"settings settings.yml:0"}},
		{"- a\n", false, []string{"settings settings.yml:1"}},
		{"a:\n", false, []string{"settings settings.yml:1"}},
		{"a: 1\na: 2\n", false, []string{"settings settings.yml:2"}},
		{"a: [1, [2]]\n", false, []string{"settings settings.yml:1"}},
		{"? [a]\n: b\n", false, []string{"settings settings.yml:1"}},
		{"ignore_case: !!bool yes\n", false, []string{"settings-unread settings.yml:1"}},
		{"a: &b true\nignore_case: *b\n", false, []string{"other-setting settings.yml:1", "settings-unread settings.yml:2"}},
		{"a: *b\n", false, []string{"settings-unread settings.yml:0"}},
		{"%YAML 1.2\n---\na: b\n", false, []string{"settings-unread settings.yml:0"}},
		{"ignore_case:\ttrue\n", false, []string{"settings-unread settings.yml:0"}},
		{"# Müller\nignore_case: true\n", true, nil},
		{"# a\u2028ignore_case: true\n", false, []string{"settings-unread settings.yml:0"}},
		{"é: true\n", false, []string{"settings-unread settings.yml:0"}},
		{"\xff: true\n", false, []string{"settings-unread settings.yml:0"}},
		{"#" + strings.Repeat("x", maxSettings), false, []string{"settings-unread settings.yml:0"}},
		{"a: " + strings.Repeat("{b: ", maxNested+1) + strings.Repeat("}", maxNested+1), false, []string{"settings-unread settings.yml:1"}},
		{"{\"ignore_case\": true}", true, nil},
	} {
		var found rule.Tally
		ignore, err := readSettings(strings.NewReader(c.text), "settings.yml", &dict.Config{Findings: &found})
		if got := brief(&found); err != nil || ignore != c.ignore || !slices.Equal(got, c.want) {
			t.Errorf("%.80q: %t, %q, %v; want %t, %q", c.text, ignore, got, err, c.ignore, c.want)
		}
	}
}

func TestSettingsInJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                    nil,
		"{\n\t\"ignore_case\": true\n}":       nil,
		"{\"ignore_case\": \"maybe\"}":        {"ignore-case settings.json:0"},
		"{\"a\": null}":                       {"settings settings.json:0"},
		"[]":                                  {"settings settings.json:0"},
		"{/* as OpenSearch reads it */ a: 1}": {"settings-unread settings.json:0"},
	} {
		var found rule.Tally
		if _, err := readSettings(strings.NewReader(text), "settings.json", &dict.Config{Findings: &found}); err != nil {
			t.Fatal(err)
		}
		if got := brief(&found); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if _, err := readSettings(iotest.ErrReader(io.ErrClosedPipe), "settings.yml", &dict.Config{Findings: &rule.Tally{}}); err == nil {
		t.Error("a file that cannot be read is no error")
	}
}

// TestSettingsOfDictionaries: each dictionary has those of its own folder.
func TestSettingsOfDictionaries(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a/x.aff": "SET UTF-8\n", "a/x.dic": "2\nFOO\nfoo\x01\n", "a/settings.yml": "ignore_case: true", "a/settings.json": "[]",
		"b/x.aff": "SET UTF-8\n", "b/x.dic": "2\nFOO\nfoo\x01\n", "b/settings.json": "[]",
		"c/x.aff": "SET UTF-8\n", "c/x.dic": "2\nFOO\nfoo\x01\n", "settings.yml": "[]",
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	var found rule.Tally
	for _, l := range Layout(names, &found).Locales {
		open := func(name string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(files[name])), nil }
		if err := Read(l, open, &dict.Config{Findings: &found}); err != nil {
			t.Fatal(err)
		}
	}
	if got := brief(&found); !slices.Equal(got, []string{"order a/x.dic:3", "settings b/settings.json:0"}) {
		t.Errorf("%q", got)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("ignore_case: true\n"), true)
	f.Add([]byte("a: &b [*b, {c: d}]\n---\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, asJSON bool) {
		name := settingsFiles[0]
		if asJSON {
			name = settingsFiles[1]
		}
		var found rule.Tally
		if _, err := readSettings(bytes.NewReader(text), name, &dict.Config{Findings: &found}); err != nil {
			t.Error(err)
		}
	})
}
