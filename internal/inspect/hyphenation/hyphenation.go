// Package hyphenation reads the hyphenation patterns of the filter hyphenation_decompounder: XML, as
// Lucene's PatternParser takes it from Java's SAX parser. What that parser refuses is refused here too,
// as far as encoding/xml and the checks around it can tell: it is stricter than encoding/xml in much.
// Where they cannot (what a DTD in the file declares, XML 1.1), a note says that nobody looked.
package hyphenation

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/xmlbound"
)

const (
	// maxToken is how many bytes of one text between tags, comment or declaration are read as a whole.
	// The patterns of a language, all in one text, have a hundredth of that.
	maxToken = 16 << 20
	// maxTag is the same of a tag, whose attributes cost far more than their length.
	maxTag = 64 << 10
	// maxEntity is how many bytes an entity may stand for, and by how much less of a text is read as a
	// whole where there are entities.
	maxEntity = 256
	// maxName is the longest name that Java's parser takes (jdk.xml.maxXMLNameLimit).
	maxName = 1000
)

// Read reads hyphenation patterns. It is a dict.Reader.
func Read(r io.Reader, c *dict.Config) (int64, error) {
	in := &source{r: r}
	d := document{c: c, patterns: newPatterns(c)}
	if err := d.read(in); err != nil && in.err == nil {
		d.report(err)
	} else if err == nil {
		d.patterns.end()
	}
	_, _ = io.Copy(io.Discard, in) // counts the lines; its error is kept
	return in.lineCount(), in.err
}

// problem is a finding that ends the reading.
type problem struct {
	rule  *rule.Rule
	place rule.Place
	args  []any
}

func (p *problem) Error() string { return p.rule.ID }

// document is one file.
type document struct {
	c        *dict.Config
	patterns *patterns
	head     head
	decoder  *xml.Decoder
	bytes    *xmlbound.Reader
	checks   checks
}

func (d *document) read(in *source) error {
	text, err := d.head.read(in)
	if err != nil {
		return err
	}
	d.bytes = xmlbound.NewReader(&characters{r: text, at: d.head.end}, maxTag)
	d.bytes.MaxToken = maxToken
	d.decoder = xml.NewDecoder(d.bytes)
	for {
		begin := d.decoder.InputOffset()
		at := d.place()
		d.bytes.Begin(begin)
		token, err := d.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return d.checks.end(at)
		}
		if err != nil {
			return d.failure(err)
		}
		end := d.decoder.InputOffset()
		if err := d.checks.token(token, d.bytes.Token(begin, end), end-begin, at); err != nil {
			return err
		}
		if d.checks.dtd != nil {
			d.report(d.checks.dtd)
			d.checks.dtd = nil
		}
		if len(d.checks.entities) > 0 && d.decoder.Entity == nil {
			d.decoder.Entity = d.checks.entities
			d.bytes.MaxToken = maxToken / maxEntity
		}
		if err := d.patterns.token(token, at); err != nil {
			return err
		}
	}
}

// place is the line that the decoder, which does not see the head, has come to. Its columns are bytes.
func (d *document) place() rule.Place {
	line, _ := d.decoder.InputPos()
	return rule.Place{Line: int64(line) + d.head.end.Line - 1}
}

// failure is what the decoder's error says of the file.
func (d *document) failure(err error) error {
	at := d.place()
	var p *problem
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, xmlbound.ErrTooLong), errors.Is(err, xmlbound.ErrTooManyEquals):
		return &problem{unread, at, []any{err.Error()}}
	case errors.As(err, &syntax):
		if d.checks.declares && isEntity(syntax.Msg) {
			return &problem{unread, at, []any{"what the DTD declares is not known here: " + syntax.Msg}}
		}
		return malformedAt(at, "%s", syntax.Msg)
	}
	// What encoding/xml says of <?xml at a place where it is no declaration; or the reader's own error,
	// which is no finding.
	return malformedAt(at, "%s", err)
}

func malformedAt(at rule.Place, format string, args ...any) *problem {
	return &problem{malformed, at, []any{rule.Shown(fmt.Appendf(nil, format, args...))}}
}

// report makes a finding of the error that ended the reading.
func (d *document) report(err error) {
	var p *problem
	if errors.As(err, &p) {
		p.rule.Report(d.c.Findings, p.place, p.args...)
	}
}

// source is the file's bytes: it counts lines and remembers the reader's own error.
type source struct {
	r     io.Reader
	err   error
	lines int64
	last  byte
	any   bool
	idle  int // reads in a row that gave nothing
}

// maxIdle ends a reader that gives neither bytes nor an error.
const maxIdle = 100

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if s.idle++; n > 0 || err != nil {
		s.idle = 0
	} else if s.idle > maxIdle {
		err = io.ErrNoProgress
	}
	for _, c := range p[:n] {
		if c == '\r' || c == '\n' && s.last != '\r' {
			s.lines++
		}
		s.last, s.any = c, true
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *source) lineCount() int64 {
	if s.any && s.last != '\n' && s.last != '\r' {
		return s.lines + 1
	}
	return s.lines
}
