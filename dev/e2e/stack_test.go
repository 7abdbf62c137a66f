package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

func TestReadyAndCleanStop(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "2")
	d := u.document()
	if d.PID != u.cmd.Process.Pid || len(d.Domains) != 1 || len(d.Domains[0].Nodes) != 2 || len(pids(d)) != 2 {
		t.Fatalf("%+v", d)
	}
	checkNodes(t, d.Domains[0].Nodes)
	if got := status(t, d.Endpoint+"/searchpack/v1/health"); got != http.StatusOK {
		t.Errorf("health: %d", got)
	}
	if code, out := command(t, "status", "--data", u.data); code != 0 || !strings.Contains(out, "ready at "+d.Endpoint) || !strings.Contains(out, "demo/n2") {
		t.Errorf("status: %d %s", code, out)
	}
	for _, action := range []string{"stop", "start"} {
		if code, out := command(t, "node", action, "demo/n2", "--data", u.data); code != 1 || !strings.Contains(out, "demo/n2 is a files-only node: it has no process that could "+action) || strings.Count(out, "\n") != 1 {
			t.Errorf("node %s: %d %s", action, code, out)
		}
	}
	if code, out := command(t, "up", "--port", "0", "--opensearch", "none", "--data", u.data); code != 1 || !strings.Contains(out, "in use") || strings.Count(out, "\n") != 1 {
		t.Errorf("a second one: %d %s", code, out)
	}
	if code, out := command(t, "down", "--data", u.data); code != 0 {
		t.Fatalf("down: %d %s", code, out)
	}
	<-u.ended
	if code := u.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("up ended with %d: %s", code, u.stderr.String())
	}
	gone(t, u.data, pids(d))
	if code, out := command(t, "status", "--data", u.data); code != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("status of nothing: %d %s", code, out)
	}
}

// checkNodes checks what stack.json says of files-only nodes.
func checkNodes(t *testing.T, nodes []stack.NodeEntry) {
	t.Helper()
	for _, n := range nodes {
		for _, path := range []string{n.Home, n.Config, n.Logs, n.AgentState} {
			if info, err := os.Stat(path); !filepath.IsAbs(path) || err != nil || !info.IsDir() {
				t.Errorf("%s: %q: %v", n.Name, path, err)
			}
		}
		if n.NodeID == "" || n.HTTP != "" {
			t.Errorf("%+v", n)
		}
	}
}

// gone checks that a clean stop left no process, no document, no socket and no record.
func gone(t *testing.T, data string, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
	for _, name := range []string{stack.DocumentName, "control.sock"} {
		if _, err := os.Lstat(filepath.Join(data, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(data, "processes")); len(left) != 0 {
		t.Errorf("records of processes: %v", left)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "1", "--ephemeral")
			d := u.document()
			if code := u.signal(sig); code != 0 {
				t.Errorf("status %d: %s", code, u.stderr.String())
			}
			gone(t, u.data, pids(d))
			if _, err := os.Stat(u.data); !os.IsNotExist(err) {
				t.Errorf("ephemeral data is still there (%v)", err)
			}
		})
	}
}

func clients(d *stack.Document) (*opensearch.Client, *s3.Client) {
	provider := credentials.NewStaticCredentialsProvider(d.AccessKeyID, d.SecretAccessKey, "")
	return opensearch.New(opensearch.Options{Region: d.Region, BaseEndpoint: aws.String(d.Endpoint), Credentials: provider}),
		s3.New(s3.Options{Region: d.Region, BaseEndpoint: aws.String(d.Endpoint), Credentials: provider, UsePathStyle: true})
}

// makePackage puts the text into S3 and returns the id of a package whose import has begun.
func makePackage(t *testing.T, d *stack.Document, name, text string) string {
	t.Helper()
	es, store := clients(d)
	ctx := t.Context()
	if _, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("dictionaries")}); err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		t.Fatal(err)
	}
	if _, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("dictionaries"), Key: aws.String(name), Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
	made, err := es.CreatePackage(ctx, createInput(name))
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.PackageDetails.PackageID)
}

