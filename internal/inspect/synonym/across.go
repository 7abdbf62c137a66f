package synonym

import (
	"fmt"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// across compares the rules of a file with each other, as far as its table reaches.
type across struct {
	table   table
	circles circles
	ended   bool // the table is full
}

// compare looks for the rule of the line and for its terms among those before, and remembers them.
// Lucene adds up all rules (SynonymMap.Builder): a pair that is there already changes nothing, and a
// term keeps its original as soon as one group has it.
func (s *solr) compare() {
	a := &s.across
	if a.ended {
		return
	}
	l := &s.line
	key, seen := a.table.entry(s.meaning())
	if key == nil || l.number > maxLine {
		s.stop()
		return
	}
	if *seen != 0 {
		if s.room(duplicate) {
			s.keep(duplicate, 0, seen.line())
		}
		return
	}
	*seen = asRule.at(l.number)
	both := l.explicit && s.markBoth()
	closes := 0
	for i := range l.terms {
		t := &l.terms[i]
		if t.repeated || t.exact == 0 {
			continue
		}
		role := asGroup
		if l.explicit {
			role = asRight
			if i < l.left {
				role = asLeft
			}
		}
		known := s.remember(t, role, both)
		if known == 0 {
			s.stop()
			return
		}
		if role == asLeft && known&asRight != 0 {
			closes |= 1
		} else if role == asRight && known&asLeft != 0 {
			closes |= 2
		}
	}
	if closes == 3 { // the line may close a circle
		a.circles.closing(l)
	}
}

// stop ends the comparing: the table is full.
func (s *solr) stop() {
	s.across.ended = true
	s.report(notCompared, 0, fmt.Sprintf("from line %d on, the rules are too many to be remembered", s.line.number))
}

// meaning is a hash of what the rule says: equal for rules with the same terms in other order.
func (s *solr) meaning() uint64 {
	l := &s.line
	var left, right uint64
	for i := range l.terms {
		if t := &l.terms[i]; !t.repeated {
			if i < l.left {
				left += mix(t.exact)
			} else {
				right += mix(t.exact)
			}
		}
	}
	switch {
	case l.explicit:
		return mix(mix(left+1) + right)
	case s.c.NoExpand: // all terms become the first
		return mix(mix(l.terms[0].exact+2) + right)
	}
	return mix(right + 3)
}

// mix spreads a number over all bits (the finalizer of splitmix64).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return h ^ h>>31
}

// markBoth finds the terms on both sides of an arrow: "a => a, b" keeps a, which is no circle. It
// reports whether the terms may be in circles at all.
func (s *solr) markBoth() bool {
	l := &s.line
	left, right := l.terms[:l.left], l.terms[l.left:]
	if len(left)*len(right) > manySides {
		return false
	}
	for i := range left {
		for j := range right {
			if left[i].exact == right[j].exact {
				left[i].both, right[j].both = true, true
			}
		}
	}
	return true
}

// remember takes a term into the table and reports what it says against lines before. It returns
// what was known of the term, not 0 unless the table is full. Of a term in several spellings only the
// first one is followed.
func (s *solr) remember(t *term, role slot, circles bool) slot {
	l := &s.line
	key, seen := s.across.table.entry(t.fold)
	if key == nil {
		return 0
	}
	if *seen == 0 {
		*key |= t.fingerprint()
		*seen = role.at(l.number)
		if role == asLeft && t.both {
			*seen |= keeps
		}
		return role
	}
	if differs := *key&^hashMask ^ t.fingerprint(); differs != 0 {
		s.otherSpelling(t, seen, differs)
		return told
	}
	before := *seen
	circles = circles && !t.both
	switch role {
	case asLeft:
		s.rememberLeft(t, seen, circles)
	case asGroup:
		switch {
		case before&asLeft != 0 && before&asGroup == 0:
			s.reportTerm(groupAndArrow, t, before.line())
		case before&(asLeft|asGroup) == 0:
			s.place(t, before.line(), asRight)
			*seen = before.at(l.number)
		}
	case asRight:
		if circles {
			s.place(t, l.number, asRight)
		}
	}
	*seen |= role
	return before
}

// rememberLeft is remember for a term on the left that is known.
func (s *solr) rememberLeft(t *term, seen *slot, circles bool) {
	before, line := *seen, s.line.number
	switch {
	case before&asLeft != 0:
		if before.line() != line {
			s.reportTerm(merged, t, before.line())
		}
		if circles {
			s.place(t, line, asLeft)
		}
		return
	case before&asGroup != 0:
		s.reportTerm(groupAndArrow, t, before.line())
	default:
		s.place(t, before.line(), asRight)
	}
	*seen = before.at(line)
	if t.both {
		*seen |= keeps
	}
}

// place keeps a place for the search of circles.
func (s *solr) place(t *term, line int64, role slot) {
	s.across.circles.add(t.fold, line, role, len(s.across.table.pages))
}

// otherSpelling reports once of each term that it is spelled otherwise in another line.
func (s *solr) otherSpelling(t *term, seen *slot, differs uint64) {
	if *seen&told != 0 || seen.line() == s.line.number {
		return
	}
	*seen |= told
	if differs&caseBits != 0 {
		s.reportTerm(caseElsewhere, t, seen.line())
	} else {
		s.reportTerm(sameInForm, t, seen.line())
	}
}

// reportTerm reports a rule whose message names a term and a line.
func (s *solr) reportTerm(r *rule.Rule, t *term, line int64) {
	if s.room(r) {
		s.keep(r, s.line.firstVisible(s.line.span(t)), s.shown(t), line)
	}
}

// shown is a term as messages quote it.
func (s *solr) shown(t *term) string {
	return rule.Shown(s.line.given(s.line.span(t)))
}

// endAcross reports what can be said only at the end.
func (s *solr) endAcross() {
	a := &s.across
	a.circles.end(s.c.Findings, &a.table)
	a.table.release()
}
