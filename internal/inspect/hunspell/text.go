package hunspell

import (
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/transform"

	"github.com/searchpack/searchpack/internal/inspect/lines"
)

// spaces are the characters of \s in Java's patterns.
const spaces = " \t\n\x0B\f\r"

func isSpace(r rune) bool { return r < 0x80 && strings.ContainsRune(spaces, r) }

// fields is String.split("\\s+"): spaces at the beginning give an empty first field, those at the
// end nothing.
func fields(line string) []string {
	out := strings.FieldsFunc(line, isSpace)
	switch {
	case line == "":
		return []string{""}
	case len(out) > 0 && isSpace(rune(line[0])):
		return append([]string{""}, out...)
	}
	return out
}

// trim is String.trim.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// parseInt is Integer.parseInt for ASCII digits.
func parseInt(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil
}

// text gives the lines of a file, decoded.
type text struct {
	in     *lines.Reader
	number int64 // of the line that next gave
	long   bool  // the line that next gave was cut: it is longer than lines.Max
	back   string
	pushed bool
}

func newText(r io.Reader, c charset) *text {
	return &text{in: lines.NewReader(transform.NewReader(r, c.transformer()))}
}

// next returns the next line, and false after the last. The error is the reader's.
func (t *text) next() (string, bool, error) {
	if t.pushed {
		t.pushed = false
		return t.back, true, nil
	}
	for {
		p, ok, err := t.in.Next()
		if err != nil || !ok {
			return "", false, err
		}
		if p.Continued {
			continue
		}
		t.number, t.long = p.Number, p.Cut
		t.back = string(p.Text)
		return t.back, true, nil
	}
}

// again makes next give the same line once more.
func (t *text) again() { t.pushed = true }
