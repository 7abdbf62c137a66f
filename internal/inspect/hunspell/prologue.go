package hunspell

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// maxPrologue is how many bytes of a .aff file Lucene searches for SET and FLAG
// (Dictionary.MAX_PROLOGUE_SCAN_WINDOW, less one).
const maxPrologue = 30*1024 - 1

// prologue is the beginning of a file, read ahead.
type prologue struct {
	bom  bool
	text []byte // without the byte order mark
	rest io.Reader
	err  error
}

func newPrologue(r io.Reader) *prologue {
	buf := make([]byte, len(rule.BOM)+maxPrologue)
	n, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	p := &prologue{text: buf[:n], err: err}
	if bytes.HasPrefix(p.text, rule.BOM) {
		p.bom, p.text = true, p.text[len(rule.BOM):]
	}
	p.rest = io.MultiReader(bytes.NewReader(p.text), r)
	return p
}

// all gives the file from its beginning, the byte order mark too.
func (p *prologue) all() io.Reader {
	if p.bom {
		return io.MultiReader(bytes.NewReader(rule.BOM), p.rest)
	}
	return p.rest
}

// lines are the lines that Lucene's first pass sees; the last may be cut off.
func (p *prologue) lines() []string {
	text := p.text[:min(len(p.text), maxPrologue)]
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
}

type fileKind int

const (
	wordFile fileKind = iota
	affixFile
)

// kind says what kind of file begins like this: one of affix rules has an option that no word list
// begins a line with.
func (p *prologue) kind() (fileKind, error) {
	for _, line := range p.lines() {
		switch first := fields(trim(line)); first[0] {
		case "SET", "FLAG", "PFX", "SFX", "AF", "TRY", "REP", "WORDCHARS", "ICONV", "OCONV", "LANG":
			if len(first) > 1 {
				return affixFile, p.err
			}
		}
	}
	return wordFile, p.err
}
