package oracle

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// answerTimeout is how long one case may take. The slowest of the tests take milliseconds, a
	// start takes seconds.
	answerTimeout = 30 * time.Second
	// keptMessages is how much of what the program says on standard error an error shows, in bytes.
	keptMessages = 2000
)

// process is a running program. It is written to and read from at the same time: neither side's
// pipe may fill up while the other waits. It ends when its standard input does, so that none
// outlives a test.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *messages
}

func (o *Oracle) start() error {
	program, args := o.command([]string{"-Xmx768m", "-XX:TieredStopAtLevel=1"})
	cmd := exec.Command(program, args...) //nolint:gosec // the JDK that was chosen
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	p := &process{cmd: cmd, stderr: &messages{}}
	cmd.Stderr = p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.in, p.out = in, bufio.NewReaderSize(out, 1<<16)
	if err := cmd.Start(); err != nil {
		return err
	}
	o.process = p
	return nil
}

func (p *process) kill() {
	_ = p.in.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // killed: how it ended does not matter
}

// Ask returns an answer for each case, in order. A case that the program does not answer in time is
// marked as hung, and the program is started anew for the rest. The error is the program's failure,
// and names the case at which it came.
func (o *Oracle) Ask(ctx context.Context, cases []Case) ([]Answer, error) {
	answers := make([]Answer, 0, len(cases))
	for len(answers) < len(cases) {
		if o.process == nil {
			if err := o.start(); err != nil {
				return nil, err
			}
		}
		more, err := o.process.ask(ctx, cases[len(answers):], answerTimeout)
		answers = append(answers, more...)
		if err == nil {
			continue
		}
		said := o.process.stderr
		o.end()
		if !errors.Is(err, errHung) {
			c := cases[min(len(answers), len(cases)-1)]
			return nil, fmt.Errorf("asking OpenSearch %s about case %d (%s, %.200q): %w: %s",
				o.home.Version, len(answers), c.Kind, contents(c), err, said)
		}
		answers = append(answers, Answer{Hung: true})
	}
	return answers, nil
}

var errHung = errors.New("no answer came in time")

// ask returns the answers that came; fewer than cases only with an error.
func (p *process) ask(ctx context.Context, cases []Case, timeout time.Duration) ([]Answer, error) {
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { // ends when the program reads, or is dead
		w := bufio.NewWriterSize(p.in, 1<<16)
		for _, c := range cases {
			c.write(w)
		}
		_ = w.Flush() // a failure shows on the other side: no answer
	})
	type result struct {
		a   Answer
		err error
	}
	results := make(chan result)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		d := &decoder{r: p.out}
		for range cases {
			a, err := d.answer()
			select {
			case results <- result{a, err}:
			case <-stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	var answers []Answer
	clock := time.NewTimer(timeout)
	defer clock.Stop()
	for len(answers) < len(cases) {
		select {
		case r := <-results:
			if r.err != nil {
				_ = p.cmd.Process.Kill() // else the writer could wait for ever
				return answers, r.err
			}
			answers = append(answers, r.a)
			clock.Reset(timeout)
		case <-clock.C:
			_ = p.cmd.Process.Kill()
			return answers, errHung
		case <-ctx.Done():
			_ = p.cmd.Process.Kill()
			return answers, ctx.Err()
		}
	}
	return answers, nil
}

// contents shows what a case is about.
func contents(c Case) string {
	var all []string
	for _, f := range c.Files {
		all = append(all, string(f.Content))
	}
	return strings.Join(all, "\n---\n")
}

// messages keeps the beginning of what a process says.
type messages struct {
	mu   sync.Mutex
	text []byte
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if room := keptMessages - len(m.text); room > 0 {
		m.text = append(m.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.TrimSpace(string(m.text))
}

// Build builds the synonym map of a file as many times as asked, in a process of its own with the
// given heap, and returns how long each took and the process's peak memory in bytes.
func (o *Oracle) Build(ctx context.Context, file string, times int, heap string) ([]time.Duration, int64, error) {
	program, args := o.command([]string{"-Xmx" + heap}, "build", file, fmt.Sprint(times))
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the JDK that was chosen
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	said := &messages{}
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("building a synonym map on OpenSearch %s: %w: %s", o.home.Version, err, said)
	}
	var took []time.Duration
	for line := range strings.Lines(string(out)) {
		var ns int64
		if _, err := fmt.Sscan(line, &ns); err != nil {
			return nil, 0, fmt.Errorf("%w: %q", errOutOfStep, line)
		}
		took = append(took, time.Duration(ns))
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return nil, 0, errors.New("the system does not say how much memory a process took")
	}
	return took, usage.Maxrss << 10, nil
}
