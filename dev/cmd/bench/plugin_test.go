package main

import (
	"path/filepath"
	"testing"
)

// The large plugin is one that is taken; inspectFile fails if it is not.
func TestMakePlugin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.zip")
	if err := makePlugin(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := inspectFile(path); err != nil {
		t.Error(err)
	}
}
