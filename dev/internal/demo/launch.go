package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// launched is the stack that the demo has started.
type launched struct {
	document *stack.Document // as it was when the stack became ready
	cmd      *exec.Cmd
	ended    chan struct{}
	out      *screen
}

// stopPatience is how long the stack may take to stop its nodes before it is killed, which ends
// them all the harder way.
const stopPatience = 90 * time.Second

// lineLimit bounds the document that the stack prints.
const lineLimit = 4 << 20

// launch starts `searchpack-dev up` and returns when it is ready.
func launch(ctx context.Context, c Config, data string, out *screen) (*launched, error) {
	cmd := exec.Command(c.Self, arguments(c, data)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	lines := &prefixed{out: out}
	cmd.Stderr = lines
	// A process group of its own: Ctrl-C reaches the demo, which stops the stack. Should the demo be
	// killed, the kernel asks the stack to stop.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	st := &launched{cmd: cmd, ended: make(chan struct{}), out: out}
	ready, started := make(chan *stack.Document, 1), make(chan error, 1)
	go func() {
		// The signal comes when the starting *thread* ends, so this one stays until the stack has ended.
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		readDocuments(bufio.NewReaderSize(stdout, 64<<10), ready)
		_ = cmd.Wait()
		close(st.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Self, err)
	}
	select {
	case st.document = <-ready:
		lines.ready()
		if len(st.document.Domains) == 0 {
			st.stop()
			return nil, errors.New("searchpack-dev is ready without a domain")
		}
		out.line("The stack is ready: %s", endpointOf(st.document))
		return st, nil
	case <-st.ended:
		return nil, fmt.Errorf("the stack did not start: %s", lines.last())
	case <-ctx.Done():
		st.stop()
		return nil, fmt.Errorf("interrupted while the stack started: %w", ctx.Err())
	}
}

func arguments(c Config, data string) []string {
	args := []string{"up", "--output", "json", "--domain", domainName, "--nodes", strconv.Itoa(nodeCount), "--data", data, "--port", "0"}
	if c.Port != "" {
		args[len(args)-1] = c.Port
	}
	if c.OpenSearch != "" {
		args = append(args, "--opensearch", c.OpenSearch)
	}
	if c.Data == "" {
		args = append(args, "--ephemeral")
	}
	return args
}

// readDocuments hands over the first document and reads on until the stack closes its output.
func readDocuments(r *bufio.Reader, ready chan<- *stack.Document) {
	first := true
	for {
		line, err := readLine(r)
		if err != nil {
			return
		}
		var d stack.Document
		if first && json.Unmarshal(line, &d) == nil && d.Endpoint != "" {
			first = false
			ready <- &d
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > lineLimit {
			return nil, bufio.ErrTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// stop stops the stack and returns when it has ended.
func (l *launched) stop() {
	select {
	case <-l.ended:
		return
	default:
	}
	l.out.line("\nStopping the stack.")
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.ended:
	case <-time.After(stopPatience):
		l.out.line("The stack does not stop; killing it.")
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}

// prefixed passes the stack's own lines on to the screen and remembers what it said last. The line
// that says why the stack does not start is left to the demo, which says it once.
type prefixed struct {
	out *screen
	mu  sync.Mutex
	buf []byte
	end string // the last line, or the error if there is one: lines of a log may follow it
	up  bool   // it has started
}

// errorPrefix begins the line with which searchpack-dev ends on an error.
const errorPrefix = "searchpack-dev: "

func (p *prefixed) ready() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = true
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = append(p.buf, b...)
	for {
		i := bytes.IndexByte(p.buf, '\n')
		if i < 0 {
			break
		}
		line := strings.TrimSpace(string(p.buf[:i]))
		failed := strings.HasPrefix(line, errorPrefix)
		if !failed || p.up {
			p.out.line("%s", line)
		}
		if failed || !strings.HasPrefix(p.end, errorPrefix) {
			p.end = line
		}
		p.buf = p.buf[i+1:]
	}
	if len(p.buf) > lineLimit {
		p.buf = nil
	}
	return len(b), nil
}

func (p *prefixed) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == "" {
		return "it ended without a word"
	}
	return strings.TrimPrefix(p.end, errorPrefix)
}
