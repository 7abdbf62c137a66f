package parts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

func TestNewer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"3.8.0", "3.7.0", true}, {"3.7.0", "3.8.0", false}, {"3.8.0", "3.8.0", false}, {"3.8.1", "3.8.0", false},
		{"3.0.0", "2.19.0", true}, {"2.19.0", "3.0.0", false}, {"2.19.0", "2.9.0", true},
	} {
		if got := newer(distro.Home{Version: tt.a}, distro.Home{Version: tt.b}); got != tt.want {
			t.Errorf("%s newer than %s: %v", tt.a, tt.b, got)
		}
	}
}

// A home keeps the engine that it has, even in the middle of an upgrade; one that is not offered any
// more is named.
func TestReopenKeepsTheEngine(t *testing.T) {
	t.Parallel()
	dest := filepath.Join(t.TempDir(), "opensearch")
	for _, dir := range []string{dest, dest + ".next"} {
		if err := os.MkdirAll(filepath.Join(dir, "config"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		filepath.Join(dest, ".searchpack-home.json"):         `{"schema":1,"version":"2.19.0","source":""}`,
		filepath.Join(dest+".next", ".searchpack-home.json"): `{"schema":1,"version":"3.1.0","source":""}`,
		dest + ".swap": "3.1.0", // killed just then
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := &clusters{offers: []offer{{engine: "OpenSearch_2.19", what: "2.19.0"}}, log: func(string) {}}
	_, err := c.reopen(t.Context(), dest, "OpenSearch_2.19")
	if err == nil || !strings.Contains(err.Error(), "the domain is OpenSearch_3.1, offered now is OpenSearch_2.19") {
		t.Errorf("%v, want that 3.1 is not offered", err)
	}
	if version, _, err := distro.Resident(dest); err != nil || version != "3.1.0" {
		t.Errorf("at home is %s, %v", version, err)
	}
	if _, err := os.Stat(dest + ".next"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what lay beside is still there (%v)", err)
	}
}
