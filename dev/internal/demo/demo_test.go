package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report")
	r, err := openReport(path)
	if err != nil {
		t.Fatal(err)
	}
	r.add(result{Step: 1, Name: "one", OK: true, Seconds: 0.5, Detail: "a => b\nc"})
	r.skipFrom(1, "not run")
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) != len(steps) || lines[0] != `{"step":1,"name":"one","ok":true,"seconds":0.5,"detail":"a => b\nc"}` {
		t.Fatalf("%q", lines)
	}
	for i, line := range lines[1:] {
		var got result
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(result{Step: i + 2, Name: steps[i+1].name, Detail: "not run"}, got); d != "" {
			t.Error(d)
		}
	}
	if _, err := openReport(filepath.Join(path, "below")); err == nil {
		t.Error("an unwritable report is no error")
	}
	full, err := openReport("/dev/full")
	if err != nil {
		t.Skip("no /dev/full")
	}
	full.add(result{Step: 1})
	if err := full.close(); err == nil {
		t.Error("a full disk is no error")
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	if got := strings.Join(arguments(Config{}, "/d"), " "); !strings.HasSuffix(got, "--data /d --port 0 --ephemeral") {
		t.Errorf("own folder: %s", got)
	}
	got := strings.Join(arguments(Config{OpenSearch: "2.19.0", Port: "4566", Data: "x"}, "/x"), " ")
	if !strings.HasSuffix(got, "--data /x --port 4566 --opensearch 2.19.0") {
		t.Errorf("the caller's folder must be kept: %s", got)
	}
}

func TestReadDocuments(t *testing.T) {
	t.Parallel()
	ready := make(chan *stack.Document, 1)
	readDocuments(bufio.NewReaderSize(strings.NewReader("noise\n"+`{"endpoint":"http://a"}`+"\n"+`{"endpoint":"http://b"}`+"\n"), 16), ready)
	if d := <-ready; d.Endpoint != "http://a" {
		t.Errorf("%+v", d)
	}
	endless := bufio.NewReader(io.LimitReader(zeros{}, 2*lineLimit))
	if _, err := readLine(endless); !errors.Is(err, bufio.ErrTooLong) {
		t.Errorf("an endless line: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestScreen(t *testing.T) {
	t.Parallel()
	var plain, terminal bytes.Buffer
	for w, isTerminal := range map[*bytes.Buffer]bool{&plain: false, &terminal: true} {
		s := &screen{w: w, terminal: isTerminal}
		s.waiting("import", time.Now())
		s.line("done")
	}
	if plain.String() != "done\n" {
		t.Errorf("a pipe gets %q", plain.String())
	}
	if got := terminal.String(); !strings.Contains(got, "import") || !strings.HasSuffix(got, "\r\x1b[Kdone\n") {
		t.Errorf("a terminal gets %q", got)
	}
}

func TestPrefixed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &prefixed{out: &screen{w: &b}}
	if p.last() == "" {
		t.Error("silence has no word")
	}
	for _, part := range []string{"fir", "st\nsec", "ond\nthi"} {
		_, _ = p.Write([]byte(part))
	}
	if b.String() != "first\nsecond\n" || p.last() != "second" {
		t.Errorf("%q, last %q", b.String(), p.last())
	}
}

// Why the stack did not start is said by the demo, whatever log lines follow it; what goes wrong
// later is shown at once.
func TestPrefixedErrors(t *testing.T) {
	t.Parallel()
	const failure = "searchpack-dev: n1 ended while starting\nthe last lines of its log:\n\tat Java\n"
	for _, started := range []bool{false, true} {
		var b bytes.Buffer
		p := &prefixed{out: &screen{w: &b}}
		if started {
			p.ready()
		}
		_, _ = p.Write([]byte("laying out\n" + failure))
		if shown := strings.Contains(b.String(), "n1 ended"); shown != started || !strings.Contains(b.String(), "at Java") || p.last() != "n1 ended while starting" {
			t.Errorf("started %v: %q, last %q", started, b.String(), p.last())
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if !names("Look at LINE 3 of n1", "line 3", "N1") || names("line 3", "line 3", "n1") {
		t.Error("names is wrong")
	}
}

func TestServesOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := &job{id: "F1", nodes: []stack.NodeEntry{{Name: "n1", Config: filepath.Join(dir, "n1")}, {Name: "n2", Config: filepath.Join(dir, "n2")}}}
	for _, n := range j.nodes {
		if err := os.MkdirAll(filepath.Join(n.Config, "analyzers"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.Config, "analyzers", "F1"), []byte(textV1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.servesOnDisk(textV1); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "n2", "analyzers", "F1"), []byte(textV2), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.servesOnDisk(textV1); err == nil || !strings.Contains(err.Error(), "n2") {
		t.Errorf("other bytes on n2: %v", err)
	}
}
