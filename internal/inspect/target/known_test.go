package target

import (
	"strings"
	"testing"
)

func TestKnown(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct{ impossible, unserved string }{
		"3.8.0": {}, "3.8.1": {}, "2.19.4": {}, "3.0": {},
		"9.9.9": {"the newest that this program knows is 3.8.0", "is newer than 3.8.0"},
		"2.20":  {"the last of OpenSearch 2 is 2.19", ""},
		"1.4":   {"the last of OpenSearch 1 is 1.3", "is older than 2.19.0"},
		"0.9":   {"OpenSearch begins with 1.0", "is older than 2.19.0"},
		"1.3":   {"", "OpenSearch 1.3.0 is older than 2.19.0, the oldest that this program knows"},
		"3.9.2": {"", "OpenSearch 3.9.2 is newer than 3.8.0, the newest that this program knows"},
		"4.0":   {"", "OpenSearch 4.0.0 is newer"},
		"5.0":   {"the newest that this program knows is 3.8.0", "is newer"},
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Impossible(); got != c.impossible {
			t.Errorf("%s: %q", text, got)
		}
		if got := v.Unserved(); (got == "") != (c.unserved == "") || !strings.Contains(got, c.unserved) {
			t.Errorf("%s: %q", text, got)
		}
	}
}
