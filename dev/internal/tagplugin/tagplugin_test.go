package tagplugin

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestZip(t *testing.T) {
	t.Parallel()
	b, err := Zip("2.19.0", []byte("jar"), 7, "First", "name=other", "extended.plugins=x")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(z.File) != 2 || z.File[1].Name != "tags-7.jar" {
		t.Fatalf("%v, %+v", err, z.File)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	for _, line := range []string{"name=other", "extended.plugins=x", "java.version=11", "version=7.0.0", "classname=searchpack.tags.Tags$First"} {
		if !strings.Contains("\n"+string(text), "\n"+line+"\n") {
			t.Errorf("%q is missing in %q, %v", line, text, err)
		}
	}
	if strings.Contains(string(text), Name+"\n") {
		t.Errorf("an edited line is left: %q", text)
	}
}
