// Package hunspell reads Hunspell dictionaries as Lucene's org.apache.lucene.analysis.hunspell.Dictionary
// does (9.12 and 10), which OpenSearch's HunspellService calls: a file of affix rules (.aff), then the
// word lists (.dic) that use its flags. Layout says how a zip of them becomes the folder that a filter's
// ref_path names.
//
// OpenSearch says nothing but that a dictionary failed to load, and Lucene stops at the first mistake;
// here reading goes on behind it. Files stream, and what is kept of them is bounded: the flags, the
// aliases, and a hash of each word.
package hunspell

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Affixes is what a .aff file says, as far as word lists depend on it.
type Affixes struct {
	charset charset
	kind    flagKind
	defined flagSet // flags that a rule or an option gives a meaning to
	flags   aliases // AF
	morphs  aliases // AM
	unread  bool    // the file cannot be decoded here

	// What Lucene does to words before it keeps them: IGNORE, the first characters of ICONV, the
	// dictionary's ignore_case, and LANG if its capitals are those of Turkish.
	ignored            string
	converted          map[rune]bool
	ignoreCase, turkic bool
}

// aliases is a table of AF or AM: a number says how many follow, then one a line.
type aliases struct {
	begun  bool
	count  int // as the first line has it; -1 = it has none
	values []string
	size   int // bytes of the values
}

// NoAffixes is what a word list is read with when there is no .aff file at hand: flags are not known.
func NoAffixes() *Affixes {
	a := &Affixes{charset: charset{name: "UTF-8", enc: decoders["UTF-8"].enc}}
	for i := range a.defined {
		a.defined[i] = ^uint64(0)
	}
	return a
}

// source is the file that findings are about.
type source struct {
	path string
	c    *dict.Config
	cs   charset
}

func (s *source) report(r *rule.Rule, line int64, text string, args ...any) {
	r.Report(s.c.Findings, rule.Place{Path: s.path, Line: line, Counted: line, Text: []byte(text)}, args...)
}

// entry tells whoever asks what a line means.
func (s *source) entry(key, value string, line int64) {
	s.c.Entry(dict.Entry{Key: []byte(key), Value: []byte(value), Line: line})
}

// decoded reports what the decoder did to a line: bytes that stand for nothing, or that it replaced.
// It returns false for a line at which Lucene's decoder fails.
func (s *source) decoded(line int64, text string, replaced *int64) bool {
	for i, r := range text {
		switch {
		case r == unmapped && s.cs.undefined != "":
			s.reportAt(undefinedByte, line, text, i, s.cs.name)
			return false
		case r == utf8.RuneError && *replaced != line:
			*replaced = line
			s.reportAt(replacedByte, line, text, i, s.cs.name)
		}
	}
	return true
}

func (s *source) reportAt(r *rule.Rule, line int64, text string, at int, args ...any) {
	column := utf8.RuneCountInString(text[:at]) + 1
	r.Report(s.c.Findings, rule.Place{Path: s.path, Line: line, Counted: line, Column: column, Text: []byte(text)}, args...)
}

// File reads one file that was declared to be of this kind, without the others of its dictionary:
// affix rules or words, by what stands in it. Neither serves as a package.
func File(r io.Reader, c *dict.Config) (int64, error) {
	head := newPrologue(r)
	kind, err := head.kind()
	if err != nil {
		return 0, err
	}
	singleFile.Report(c.Findings, rule.Place{})
	if kind == affixFile {
		_, n, err := readAffixes(head, "", c)
		return n, err
	}
	return Words(head.all(), "", NoAffixes(), c)
}

// Read reads a dictionary of several files: its settings, the .aff, then each .dic. open gives their
// bytes.
func Read(l Locale, open func(name string) (io.ReadCloser, error), c *dict.Config) error {
	read := func(name string, f func(io.Reader) error) error {
		in, err := open(name)
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		defer in.Close()
		if err := f(in); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return nil
	}
	ignoreCase := false
	if l.Settings != "" {
		if err := read(l.Settings, func(in io.Reader) (err error) { ignoreCase, err = readSettings(in, l.Settings, c); return err }); err != nil {
			return err
		}
	}
	var a *Affixes
	if err := read(l.Affix, func(in io.Reader) (err error) { a, _, err = Affix(in, l.Affix, c); return err }); err != nil {
		return err
	}
	a.ignoreCase = ignoreCase
	for _, name := range l.Words {
		if err := read(name, func(in io.Reader) error { _, err := Words(in, name, a, c); return err }); err != nil {
			return err
		}
	}
	return nil
}

var (
	singleFile = &rule.Rule{
		ID: "hunspell.single-file", Severity: searchpack.SeverityWarning, Title: "one file of a Hunspell dictionary",
		Message: "this is one file; OpenSearch reads Hunspell dictionaries from folders only, so no index can use the package",
		Remedy:  "upload a zip that holds a folder for each locale with its .aff and .dic files",
	}
	undefinedByte = &rule.Rule{
		ID: "hunspell.undefined-byte", Severity: searchpack.SeverityError, Title: "a byte that the encoding does not define",
		Message: "this line holds a byte that stands for no character in %s; OpenSearch fails to load the dictionary",
		Remedy:  "save the file in the encoding that SET names",
	}
	replacedByte = &rule.Rule{
		ID: "hunspell.replaced-byte", Severity: searchpack.SeverityWarning, Title: "bytes that are not of the encoding",
		Message: "this is not %s; OpenSearch reads U+FFFD in its place, which no text matches",
		Remedy:  "save the file in the encoding that SET names",
	}
)
