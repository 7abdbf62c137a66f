package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// demoPatience bounds a demo; the first run fetches 160 MB.
const demoPatience = 20 * time.Minute

// demo is a running `searchpack-dev demo`.
type demo struct {
	cmd    *exec.Cmd
	data   string
	report string
	output lockedBuffer
	ended  chan struct{}
}

// startDemo starts a demo that ends by itself. The test's end kills what is left of it.
func startDemo(t *testing.T, version string) *demo {
	t.Helper()
	dir := openDir(t)
	d := &demo{
		cmd: exec.Command(program, "demo"), ended: make(chan struct{}),
		data: filepath.Join(dir, "data"), report: filepath.Join(dir, "report.json"),
	}
	// As make does: it exports what nobody gave as an empty variable.
	d.cmd.Env = append(os.Environ(), "OPENSEARCH="+version, "DEMO_REPORT="+d.report, "DEMO_EXIT=1", "PORT=", "DATA="+d.data)
	d.cmd.Stdout, d.cmd.Stderr = &d.output, &d.output
	if err := spawn(d.cmd); err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.cmd.Wait(); close(d.ended) }()
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		d.wait(t, patience)
	})
	return d
}

// wait waits for the demo's end and returns its status.
func (d *demo) wait(t *testing.T, patience time.Duration) int {
	t.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		_ = d.cmd.Process.Kill() // takes its stack along
		<-d.ended
		t.Fatalf("the demo does not end:\n%s", d.output.String())
	}
	return d.cmd.ProcessState.ExitCode()
}

// leftNothing checks that no process is left, and no document that names one.
func (d *demo) leftNothing(t *testing.T) {
	t.Helper()
	if left := below(d.data); len(left) > 0 {
		t.Errorf("still running:\n%s", strings.Join(left, "\n"))
	}
	gone(t, d.data, nil)
}

type demoStep struct {
	Step        int
	Name        string
	OK, Skipped bool
	Seconds     float64
	Detail      string
}

func (d *demo) steps(t *testing.T) []demoStep {
	t.Helper()
	b, err := os.ReadFile(d.report)
	if err != nil {
		t.Fatal(err)
	}
	var steps []demoStep
	for line := range bytes.Lines(b) {
		var s demoStep
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		steps = append(steps, s)
	}
	return steps
}

var hitAfter = regexp.MustCompile(`on every node ([0-9.]+) s after AssociatePackage answered`)

// The demo on real three-node clusters, on every version offered, one after the other: it checks
// every claim it makes, and leaves nothing running.
func TestDemoOnOpenSearch(t *testing.T) {
	needsJVM(t)
	for _, version := range distro.Offered() {
		t.Run(version, func(t *testing.T) {
			d := startDemo(t, version)
			if code := d.wait(t, demoPatience); code != 0 {
				t.Fatalf("status %d\n%s", code, d.output.String())
			}
			d.leftNothing(t)
			steps := d.steps(t)
			if len(steps) != 6 {
				t.Fatalf("%d steps in the report: %+v", len(steps), steps)
			}
			for i, s := range steps {
				if s.Step != i+1 || s.Name == "" || !s.OK || s.Skipped || s.Seconds <= 0 {
					t.Errorf("%+v", s)
				}
				t.Logf("%.1f s: %s", s.Seconds, s.Detail)
			}
			found := hitAfter.FindStringSubmatch(steps[3].Detail)
			if found == nil {
				t.Fatalf("step 4 does not say when the search hit: %s", steps[3].Detail)
			}
			if seconds, err := strconv.ParseFloat(found[1], 64); err != nil || seconds >= 5 {
				t.Errorf("the new synonym hit %s s after AssociatePackage (%v)", found[1], err)
			}
		})
	}
}

// Ctrl-C while three JVMs are starting: they end too.
func TestDemoInterruptedWhileNodesStart(t *testing.T) {
	needsJVM(t)
	d := startDemo(t, distro.Fallback)
	ctx, cancel := context.WithTimeout(t.Context(), demoPatience)
	defer cancel()
	if err := until(ctx, func() (bool, error) {
		select {
		case <-d.ended:
			return false, os.ErrProcessDone
		default:
		}
		return strings.Count(strings.Join(below(d.data), "\n"), "org.opensearch.bootstrap.OpenSearch") == 3, nil
	}); err != nil {
		t.Fatalf("three nodes do not start: %v\n%s", err, d.output.String())
	}
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := d.wait(t, patience); code != 1 || !strings.Contains(d.output.String(), "interrupted") {
		t.Errorf("status %d\n%s", code, d.output.String())
	}
	d.leftNothing(t)
	for _, s := range d.steps(t) {
		if s.OK {
			t.Errorf("a step held: %+v", s)
		}
	}
}

// Ctrl-C in the middle of the job, and kill -9 of the demo itself: the stack goes with it.
func TestDemoEndedInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, "none")
			eventually(t, func() string {
				if b, _ := os.ReadFile(d.report); bytes.Count(b, []byte("\n")) == 0 {
					return "no step ended: " + d.output.String()
				}
				return ""
			})
			if err := d.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := d.wait(t, patience); code == 0 && len(d.steps(t)) < 6 {
				t.Errorf("status 0\n%s", d.output.String())
			}
			nothingBelow(t, d.data)
			gone(t, d.data, nil)
		})
	}
}
