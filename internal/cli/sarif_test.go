package cli

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

var sarifLevels = []string{"none", "note", "warning", "error"} // of the schema

// The log holds what the schema of SARIF 2.1.0 demands, and what forges demand beyond it: every rule
// described, every result at a rule and at a line.
func TestSARIF(t *testing.T) {
	t.Parallel()
	s := newSARIF(&Context{Version: "1"})
	for _, x := range []searchpack.Finding{
		{Rule: "synonyms.alone", Severity: searchpack.SeverityWarning, Line: 3, Column: 2, Text: "a", Message: "m", Remedy: "r"},
		{Rule: "file.empty", Severity: searchpack.SeverityMostly, Message: "m"},
		{Rule: "made.up", Severity: searchpack.SeverityError, Path: "inner.dic", Line: 7, Message: "m"},
		{Rule: "file.nul", Severity: searchpack.SeverityNote, Line: 1, Message: "m"},
	} {
		if err := s.file(linted{name: "some folder/x y#1.txt", result: inspect.Result{Findings: []searchpack.Finding{x}}}); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	s.c.Out = &b
	if err := s.end(tally{}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []sarifRule
				}
			}
			ColumnKind string
			Results    []sarifResult
		}
	}
	d := json.NewDecoder(strings.NewReader(b.String()))
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(log.Schema); err != nil || !u.IsAbs() || log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != 4 {
		t.Fatalf("not a log of SARIF 2.1.0: %s", b.String())
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name != "searchpack" || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("tool %s, %s", run.Tool.Driver.Name, run.ColumnKind)
	}
	checkSARIFRules(t, run.Tool.Driver.Rules)
	checkSARIFResults(t, run.Tool.Driver.Rules, run.Results)
	if got := fileURI("/a b/c"); got != "file:///a%20b/c" {
		t.Error(got)
	}
}

func checkSARIFRules(t *testing.T, rules []sarifRule) {
	t.Helper()
	if len(rules) != len(inspect.Rules()) {
		t.Errorf("%d rules", len(rules))
	}
	for i, r := range rules {
		if r.ID != inspect.Rules()[i].ID || r.ShortDescription.Text == "" || r.Help.Text == "" || !slices.Contains(sarifLevels, r.Configuration.Level) {
			t.Errorf("rule %+v", r)
		}
		if strings.ContainsAny(r.Help.Text, "%\ufffd") || strings.HasSuffix(r.Help.Text, "..") {
			t.Errorf("the help of %s is odd: %q", r.ID, r.Help.Text)
		}
	}
}

func checkSARIFResults(t *testing.T, rules []sarifRule, results []sarifResult) {
	t.Helper()
	want := []struct {
		level, inner string
		line         int
	}{{"warning", "", 3}, {"warning", "", 1}, {"error", "inner.dic:7", 1}, {"note", "", 1}}
	for i, r := range results {
		known := r.RuleIndex != nil && rules[*r.RuleIndex].ID == r.RuleID
		if known == (r.RuleID == "made.up") || r.Level != want[i].level || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result %+v", r)
			continue
		}
		l := r.Locations[0]
		if l.Physical.Artifact.URI != "some%20folder/x%20y%231.txt" || l.Physical.Region.StartLine != want[i].line {
			t.Errorf("place %+v", l)
		}
		if inner := len(l.Logical) > 0; inner != (want[i].inner != "") || inner && l.Logical[0].Name != want[i].inner {
			t.Errorf("inner place %+v", l.Logical)
		}
	}
}

// A log without findings has an empty list: no list would say that nothing was looked at.
func TestSARIFClean(t *testing.T) {
	t.Parallel()
	out, err := lint(t, &LintCmd{File: []string{"-"}}, "sarif", Terminal{}, strings.NewReader("a, b\n"))
	if err != nil || !strings.Contains(out, `"results": []`) {
		t.Errorf("%v: %s", err, out)
	}
}
