// Package dict says what a reader of one kind of dictionary takes and gives, and drives those that
// read line by line. Readers mirror Lucene's and OpenSearch's own parsers; they report what is wrong
// to a tally and, if somebody asks, what the file means, entry by entry. They stream: memory is
// bounded whatever the file is.
package dict

import (
	"io"

	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Config is what a reader is called with.
type Config struct {
	Findings *rule.Tally
	// Entry is called for each meaning of the file, in the file's order; nil = nobody asks, and a
	// reader then makes none. A file that has errors gives entries up to what can be made of it.
	Entry func(Entry)
	// OpenSearch is the version that reads the file; zero = every version served.
	OpenSearch target.Version
	// Analyzer knows what becomes of a synonym's terms; nil = not known.
	Analyzer Analyzer
	// NoExpand and Lenient are expand: false and lenient: true of a synonym filter.
	NoExpand, Lenient bool

	// Rules counts what is neither blank nor comment, Unfit those of them that are unlikely in a
	// file of this kind: a guess of the kind is no better than they are few. Readers count.
	Rules, Unfit int64
}

// Entry is one meaning of a dictionary: what a key stands for. A word list has keys only. Of synonyms it
// is what becomes of a text: the group a, b gives a → a, a → b, b → a and b → b, since its words stay,
// and the rule a => b gives a → b alone. Its bytes are valid during the call.
type Entry struct {
	Key, Value []byte
	Line       int64 // physical, 1-based
}

// Reader reads a whole dictionary and returns how many physical lines it has. The error is r's own;
// a bad file is findings.
type Reader func(r io.Reader, c *Config) (int64, error)

// Analyzer is what a synonym filter gives the terms of its rules to: the tokenizer, character
// filters and the filters before it.
type Analyzer interface {
	// Fate says what the analyzer makes of a term, which is UTF-8.
	Fate(term []byte) Fate
	// String names it: "whitespace".
	String() string
}

// Fate is what becomes of a term.
type Fate int

// The fates. All but Kept make OpenSearch refuse the file, unless the filter is lenient.
const (
	Unknown    Fate = iota
	Kept            // one token or more, each at the next position
	Eliminated      // no token, or an empty one
	Stacked         // a token at the same position as another, or behind a gap
)

// Lines are the lines of a kind that OpenSearch reads as UTF-8, line by line.
type Lines interface {
	// Line looks at a line, or at a part of one that is longer than lines.Max. It is valid UTF-8,
	// and so was what came before of the same line. A byte order mark is still there.
	Line(p lines.Part)
	// End is called once, after the last line.
	End()
}

// ReadLines drives l over r, and reports itself what is no text: under the family's name, "synonyms"
// or "file".
func ReadLines(r io.Reader, c *Config, family Family, l Lines) (int64, error) {
	t := text{c: c, rules: family.rules()}
	in := lines.NewReader(r)
	for {
		p, ok, err := in.Next()
		if err != nil || !ok {
			if err == nil {
				l.End()
			}
			return t.lines, err
		}
		if t.check(p) {
			l.Line(p)
		}
	}
}
