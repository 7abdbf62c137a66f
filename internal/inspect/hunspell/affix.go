package hunspell

import (
	"io"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// Affix reads a .aff file and returns what word lists need of it, and how many lines it has. The
// error is r's own. path names the file in findings.
func Affix(r io.Reader, path string, c *dict.Config) (*Affixes, int64, error) {
	return readAffixes(newPrologue(r), path, c)
}

func readAffixes(head *prologue, path string, c *dict.Config) (*Affixes, int64, error) {
	if head.err != nil {
		return nil, 0, head.err
	}
	p := &affixParser{
		Affixes: &Affixes{charset: latin1, converted: map[rune]bool{}}, source: source{path: path, c: c},
		patterns: newTexts(alwaysTrue), strips: newTexts(""), appended: newTexts(""), appendedEnd: 1, aliased: map[int]error{},
	}
	p.configure(head)
	p.cs = p.charset
	if p.charset.enc == nil {
		p.unread = true
		p.report(unreadCharset, 0, "", p.charset.name)
		return p.Affixes, 0, nil
	}
	p.text = newText(head.rest, p.charset)
	for {
		line, ok, err := p.line()
		if err != nil || !ok {
			p.end()
			return p.Affixes, p.text.number, err
		}
		if p.text.number == 1 {
			line = strings.TrimPrefix(line, "\uFEFF")
		}
		if line = trim(line); line != "" {
			c.Rules++
			if err := p.option(line); err != nil {
				return p.Affixes, p.text.number, err
			}
		}
	}
}

// affixParser is Dictionary.readAffixFile.
type affixParser struct {
	*Affixes
	source
	text      *text
	replaced  int64    // the line last found to hold replaced bytes
	block     string   // class and flag of the affix rules read last, "SFX A"
	told      string   // the block of which too many rows were reported
	continued []uint16 // flags behind affixes, each once
	seen      flagSet  // those in continued
	at        map[uint16]place

	aliased map[int]error // the aliases whose flags were looked at, and what is wrong with them
	// What Lucene numbers, with an end to the numbers.
	patterns, strips, appended texts
	appendedEnd                int
}

// place is a line, for findings that are made at the end.
type place struct {
	line int64
	text string
}

// line returns the next line as it stands there.
func (p *affixParser) line() (string, bool, error) {
	line, ok, err := p.text.next()
	if err != nil || !ok {
		return "", false, err
	}
	p.decoded(p.text.number, line, &p.replaced)
	return line, true, nil
}

// configure is Dictionary.readConfig, the pass that looks for SET and FLAG.
func (p *affixParser) configure(head *prologue) {
	flagLine, set := "", false
	for i, line := range head.lines() {
		switch fieldOf(line) {
		case "SET":
			set = true
			parts := fields(line)
			if !countIs(parts, 2) {
				p.report(badOption, int64(i+1), line, "SET")
				continue
			}
			c, ok := findCharset(parts[1])
			if !ok {
				p.report(badCharset, 0, line, parts[1])
				continue
			}
			p.charset = c
		case "FLAG":
			flagLine = line
		}
		if set && flagLine != "" {
			break
		}
	}
	if flagLine == "" {
		return
	}
	kind, err := parseFlagKind(flagLine, p.charset.name)
	if err != nil {
		p.report(badFlagKind, 0, flagLine, err)
		return
	}
	p.kind = kind
}

// fieldOf is line.split("\\s")[0].
func fieldOf(line string) string {
	if i := strings.IndexFunc(line, isSpace); i >= 0 {
		return line[:i]
	}
	return line
}

// countIs is Dictionary.splitBySpace's check: so many fields, and behind them a comment at most.
func countIs(parts []string, n int) bool {
	return len(parts) == n || len(parts) > n && strings.HasPrefix(parts[n], "#")
}

// end looks at the file as a whole.
func (p *affixParser) end() {
	for _, t := range []struct {
		aliases
		name string
	}{{p.flags, "AF"}, {p.morphs, "AM"}} {
		if t.begun && len(t.values) < t.count {
			p.report(fewAliases, 0, "", t.name, t.count, len(t.values))
		}
	}
	for _, f := range p.continued {
		if !p.defined.has(f) {
			at := p.at[f]
			p.report(undefinedFlag, at.line, at.text, p.kind.show(f))
		}
	}
}

// define gives a flag a meaning.
func (p *affixParser) define(f uint16) { p.defined.add(f) }

// flagOf reads a flag where one belongs and reports what is wrong with it.
func (p *affixParser) flagOf(text, line string) (uint16, bool) {
	f, several, err := p.kind.one(text)
	if err != nil {
		p.report(badFlag, p.text.number, line, text, err)
		return 0, false
	}
	if several {
		p.report(severalFlags, p.text.number, line, text, p.kind.show(f))
	}
	return f, true
}
