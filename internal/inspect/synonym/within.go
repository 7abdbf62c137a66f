package synonym

import (
	"cmp"
	"slices"
)

const (
	// fewTerms is up to how many terms all pairs are compared; more are sorted.
	fewTerms = 12
	// manySides is how many pairs of left and right terms are compared. Rules with more are not
	// looked at for circles.
	manySides = 1 << 12
	// maxAlike is how many terms of one rule, or of one set, are reported as being there already:
	// a longer list of them would push out what is said of other lines.
	maxAlike = 5
)

// within hashes the terms of a rule and compares them with each other. It reports whether the rule
// is to be compared with others: not if it says nothing.
func (s *solr) within() bool {
	l := &s.line
	if s.across.ended && l.distinct() {
		return true // nobody needs the hashes
	}
	for i := range l.terms {
		l.terms[i].spelled = s.words.spell(l.given(l.span(&l.terms[i])))
	}
	if len(l.terms) < l.count {
		s.report(notCompared, 0, "a rule has more than 65,536 terms, only the first ones are")
	}
	s.reported = 0
	s.alike(0, l.left)
	s.alike(l.left, len(l.terms))
	if l.explicit && l.left == 1 && len(l.terms) == 2 && l.terms[0].exact == l.terms[1].exact && l.terms[0].exact != 0 {
		s.report(itself, 0)
		return false
	}
	return true
}

// distinct reports whether a look at first and last bytes tells that no two terms that could matter to
// each other are alike. Of a large file, whose rules are no longer compared, that spares the hashes.
func (l *line) distinct() bool {
	if len(l.terms) < l.count || len(l.terms) > fewTerms || l.escapes {
		return false
	}
	if l.explicit && l.left == 1 && len(l.terms) == 2 { // it may be mapped to itself
		return l.differ(&l.terms[0], &l.terms[1])
	}
	for i := range l.terms {
		from := 0
		if i >= l.left {
			from = l.left
		}
		for j := from; j < i; j++ {
			if !l.differ(&l.terms[i], &l.terms[j]) {
				return false
			}
		}
	}
	return true
}

// differ reports that terms differ whatever case and form they are brought to. Of a term that begins
// (ends) with a letter or digit of ASCII, so does every fold of it: NFKC composes a letter with marks
// behind it, but not into another letter's, and ASCII has no marks.
func (l *line) differ(a, b *term) bool {
	if a.start == a.end || b.start == b.end {
		return false
	}
	return differByte(l.text[a.start], l.text[b.start]) || differByte(l.text[a.end-1], l.text[b.end-1])
}

func differByte(a, b byte) bool {
	x, y := plainByte[a], plainByte[b]
	return x != 0 && y != 0 && x != y
}

// plainByte is a letter or digit of ASCII in lower case; 0 = none.
var plainByte = func() (p [256]byte) {
	for c := byte('0'); c <= 'z'; c++ {
		switch {
		case c <= '9', 'a' <= c:
			p[c] = c
		case 'A' <= c && c <= 'Z':
			p[c] = c + 'a' - 'A'
		}
	}
	return p
}()

// alike reports terms of one side that are the same or differ only in their spelling: each one
// once, with the first of its kind.
func (s *solr) alike(from, to int) {
	terms := s.line.terms[from:to]
	if len(terms) <= fewTerms {
		for i := range terms {
			for j := range i {
				if terms[i].fold == terms[j].fold && terms[i].fold != 0 {
					s.pair(&terms[j], &terms[i])
					break
				}
			}
		}
		return
	}
	s.order = s.order[:0]
	for i := range terms {
		s.order = append(s.order, int32(i)) //nolint:gosec // maxTerms
	}
	slices.SortFunc(s.order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(terms[a].fold, terms[b].fold), cmp.Compare(a, b))
	})
	s.first = append(s.first[:0], make([]int32, len(terms))...)
	first := s.order[0]
	for _, i := range s.order {
		if terms[i].fold != terms[first].fold {
			first = i
		}
		s.first[i] = first
	}
	// In the order of the line: that of the hashes is another one in every run.
	for i, first := range s.first {
		if int(first) != i && terms[i].fold != 0 {
			s.pair(&terms[first], &terms[i])
		}
	}
}

// pair reports that b is a in this or another spelling.
func (s *solr) pair(a, b *term) {
	b.repeated = a.exact == b.exact
	if s.reported++; s.reported > maxAlike {
		return
	}
	at := s.line.firstVisible(s.line.span(b))
	switch {
	case b.repeated:
		if s.room(repeated) {
			s.keep(repeated, at, s.shown(b))
		}
	case a.form == b.form:
		if s.room(sameInForm) {
			s.keep(sameInForm, at, s.shown(b), s.line.number)
		}
	default:
		if s.room(sameInCase) {
			s.keep(sameInCase, at, s.shown(a), s.shown(b))
		}
	}
}
