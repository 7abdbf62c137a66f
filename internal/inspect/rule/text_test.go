package rule

import (
	"strings"
	"testing"
)

func TestShownText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                               "plain",
		"\ufeffmark":                          "mark",
		"bell\x07 esc\x1b[31m nul\x00\ttab":   "bell\ufffd esc\ufffd[31m nul\ufffd\ttab",
		"bad\xff\xfeutf":                      "bad\ufffdutf",
		strings.Repeat("é", 300):              strings.Repeat("é", maxShown),
		strings.Repeat("\U0001F600", 300):     strings.Repeat("\U0001F600", maxShown),
		strings.Repeat("x", maxShown) + "end": strings.Repeat("x", maxShown),
	} {
		if got := Shown([]byte(in)); got != want {
			t.Errorf("Shown(%q) = %q, want %q", in, got, want)
		}
	}
}
