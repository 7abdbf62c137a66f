package hunspell

import "strings"

// alwaysTrue is AffixCondition.ALWAYS_TRUE_KEY.
const alwaysTrue = ".*"

func isPattern(condition string) bool { return strings.ContainsAny(condition, "[.-") }

// patternKey is AffixCondition.uniqueKey.
func patternKey(class, strip, condition string) string {
	if condition == "." || class == "PFX" && strings.HasPrefix(strip, condition) ||
		class == "SFX" && strings.HasSuffix(strip, condition) && !isPattern(condition) {
		return alwaysTrue
	}
	return condition + " " + class + " " + strip
}

type conditionFate int

const (
	conditionFine conditionFate = iota
	conditionNever
	conditionRefused
)

// conditionOf is AffixCondition.compile, as far as it is certain here: what holds counts, characters
// outside of the basic plane, or escapes in what is matched against the stripped text, counts as fine.
func conditionOf(class, strip, condition string) conditionFate {
	if patternKey(class, strip, condition) == alwaysTrue {
		return conditionFine
	}
	if !isPattern(condition) {
		if class == "SFX" && strings.HasSuffix(condition, strip) || class == "PFX" && strings.HasPrefix(condition, strip) {
			return conditionFine
		}
		return conditionNever
	}
	if strings.ContainsRune(condition, '{') || !basic(condition+strip) {
		return conditionFine
	}
	if open := strings.LastIndexByte(condition, '['); open >= 0 && !strings.Contains(condition[open:], "]") {
		condition += "]"
	}
	parts, stripped := characters(condition), []rune(strip)
	if len(parts) <= len(stripped) {
		return conditionFine // matched against the text alone, by Java
	}
	mine, rest := parts[:len(stripped)], parts[len(stripped):]
	if class == "SFX" {
		split := len(parts) - len(stripped)
		mine, rest = parts[split:], parts[:split]
	}
	for i, part := range mine {
		switch matches, certain := matchesOne(part, stripped[i]); {
		case !certain:
			return conditionFine
		case !matches:
			return conditionNever
		}
	}
	if !(&pattern{text: []rune(strings.Join(rest, ""))}).valid() {
		return conditionRefused
	}
	return conditionFine
}

func basic(s string) bool {
	for _, r := range s {
		if r > 0xffff {
			return false
		}
	}
	return true
}

// characters splits a condition into what stands for one character each
// (AffixCondition.skipCharPattern).
func characters(condition string) []string {
	var out []string
	for condition != "" {
		size := 1
		for size < len(condition) && condition[size]&0xC0 == 0x80 {
			size++
		}
		if condition[0] == '[' {
			size = 2 + strings.IndexByte(condition[1:], ']')
		}
		out = append(out, condition[:size])
		condition = condition[size:]
	}
	return out
}

// matchesOne reports whether a part matches a character of the stripped text; certain is false where
// Java's patterns have more to say than is known here.
func matchesOne(part string, r rune) (matches, certain bool) {
	switch {
	case part == ".":
		return true, true
	case part[0] != '[':
		return part == string(r), !strings.ContainsAny(part, "()|*+?^$\"]\\")
	}
	inside, negated := strings.CutPrefix(part[1:len(part)-1], "^")
	if inside == "" || strings.ContainsAny(inside, "[&-^\\") {
		return false, false
	}
	return strings.ContainsRune(inside, r) != negated, true
}

// pattern follows RegExp of Lucene, without optional syntax and without counts, which conditionOf
// leaves out.
type pattern struct {
	text []rune
	at   int
	bad  bool
	deep int
}

func (p *pattern) valid() bool {
	p.union()
	return !p.bad && p.at == len(p.text)
}

func (p *pattern) peek(chars string) bool {
	return p.at < len(p.text) && strings.ContainsRune(chars, p.text[p.at])
}

func (p *pattern) match(c rune) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// char takes any character, or one behind a backslash: of the letters only those that name a class.
func (p *pattern) char() {
	escape := p.match('\\')
	if p.at >= len(p.text) {
		p.bad = true
		return
	}
	c := p.text[p.at]
	p.bad = escape && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') && !p.peek("dDsSwW")
	p.at++
}

func (p *pattern) union() {
	p.concat()
	for !p.bad && p.match('|') {
		p.concat()
	}
}

func (p *pattern) concat() {
	p.repeat()
	for !p.bad && p.at < len(p.text) && !p.peek(")|") {
		p.repeat()
	}
}

func (p *pattern) repeat() {
	p.simple()
	for !p.bad && p.peek("?*+") {
		p.at++
	}
}

// maxDeep bounds parentheses inside parentheses; deeper ones count as fine.
const maxDeep = 100

func (p *pattern) simple() {
	switch {
	case p.match('['):
		p.match('^')
		for first := true; !p.bad && (first || p.at < len(p.text) && !p.peek("]")); first = false {
			p.char()
		}
		p.bad = p.bad || !p.match(']')
	case p.match('"'):
		for p.at < len(p.text) && !p.peek(`"`) {
			p.at++
		}
		p.bad = !p.match('"')
	case p.match('('):
		if p.match(')') {
			return
		}
		if p.deep++; p.deep > maxDeep {
			p.at = len(p.text)
			return
		}
		p.union()
		p.deep--
		p.bad = p.bad || !p.match(')')
	default:
		p.char()
	}
}
