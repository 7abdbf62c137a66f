package oracle

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// TestMain: the test's own program plays the Java one, so that the protocol is tested without a JVM.
func TestMain(m *testing.M) {
	if os.Getenv("ORACLE_TEST_FAKE") != "" {
		fake(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake answers each case by what its kind says.
func fake(stdin io.Reader, stdout io.Writer) {
	d := &decoder{r: bufio.NewReader(stdin)}
	for {
		kind, analyzer, flags := d.text(), d.text(), d.int()
		content := ""
		for n := d.count(10); n > 0; n-- {
			content += d.text() + ":" + d.text()
		}
		if d.err != nil {
			return
		}
		w := bufio.NewWriter(stdout)
		switch kind {
		case "hang":
			time.Sleep(time.Hour)
		case "die":
			fmt.Fprintln(os.Stderr, "out of luck")
			os.Exit(3)
		case "garbage":
			putInt(w, -5)
		case "refuse":
			putInt(w, 2)
			putText(w, "java.lang.RuntimeException")
			putText(w, "Line [7]: no")
			putInt(w, -1)
			putText(w, "java.text.ParseException")
			putText(w, "bad")
			putInt(w, 12)
			putInt(w, 0)
		default:
			putInt(w, 0)
			putInt(w, 1)
			putText(w, content)
			putInt(w, flags)
			putInt(w, 1)
			putText(w, analyzer)
		}
		_ = w.Flush()
	}
}

func startFake(t *testing.T) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test
	cmd.Env = append(os.Environ(), "ORACLE_TEST_FAKE=1")
	p := &process{cmd: cmd, stderr: &messages{}}
	cmd.Stderr = p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func TestAsk(t *testing.T) {
	t.Parallel()
	c := One("echo", []byte("a\x00\xff"))
	c.Analyzer, c.NoExpand = "standard", true
	many := []Case{c, One("refuse", nil)}
	for len(many) < 5000 { // more than both pipes hold
		many = append(many, One("echo", []byte(strings.Repeat("x", 100))))
	}
	got, err := startFake(t).ask(t.Context(), many, time.Minute)
	if err != nil || len(got) != len(many) {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	if a := got[0]; !a.Accepted() || a.Meanings[0].Key != "F1:a\x00\xff" || !a.Meanings[0].Flag || a.Meanings[0].Values[0] != "standard" {
		t.Errorf("%+v", a)
	}
	if a := got[1]; a.Accepted() || a.Line() != 7 || a.Offset() != 12 || a.Why() != "RuntimeException: Line [7]: no; ParseException: bad" {
		t.Errorf("%+v: line %d, offset %d, %s", a, a.Line(), a.Offset(), a.Why())
	}
	if a := got[len(got)-1]; a.Line() != 0 || a.Offset() != -1 || a.Why() != "accepted" {
		t.Errorf("%+v", a)
	}
}

// TestAskFails: whatever the program does, the answers up to there come, and nothing hangs.
func TestAskFails(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]error{"hang": errHung, "die": io.EOF, "garbage": errOutOfStep} {
		cases := []Case{One("echo", nil), One(kind, nil)}
		for len(cases) < 3000 {
			cases = append(cases, One("echo", []byte(strings.Repeat("x", 100))))
		}
		got, err := startFake(t).ask(t.Context(), cases, time.Second)
		if !errors.Is(err, want) || len(got) != 1 {
			t.Errorf("%s: %d answers, %v; want 1, %v", kind, len(got), err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := startFake(t).ask(ctx, []Case{One("hang", nil)}, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

func TestHungIsNoAnswer(t *testing.T) {
	t.Parallel()
	if a := (Answer{Hung: true}); a.Accepted() || !strings.Contains(a.Why(), "in time") {
		t.Errorf("%v, %s", a.Accepted(), a.Why())
	}
}

func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.Context(), "1.3.0", distro.Options{}); err == nil || !strings.Contains(err.Error(), "1.3.0") {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(binary.BigEndian.AppendUint32(nil, mostItems))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decoder{r: bufio.NewReader(strings.NewReader(string(b)))}
		if a, err := d.answer(); err == nil && len(b) < 8 {
			t.Errorf("%q is an answer: %+v", b, a)
		}
	})
}
