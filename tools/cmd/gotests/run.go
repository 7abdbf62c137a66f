package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// tally counts tests, subtests included. A package that does not build, or that ends without
// naming a failed test, counts as one failure.
type tally struct{ passed, failed, skipped int }

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.skipped += o.skipped
}

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
}

// runModule runs the tests of a module's packages, one package at a time: some start clusters.
func runModule(dir string, packages []string, timeout time.Duration, out io.Writer) tally {
	args := append([]string{"test", "-json", "-count=1", "-p=1", "-timeout", timeout.String()}, packages...)
	cmd := exec.Command("go", args...) //nolint:gosec // the arguments are the developer's own
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(out, "FAIL %s: %v\n", dir, err)
		return tally{failed: 1}
	}
	t := read(pipe, out)
	if err := cmd.Wait(); err != nil && t.failed == 0 {
		fmt.Fprintf(out, "FAIL %s: %v\n", dir, err)
		t.failed++
	}
	return t
}

// read turns the event stream into lines for people and counts.
func read(r io.Reader, out io.Writer) tally {
	var t tally
	printed := map[string][]string{} // package and test -> output so far
	failedIn := map[string]int{}
	slow := map[string][]event{} // by package
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		id := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			printed[id] = append(printed[id], e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "pass", "fail", "skip":
			if e.Test == "" {
				packageEnded(e, printed[id], failedIn, &t, out)
				sayWhatWasSlow(slow[e.Package], out)
			} else {
				testEnded(e, printed[id], failedIn, &t, out)
			}
			if !strings.Contains(e.Test, "/") && e.Elapsed >= slowFrom.Seconds() && e.Test != "" {
				slow[e.Package] = append(slow[e.Package], e)
			}
			delete(printed, id)
		}
	}
	return t
}

// slowFrom is how long a test takes that is named with its package.
const slowFrom = 30 * time.Second

// sayWhatWasSlow names the tests that took long, the longest first.
func sayWhatWasSlow(tests []event, out io.Writer) {
	slices.SortStableFunc(tests, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, e := range tests {
		fmt.Fprintf(out, "       %-38s %6.1fs\n", e.Test, e.Elapsed)
	}
}

func testEnded(e event, output []string, failedIn map[string]int, t *tally, out io.Writer) {
	switch e.Action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		failedIn[e.Package]++
		fmt.Fprintf(out, "--- FAIL %s %s (%.1fs)\n%s", e.Package, e.Test, e.Elapsed, strings.Join(output, ""))
	case "skip":
		t.skipped++
		fmt.Fprintf(out, "skip %s %s: %s\n", short(e.Package), e.Test, reason(output))
	}
}

func packageEnded(e event, output []string, failedIn map[string]int, t *tally, out io.Writer) {
	word := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "none"}[e.Action]
	if e.Action == "fail" && failedIn[e.Package] == 0 {
		t.failed++
	}
	if e.Action == "fail" {
		fmt.Fprint(out, strings.Join(output, ""))
	}
	if e.Action != "skip" { // a package without tests is not worth a line
		fmt.Fprintf(out, "%s %-40s %6.1fs\n", word, short(e.Package), e.Elapsed)
	}
}

func short(pkg string) string {
	if s := strings.TrimPrefix(pkg, "github.com/searchpack/searchpack"); s != "" {
		return strings.TrimPrefix(s, "/")
	}
	return "."
}

// reason is what t.Skip said: the line that names a file.
func reason(output []string) string {
	for _, line := range output {
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			_, text, _ = strings.Cut(text, ": ")
			return strings.TrimSpace(text)
		}
	}
	return "no reason given"
}
