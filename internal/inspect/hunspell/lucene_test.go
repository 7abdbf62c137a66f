package hunspell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// read reads a dictionary of one .aff and one .dic file.
func read(t *testing.T, aff, dic string, entry func(dict.Entry)) *rule.Tally {
	t.Helper()
	var found rule.Tally
	c := &dict.Config{Findings: &found, Entry: entry}
	a, _, err := Affix(strings.NewReader(aff), "x.aff", c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Words(strings.NewReader(dic), "x.dic", a, c); err != nil {
		t.Fatal(err)
	}
	return &found
}

// latin1Bytes undoes how the cases are written: a character is a byte.
func latin1Bytes(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// The cases were given to Lucene's Dictionary, 9.12.1 and 10.4.0, with the same answers: "" or its
// exception, with the line where that has one.
func TestAsLucene(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/lucene.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct{ Aff, Dic, Lucene string }
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 200 {
		t.Errorf("only %d cases", len(cases))
	}
	for name, c := range cases {
		found := read(t, latin1Bytes(c.Aff), latin1Bytes(c.Dic), nil)
		if refused := found.Errors() > 0; refused != (c.Lucene != "") {
			t.Errorf("%s: Lucene: %q; here: %+v", name, c.Lucene, found.Findings())
		}
		var line int
		if _, err := fmt.Sscanf(c.Lucene, "@%d ", &line); err != nil || strings.Contains(c.Lucene, "Premature end") {
			continue // there Lucene names the last line, and here it is the one with the wrong number
		}
		if !slices.ContainsFunc(found.Findings(), func(f searchpack.Finding) bool {
			return f.Severity == searchpack.SeverityError && f.Line == line
		}) {
			t.Errorf("%s: Lucene names line %d; here: %+v", name, line, found.Findings())
		}
	}
}
