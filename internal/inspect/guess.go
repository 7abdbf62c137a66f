package inspect

import (
	"bytes"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// sniffed is how many bytes of a file are looked at to guess its kind.
const sniffed = 64 << 10

// guess says what kind of file begins like this, and how sure that is in percent; whole: there is
// nothing behind it.
func guess(head []byte, whole bool) (searchpack.Kind, int) {
	if !whole {
		if end := bytes.LastIndexAny(head, "\r\n"); end >= 0 {
			head = head[:end]
		}
	}
	if bytes.IndexByte(head, 0) >= 0 && !utf8.Valid(head) {
		return searchpack.KindUnknown, 0 // a binary dictionary, whatever commas it holds
	}
	fits := 0
	for line := range bytes.FieldsFuncSeq(bytes.TrimPrefix(head, rule.BOM), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = rule.TrimBlanks(line)
		switch {
		case len(line) == 0 || line[0] == '#':
		case bytes.IndexByte(line, ',') >= 0 || bytes.Contains(line, []byte("=>")):
			fits++
		default:
			return searchpack.KindUnknown, 0
		}
	}
	if fits == 0 {
		return searchpack.KindUnknown, 0
	}
	return searchpack.KindSynonyms, 95
}

// refined is the confidence once the whole file was read.
func refined(confidence int, c *dict.Config) int {
	if c.Unfit > 0 {
		return min(confidence, 60)
	}
	return confidence
}
