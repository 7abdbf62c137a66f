package synonym

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// maxSpelledOut is how many pairs of a rule are given one by one: those of a group of 64 terms. A
// line of a megabyte can make 270 billion. Of a larger rule each key is given once, with a value that
// stands for all it is mapped to: how many terms, and a sum of their digests in any order. If one of
// them changes, all of the rule's keys have changed, which is what it means.
const maxSpelledOut = 64 * 64

// giver gives the meanings of rules to those who ask.
type giver struct {
	c     *dict.Config
	words *speller
	text  []byte // the terms of the rule, one after the other
	ends  []int
	lines []int64
	kept  int // how many terms are not dropped
}

// line gives the pairs of a Solr rule.
func (g *giver) line(l *line, noExpand bool) {
	if g.c.Entry == nil {
		return
	}
	g.reset()
	for i := range l.terms {
		if t := &l.terms[i]; t.kept {
			g.add(l.given(l.span(t)), l.number)
		} else {
			g.add(nil, l.number)
		}
	}
	if len(l.terms) < l.count { // the others count in the digest, in the file's words
		g.give(span{0, len(l.terms)}, span{}, l.text)
		return
	}
	switch left := (span{0, l.left}); {
	case l.explicit:
		g.give(left, span{l.left, len(l.terms)}, nil)
	default:
		g.group(noExpand)
	}
}

func (g *giver) reset() { g.text, g.ends, g.lines, g.kept = g.text[:0], g.ends[:0], g.lines[:0], 0 }

// add takes a term; nil for one that is dropped.
func (g *giver) add(text []byte, line int64) {
	meaning, _, _ := g.words.mean(text)
	g.text = append(g.text, meaning...)
	g.ends = append(g.ends, len(g.text))
	g.lines = append(g.lines, line)
	if text != nil {
		g.kept++
	}
}

// group gives the pairs of a group: all to all, themselves too, since the words of a group stay; or all
// to the first, which is mapped to itself then, alone too.
func (g *giver) group(noExpand bool) {
	all := span{0, len(g.ends)}
	if noExpand {
		g.give(all, span{0, min(1, len(g.ends))}, nil)
		return
	}
	if g.kept > 1 {
		g.give(all, all, nil)
	}
}

func (g *giver) term(i int) []byte {
	start := 0
	if i > 0 {
		start = g.ends[i-1]
	}
	return g.text[start:g.ends[i]]
}

// give gives the pairs of keys and values. instead is digested for the values if they are not known one
// by one.
func (g *giver) give(keys, values span, instead []byte) {
	var all []byte
	switch {
	case instead != nil:
		all = fmt.Appendf(nil, "(terms of a very long rule, digest %x)", sha256.Sum256(instead))
	case (keys.end-keys.start)*(values.end-values.start) > maxSpelledOut:
		all = g.digest(values)
	}
	for i := keys.start; i < keys.end; i++ {
		key := g.term(i)
		if len(key) == 0 {
			continue
		}
		if all != nil {
			g.c.Entry(dict.Entry{Key: key, Value: all, Line: g.lines[i]})
			continue
		}
		for j := values.start; j < values.end; j++ {
			if value := g.term(j); len(value) > 0 {
				g.c.Entry(dict.Entry{Key: key, Value: value, Line: g.lines[i]})
			}
		}
	}
}

// digest stands for many values. It is the same in every run: versions of a file are compared by it.
func (g *giver) digest(values span) []byte {
	var sum uint64
	n := 0
	for i := values.start; i < values.end; i++ {
		if value := g.term(i); len(value) > 0 {
			h := sha256.Sum256(value)
			sum += binary.BigEndian.Uint64(h[:])
			n++
		}
	}
	return fmt.Appendf(nil, "(%d terms, digest %016x)", n, sum)
}
