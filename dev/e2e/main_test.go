package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack/internal/pgtest"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// program is the path of searchpack-dev, client that of searchpack: in SEARCHPACK_BIN, else built
// for this run.
var program, client string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	go spawner()
	if dir := os.Getenv("SEARCHPACK_BIN"); dir != "" {
		program, client = filepath.Join(dir, "searchpack-dev"), filepath.Join(dir, "searchpack")
		return pgtest.Main(m).Run()
	}
	dir, err := os.MkdirTemp("", "searchpack-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program, client = filepath.Join(dir, "searchpack-dev"), filepath.Join(dir, "searchpack")
	for _, build := range [][]string{
		{"build", "-o", program, "../cmd/searchpack-dev"},
		{"build", "-C", "../..", "-o", client, "./cmd/searchpack"},
	} {
		if out, err := exec.Command("go", build...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go %s: %v\n%s", strings.Join(build, " "), err, out)
			return 1
		}
	}
	return pgtest.Main(m).Run()
}

// patience bounds every wait of these tests; it is long because machines are busy.
const patience = 2 * time.Minute

// up is a running searchpack-dev.
type up struct {
	t      *testing.T
	data   string
	cmd    *exec.Cmd
	ended  chan struct{}
	stderr lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs `searchpack-dev up --opensearch none --port 0` on the folder and returns when it is
// ready. The test's end stops it.
func start(t *testing.T, data string, args ...string) *up {
	t.Helper()
	return startOn(t, data, stack.None, patience, args...)
}

// startOn does so for any OpenSearch.
func startOn(t *testing.T, data, version string, patience time.Duration, args ...string) *up {
	t.Helper()
	u := &up{t: t, data: data, ended: make(chan struct{})}
	u.cmd = exec.Command(program, append([]string{"up", "--port", "0", "--opensearch", version, "--output", "json", "--data", data}, args...)...)
	u.cmd.Stderr = &u.stderr
	stdout, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := spawn(u.cmd); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(u.ended)
		in := bufio.NewReaderSize(stdout, 1<<20)
		for first := true; ; first = false {
			line, err := in.ReadString('\n')
			if first && err == nil {
				ready <- line
			}
			if err != nil {
				break
			}
		}
		_ = u.cmd.Wait()
	}()
	t.Cleanup(u.stop)
	select {
	case line := <-ready:
		file, err := os.ReadFile(filepath.Join(data, stack.DocumentName))
		if err != nil || !json.Valid(file) || !json.Valid([]byte(line)) {
			t.Fatalf("stack.json %q (%v), printed %q", file, err, line)
		}
	case <-u.ended:
		t.Fatalf("searchpack-dev ended: %s", u.stderr.String())
	case <-time.After(patience):
		t.Fatalf("not ready: %s", u.stderr.String())
	}
	return u
}

// signal sends a signal and waits for the end. It returns the exit status.
func (u *up) signal(sig syscall.Signal) int {
	u.t.Helper()
	_ = u.cmd.Process.Signal(sig)
	select {
	case <-u.ended:
	case <-time.After(patience):
		_ = u.cmd.Process.Kill()
		u.t.Fatalf("searchpack-dev does not end after %v: %s", sig, u.stderr.String())
	}
	return u.cmd.ProcessState.ExitCode()
}

func (u *up) stop() {
	select {
	case <-u.ended:
	default:
		u.signal(syscall.SIGTERM)
	}
}

func (u *up) document() *stack.Document {
	u.t.Helper()
	d, err := readDocument(u)
	if err != nil {
		u.t.Fatal(err)
	}
	return d
}

// readDocument is document for goroutines, which cannot end a test.
func readDocument(u *up) (*stack.Document, error) { return stack.ReadDocument(u.data) }

// pids are all processes that the document names, agents and nodes.
func pids(d *stack.Document) []int {
	var all []int
	for _, e := range d.Domains {
		for _, n := range e.Nodes {
			for _, pid := range []int{n.PID, n.AgentPID} {
				if pid != 0 {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// alive reports whether the process exists and has not ended.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// command runs a short command of searchpack-dev and returns its status and output.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	return execute(t, program, args...)
}

func execute(t *testing.T, program string, args ...string) (int, string) {
	t.Helper()
	return executeWithin(t, patience, program, args...)
}

func executeWithin(t *testing.T, patience time.Duration, program string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// cli runs a client command of searchpack against the stack and returns its status and output.
func cli(t *testing.T, u *up, args ...string) (int, string) {
	t.Helper()
	d := u.document()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, client, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+d.Endpoint, "AWS_REGION="+d.Region, "AWS_ACCESS_KEY_ID="+d.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+d.SecretAccessKey, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// eventually waits until f returns "".
func eventually(t *testing.T, f func() string) {
	t.Helper()
	eventuallyWithin(t, patience, f)
}

// eventuallyWithin does so for a time that is promised.
func eventuallyWithin(t *testing.T, patience time.Duration, f func() string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		why := f()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(why)
		}
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
