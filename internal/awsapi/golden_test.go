package awsapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the golden files should say")

var testNow = time.Date(2026, 8, 7, 12, 0, 0, 0, time.UTC)

// TestGolden walks testdata. Adding a case is adding a file: a line of comment, "request", and if
// the catalog is reached "catalog" (its outcome). "call" is what it was asked, "response" what goes
// out; -update writes both.
func TestGolden(t *testing.T) {
	t.Parallel()
	cases := 0
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txt") {
			return err
		}
		cases++
		t.Run(strings.TrimSuffix(strings.TrimPrefix(path, "testdata/"), ".txt"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
		return nil
	})
	if err != nil || cases < 200 {
		t.Fatalf("%d cases, %v", cases, err)
	}
}

func golden(t *testing.T, path string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, f := range ar.Files {
		sections[f.Name] = string(f.Data)
	}
	fake := new(fakeCatalog)
	if s := sections["catalog"]; s != "" {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&fake.outcome); err != nil {
			t.Fatalf("section catalog: %v", err)
		}
	}
	r := parseRequest(t, sections["request"])
	response := httptest.NewRecorder()
	testHandler(t, fake).ServeHTTP(response, r)
	m := mustModel(t)
	if op, _ := newRouter(m.Operations).find(r.Method, r.URL.EscapedPath()); op != nil && response.Code == http.StatusOK {
		for _, problem := range conforms(m, op, response.Body.Bytes()) {
			t.Error(problem)
		}
	}
	got := map[string]string{"response": showResponse(t, response.Result())}
	for _, call := range fake.asked {
		got["call"] += call + "\n"
	}
	if *update {
		rewrite(t, path, ar, sections, got)
		return
	}
	for _, name := range []string{"call", "response"} {
		if d := cmp.Diff(sections[name], got[name]); d != "" {
			t.Errorf("%s of %s (-want +got):\n%s", name, path, d)
		}
	}
}

func rewrite(t *testing.T, path string, ar *txtar.Archive, have, got map[string]string) {
	t.Helper()
	ar.Files = nil
	for _, name := range []string{"request", "catalog", "call", "response"} {
		data := have[name]
		if name == "call" || name == "response" {
			data = got[name]
		}
		if data != "" {
			ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(data)})
		}
	}
	if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func testHandler(t testing.TB, fake *fakeCatalog) http.Handler {
	t.Helper()
	return New(Config{
		Catalog: fake, Authenticate: fake.authenticate,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return testNow },
	})
}

// parseRequest reads "POST /path", header lines, an empty line and a body.
func parseRequest(t *testing.T, s string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(strings.TrimSuffix(s, "\n"), "\n\n")
	lines := strings.Split(head, "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	if !ok {
		t.Fatalf("no request line: %q", lines[0])
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// showResponse writes status, sorted headers and indented body. Only the request id varies.
func showResponse(t *testing.T, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	id := res.Header.Get("x-amzn-RequestId")
	if _, err := uuid.Parse(id); err != nil {
		t.Errorf("request id %q: %v", id, err)
	}
	if got := res.Header.Get("Content-Length"); got != fmt.Sprint(len(raw)) {
		t.Errorf("Content-Length %s for %d bytes", got, len(raw))
	}
	res.Header.Del("Content-Length")
	var out, body bytes.Buffer
	fmt.Fprintf(&out, "%d\n", res.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(res.Header[name], ", "))
	}
	if err := json.Indent(&body, raw, "", "  "); err != nil {
		t.Errorf("body is no JSON: %v: %q", err, raw)
	}
	return strings.ReplaceAll(out.String()+"\n"+body.String()+"\n", id, "<request id>")
}
