package inspect

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// zipOf makes a zip of names and contents, in this order.
func zipOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err == nil {
			_, err = io.WriteString(f, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const descriptorName = "plugin-descriptor.properties"

// descriptor of a plugin made for the version; more lines may follow.
func descriptor(version string, more ...string) string {
	return "# made by hand\nname=lemmas\ndescription = Lemmas \\\n  for \\u00e4ll\nversion:1.2\nclassname com.example.Lemmas\njava.version=11\nopensearch.version=" +
		version + "\n" + strings.Join(more, "\n")
}

// lemmasJar has the class that descriptor names.
func lemmasJar(t testing.TB) string {
	t.Helper()
	class, err := inspecttest.Class("class com/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin")
	if err != nil {
		t.Fatal(err)
	}
	return string(zipOf(t, "com/example/Lemmas.class", string(class)))
}

// brokenRules are the rules of the findings, each once.
func brokenRules(res Result) []string {
	var out []string
	for _, f := range res.Findings {
		if f.Message == "" || f.Remedy == "" || f.Severity != searchpack.SeverityError {
			out = append(out, fmt.Sprintf("bad finding %+v", f))
		}
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := zipOf(t, "a/b.yml", "x: 1", "a/", "", "c.txt", "12345678")
	for name, c := range map[string]struct {
		zip  []byte
		max  int64
		want []string
	}{
		"good":            {good, 12, nil},
		"empty":           {zipOf(t), 0, nil},
		"too large":       {good, 11, []string{"archive.size"}},
		"no zip":          {[]byte("PK\x03\x04 and nothing more"), 100, []string{"archive.unreadable"}},
		"no bytes":        {nil, 100, []string{"archive.unreadable"}},
		"cut":             {good[:len(good)-30], 100, []string{"archive.unreadable"}},
		"up":              {zipOf(t, "a/../../b", ""), 100, []string{"archive.path"}},
		"from the root":   {zipOf(t, "/etc/passwd", ""), 100, []string{"archive.path"}},
		"windows":         {zipOf(t, `a\..\..\b`, ""), 100, []string{"archive.path"}},
		"the folder":      {zipOf(t, "./", ""), 100, []string{"archive.path"}},
		"nothing":         {zipOf(t, "", ""), 100, []string{"archive.path"}},
		"a name too long": {zipOf(t, strings.Repeat("n", 60_000), ""), 100, []string{"archive.path"}},
	} {
		res, err := Config(bytes.NewReader(c.zip), int64(len(c.zip)), c.max)
		if err != nil || !slices.Equal(brokenRules(res), c.want) || res.Failed() != (len(c.want) > 0) {
			t.Errorf("%s: %+v, %v, want %v", name, res, err, c.want)
		}
	}
}

type countingReader struct {
	*bytes.Reader
	read int64
	err  error // of every read
}

// ReadAt implements io.ReaderAt.
func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Reader.ReadAt(p, off)
	c.read += int64(n)
	return n, err
}

// What the disk says is not what the file is.
func TestReaderErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("input/output error")
	b := zipOf(t, descriptorName, descriptor("3.8.0"), "lemmas.jar", lemmasJar(t))
	r := &countingReader{Reader: bytes.NewReader(b), err: broken}
	if res, err := Config(r, int64(len(b)), 1<<20); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("Config: %+v, %v", res, err)
	}
	if _, res, err := Plugin(r, int64(len(b)), PluginRules{MaxUnpacked: 1 << 20}); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("Plugin: %+v, %v", res, err)
	}
	reads := 0
	for ; reads < 100; reads++ { // each of them fails once
		late := &lateError{Reader: bytes.NewReader(b), err: broken, after: reads}
		_, res, err := Plugin(late, int64(len(b)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20})
		if err == nil { // also a plugin that is refused
			break
		}
		if !errors.Is(err, broken) || res.Failed() {
			t.Errorf("read %d: %+v, %v", reads, res, err)
		}
	}
	if reads < 6 || reads == 100 { // the end, the directory, the files, the descriptor, the jar twice
		t.Errorf("%d reads", reads)
	}
	if res, err := License(io.MultiReader(strings.NewReader("{"), failing{broken}), "json"); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("License: %+v, %v", res, err)
	}
	if res, err := License(io.MultiReader(strings.NewReader("<a>"), failing{broken}), "xml"); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("License: %+v, %v", res, err)
	}
}

// lateError fails after so many reads.
type lateError struct {
	*bytes.Reader
	err   error
	after int
}

// ReadAt implements io.ReaderAt.
func (l *lateError) ReadAt(p []byte, off int64) (int, error) {
	if l.after--; l.after < 0 {
		return 0, l.err
	}
	return l.Reader.ReadAt(p, off)
}

type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzPlugin(f *testing.F) {
	f.Add(zipOf(f, descriptorName, descriptor("3.8.0"), "lemmas.jar", "jar"))
	f.Add(zipOf(f, descriptorName, descriptor("3.8.0"), "lemmas.jar", lemmasJar(f)))
	f.Add(zipOf(f, "x", "y"))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, res, err := Plugin(bytes.NewReader(b), int64(len(b)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20})
		if err != nil || (p == nil) != res.Failed() {
			t.Errorf("%+v, %+v, %v", p, res, err)
		}
		if p != nil && (p.Name == "" || p.UncompressedSize < 0 || p.UncompressedSize > 1<<20) {
			t.Errorf("properties %+v", p)
		}
	})
}
