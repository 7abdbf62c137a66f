package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/oracle"
	"github.com/searchpack/searchpack/internal/inspect"
)

// measuredTimes is how often each side reads a file; the best of them counts, for both.
const measuredTimes = 3

// synonyms reads files of synonym rules with our inspection and with OpenSearch's own parser, which
// builds its map of them: rules per second, and the peak memory of a process that does nothing else.
func synonyms(ctx context.Context) error {
	o, err := oracle.Open(ctx, distro.Newest, distro.Options{Log: func(s string) { fmt.Fprintln(os.Stderr, s) }})
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("machine: %s, %d CPUs, %s\n", cpuModel(), runtime.NumCPU(), runtime.Version())
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		file := filepath.Join(o.Scratch(), "config", "rules.txt")
		if err := writeRules(file, n); err != nil {
			return err
		}
		ours, ourPeak, err := inspected(ctx, self, file)
		if err != nil {
			return err
		}
		times := measuredTimes
		if n == 1_000_000 {
			times = 1 // half a minute each, long warm by its end
		}
		theirs, theirPeak, err := o.Build(ctx, "rules.txt", times, "2g")
		if err != nil {
			return err
		}
		a, b := slices.Min(ours), slices.Min(theirs)
		fmt.Printf("%d synonym rules: inspection %.0f rules/s, %.0f MiB; OpenSearch %s on Java %s %.0f rules/s, %.0f MiB: %.1f times as fast, %.2f of the memory\n",
			n, float64(n)/a.Seconds(), mib(ourPeak), distro.Newest, o.Java(), float64(n)/b.Seconds(), mib(theirPeak), b.Seconds()/a.Seconds(), float64(ourPeak)/float64(theirPeak))
	}
	return nil
}

func writeRules(file string, n int) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file) //nolint:gosec // in our own folder
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	r := &rules{r: rand.New(rand.NewPCG(3, 4))} //nolint:gosec // not a secret: the same rules each run
	in := bufio.NewReader(r)
	for range n {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		_, _ = out.WriteString(line) // the first error comes back from Flush
	}
	return errors.Join(out.Flush(), f.Close())
}

// inspected runs this program anew to read the file, so that its memory is measured alone.
func inspected(ctx context.Context, self, file string) ([]time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, self, "-inspect", file) //nolint:gosec // this program
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("inspecting %s: %w", file, err)
	}
	var took []time.Duration
	for field := range strings.FieldsSeq(string(out)) {
		ns, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, 0, err
		}
		took = append(took, time.Duration(ns))
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok || len(took) == 0 {
		return nil, 0, errors.New("the inspection told no times")
	}
	return took, usage.Maxrss << 10, nil
}

// inspectFile is what that process does: it reads the file several times and prints nanoseconds.
func inspectFile(file string, out io.Writer) error {
	for range measuredTimes {
		f, err := os.Open(file) //nolint:gosec // named by our own parent
		if err != nil {
			return err
		}
		began := time.Now()
		res, err := inspect.Dictionary(f, inspect.Options{Declared: searchpack.KindSynonyms})
		took := time.Since(began)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if res.Failed() {
			return fmt.Errorf("the rules are bad: %+v", res.Findings[0])
		}
		if _, err := fmt.Fprintln(out, took.Nanoseconds()); err != nil {
			return err
		}
	}
	return nil
}
