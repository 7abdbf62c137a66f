package inspect

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

var updateDocs = flag.Bool("update-docs", false, "write docs/rules.md")

const rulesPage = "../../docs/rules.md"

// TestRulesPage: each rule has an example, testdata/rules/<id>.txtar; its bad file has a finding of
// the rule, with the rule's severity, and its good one has none. docs/rules.md is made of them.
//
// The comment of an example has lines "kind: words" or "package: ZIP-PLUGIN", "opensearch: 3.8.0" or
// "engine: OpenSearch_3.8", and "rules: aws"; "bad opensearch: 2.19.0" is for one side. Files: bad and good, or for a zip bad/NAME and good/NAME;
// vulnerabilities is a database of them.
// \uXXXX, \xXX and \t stand for themselves if the comment says "escapes: yes", \{x*500} for 500 times
// x, \{1..500} for the numbers, one a line, and \{a1..500} for the same in letters, each with a 1
// behind it. The kind may differ: "bad kind: wrods". bad.settings and good.settings are those of the
// index that reads the file; "analyzer: whitespace", "lenient: yes" and "expand: no" are those of a
// synonym filter. A zip that no honest tool makes is made by changes, as in "bad zip: a.txt local-name
// b.txt; * suffix text" (inspecttest.Changed).
func TestRulesPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(rulesHead)
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] {
			t.Errorf("two rules have the id %s", r.ID)
		}
		seen[r.ID] = true
		if r.Title == "" || r.Message == "" || r.Remedy == "" {
			t.Errorf("%s lacks a title, a message or a remedy", r.ID)
		}
		x, err := readExample(r.ID)
		if err != nil {
			t.Errorf("the rule %s has no example: %v", r.ID, err)
			continue
		}
		for _, side := range []string{"bad", "good"} {
			found := slices.ContainsFunc(x.run(t, side).Findings, func(f searchpack.Finding) bool {
				return f.Rule == r.ID && f.Severity == r.Severity
			})
			if found != (side == "bad") {
				t.Errorf("%s: the %s example has the finding: %v; all: %v", r.ID, side, found, brief(x.run(t, side).Findings))
			}
		}
		x.write(&page, r)
	}
	if *updateDocs {
		if err := os.WriteFile(rulesPage, []byte(page.String()), 0o644); err != nil { //nolint:gosec // a page
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(have), page.String()); diff != "" {
		t.Errorf("docs/rules.md is not up to date: go test ./internal/inspect -run TestRulesPage -update-docs (-have +want)\n%s", diff)
	}
}

// Examples of rules that are gone would be forgotten else.
func TestExamplesHaveRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		id := strings.TrimSuffix(filepath.Base(f), ".txtar")
		if !slices.ContainsFunc(Rules(), func(r *rule.Rule) bool { return r.ID == id }) {
			t.Errorf("%s belongs to no rule", f)
		}
	}
}

const rulesHead = `# Rules of the inspection

Made from the code and its examples (` + "`internal/inspect/testdata/rules`" + `): do not edit. Each bad example was inspected and has the finding, each
good one was and has not. What the severities mean, and when a version fails: [dictionaries](dictionaries.md), [packages](packages.md).
`

// example is a file of testdata/rules.
type example struct {
	options map[string]string
	files   []txtar.File
}

