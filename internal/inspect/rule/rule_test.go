package rule

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// Whatever a reader puts into a message, it stays short and steers nothing: a NUL would keep a database
// from taking it, an escape would reach terminals.
func TestMessagesAreFit(t *testing.T) {
	t.Parallel()
	hostile := "nul\x00 esc\x1b[2J bad\xff line\r\n " + strings.Repeat("é", 1<<20)
	r := &Rule{ID: "a.b", Severity: searchpack.SeverityError, Message: "%s, %s, %v and %d: refused"}
	f := r.At(Place{}, hostile, []byte(hostile), errors.New(hostile), 7)
	if n := utf8.RuneCountInString(f.Message); n > 4000 || !utf8.ValidString(f.Message) || strings.ContainsFunc(f.Message, unicode.IsControl) {
		t.Errorf("%d characters: %.100q", n, f.Message)
	}
	if !strings.HasPrefix(f.Message, "nul\uFFFD esc\uFFFD[2J bad\uFFFD line\uFFFD\uFFFD é") || !strings.HasSuffix(f.Message, "é and 7: refused") {
		t.Errorf("%.100q", f.Message)
	}
	args := []any{"a\x00"}
	if r.At(Place{}, args...); args[0] != "a\x00" {
		t.Error("the caller's arguments are changed")
	}
}