// A stack killed by kill -9 in the middle of everything: the next one on the same data ends what is
// left, knows what was acknowledged, and finishes it.
func TestKilledStackComesBack(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	u := start(t, data, "--domain", "demo", "--nodes", "2")
	before := u.document()
	id := makePackage(t, before, "synonyms", "laptop, notebook\n")
	es, _ := clients(before)
	associate(t, es, id, "demo")
	u.signal(syscall.SIGKILL)

	u = start(t, data, "--domain", "demo", "--nodes", "2")
	after := u.document()
	for _, pid := range pids(before) {
		if alive(pid) {
			t.Errorf("process %d of the killed stack still runs", pid)
		}
	}
	es, _ = clients(after)
	eventually(t, func() string { return notActive(t, es, id) })
	for i, n := range after.Domains[0].Nodes {
		if n.NodeID != before.Domains[0].Nodes[i].NodeID {
			t.Errorf("%s has another identity: %s, before %s", n.Name, n.NodeID, before.Domains[0].Nodes[i].NodeID)
		}
		if b, err := os.ReadFile(filepath.Join(n.Config, "analyzers", id)); err != nil || string(b) != "laptop, notebook\n" {
			t.Errorf("%s: %q, %v", n.Name, b, err)
		}
	}
}

func TestKilledAgentStaysDownUntilStarted(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "2")
	agent := u.document().Domains[0].Nodes[1].AgentPID
	if err := syscall.Kill(agent, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pid := func() int { return u.document().Domains[0].Nodes[1].AgentPID }
	eventually(t, func() string {
		if p := pid(); p != 0 {
			return fmt.Sprintf("stack.json still names agent %d", p)
		}
		return ""
	})
	if code, out := command(t, "agent", "start", "demo/n2", "--data", u.data); code != 0 {
		t.Fatalf("agent start: %d %s", code, out)
	}
	eventually(t, func() string {
		if p := pid(); p == 0 || !alive(p) {
			return "the agent does not come back"
		}
		return ""
	})
	if code, out := command(t, "agent", "stop", "demo/n2", "--data", u.data); code != 0 {
		t.Fatalf("agent stop: %d %s", code, out)
	}
	eventually(t, func() string {
		if pid() != 0 {
			return "the agent does not stop"
		}
		return ""
	})
	for _, args := range [][]string{{"agent", "start", "demo/n3"}, {"agent", "stop", "nope/n1"}, {"node", "start", "nope/n1"}} {
		if code, out := command(t, append(args, "--data", u.data)...); code != 1 || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
	if code, _ := command(t, "node", "start", "demo", "--data", u.data); code != 2 {
		t.Errorf("a node without a name: %d", code)
	}
}

// A data folder keeps the key it was made with; another one is refused in words.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	start(t, data, "--secret-key", "first").stop()
	for _, key := range [][]string{{"--secret-key", "second"}, {"--access-key", "other", "--secret-key", "first"}} {
		code, out := command(t, append([]string{"up", "--port", "0", "--opensearch", "none", "--data", data}, key...)...)
		if code != 1 || !strings.Contains(out, "--access-key or --secret-key") {
			t.Errorf("%v: %d %s", key, code, out)
		}
	}
	gone(t, data, nil)
}

