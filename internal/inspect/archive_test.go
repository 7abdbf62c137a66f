package inspect

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
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

// endOnly is a large file of zeros with an end.
type endOnly struct {
	size int64
	end  []byte
}

func (e endOnly) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	n := min(int64(len(p)), e.size-off)
	if from := e.size - int64(len(e.end)); off+n > from {
		skip := max(off-from, 0)
		copy(p[max(from-off, 0):n], e.end[skip:])
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// TestClaimedEntriesCostNoMemory: a zip whose end claims as many entries as a file of its size can
// have, and has none.
func TestClaimedEntriesCostNoMemory(t *testing.T) {
	const size, claimed = 1 << 30, 30_000_000
	le := binary.LittleEndian
	end := []byte("PK\x06\x06")
	end = le.AppendUint64(end, 44)
	end = append(end, make([]byte, 12)...)
	for _, v := range []uint64{claimed, claimed, 1000, 0} {
		end = le.AppendUint64(end, v)
	}
	end = append(end, "PK\x06\x07\x00\x00\x00\x00"...)
	end = le.AppendUint64(end, 0) // where the first part is: below
	end = append(end, "\x01\x00\x00\x00PK\x05\x06\x00\x00\x00\x00"...)
	end = append(end, bytes.Repeat([]byte{0xff}, 12)...)
	end = append(end, 0, 0)
	for _, behind := range []int{0, 66_000} { // bytes after the end, which need not be a comment
		end64 := uint64(size - 56 - 20 - 22 - behind)
		le.PutUint64(end[64:], end64)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := Config(endOnly{size, append(slices.Clone(end), make([]byte, behind)...)}, size, size)
		runtime.ReadMemStats(&after)
		if got := brokenRules(res); err != nil || !slices.Equal(got, []string{ruleArchiveEntries}) {
			t.Errorf("%d bytes behind: found %q, %v", behind, got, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%d bytes behind: %d bytes were allocated", behind, used)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := zipOf(t, "a/b.yml", "x: 1", "a/", "", "c.txt", "12345678")
	many := make([]string, 2*(maxEntries+1))
	for i := range many {
		many[i] = fmt.Sprint("f", i)
	}
	for name, c := range map[string]struct {
		zip  []byte
		max  int64
		want []string
	}{
		"good":            {good, 12, nil},
		"empty":           {zipOf(t), 0, nil},
		"as many as may":  {zipOf(t, many[:2*maxEntries]...), 1 << 20, nil},
		"too many":        {zipOf(t, many...), 1 << 20, []string{ruleArchiveEntries}},
		"too large":       {good, 11, []string{ruleArchiveSize}},
		"no zip":          {[]byte("PK\x03\x04 and nothing more"), 100, []string{ruleArchive}},
		"no bytes":        {nil, 100, []string{ruleArchive}},
		"cut":             {good[:len(good)-30], 100, []string{ruleArchive}},
		"up":              {zipOf(t, "a/../../b", ""), 100, []string{ruleArchivePath}},
		"from the root":   {zipOf(t, "/etc/passwd", ""), 100, []string{ruleArchivePath}},
		"windows":         {zipOf(t, `a\..\..\b`, ""), 100, []string{ruleArchivePath}},
		"the folder":      {zipOf(t, "./", ""), 100, []string{ruleArchivePath}},
		"nothing":         {zipOf(t, "", ""), 100, []string{ruleArchivePath}},
		"a name too long": {zipOf(t, strings.Repeat("n", 60_000), ""), 100, nil},
	} {
		res, err := Config(bytes.NewReader(c.zip), int64(len(c.zip)), c.max)
		if err != nil || !slices.Equal(brokenRules(res), c.want) || res.Failed() != (len(c.want) > 0) {
			t.Errorf("%s: %+v, %v, want %v", name, res, err, c.want)
		}
	}
}

// A directory that is larger than any honest one is not read to its end, whatever it claims.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 90 {
		pairs = append(pairs, fmt.Sprint(i, strings.Repeat("n", 60_000)), "")
	}
	b := zipOf(t, pairs...)
	r := &countingReader{Reader: bytes.NewReader(b)}
	res, err := Config(r, int64(len(b)), 1<<20)
	if err != nil || !slices.Equal(brokenRules(res), []string{ruleArchiveEntries}) || r.read > maxDirectory {
		t.Errorf("%+v, %v after %d bytes", res, err, r.read)
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
	b := zipOf(t, descriptorName, descriptor("3.8.0"))
	r := &countingReader{Reader: bytes.NewReader(b), err: broken}
	if res, err := Config(r, int64(len(b)), 1<<20); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("Config: %+v, %v", res, err)
	}
	if _, res, err := Plugin(r, int64(len(b)), PluginRules{MaxUnpacked: 1 << 20}); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("Plugin: %+v, %v", res, err)
	}
	late := &lateError{Reader: bytes.NewReader(b), err: broken} // the list is read, the descriptor is not
	if _, res, err := Plugin(late, int64(len(b)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20}); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("the descriptor: %+v, %v", res, err)
	}
	if res, err := License(io.MultiReader(strings.NewReader("{"), failing{broken}), "json"); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("License: %+v, %v", res, err)
	}
	if res, err := License(io.MultiReader(strings.NewReader("<a>"), failing{broken}), "xml"); !errors.Is(err, broken) || res.Failed() {
		t.Errorf("License: %+v, %v", res, err)
	}
}

// lateError fails for the beginning of the file.
type lateError struct {
	*bytes.Reader
	err error
}

// ReadAt implements io.ReaderAt.
func (l *lateError) ReadAt(p []byte, off int64) (int, error) {
	if off < 20 && len(p) < 100 {
		return 0, l.err
	}
	return l.Reader.ReadAt(p, off)
}

type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzPlugin(f *testing.F) {
	f.Add(zipOf(f, descriptorName, descriptor("3.8.0"), "lemmas.jar", "jar"))
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
