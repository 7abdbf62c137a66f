package child

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary plays the children: CHILD says which.
func TestMain(m *testing.M) {
	switch os.Getenv("CHILD") {
	case "":
		goleak.VerifyTestMain(m)
	case "parent": // starts a child and waits to be killed
		k, err := Open(os.Args[1])
		if err != nil {
			panic(err)
		}
		p, err := k.Start("grandchild", exec.Command("sleep", "300"))
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(strconv.Itoa(p.PID()) + "\n")
		select {}
	}
}

func open(t *testing.T) *Keeper {
	t.Helper()
	k, err := Open(filepath.Join(t.TempDir(), "processes"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func records(t *testing.T, k *Keeper) int {
	t.Helper()
	e, err := os.ReadDir(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(e)
}

func TestStopEndsAndForgets(t *testing.T) {
	k := open(t)
	p, err := k.Start("a.n1", exec.Command("sleep", "300"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Running() || records(t, k) != 1 {
		t.Fatalf("running %v, %d records; want true, 1", p.Running(), records(t, k))
	}
	p.Stop(context.Background(), time.Minute)
	if p.Running() || p.Err() == nil || records(t, k) != 0 {
		t.Fatalf("running %v, error %v, %d records; want false, a signal, 0", p.Running(), p.Err(), records(t, k))
	}
}

func TestStopKillsWhatIgnoresSIGTERM(t *testing.T) {
	k := open(t)
	cmd := exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 300; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Start("stubborn", cmd)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	p.Stop(context.Background(), 50*time.Millisecond)
	if p.Running() {
		t.Fatal("still runs")
	}
}

func TestRefusesNames(t *testing.T) {
	k := open(t)
	for _, name := range []string{"", "../x", "a/b", ".hidden", strings.Repeat("x", 201)} {
		if _, err := k.Start(name, exec.Command("true")); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestUnwritableRecordEndsTheProcess(t *testing.T) {
	k := open(t)
	if err := os.RemoveAll(k.dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "300")
	if _, err := k.Start("a", cmd); err == nil {
		t.Fatal("no error")
	}
	if err := syscall.Kill(cmd.Process.Pid, 0); err == nil {
		t.Fatal("the process still runs")
	}
}

// A killed parent: the kernel ends the child, and if it did not, the record would.
func TestKilledParentTakesChildrenAlong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "processes")
	parent := exec.Command(os.Args[0], dir)
	parent.Env = append(os.Environ(), "CHILD=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, ok := startOf(pid); !ok {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the child outlived its parent")
		}
	}
	k, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if n := records(t, k); n != 1 {
		t.Fatalf("%d records before, want 1", n)
	}
	if left, err := k.EndLeftOver(context.Background(), time.Second); err != nil || len(left) != 0 {
		t.Fatalf("left over %v, %v; want none", left, err)
	}
	if n := records(t, k); n != 0 {
		t.Fatalf("%d records after, want 0", n)
	}
}

func TestEndLeftOver(t *testing.T) {
	k := open(t)
	gentle, stubborn, other := exec.Command("sleep", "300"), exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 300; done`), exec.Command("sleep", "300")
	stubborn.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := stubborn.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{gentle, stubborn, other} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill() })
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*exec.Cmd{"gentle": gentle, "stubborn": stubborn, "other": other} {
		if err := k.Note(name, c.Process.Pid); err != nil {
			t.Fatal(err)
		}
		go func() { _ = c.Wait() }()
	}
	// "other" has the id of a recorded process, but is not it.
	path := filepath.Join(k.dir, "other.json")
	r, err := readRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Start++
	b, _ := json.Marshal(r)
	for p, content := range map[string][]byte{path: b, filepath.Join(k.dir, "half.json.tmp"): b[:9], filepath.Join(k.dir, "init.json"): []byte(`{"schema":1,"name":"init","pid":1}`)} {
		if err := os.WriteFile(p, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left, err := k.EndLeftOver(context.Background(), 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 {
		t.Fatalf("ended %v, want gentle and stubborn", left)
	}
	if n := records(t, k); n != 0 {
		t.Errorf("%d records left", n)
	}
	if _, ok := startOf(other.Process.Pid); !ok {
		t.Error("ended a process that is not the recorded one")
	}
}

func TestStartOf(t *testing.T) {
	if start, ok := startOf(os.Getpid()); !ok || start == 0 {
		t.Fatalf("%d, %v", start, ok)
	}
	if _, ok := startOf(1 << 30); ok {
		t.Fatal("a process that does not exist runs")
	}
}
