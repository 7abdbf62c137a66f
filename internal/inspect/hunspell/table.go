package hunspell

import (
	"strings"
	"unicode/utf8"
)

// table reads a table: a line with the number of its rows, then the rows, which Lucene takes whatever
// they begin with.
func (p *affixParser) table(name, line string, parts []string) error {
	n, ok := 0, false
	if len(parts) > 1 {
		n, ok = parseInt(parts[1])
	}
	if !ok || n < 0 && name == "COMPOUNDRULE" {
		if len(parts) > 2 && p.block == name {
			p.tooMany(name, line)
		} else {
			p.report(badTable, p.text.number, line, name)
		}
		return nil
	}
	p.block = name
	header := p.text.number
	seen := newTexts()
	for i := range n {
		row, ok, err := p.line()
		if err != nil {
			return err
		}
		if !ok {
			p.report(shortTable, header, line, name, n, i)
			return nil
		}
		cells := fields(row)
		if fault := p.row(name, cells, seen); fault != "" {
			p.report(badRow, p.text.number, row, name, fault)
			if cells[0] != name {
				p.text.again() // perhaps it is what comes next
			}
			return nil
		}
		if cells[0] != name {
			p.report(foreignRow, p.text.number, row, name, cells[0])
		}
	}
	return nil
}

// tooMany reports the first row behind the last that the header counts.
func (p *affixParser) tooMany(block, line string) {
	if p.told != block {
		p.told = block
		p.report(longTable, p.text.number, line, block)
	}
}

// row says what is wrong with a row, "" if nothing is.
func (p *affixParser) row(name string, cells []string, seen texts) string {
	switch name {
	case "ICONV", "OCONV":
		if !countIs(cells, 3) {
			return "it needs what is replaced and by what, and nothing else"
		}
		if seen.has(cells[1]) {
			return "what it replaces stands in an earlier row"
		}
		if seen.count() < maxAliases {
			seen.add(cells[1])
		}
		if first, _ := utf8.DecodeRuneInString(cells[1]); name == "ICONV" {
			p.converted[first] = true
		}
	case "REP":
		if len(cells) < 3 {
			return "it needs what is replaced and by what"
		}
	case "BREAK":
		if !countIs(cells, 2) {
			return "it needs one word"
		}
	case "MAP":
		if len(cells) < 2 {
			return "it needs the characters"
		}
		return unclosed(cells[1])
	case "COMPOUNDRULE":
		if !countIs(cells, 2) {
			return "it needs one pattern"
		}
		return p.compoundRule(cells[1])
	case "CHECKCOMPOUNDPATTERN":
		if len(cells) < 3 {
			return "it needs two patterns"
		}
		for _, cell := range cells[1:3] {
			if _, flags, ok := strings.Cut(cell, "/"); ok {
				if fault := p.using(flags); fault != "" {
					return fault
				}
			}
		}
	}
	return ""
}

// unclosed is Dictionary.parseMapEntry.
func unclosed(s string) string {
	for {
		_, rest, ok := strings.Cut(s, "(")
		if !ok {
			return ""
		}
		if _, s, ok = strings.Cut(rest, ")"); !ok {
			return "a parenthesis is not closed"
		}
	}
}

// compoundRule is CompoundRule's constructor.
func (p *affixParser) compoundRule(s string) string {
	for s != "" {
		before, rest, ok := strings.Cut(s, "(")
		if fault := p.using(before); fault != "" || !ok {
			return fault
		}
		inside, after, ok := strings.Cut(rest, ")")
		if !ok {
			return "a parenthesis is not closed"
		}
		if fault := p.using(inside); fault != "" {
			return fault
		}
		s = strings.TrimPrefix(after, "*")
		if len(s) == len(after) {
			s = strings.TrimPrefix(after, "?")
		}
	}
	return ""
}

// using gives flags that a compound rule names a meaning.
func (p *affixParser) using(text string) string {
	flags, err := p.kind.parse(text)
	if err != nil {
		return err.Error()
	}
	for _, f := range flags {
		p.define(f)
	}
	return ""
}
