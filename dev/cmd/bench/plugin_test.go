package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
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

// TestPluginMemory shows that the memory of an inspection does not grow with the plugin: one of three
// times the memory that is allowed is inspected by a program of its own, whose peak counts.
func TestPluginMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes and reads 192 MiB")
	}
	const limit = 64 << 20
	dir := t.TempDir()
	program, path := filepath.Join(dir, "bench"), filepath.Join(dir, "p.zip")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := makePlugin(path, 3*limit); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-inspect-plugin", path).CombinedOutput()
	var took pluginTook
	if err != nil || json.NewDecoder(bytes.NewReader(out)).Decode(&took) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d files: %.1f s, peak %.0f MiB, %.0f MiB above idle", took.Files, took.Seconds, mib(took.Peak), mib(took.Peak-took.Idle))
	if took.Idle == 0 || took.Peak-took.Idle > limit {
		t.Errorf("the inspection takes %.0f MiB, want at most %d", mib(took.Peak-took.Idle), limit>>20)
	}
}
