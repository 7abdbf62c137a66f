package cli

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// The part of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0) that says findings. Libraries for it bring a
// validator of schemas along and write dozens of empty members.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
		Help             sarifMessage `json:"help"`
		Configuration    struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPlace   `json:"physicalLocation"`
		Logical  []sarifInner `json:"logicalLocations,omitempty"`
	}
	sarifPlace struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int           `json:"startLine"`
		StartColumn int           `json:"startColumn,omitempty"`
		Snippet     *sarifMessage `json:"snippet,omitempty"`
	}
	// sarifInner is the file inside a zip: a location in the zip itself would mean nothing.
	sarifInner struct {
		Name string `json:"fullyQualifiedName"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// sarifReport gathers findings and prints one log at the end. Each file keeps a bounded number.
type sarifReport struct {
	c     *Context
	rules []sarifRule
	index map[string]int
	found []sarifResult
}

func newSARIF(c *Context) *sarifReport {
	s := &sarifReport{c: c, index: map[string]int{}, rules: []sarifRule{}, found: []sarifResult{}}
	for _, r := range inspect.Rules() {
		s.index[r.ID] = len(s.rules)
		s.rules = append(s.rules, sarifRuleOf(r))
	}
	return s
}

func sarifRuleOf(r *rule.Rule) sarifRule {
	out := sarifRule{
		ID: r.ID, ShortDescription: sarifMessage{sentence(r.Title)},
		Help: sarifMessage{sentence(r.General()) + " To mend it: " + strings.TrimSuffix(r.Remedy, ".") + "."},
	}
	out.Configuration.Level = sarifLevel(r.Severity)
	return out
}

func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:] + "."
}

// sarifLevel: what most analyzers refuse is a warning, as for the exit status.
func sarifLevel(s searchpack.Severity) string {
	switch s {
	case searchpack.SeverityError:
		return "error"
	case searchpack.SeverityNote:
		return "note"
	}
	return "warning"
}

func (s *sarifReport) file(f linted) error {
	for _, x := range f.result.Findings {
		name, x := f.file(x)
		message := x.Message
		if x.Remedy != "" {
			message += ". To mend it: " + x.Remedy
		}
		r := sarifResult{RuleID: x.Rule, Level: sarifLevel(x.Severity), Message: sarifMessage{message}}
		if i, ok := s.index[x.Rule]; ok {
			r.RuleIndex = &i
		}
		// What is about the whole file stands at its first line: forges show nothing without a line.
		location := sarifLocation{Physical: sarifPlace{Artifact: sarifArtifact{fileURI(name)}, Region: sarifRegion{StartLine: 1}}}
		switch {
		case x.Path != "":
			location.Logical = []sarifInner{{strings.TrimPrefix(position("", x), "!/")}}
		case x.Line > 0:
			location.Physical.Region = sarifRegion{StartLine: x.Line, StartColumn: x.Column}
			if x.Text != "" {
				location.Physical.Region.Snippet = &sarifMessage{x.Text}
			}
		}
		r.Locations = []sarifLocation{location}
		s.found = append(s.found, r)
	}
	return nil
}

// fileURI writes a path as a URI, relative if the path is.
func fileURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}

func (s *sarifReport) end(tally) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:       sarifTool{sarifDriver{Name: "searchpack", Version: s.c.Version, Rules: s.rules}},
		ColumnKind: "unicodeCodePoints", Results: s.found,
	}}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.c.Out, escapeJSON(b.String()))
	return err
}
