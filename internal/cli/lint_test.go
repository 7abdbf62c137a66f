package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const lintData = "testdata/lint/"

// lint runs the command without a server.
func lint(t *testing.T, l *LintCmd, output string, terminal Terminal, in io.Reader) (string, error) {
	t.Helper()
	if l.PluginRules == "" {
		l.PluginRules = "cluster"
	}
	var out bytes.Buffer
	err := l.Run(&Context{
		Context: t.Context(), In: in, Out: &out, Version: "1.2.3", Terminal: terminal, Globals: &Globals{Output: output},
	})
	return out.String(), err
}

// What is printed in each form: testdata/lint-NAME.FORM.
func TestLintForms(t *testing.T) {
	t.Parallel()
	all := []string{lintData + "synonyms.txt", lintData + "empty.txt", lintData + "stop.txt"}
	for name, l := range map[string]LintCmd{
		"lint":          {File: all},
		"lint-settings": {File: []string{lintData + "synonyms.txt", lintData + "stop.txt"}, Analyzer: lintData + "settings.json"},
	} {
		for form, how := range map[string]struct {
			output   string
			terminal Terminal
		}{
			"pipe":     {"table", Terminal{}},
			"terminal": {"table", Terminal{Is: true, Columns: 80, Colours: true}},
			"json":     {"json", Terminal{Is: true}},
			"sarif":    {"sarif", Terminal{}},
		} {
			got, err := lint(t, &l, how.output, how.terminal, nil)
			if !errors.Is(err, ErrFound) {
				t.Errorf("%s: %v", name, err)
			}
			if form == "sarif" {
				got = withoutRules(t, got)
			}
			golden(t, name+"."+form, got)
		}
	}
}

// withoutRules leaves the list of rules out of a SARIF log, which grows with every rule.
func withoutRules(t *testing.T, text string) string {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	log.Runs[0].Tool.Driver.Rules = []sarifRule{}
	for i := range log.Runs[0].Results {
		log.Runs[0].Results[i].RuleIndex = nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(log); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The documented members are there for every file, whatever was found.
func TestLintJSON(t *testing.T) {
	t.Parallel()
	out, err := lint(t, &LintCmd{File: []string{lintData + "synonyms.txt", "-"}, Name: "clean.txt"}, "json", Terminal{}, strings.NewReader("a, b\nc, d\n"))
	if !errors.Is(err, ErrFound) {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines for two files: %s", len(lines), out)
	}
	for i, want := range []lintDocument{
		{File: "testdata/lint/synonyms.txt", Kind: searchpack.KindSynonyms, Count: 2, Errors: 1}, {File: "clean.txt", Kind: searchpack.KindSynonyms},
	} {
		var got lintDocument
		var members map[string]any
		if json.Unmarshal([]byte(lines[i]), &got) != nil || json.Unmarshal([]byte(lines[i]), &members) != nil {
			t.Fatalf("no JSON: %s", lines[i])
		}
		for _, m := range []string{"file", "package_type", "kind", "kind_source", "kind_confidence", "findings", "count", "errors"} {
			if _, ok := members[m]; !ok || members[m] == nil {
				t.Errorf("%s has no %s", want.File, m)
			}
		}
		if got.File != want.File || got.Kind != want.Kind || got.KindSource != "guessed" || got.Count != want.Count || got.Errors != want.Errors || len(got.Findings) != want.Count {
			t.Errorf("%+v", got)
		}
	}
}

// The exit status is by the severest finding; --strict counts warnings, and never notes.
func TestLintVerdict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{ // fails, fails with --strict
		"a, b\nc, d\n":    {false, false},
		"a, b\nalone,\n":  {false, true},
		"a, b\na=>b=>c\n": {true, true},
	} {
		for i, strict := range []bool{false, true} {
			out, err := lint(t, &LintCmd{File: []string{"-"}, Kind: "solr-synonyms", Strict: strict}, "table", Terminal{}, strings.NewReader(text))
			if got := errors.Is(err, ErrFound); got != want[i] || err != nil && !got {
				t.Errorf("%q, strict %v: %v, %s", text, strict, err, out)
			}
			if strings.Contains(text, "alone") != strings.Contains(out, "stdin:2:1: warning synonyms.alone: ") {
				t.Errorf("%q: %q", text, out)
			}
		}
	}
}

// More findings than are kept are counted.
func TestLintCountsAll(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a => b => c\n", 150)
	out, err := lint(t, &LintCmd{File: []string{"-"}}, "table", Terminal{}, strings.NewReader(text))
	if err == nil || err.Error() != "150 errors and 0 other findings; 1 of 1 file fails" {
		t.Error(err)
	}
	if strings.Count(out, "\n") != 101 || !strings.HasSuffix(out, "stdin: note: and 50 more findings\n") {
		t.Errorf("%d lines: %s", strings.Count(out, "\n"), out[max(0, len(out)-200):])
	}
}

func TestLintUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugin.zip")
	writeZip(t, plugin, "plugin-descriptor.properties")
	for says, l := range map[string]LintCmd{
		`--kind "wrods" is none of solr-synonyms`:          {File: []string{"-"}, Kind: "wrods"},
		`--type "ZIP" is none of`:                          {File: []string{"-"}, Type: "ZIP"},
		"--opensearch 9.9.9 is no version of OpenSearch":   {File: []string{"-"}, OpenSearch: "9.9.9"},
		"the last of OpenSearch 2 is 2.19":                 {File: []string{"-"}, OpenSearch: "2.20"},
		`"three" is no version of OpenSearch`:              {File: []string{"-"}, OpenSearch: "three"},
		"--name is for standard input":                     {File: []string{lintData + "stop.txt"}, Name: "x"},
		"- is given twice":                                 {File: []string{"-", "-"}},
		"no-such-file.txt: no such file":                   {File: []string{lintData + "synonyms.txt", "no-such-file.txt"}},
		"no-settings.json: no such file":                   {File: []string{"-"}, Analyzer: "no-settings.json"},
		"the settings are no JSON":                         {File: []string{"-"}, Analyzer: lintData + "stop.txt"},
		"none reads one that is named empty.txt":           {File: []string{lintData + "empty.txt"}, Analyzer: lintData + "settings.json"},
		"is a folder without .aff and .dic files":          {File: []string{dir}},
		"no component of the settings reads a file of the": {File: []string{"-"}, Kind: "nori", Analyzer: lintData + "settings.json"},
	} {
		out, err := lint(t, &l, "table", Terminal{}, strings.NewReader("a, b"))
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), says) || out != "" {
			t.Errorf("%s: %v, %q", says, err, out)
		}
	}
}

