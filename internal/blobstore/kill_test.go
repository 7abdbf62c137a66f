package blobstore

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

const killEnv = "SEARCHPACK_BLOBSTORE_KILL_TEST"

// TestKilledWriter kills a process in the middle of a write: only an entry in tmp/ remains, and the
// lock is gone with the process.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		hangInWrite(dir)
	}
	t.Parallel()
	d := newDir(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
	cmd.Env = append(os.Environ(), killEnv+"="+d.path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if readErr != nil || line != "writing\n" {
		t.Fatalf("the child said %q, %v", line, readErr)
	}
	left := files(t, d)
	if len(left) != 1 || !strings.HasPrefix(left[0], tmpDir+"/") {
		t.Fatalf("after the kill: %v, want one entry in tmp/", left)
	}
	if err := d.List(t.Context(), func(i searchpack.BlobInfo) error { t.Errorf("listed %v", i); return nil }); err != nil {
		t.Error(err)
	}
	d.clearOne(left[0])
	if left := files(t, d); len(left) != 0 {
		t.Errorf("the dead writer's file is still locked: %v", left)
	}
}

// hangInWrite writes a megabyte, says so and then waits for ever.
func hangInWrite(dir string) {
	d, err := NewDir(dir)
	if err != nil {
		panic(err)
	}
	said := readerFunc(func([]byte) (int, error) {
		_, _ = os.Stdout.WriteString("writing\n")
		select {}
	})
	_, _, err = d.Write(context.Background(), io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), said), 1<<30)
	panic(err)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
