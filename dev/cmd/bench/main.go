// Command bench measures what docs/benchmarks.md quotes, on this machine, in one run. Each case can be
// measured alone; all of them run when none is named.
//
//	synonyms  the inspection of synonyms beside OpenSearch's own parser, which needs a JDK
//	idle      the CPU of an idle server with three agents
//	import    a large object beside a plain download of it, and the server's peak memory meanwhile
//	plugin    the inspection of a large plugin beside unzip -tq of it
//	rollout   AssociatePackage until every node has proven what it has loaded, on real clusters of 1, 3
//	          and 5 nodes, beside a script (bare.sh) that only copies, probes, renames and reloads
//	pluginrollout  a plugin brought to three real nodes beside bare restarts of them, under load
//	agents    5,000 agents on one server: to wake all, to bring all a file, memory, idle CPU
//
// It starts stacks of its own and stops them.
//
//	bench [-case rollout,agents] [-size 1GiB-in-bytes] [-idle 20s] BIN/searchpack-dev
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// a measurement prints what it measured. It starts what it needs.
type measurement struct {
	name string
	run  func(ctx context.Context, program string, o options) error
}

// options of the command line.
type options struct {
	size int64         // of the large object
	idle time.Duration // how long to watch an idle server
	// clusters are the sizes, in nodes, of the clusters that rollouts are measured on.
	clusters []int
	rules    []int // sizes, in rules, of the dictionaries that are rolled out
	agents   int   // on one server
	turns    int   // of restarts and rollouts of a plugin; odd, so that the median is one of them
}

// cases in the order in which they are measured. All that need the same stack share one.
var cases = []measurement{
	{"synonyms", func(ctx context.Context, _ string, _ options) error { return synonyms(ctx) }},
	{"idle", onFilesOnly((*bench).idleCPU)},
	{"import", onFilesOnly((*bench).large)},
	{"plugin", func(ctx context.Context, _ string, o options) error { return plugin(ctx, o.size) }},
	{"rollout", rollouts},
	{"pluginrollout", pluginRollouts},
	{"agents", agents},
}

func main() {
	var o options
	flag.Int64Var(&o.size, "size", 1<<30, "bytes of the large object")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long to watch an idle server")
	only := flag.String("case", "", "only these cases, separated by commas: "+strings.Join(caseNames(), ", "))
	inspected := flag.String("inspect", "", "only inspect this file of synonyms and print nanoseconds (the program calls itself)")
	pluginFile := flag.String("inspect-plugin", "", "only inspect this plugin, and print as JSON what it took (the program calls itself)")
	o.clusters, o.rules = []int{1, 3, 5}, []int{1_000, 18_000}
	flag.IntVar(&o.agents, "agents", 5000, "agents on one server")
	flag.IntVar(&o.turns, "turns", 3, "bare restarts of all nodes, and rollouts of a plugin")
	flag.Func("nodes", "sizes of the clusters for rollouts (default 1,3,5)", numbers(&o.clusters))
	flag.Func("rules", "sizes of the dictionaries for rollouts (default 1000,18000)", numbers(&o.rules))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *pluginFile != "":
		err = inspectPlugin(*pluginFile)
	case *inspected != "":
		err = inspectFile(*inspected, os.Stdout)
	case flag.NArg() != 1:
		fmt.Fprintln(os.Stderr, "usage: bench [-case NAME,...] [-size BYTES] [-idle DURATION] BIN/searchpack-dev")
		os.Exit(2)
	default:
		err = run(ctx, flag.Arg(0), *only, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// numbers reads a list of them.
func numbers(into *[]int) func(string) error {
	return func(list string) error {
		*into = nil
		for field := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(field)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is no number above 0", field)
			}
			*into = append(*into, n)
		}
		return nil
	}
}

func caseNames() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// run measures the cases named, all if none is.
func run(ctx context.Context, program, only string, o options) error {
	chosen := caseNames()
	if only != "" {
		chosen = strings.Split(only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(caseNames(), name) {
			return fmt.Errorf("there is no case %q: there are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	fmt.Printf("machine: %s, %d CPUs, %s; load of the last minute at the start %s\n", cpuModel(), runtime.NumCPU(), runtime.Version(), load())
	for _, c := range cases {
		if !slices.Contains(chosen, c.name) {
			continue
		}
		if err := c.run(ctx, program, o); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// onFilesOnly measures on a stack of three files-only nodes.
func onFilesOnly(measure func(*bench, context.Context) error) func(context.Context, string, options) error {
	return func(ctx context.Context, program string, o options) error {
		return onStack(ctx, program, o, []string{"--opensearch", stack.None, "--nodes", "3"}, measure)
	}
}

// onStack measures on a stack with such nodes.
func onStack(ctx context.Context, program string, o options, nodes []string, measure func(*bench, context.Context) error) error {
	dir, err := os.MkdirTemp("", "searchpack-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // OpenSearch runs as another user than root and must reach its home
		return err
	}
	doc, stopStack, err := start(ctx, program, filepath.Join(dir, "data"), nodes)
	if err != nil {
		return err
	}
	defer stopStack()
	b := &bench{doc: doc, c: newClients(doc), dir: dir, options: o}
	if _, err := b.c.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	return measure(b, ctx)
}

// startTime bounds the start of a stack: five real nodes on a busy machine take minutes.
const startTime = 10 * time.Minute

// start runs a stack with such nodes and waits until it is ready.
func start(ctx context.Context, program, data string, nodes []string) (*stack.Document, func(), error) {
	args := append([]string{"up", "--port", "0", "--domain", domain, "--data", data, "--ephemeral"}, nodes...)
	cmd := exec.Command(program, args...) //nolint:gosec // the caller's own program
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
	err := poll(ctx, startTime, func() (bool, error) {
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
	return pollEvery(ctx, 10*time.Millisecond, limit, done)
}

// pollEvery is poll with another pause between two questions.
func pollEvery(ctx context.Context, every, limit time.Duration, done func() (bool, error)) error {
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
		case <-time.After(every):
		}
	}
}

// load is the load average of the last minute: what else this machine does.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
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
