package hunspell

import (
	"slices"
	"strings"
	"unicode/utf16"
)

// affixes reads a block of PFX or SFX (Dictionary.parseAffix): "SFX A Y 2", then two rules.
func (p *affixParser) affixes(line string, parts []string) error {
	n, ok := 0, false
	if len(parts) > 3 {
		n, ok = parseInt(parts[3])
	}
	if !ok {
		if block := strings.Join(parts[:min(2, len(parts))], " "); len(parts) > 3 && block == p.block {
			p.tooMany(block, line)
		} else {
			p.report(badHeader, p.text.number, line, parts[0])
		}
		return nil
	}
	if parts[2] != "Y" && parts[2] != "N" {
		p.report(crossProduct, p.text.number, line, parts[2])
	}
	class, flag, header := parts[0], parts[1], p.text.number
	p.block = class + " " + flag
	if n > 0 {
		if f, ok := p.flagOf(flag, line); ok {
			p.define(f)
		}
	}
	for i := range n {
		row, ok, err := p.line()
		if err != nil {
			return err
		}
		if !ok {
			p.report(shortBlock, header, line, p.block, n, i)
			return nil
		}
		cells := fields(row)
		switch {
		case len(cells) < 4 && (trim(row) == "" || cells[0] != class):
			p.report(shortBlock, p.text.number, row, p.block, n, i)
		case len(cells) < 4:
			p.report(badAffix, p.text.number, row)
			continue // Lucene ends here; what follows is read for the reader's sake
		case cells[1] != flag:
			p.report(shortBlock, p.text.number, row, p.block, n, i)
		default:
			p.affix(class, row, cells)
			continue
		}
		p.text.again()
		return nil
	}
	return nil
}

// affix reads one rule: class, flag, what is stripped, what is appended, a condition.
func (p *affixParser) affix(class, row string, cells []string) {
	if cells[0] != class {
		p.report(foreignRow, p.text.number, row, p.block, cells[0])
	}
	strip, affix, condition := cells[2], cells[3], "."
	if strip == "0" {
		strip = ""
	}
	if len(cells) > 4 {
		condition = cells[4]
	}
	if i := strings.LastIndexByte(affix, '/'); i >= 0 {
		p.continuation(affix[i+1:], row)
	}
	switch fate := conditionOf(class, strip, condition); fate {
	case conditionRefused:
		p.report(badCondition, p.text.number, row, condition)
	case conditionNever:
		p.report(neverApplies, p.text.number, row, condition, strip)
	}
	if key := patternKey(class, strip, condition); key != alwaysTrue {
		p.numbered(p.patterns, key, maxPatterns, row, "conditions")
	}
	p.numbered(p.strips, strip, maxStrips, row, "texts to strip")
	if p.c.Entry != nil {
		p.entry(class+" "+cells[1], strings.Join(slices.Concat(cells[2:4], []string{condition}), " "), p.text.number)
	}
}

// continuation reads the flags behind an affix.
func (p *affixParser) continuation(text, row string) {
	if len(p.flags.values) == 0 {
		if err := p.continues(text, row); err != nil {
			p.report(badFlag, p.text.number, row, text, err)
		}
		return
	}
	n, fault := p.flags.lookUp(text)
	if fault != "" {
		p.report(badAlias, p.text.number, row, fault)
		return
	}
	err, known := p.aliased[n]
	if !known { // once: an alias may be a megabyte long, and each of a million rows name it
		err = p.continues(p.flags.values[n-1], row)
		p.aliased[n] = err
	}
	if err != nil {
		p.report(badFlag, p.text.number, row, p.flags.values[n-1], err)
	}
}

// continues takes up the flags behind an affix.
func (p *affixParser) continues(text, row string) error {
	flags, err := p.kind.parse(text)
	if err != nil {
		return err
	}
	for _, f := range flags {
		if !p.seen.has(f) {
			p.seen.add(f)
			p.continued = append(p.continued, f)
			if p.at == nil {
				p.at = map[uint16]place{}
			}
			if len(p.at) < maxShownFlags {
				p.at[f] = place{p.text.number, row}
			}
		}
	}
	slices.Sort(flags)
	switch key := string(utf16.Decode(flags)); {
	case p.appended.has(key):
	case p.appendedEnd <= maxAppended:
		p.appended.add(key)
		p.appendedEnd += len(flags) + 1
	default:
		p.reportOnce(row, "sets of flags behind affixes")
	}
	return nil
}

// What Lucene keeps in 16 bits (Dictionary.parseAffix).
const (
	maxPatterns = 1<<15 - 1
	maxStrips   = 1<<16 - 1
	maxAppended = 1<<15 - 1 // characters of all sets together, and one for each
	// maxShownFlags bounds the lines that are remembered for flags without a meaning.
	maxShownFlags = 1000
)

// numbered counts what Lucene gives numbers to.
func (p *affixParser) numbered(seen texts, key string, most int, row, what string) {
	switch {
	case seen.has(key):
	case seen.count() <= most:
		seen.add(key)
	default:
		p.reportOnce(row, what)
	}
}

func (p *affixParser) reportOnce(row, what string) {
	if p.told != what {
		p.told = what
		p.report(tooManyOf, p.text.number, row, what)
	}
}

// lookUp is Dictionary.getAliasValue, by the alias's number. fault says why there is none.
func (t *aliases) lookUp(number string) (n int, fault string) {
	n, ok := parseInt(number)
	if !ok {
		return 0, "where AF lists flags, their number stands for them, and this is none"
	}
	if n < 1 || n > len(t.values) {
		return 0, "it names an alias that AF does not have"
	}
	return n, ""
}