// Whoever reads the first line and goes does not end the stack.
func TestReaderGoesAway(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(program, "up", "--port", "0", "--opensearch", "none", "--output", "json", "--domain", "demo", "--nodes", "1", "--data", data)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	for _, action := range []string{"stop", "start"} { // each changes stack.json
		if code, text := command(t, "agent", action, "demo/n1", "--data", data); code != 0 {
			t.Fatalf("agent %s: %d %s", action, code, text)
		}
	}
	eventually(t, func() string {
		d, err := stack.ReadDocument(data)
		if err != nil {
			return err.Error()
		}
		if d.Domains[0].Nodes[0].AgentPID == 0 {
			return "the agent does not come back"
		}
		return ""
	})
	if code, text := command(t, "down", "--data", data); code != 0 {
		t.Fatalf("down: %d %s", code, text)
	}
	if err := <-ended; err != nil {
		t.Errorf("up: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	file, full := filepath.Join(dir, "file"), filepath.Join(dir, "full")
	for _, path := range []string{file, filepath.Join(full, "thesis.tex")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"up", "--wrong"}, 2, "--wrong"},
		{[]string{"up", "--port", "x"}, 2, "port"},
		{[]string{"up", "--port", "70000", "--data", data}, 2, "--port 70000"},
		{[]string{"up", "--nodes", "0", "--data", data}, 2, "--nodes 0"},
		{[]string{"up", "--opensearch", "none", "--opensearch", "3.8.0", "--data", data}, 2, "none"},
		{[]string{"up", "--opensearch", "9.9.9", "--data", data}, 2, "--opensearch 9.9.9 is no version of OpenSearch: the newest"},
		{[]string{"up", "--plugin-rules", "mine", "--data", data}, 2, "plugin-rules"},
		{[]string{"up", "--domain", "../x", "--data", data}, 2, "--domain"},
		{[]string{"up", "--opensearch", "none", "--port", taken, "--data", data}, 1, "port " + taken},
		{[]string{"up", "--opensearch", "none", "--port", "0", "--data", filepath.Join(file, "below")}, 1, "data folder"},
		{[]string{"up", "--opensearch", "none", "--port", "0", "--ephemeral", "--data", full}, 1, "--ephemeral"},
		{[]string{"up", "--opensearch", dir, "--port", "0", "--data", data}, 1, dir},
		{[]string{"nonsense"}, 2, "nonsense"},
		{[]string{"down"}, 2, "--data"},
		{[]string{"s3", "--dir", data, "--region", "x"}, 2, "searchpack-dev up"},
	} {
		code, out := command(t, tt.args...)
		if code != tt.code || !strings.Contains(out, tt.says) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: status %d, want %d naming %q on one line:\n%s", tt.args, code, tt.code, tt.says, out)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a refused start made the data folder (%v)", err)
	}
	if b, err := os.ReadFile(filepath.Join(full, "thesis.tex")); err != nil || string(b) != "precious" {
		t.Errorf("somebody's file: %q, %v", b, err)
	}
}

// Large bodies pass the front door to S3 and back without lying in its memory.
func TestLargeObject(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	d := u.document()
	_, store := clients(d)
	ctx := t.Context()
	if _, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("big")}); err != nil {
		t.Fatal(err)
	}
	const size = 256 << 20
	if _, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("big"), Key: aws.String("zeros"), Body: io.NewSectionReader(zeros{}, 0, size)}); err != nil {
		t.Fatal(err)
	}
	got, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("big"), Key: aws.String("zeros")})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, got.Body)
	_ = got.Body.Close()
	if err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if peak := peakMemory(t, u.cmd.Process.Pid); peak > size/2 {
		t.Errorf("the front door's peak memory is %d MiB for an object of %d MiB", peak>>20, size>>20)
	}
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

// peakMemory reads VmHWM, in bytes.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// The demo without OpenSearch: the steps that need none hold, the report has six lines, and nothing
// is left. (With OpenSearch it is a test of its own.)
func TestDemoFilesOnly(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.json")
	tmp := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "demo")
	cmd.Env = append(os.Environ(), "OPENSEARCH=none", "DEMO_REPORT="+report, "DEMO_EXIT=1", "PORT=0", "DATA=", "TMPDIR="+tmp)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) != 6 {
		t.Fatalf("%d lines in the report: %s", len(lines), b)
	}
	for i, line := range lines {
		var r struct {
			Step    int
			Name    string
			OK      bool
			Seconds *float64
			Detail  string
		}
		if err := json.Unmarshal(line, &r); err != nil || r.Step != i+1 || !r.OK || r.Name == "" || r.Seconds == nil || r.Detail == "" {
			t.Errorf("line %d: %s (%v)", i+1, line, err)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
}

// An interrupted demo stops its stack.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(program, "demo")
	cmd.Env = append(os.Environ(), "OPENSEARCH=none", "PORT=0", "DATA="+data, "DEMO_REPORT=")
	if err := spawn(cmd); err != nil {
		t.Fatal(err)
	}
	var pid int
	eventually(t, func() string {
		b, err := os.ReadFile(filepath.Join(data, "searchpack-dev.lock"))
		if err != nil {
			return "no stack: " + err.Error()
		}
		if _, err := fmt.Sscan(string(b), &pid); err != nil {
			return "no pid yet"
		}
		return ""
	})
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("an interrupted demo ended with status 0")
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Fatal("the demo does not end")
	}
	if alive(pid) {
		t.Errorf("searchpack-dev %d still runs", pid)
	}
	gone(t, data, nil)
}
