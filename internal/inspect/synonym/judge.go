package synonym

import (
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// judgeTerms asks the analyzer about the terms of a line whose text is good.
func (s *solr) judgeTerms() {
	if s.c.Analyzer == nil {
		return
	}
	l := &s.line
	for i := range l.terms {
		l.terms[i].kept = s.judge(l.span(&l.terms[i]))
	}
}

// judge reports what analysis makes of a term, as SynonymMap.Parser.analyze does, and whether
// something is left of it. A lenient filter drops a bad term where another one fails.
func (s *solr) judge(t span) bool {
	l := &s.line
	v := solrFates.verdict(s.c, l.given(t))
	if v.rule == nil {
		return true
	}
	at := l.firstVisible(t)
	if v.rule == blankTerm {
		at = t.start
	}
	s.report(v.rule, at, v.args...)
	return v.kept
}

// judgement is what is wrong with a term: nothing if the rule is nil.
type judgement struct {
	rule *rule.Rule
	args []any
	kept bool
}

// fates are the rules about what an analyzer makes of a term.
type fates struct{ empty, noToken, stacked, eliminated, dropped *rule.Rule }

var solrFates = fates{blankTerm, noToken, stacked, eliminated, dropped}

// verdict says what analysis makes of a text.
func (f *fates) verdict(c *dict.Config, text []byte) judgement {
	fate := dict.Unknown
	if c.Analyzer != nil {
		fate = c.Analyzer.Fate(text)
	}
	switch {
	case fate == dict.Kept:
		return judgement{kept: true}
	case fate != dict.Unknown && c.Lenient:
		return judgement{rule: f.dropped, args: []any{"the analyzer " + c.Analyzer.String()}}
	case fate == dict.Stacked:
		return judgement{rule: f.stacked, args: []any{c.Analyzer.String()}}
	case len(text) == 0 && c.Lenient:
		return judgement{rule: f.dropped, args: []any{"every analyzer"}}
	case len(text) == 0:
		return judgement{rule: f.empty}
	case fate == dict.Eliminated:
		return judgement{rule: f.noToken, args: []any{c.Analyzer.String()}}
	case hasWord(text):
		return judgement{kept: true}
	case c.Lenient:
		return judgement{rule: f.dropped, args: []any{"an analyzer with the standard tokenizer"}, kept: true}
	default:
		return judgement{rule: f.eliminated, kept: true}
	}
}
