package inspecttest

import (
	"strings"
	"unicode"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// Analyzer stands in for the analyzer of a synonym filter. Its name says what it does:
//
//	whitespace  splits at blanks and keeps everything else
//	letters     keeps words of letters and digits only
//	stop:X      like letters, and drops the word X
//	compounds   like letters, and sets the parts of a word with a hyphen on each other
type Analyzer string

// String implements dict.Analyzer.
func (a Analyzer) String() string { return string(a) }

// Fate implements dict.Analyzer.
func (a Analyzer) Fate(term []byte) dict.Fate {
	text := string(term)
	if a == "whitespace" {
		blank := func(r rune) bool {
			noBreak := r == 0xA0 || r == 0x2007 || r == 0x202F || r == 0x85
			return !noBreak && unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F
		}
		return fate(len(strings.FieldsFunc(text, blank)))
	}
	if a == "compounds" && strings.Contains(strings.Trim(text, "-"), "-") {
		return dict.Stacked
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	stop, _ := strings.CutPrefix(string(a), "stop:")
	kept, gap := 0, false
	for _, w := range words {
		if w == stop {
			gap = true
			continue
		}
		if gap {
			return dict.Stacked
		}
		kept++
	}
	return fate(kept)
}

func fate(tokens int) dict.Fate {
	if tokens == 0 {
		return dict.Eliminated
	}
	return dict.Kept
}
