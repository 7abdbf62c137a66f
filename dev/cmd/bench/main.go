// Command bench measures what docs/benchmarks.md quotes, on this machine, in one run: import of a
// large object beside a plain download of it, the server's peak memory meanwhile, the time from
// AssociatePackage to ACTIVE, the CPU of an idle server, and the inspection of a large plugin beside
// unzip -tq of it. It starts a stack of its own with files-only nodes and stops it. First it measures
// the inspection of synonyms beside OpenSearch's own parser, which needs a JDK.
//
//	bench [-size 1GiB-in-bytes] [-idle 20s] BIN/searchpack-dev
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

func main() {
	size := flag.Int64("size", 1<<30, "bytes of the large object")
	idle := flag.Duration("idle", 20*time.Second, "how long to watch an idle server")
	inspected := flag.String("inspect", "", "only inspect this file of synonyms and print nanoseconds (the program calls itself)")
	plugin := flag.String("inspect-plugin", "", "only inspect this plugin, and print as JSON what it took (the program calls itself)")
	only := flag.Bool("synonyms", false, "only measure the inspection of synonyms beside OpenSearch's parser")
	flag.Parse()
	if *plugin != "" {
		if err := inspectPlugin(*plugin); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *inspected != "" {
		if err := inspectFile(*inspected, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-size BYTES] [-idle DURATION] BIN/searchpack-dev")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := synonyms(ctx)
	if err == nil && !*only {
		err = run(ctx, flag.Arg(0), *size, *idle)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program string, size int64, idle time.Duration) error {
	dir, err := os.MkdirTemp("", "searchpack-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	doc, stopStack, err := start(ctx, program, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer stopStack()
	fmt.Printf("machine: %s, %d CPUs, %s\n", cpuModel(), runtime.NumCPU(), runtime.Version())
	b := &bench{doc: doc, c: newClients(doc), dir: dir, size: size, idle: idle}
	for _, part := range []func(context.Context) error{b.idleCPU, b.large, b.rollout, b.plugin} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start runs a stack with files-only nodes and waits until it is ready.
func start(ctx context.Context, program, data string) (*stack.Document, func(), error) {
	cmd := exec.Command(program, "up", "--opensearch", stack.None, "--port", "0", "--nodes", "3", "--domain", domain, "--data", data, "--ephemeral") //nolint:gosec // the caller's own program
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopStack := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended //nolint:errcheck // told to end: how does not matter
	}
	var doc *stack.Document
	err := poll(ctx, time.Minute, func() (bool, error) {
		select {
		case err := <-ended:
			ended <- err
			return false, fmt.Errorf("the stack ended: %w", err)
		default:
		}
		var err error
		doc, err = stack.ReadDocument(data)
		return err == nil, nil
	})
	if err != nil {
		stopStack()
		return nil, nil, err
	}
	return doc, stopStack, nil
}

// poll asks until done says so, an error comes, or the time is over.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	end := time.Now().Add(limit)
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("not done after " + limit.String())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// cpuModel names the processor.
func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}
