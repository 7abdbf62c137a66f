package dirnames_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/agent/dirnames"
)

func TestOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	of := func(limit int) ([]string, error) {
		t.Helper()
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		return dirnames.Of(f, limit)
	}
	if got, err := of(3); err != nil || len(got) != 0 {
		t.Errorf("empty: %v, %v", got, err)
	}
	for _, name := range []string{"c", "a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := of(3); err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := of(2); err == nil || got != nil || !strings.Contains(err.Error(), "more than 2 files") {
		t.Errorf("too many: %v, %v", got, err)
	}
	f, err := os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := dirnames.Of(f, 3); err == nil {
		t.Error("a file was listed")
	}
}
