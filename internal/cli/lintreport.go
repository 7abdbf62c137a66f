package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// lintReport is a form in which findings are printed, file by file.
type lintReport interface {
	file(linted) error
	end(tally) error
}

func (c *Context) lintReport() lintReport {
	switch c.Globals.Output {
	case "json":
		return lintJSON{c}
	case "sarif":
		return newSARIF(c)
	}
	return lintText{c}
}

// kindSource says how the kind of a file is known, in the word of the extension API; "" if it is not.
func kindSource(r *inspect.Result) string {
	switch {
	case r.Kind == searchpack.KindUnknown:
		return ""
	case r.Declared:
		return "declared"
	case r.Learnt:
		return "learnt"
	}
	return "guessed"
}

// kindLine says what a file is and how that is known: "solr-synonyms, guessed, 95 % sure".
func kindLine(kind, source string, confidence int) string {
	switch {
	case kind == "":
		return "not known"
	case source == "guessed":
		return fmt.Sprintf("%s, guessed, %d %% sure", kind, confidence)
	case source == "":
		return kind
	}
	return kind + ", " + source
}

// lintJSON prints one object for each file, each on a line of its own.
type lintJSON struct{ c *Context }

// lintDocument is what is printed of a file.
type lintDocument struct {
	File           string                 `json:"file"`
	PackageType    searchpack.PackageType `json:"package_type"`
	Kind           searchpack.Kind        `json:"kind"`
	KindSource     string                 `json:"kind_source"`     // declared, learnt, guessed; "": not known
	KindConfidence int                    `json:"kind_confidence"` // percent
	Findings       []searchpack.Finding   `json:"findings"`        // at most inspect.MaxFindings
	Count          int                    `json:"count"`           // of all findings
	Errors         int                    `json:"errors"`          // of all errors
}

func (l lintJSON) file(f linted) error {
	doc := lintDocument{
		File: f.name, PackageType: f.as, Kind: f.result.Kind, KindSource: kindSource(&f.result), KindConfidence: f.result.Confidence,
		Findings: f.result.Findings, Count: f.result.FindingCount, Errors: f.result.ErrorCount,
	}
	if doc.Findings == nil {
		doc.Findings = []searchpack.Finding{}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(l.c.Out, escapeJSON(b.String()))
	return err
}

func (lintJSON) end(tally) error { return nil }

// lintText prints what compilers print: file:line:column: severity rule: message. In a pipe that is a
// line for each finding and nothing else; a terminal gets the text and what to write instead below it.
type lintText struct{ c *Context }

func (l lintText) file(f linted) error {
	p := &page{terminal: l.c.Terminal}
	if p.terminal.Is {
		what := string(f.as)
		if f.as == searchpack.TypeDictionary {
			what = kindLine(string(f.result.Kind), kindSource(&f.result), f.result.Confidence)
		}
		p.line("%s: %s", f.name, what)
	}
	for _, x := range f.result.Findings {
		p.finding(f.file(x))
	}
	if more := f.result.FindingCount - len(f.result.Findings); more > 0 {
		p.line("%s: note: and %s", f.name, counted(more, "more finding"))
	}
	_, err := io.WriteString(l.c.Out, p.text.String())
	return err
}

// end says on a terminal that it is all; the summary of errors is the command's error.
func (l lintText) end(t tally) error {
	if !l.c.Terminal.Is || t.failed > 0 {
		return nil
	}
	_, err := fmt.Fprintln(l.c.Out, t)
	return err
}

// finding writes a finding of a file.
func (p *page) finding(file string, f searchpack.Finding) {
	message := f.Message
	if f.OpenSearchLine > 0 {
		message += fmt.Sprintf(" (OpenSearch says line %d)", f.OpenSearchLine)
	}
	p.text.WriteString(OneLine(position(file, f)) + ": " + p.coloured(string(f.Severity)) + " " + OneLine(f.Rule+": "+message) + "\n")
	if !p.terminal.Is {
		return
	}
	if f.Text != "" {
		p.line("%s%s", below, f.Text)
	}
	if f.Remedy != "" {
		p.below(OneLine("To mend it: " + f.Remedy))
	}
}

// position is file:line:column as far as they are known; a file in a zip is zip!/file.
func position(file string, f searchpack.Finding) string {
	if f.Path != "" {
		file += "!/" + f.Path
	}
	if f.Line > 0 {
		file += fmt.Sprintf(":%d", f.Line)
		if f.Column > 0 {
			file += fmt.Sprintf(":%d", f.Column)
		}
	}
	return file
}