func readExample(id string) (*example, error) {
	a, err := txtar.ParseFile(filepath.Join("testdata", "rules", id+".txtar"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write internal/inspect/testdata/rules/%s.txtar", id)
	}
	if err != nil {
		return nil, err
	}
	x := &example{options: map[string]string{}, files: a.Files}
	for line := range strings.Lines(string(a.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			x.options[key] = value
		}
	}
	return x, nil
}

// file returns a file of the example, nil if there is none of that name.
func (x *example) file(name string) []byte {
	for _, f := range x.files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// run inspects the bad or the good file.
func (x *example) run(t *testing.T, side string) Result {
	t.Helper()
	var files []inspecttest.File
	for _, f := range x.files {
		data := f.Data
		if x.options["escapes"] != "" {
			data = unescaped(t, data)
		}
		if f.Name == side && x.options["package"] == string(searchpack.TypeLicense) {
			res, err := License(bytes.NewReader(data), "json")
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if f.Name == side {
			o := Options{Declared: searchpack.Kind(cmp.Or(x.options[side+" kind"], x.options["kind"]))}
			if v := x.options["opensearch"]; v != "" {
				var err error
				if o.OpenSearch, err = target.Parse(v); err != nil {
					t.Fatal(err)
				}
			}
			o.Lenient, o.NoExpand = x.options["lenient"] != "", x.options["expand"] == "no"
			if a := x.options["analyzer"]; a != "" {
				o.Analyzer = inspecttest.Analyzer(a)
			}
			if document := x.file(side + ".settings"); document != nil {
				readers, err := analyzer.Readers(document, "dictionary.txt", o.Declared)
				if err != nil {
					t.Fatal(err)
				}
				o.Analyzer = readers[0].Chain
			}
			res, err := Dictionary(bytes.NewReader(data), o)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if name, ok := strings.CutPrefix(f.Name, side+"/"); ok {
			files = append(files, inspecttest.File{Name: name, Data: data})
		}
	}
	if len(files) == 0 && x.options["package"] == "" {
		t.Fatalf("there is no %s file", side)
	}
	z, _ := x.zip(t, side, files)
	return x.runZip(t, side, z)
}

// zip makes the zip of one side, and says in words what was changed in it.
func (x *example) zip(t *testing.T, side string, files []inspecttest.File) (z []byte, words []string) {
	t.Helper()
	var err error
	if changes := cmp.Or(x.options[side+" zip"], x.options["zip"]); changes != "" {
		z, words, err = inspecttest.Changed(files, strings.Split(changes, "; ")...)
	} else {
		z, err = inspecttest.Zip(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return z, words
}

// exampleUnpacked is the limit that examples are held against, in bytes.
const exampleUnpacked = 8 << 20

func (x *example) runZip(t *testing.T, side string, z []byte) (res Result) {
	t.Helper()
	var err error
	switch searchpack.PackageType(x.options["package"]) {
	case searchpack.TypePlugin:
		rules := PluginRules{EngineVersion: x.options["engine"], MaxUnpacked: exampleUnpacked, AWS: x.options["rules"] == "aws", Vulnerabilities: x.vulnerabilities(t)}
		_, res, err = Plugin(bytes.NewReader(z), int64(len(z)), rules)
	case searchpack.TypeDictionary:
		o := Options{Declared: searchpack.Kind(x.options["kind"])}
		if v := x.options[side+" opensearch"]; v != "" {
			if o.OpenSearch, err = target.Parse(v); err != nil {
				t.Fatal(err)
			}
		}
		res, err = Folder(bytes.NewReader(z), int64(len(z)), exampleUnpacked, o)
	case searchpack.TypeConfig:
		res, err = Config(bytes.NewReader(z), int64(len(z)), exampleUnpacked)
	default:
		t.Fatalf("an example of files needs a line package: ZIP-PLUGIN, PACKAGE-CONFIG or TXT-DICTIONARY")
	}
	if err != nil {
		t.Fatal(err)
	}
	return res
}

var counted = regexp.MustCompile(`^\\\{(a?)1\.\.(\d+)\}`)

var repeated = regexp.MustCompile(`^\\\{(?s:(.+?))\*(\d+)\}`)

// vulnerabilities is the database of the example, nil if it has none.
func (x *example) vulnerabilities(t *testing.T) *vuln.Database {
	t.Helper()
	for _, f := range x.files {
		if f.Name == "vulnerabilities" {
			d, err := vuln.Load(bytes.NewReader(f.Data))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	return nil
}

// unescaped resolves what cannot be written, or not be seen, in a file of examples.
func unescaped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out []byte
	for i := 0; i < len(data); i++ {
		if m := repeated.FindSubmatch(data[i:]); m != nil {
			times, _ := strconv.Atoi(string(m[2]))
			out = append(out, bytes.Repeat(m[1], times)...)
			i += len(m[0]) - 1
			continue
		}
		if m := counted.FindSubmatch(data[i:]); m != nil {
			last, _ := strconv.Atoi(string(m[2]))
			for n := 1; n <= last; n++ {
				from := len(out)
				out = strconv.AppendInt(out, int64(n), 10)
				if len(m[1]) > 0 {
					for i := range out[from:] {
						out[from+i] += 'a' - '0'
					}
					out = append(out, '1')
				}
				out = append(out, '\n')
			}
			i += len(m[0]) - 1
			continue
		}
		var n, size int
		switch rest := string(data[i:min(i+6, len(data))]); {
		case strings.HasPrefix(rest, `\t`):
			n, size = '\t', 2
		case strings.HasPrefix(rest, `\x`):
			size = 4
			if _, err := fmt.Sscanf(rest[2:4], "%x", &n); err != nil {
				t.Fatal(err)
			}
			out = append(out, byte(n)) //nolint:gosec // two digits
			i += size - 1
			continue
		case strings.HasPrefix(rest, `\u`):
			size = 6
			if _, err := fmt.Sscanf(rest[2:6], "%x", &n); err != nil {
				t.Fatal(err)
			}
		default:
			out = append(out, data[i])
			continue
		}
		out = append(out, string(rune(n))...)
		i += size - 1
	}
	return out
}

// write puts the rule on the page.
func (x *example) write(page *strings.Builder, r *rule.Rule) {
	fmt.Fprintf(page, "\n## `%s`\n\n**%s**: %s. ", r.ID, strings.ReplaceAll(string(r.Severity), "-", " "), r.Title)
	message := r.General()
	fmt.Fprintf(page, "%s%s.\n\nTo mend it: %s.\n", strings.ToUpper(message[:1]), message[1:], r.Remedy)
	for _, side := range []string{"bad", "good"} {
		what := map[string]string{"bad": "Bad", "good": "Good"}[side]
		if kind := cmp.Or(x.options[side+" kind"], x.options["kind"]); kind != "" {
			what += " (`" + kind + "`)"
		}
		if changes := cmp.Or(x.options[side+" zip"], x.options["zip"]); changes != "" {
			what += ", where " + x.words(side, changes)
		}
		fmt.Fprintf(page, "\n%s:\n\n```text\n", what)
		empty := true
		for _, f := range x.files {
			name, in := strings.CutPrefix(f.Name, side+"/")
			if f.Name == side+".settings" {
				name, in = "settings of the index", true
			}
			if f.Name != side && !in {
				continue
			}
			if !in && x.file(side+".settings") != nil {
				page.WriteString("-- the file --\n")
			}
			if in {
				fmt.Fprintf(page, "-- %s --\n", name)
			}
			empty = empty && len(f.Data) == 0 && !in
			page.Write(f.Data)
		}
		if empty {
			page.WriteString("(an empty file)\n")
		}
		page.WriteString("```\n")
	}
}

// words says what is changed in the zip of one side; run has made it before.
func (x *example) words(side, changes string) string {
	var files []inspecttest.File
	for _, f := range x.files {
		if name, ok := strings.CutPrefix(f.Name, side+"/"); ok && !strings.HasSuffix(name, ".class") {
			files = append(files, inspecttest.File{Name: name})
		}
	}
	_, words, err := inspecttest.Changed(files, strings.Split(changes, "; ")...)
	if err != nil {
		return err.Error()
	}
	return strings.Join(words, " and ")
}
