package main

import (
	"path/filepath"
	"testing"
)

// The large plugin is one that is taken; inspectPlugin fails if it is not.
func TestMakePlugin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.zip")
	if err := makePlugin(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := inspectPlugin(path); err != nil {
		t.Error(err)
	}
}