// A version that may come to be one is taken, and it is said that its files are judged as others are.
func TestLintOfAnUnservedVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"3.8": "", "2.19.3": "", "4.0": "searchpack: OpenSearch 4.0.0 is newer than 3.8.0, the newest that this program knows: files are judged as that one reads them\n",
		"1.3": "searchpack: OpenSearch 1.3.0 is older than 2.19.0, the oldest that this program knows: files are judged as that one reads them\n",
	} {
		var notes, out bytes.Buffer
		err := (&LintCmd{File: []string{"-"}, OpenSearch: version, PluginRules: "cluster"}).Run(&Context{
			Context: t.Context(), In: strings.NewReader("laptop, notebook\n"), Out: &out, Notes: &notes, Globals: &Globals{Output: "table"},
		})
		if err != nil || notes.String() != want || out.Len() > 0 {
			t.Errorf("%s: %v, %q, %q", version, err, &notes, &out)
		}
	}
}

func writeZip(t *testing.T, path string, names ...string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "x")
	}
	if err := errors.Join(z.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// A zip is what it holds; a license is one because the command line says so.
func TestLintTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct {
		name  string
		holds []string
		l     LintCmd
		as    searchpack.PackageType
		kind  searchpack.Kind
		rules string // begins the id of the first finding; "" = none
	}{
		{"plugin.zip", []string{"plugin-descriptor.properties"}, LintCmd{OpenSearch: "3.8"}, searchpack.TypePlugin, "", "plugin."},
		{"wrapped.zip", []string{"p/plugin-descriptor.properties"}, LintCmd{OpenSearch: "3.8"}, searchpack.TypePlugin, "", "plugin."},
		{"config.zip", []string{"a.yml"}, LintCmd{}, searchpack.TypeConfig, "", ""},
		{"license.json", nil, LintCmd{Type: "PACKAGE-LICENSE"}, searchpack.TypeLicense, "", "license."},
	} {
		path := filepath.Join(dir, tt.name)
		if writeZip(t, path, tt.holds...); tt.holds == nil {
			if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tt.l.File = []string{path}
		out, err := lint(t, &tt.l, "json", Terminal{}, nil)
		var doc lintDocument
		if jsonErr := json.Unmarshal([]byte(out), &doc); jsonErr != nil {
			t.Fatalf("%s: %v, %v", tt.name, err, jsonErr)
		}
		if doc.PackageType != tt.as || doc.Kind != tt.kind || (doc.Count > 0) != (tt.rules != "") || tt.rules != "" && !strings.HasPrefix(doc.Findings[0].Rule, tt.rules) {
			t.Errorf("%s: %+v", tt.name, doc)
		}
		if errors.Is(err, ErrFound) != (doc.Errors > 0) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	broken := filepath.Join(dir, "broken.zip")
	if err := os.WriteFile(broken, []byte("no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := lint(t, &LintCmd{File: []string{broken}, OpenSearch: "3.8"}, "table", Terminal{}, nil); !errors.Is(err, ErrFound) || !strings.Contains(out, "error archive.") {
		t.Errorf("what is no zip: %v, %s", err, out)
	}
}

// A folder of Hunspell files and a zip of it are told apart from others, and nothing is left behind.
func TestLintFolder(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	for name, text := range map[string]string{"en_US.aff": "SET UTF-8\n", "en_US.dic": "1\nword\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	zipFile := filepath.Join(t.TempDir(), "hunspell.zip")
	writeZip(t, zipFile, "en_US.aff", "en_US.dic")
	for _, path := range []string{dir, zipFile} {
		out, err := lint(t, &LintCmd{File: []string{path}}, "json", Terminal{}, nil)
		var doc lintDocument
		if jsonErr := json.Unmarshal([]byte(out), &doc); jsonErr != nil {
			t.Fatalf("%s: %v, %v", path, err, jsonErr)
		}
		if doc.PackageType != searchpack.TypeDictionary || doc.Kind != searchpack.KindHunspell {
			t.Errorf("%s: %+v", path, doc)
		}
		if path == dir && (doc.Errors > 0 || err != nil) {
			t.Errorf("a good folder: %v, %+v", err, doc.Findings)
		}
	}
	// A file of a folder has the name that an editor opens.
	broken := filepath.Join(dir, "en_US.aff")
	if err := os.WriteFile(broken, []byte("SET UTF-8\nPFX A Y x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for output, want := range map[string]string{"table": broken + ":2: error hunspell.affix-header", "sarif": filepath.ToSlash(broken) + `"`} {
		if out, err := lint(t, &LintCmd{File: []string{dir}}, output, Terminal{}, nil); !errors.Is(err, ErrFound) || !strings.Contains(out, want) || strings.Contains(out, "!/") {
			t.Errorf("%s: %v, %s", output, err, out)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Standard input is read more than once where several analyzers read the file in their own ways.
func TestLintStandardInputTwice(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	text, err := os.ReadFile(lintData + "synonyms.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := lint(t, &LintCmd{File: []string{lintData + "synonyms.txt"}, Analyzer: lintData + "settings.json"}, "table", Terminal{}, nil)
	got, err := lint(t, &LintCmd{File: []string{"-"}, Name: lintData + "synonyms.txt", Analyzer: lintData + "settings.json"}, "table", Terminal{}, iotest.OneByteReader(bytes.NewReader(text)))
	if d := cmp.Diff(want, got); d != "" || !errors.Is(err, ErrFound) {
		t.Errorf("%v: %s", err, d)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	broken := iotest.ErrReader(errors.New("torn"))
	if _, err := lint(t, &LintCmd{File: []string{"-"}}, "table", Terminal{}, broken); err == nil || errors.Is(err, ErrFound) || !strings.Contains(err.Error(), "stdin: ") {
		t.Errorf("an input that breaks off: %v", err)
	}
}

// A hostile file cannot steer the terminal, nor make lines of its own.
func TestLintIsSafe(t *testing.T) {
	t.Parallel()
	text := "a => b => \x1b[2J\u202e\u2028x\r\nb => c => d\n"
	for form, terminal := range map[string]Terminal{"table": {}, "terminal": {Is: true, Columns: 40}, "json": {}, "sarif": {}} {
		output := form
		if form == "terminal" {
			output = "table"
		}
		out, _ := lint(t, &LintCmd{File: []string{"-"}, Name: "x\x1b[2J\nFAKE"}, output, terminal, strings.NewReader(text))
		if strings.ContainsAny(out, "\x1b\r\u202e\u2028") || strings.Contains(out, "\nFAKE") || !strings.Contains(out, "synonyms.two-arrows") {
			t.Errorf("%s: %q", form, out)
		}
	}
}

func TestLintSummary(t *testing.T) {
	t.Parallel()
	for want, all := range map[string]tally{
		"nothing found in 1 file":                          {files: 1},
		"1 finding in 2 files; no file fails":              {files: 2, others: 1},
		"0 errors and 2 other findings; 1 of 1 file fails": {files: 1, others: 2, failed: 1}, // strict
		"3 errors and 1 other finding; 2 of 3 files fail":  {files: 3, failed: 2, errors: 3, others: 1},
	} {
		if got := all.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
