package hunspell

import (
	"slices"
	"strings"
)

// what an option takes.
type takes int

const (
	takesFlag   takes = iota + 1 // one flag
	takesOne                     // one word
	takesFirst                   // one word or more
	takesNumber                  // a number, perhaps more
	takesAlone                   // nothing is looked at
)

// options that are one line, as Dictionary.readAffixFile reads them.
var options = map[string]takes{
	"CIRCUMFIX": takesFlag, "KEEPCASE": takesFlag, "FORCEUCASE": takesFlag, "NEEDAFFIX": takesFlag, "PSEUDOROOT": takesFlag,
	"ONLYINCOMPOUND": takesFlag, "FORBIDDENWORD": takesFlag, "NOSUGGEST": takesFlag, "SUBSTANDARD": takesFlag,
	"COMPOUNDFLAG": takesFlag, "COMPOUNDBEGIN": takesFlag, "COMPOUNDMIDDLE": takesFlag, "COMPOUNDEND": takesFlag,
	"COMPOUNDPERMITFLAG": takesFlag, "COMPOUNDFORBIDFLAG": takesFlag,
	"IGNORE": takesOne, "LANG": takesOne, "KEY": takesOne, "MAXNGRAMSUGS": takesOne, "MAXDIFF": takesOne,
	"WORDCHARS": takesFirst, "TRY": takesFirst,
	"COMPOUNDMIN": takesNumber, "COMPOUNDWORDMAX": takesNumber,
	"COMPLEXPREFIXES": takesAlone, "CHECKSHARPS": takesAlone, "FULLSTRIP": takesAlone, "NOSPLITSUGS": takesAlone,
	"ONLYMAXDIFF": takesAlone, "CHECKCOMPOUNDCASE": takesAlone, "CHECKCOMPOUNDDUP": takesAlone, "CHECKCOMPOUNDREP": takesAlone,
	"CHECKCOMPOUNDTRIPLE": takesAlone, "SIMPLIFIEDTRIPLE": takesAlone,
}

// foreign are options of Hunspell that give a flag a meaning there, and none in Lucene.
var foreign = []string{"WARN", "LEMMA_PRESENT", "COMPOUNDROOT", "COMPOUNDFIRST", "COMPOUNDLAST", "COMPOUNDSYLLABLE", "SYLLABLENUM", "FORBIDWARN"}

// option reads what begins with the line, which is trimmed and not empty. The error is the reader's.
func (p *affixParser) option(line string) error {
	parts := fields(line)
	switch name := parts[0]; name {
	case "AF":
		p.flags.add(p, line, parts)
	case "AM":
		p.morphs.add(p, line, parts)
	case "PFX", "SFX":
		return p.affixes(line, parts)
	case "ICONV", "OCONV", "BREAK", "REP", "MAP", "COMPOUNDRULE", "CHECKCOMPOUNDPATTERN":
		return p.table(name, line, parts)
	case "SET":
		p.lateSet(line, parts)
	case "FLAG":
		kind, err := parseFlagKind(line, p.charset.name)
		if err != nil {
			p.report(badFlagKind, p.text.number, line, err)
		} else if kind != p.kind {
			p.report(lateDirective, p.text.number, line, "FLAG")
		}
	default:
		p.single(name, line, parts)
	}
	return nil
}

func (p *affixParser) lateSet(line string, parts []string) {
	if !countIs(parts, 2) {
		p.report(badOption, p.text.number, line, "SET")
		return
	}
	c, ok := findCharset(parts[1])
	switch {
	case !ok:
		p.report(badCharset, p.text.number, line, parts[1])
	case c.name != p.charset.name:
		p.report(lateDirective, p.text.number, line, "SET")
	}
}

func (p *affixParser) single(name, line string, parts []string) {
	bad := func() { p.report(badOption, p.text.number, line, name) }
	switch options[name] {
	case takesFlag:
		if !countIs(parts, 2) {
			bad()
		} else if f, ok := p.flagOf(parts[1], line); ok {
			p.define(f)
		}
	case takesOne:
		if !countIs(parts, 2) {
			bad()
			return
		}
		p.keep(name, parts[1])
		n, number := parseInt(parts[1])
		if name == "MAXNGRAMSUGS" && !number || name == "MAXDIFF" && (!number || n < 0 || n > 10) {
			bad()
		}
	case takesFirst:
		if len(parts) < 2 {
			bad()
		}
	case takesNumber:
		if len(parts) < 2 {
			bad()
		} else if _, ok := parseInt(parts[1]); !ok {
			bad()
		}
	case takesAlone:
	default:
		p.unknown(name, parts)
	}
}

// keep takes up what word lists depend on.
func (p *affixParser) keep(name, value string) {
	switch name {
	case "IGNORE":
		p.ignored = value
	case "LANG":
		language, _, _ := strings.Cut(value, "_")
		p.turkic = language == "tr" || language == "az"
	}
}

// unknown lines are comments to Lucene. Flags that Hunspell itself gives a meaning to are no mistakes.
func (p *affixParser) unknown(name string, parts []string) {
	if slices.Contains(foreign, name) && len(parts) > 1 {
		if f, _, err := p.kind.one(parts[1]); err == nil {
			p.define(f)
		}
	}
}

// add reads a line of AF (Dictionary.parseAlias) or AM (parseMorphAlias).
func (t *aliases) add(p *affixParser, line string, parts []string) {
	name := parts[0]
	if !t.begun {
		number := ""
		switch {
		case name == "AM" && len(line) > 3:
			number = line[3:]
		case name == "AF" && len(parts) > 1:
			number = parts[1]
		}
		n, ok := parseInt(number)
		if !ok || n < 0 {
			p.report(badAliases, p.text.number, line, name)
			n = -1
		}
		t.begun, t.count = true, n
		return
	}
	if t.count >= 0 && len(t.values) >= t.count || len(t.values) >= maxAliases {
		if p.told != name {
			p.told = name
			p.report(manyAliases, p.text.number, line, name, t.count)
		}
		return
	}
	value := line[2:]
	if name == "AF" {
		if value = ""; len(parts) > 1 {
			value = parts[1]
		}
	}
	t.values = append(t.values, strings.Clone(value))
}

// maxAliases bounds a table. The largest dictionaries have some thousands.
const maxAliases = 1 << 20
