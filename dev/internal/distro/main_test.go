package distro

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), mode))
	check(t, os.Chmod(path, mode))
}

// wants fails unless err holds the text, on one line.
func wants(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line with %q", err, text)
	}
}

// entry of a zip file made for a test.
type entry struct {
	name, text string
	mode       os.FileMode
}

func makeZip(t *testing.T, path string, entries ...entry) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	check(t, err)
	z := zip.NewWriter(f)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		check(t, err)
		_, err = w.Write([]byte(e.text))
		check(t, err)
	}
	check(t, z.Close())
	check(t, f.Close())
}

// javaAt makes a Java installation of that version; a JDK if it has a compiler.
func javaAt(t *testing.T, home, version string, compiler bool) string {
	t.Helper()
	write(t, filepath.Join(home, "bin", "java"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(home, "release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\""+version+"\"\n", 0o644)
	if compiler {
		write(t, filepath.Join(home, "bin", "javac"), "#!/bin/sh\n", 0o755)
	}
	return home
}

func env(values map[string]string) Env { return func(name string) string { return values[name] } }
