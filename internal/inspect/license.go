package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/xmlbound"
)

// byteOrderMark may begin an XML document, and no JSON document.
const byteOrderMark = "\uFEFF"

var badLicense = &rule.Rule{
	ID: "license.malformed", Severity: searchpack.SeverityError, Title: "a license that cannot be read",
	Message: "the license cannot be read: %s", Remedy: "upload one well-formed document, .json or .xml",
}

// License inspects a PACKAGE-LICENSE: one well-formed document. format is "json" or "xml". What the
// document says is the plugin's business. The error is the reader's; a bad file is no error but
// findings.
func License(r io.Reader, format string) (Result, error) {
	in := &failingReader{r: r}
	var fault string
	switch format {
	case "json":
		fault = jsonFault(in)
	case "xml":
		fault = xmlFault(in)
	default:
		fault = fmt.Sprintf("it is neither .json nor .xml but %q", rule.Shown([]byte(format)))
	}
	if in.err != nil {
		return Result{}, fmt.Errorf("read the license: %w", in.err)
	}
	var out rule.Tally
	if fault != "" {
		badLicense.Report(&out, rule.Place{}, rule.Shown([]byte(fault)))
	}
	return Result{}.with(&out), nil
}

// jsonFault says why the bytes are not one JSON document; "" if they are.
func jsonFault(r io.Reader) string {
	d := json.NewDecoder(r)
	d.UseNumber()
	depth, documents := 0, 0
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && documents == 0:
			return "it is empty"
		case errors.Is(err, io.EOF) && depth > 0:
			return "it ends too early"
		case errors.Is(err, io.EOF):
			return ""
		case err != nil:
			return fmt.Sprintf("after byte %d: %v", d.InputOffset(), err)
		}
		closes := token == json.Delim(']') || token == json.Delim('}')
		if depth == 0 && !closes {
			documents++
		}
		switch {
		case closes:
			depth--
		case token == json.Delim('[') || token == json.Delim('{'):
			depth++
		}
		if fault := bounds(depth, documents); fault != "" {
			return fmt.Sprintf("after byte %d: %s", d.InputOffset(), fault)
		}
	}
}

// xmlFault says why the bytes are not one XML document in UTF-8; "" if they are.
func xmlFault(r io.Reader) string {
	text := bufio.NewReader(r)
	if mark, err := text.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark)) // peeked at
	}
	bounded := xmlbound.NewReader(text, 0)
	d := xml.NewDecoder(bounded)
	depth, documents := 0, 0
	for {
		bounded.Begin(d.InputOffset())
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && documents == 0:
			return "it has no element"
		case errors.Is(err, io.EOF): // open elements are a syntax error
			return ""
		case err != nil:
			return fmt.Sprintf("after byte %d: %v", d.InputOffset(), err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				documents++
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(token)) > 0 {
				return fmt.Sprintf("after byte %d: text outside of the document", d.InputOffset())
			}
		}
		if fault := bounds(depth, documents); fault != "" {
			return fmt.Sprintf("after byte %d: %s", d.InputOffset(), fault)
		}
	}
}

func bounds(depth, documents int) string {
	switch {
	case documents > 1:
		return "more than one document"
	case depth > xmlbound.MaxDepth:
		return fmt.Sprintf("nested more than %d deep", xmlbound.MaxDepth)
	}
	return ""
}

// failingReader remembers the reader's own error, which says nothing about the document.
type failingReader struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
