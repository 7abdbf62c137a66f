package stack

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/child"
)

func TestOneStackPerFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	d, err := openData(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openData(dir)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "(pid ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("second: %v", err)
	}
	d.close()
	d, err = openData(dir)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	d.close()
	if info, err := os.Stat(filepath.Join(dir, serverName)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the server's folder: %v, %v", info, err)
	}
}

func TestUnusableFolders(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/proc/none"} {
		if d, err := openData(dir); err == nil {
			d.close()
			t.Errorf("%s was taken", dir)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", dir, err)
		}
	}
}

func TestDocumentOfAKilledStackIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, DocumentName), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openData(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if _, err := os.Stat(filepath.Join(dir, DocumentName)); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestDestroyKeepsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{"", "thesis.tex"} {
		dir := filepath.Join(t.TempDir(), "data")
		d, err := openData(dir)
		if err != nil {
			t.Fatal(err)
		}
		if foreign != "" {
			if err := os.WriteFile(filepath.Join(dir, foreign), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.destroy(); err != nil {
			t.Fatal(err)
		}
		d.close()
		entries, err := os.ReadDir(dir)
		if foreign == "" && !os.IsNotExist(err) {
			t.Errorf("the folder stays: %v, %v", entries, err)
		}
		if foreign != "" && (len(entries) != 1 || entries[0].Name() != foreign) {
			t.Errorf("left %v, want %s alone", entries, foreign)
		}
	}
}

func TestMayBeEphemeral(t *testing.T) {
	t.Parallel()
	full, ours, absent := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "none")
	for _, path := range []string{filepath.Join(full, "thesis.tex"), filepath.Join(ours, lockName), filepath.Join(ours, "x")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]bool{full: false, ours: true, absent: true, t.TempDir(): true} {
		if err := mayBeEphemeral(Options{Data: dir, Ephemeral: true}); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
		if err := mayBeEphemeral(Options{Data: dir}); err != nil {
			t.Errorf("%s, to be kept: %v", dir, err)
		}
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := &Document{
		Schema: 1, PID: 7, Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", Account: "000000000000", AccessKeyID: "test", SecretAccessKey: "it's",
		Domains: []DomainEntry{{Name: "demo", Nodes: []NodeEntry{{Name: "n1", PID: 8}}}},
	}
	line, err := want.line()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(line), "\n") != 1 {
		t.Errorf("not one line: %q", line)
	}
	if err := writeDocument(dir, line); err != nil {
		t.Fatal(err)
	}
	got, err := ReadDocument(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	info, err := os.Stat(filepath.Join(dir, DocumentName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left beside it: %v", entries)
	}
	var names map[string]any
	if err := json.Unmarshal(line, &names); err != nil || names["domains"].([]any)[0].(map[string]any)["nodes"].([]any)[0].(map[string]any)["agent_pid"] == nil {
		t.Errorf("the names of the contract: %s", line)
	}
	if s := want.Exports(); !strings.Contains(s, `export AWS_SECRET_ACCESS_KEY='it'\''s'`) {
		t.Errorf("exports are not safe for a shell: %s", s)
	}
}

// Down on the folder of a stack that was killed ends what it left, but only that.
func TestDownEndsLeftOvers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := openData(dir)
	if err != nil {
		t.Fatal(err)
	}
	k, err := child.Open(d.join(processesName))
	if err != nil {
		t.Fatal(err)
	}
	left := exec.Command("sleep", "300")
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = left.Wait() // a signal, as wanted
	}()
	t.Cleanup(func() { _ = left.Process.Kill() })
	if err := k.Note("demo.n1.agent", left.Process.Pid); err != nil {
		t.Fatal(err)
	}
	k.Close()
	d.close() // as a kill -9 does
	c, err := NewClient(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if did, err := c.Down(ctx); err != nil || !did {
		t.Fatalf("%v, %v", did, err)
	}
	select {
	case <-ended:
	case <-ctx.Done():
		t.Fatal("the left-over process still runs")
	}
	if did, err := c.Down(ctx); err != nil || did {
		t.Errorf("again: %v, %v; want nothing to do", did, err)
	}
	if _, err := c.Status(ctx); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status: %v", err)
	}
	if err := c.Command(ctx, "node", "demo", "n1", "start"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("command: %v", err)
	}
	none, _ := NewClient(filepath.Join(dir, "none"))
	if did, err := none.Down(ctx); err != nil || did {
		t.Errorf("a folder that is not there: %v, %v", did, err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := func(f func(*Options)) Options {
		o := DefaultOptions()
		o.Data = "data"
		f(&o)
		return o
	}
	for name, o := range map[string]Options{
		"defaults":  good(func(*Options) {}),
		"versions":  good(func(o *Options) { o.OpenSearch = []string{"3.8.0", "2.19.0", "/opt/opensearch", "./os"} }),
		"none":      good(func(o *Options) { o.OpenSearch = []string{"none"} }),
		"free port": good(func(o *Options) { o.Port = 0 }),
		"domains":   good(func(o *Options) { o.Domains = []string{"abc", "a-1"} }),
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, f := range map[string]func(*Options){
		"--port":              func(o *Options) { o.Port = 65536 },
		"--port -1":           func(o *Options) { o.Port = -1 },
		"--nodes":             func(o *Options) { o.Nodes = 0 },
		"--max-nodes 9":       func(o *Options) { o.Nodes, o.Domains = 5, []string{"aaa", "bbb"} },
		"--max-nodes 0":       func(o *Options) { o.MaxNodes = 0 },
		"--plugin-rules":      func(o *Options) { o.PluginRules = "" },
		"--account":           func(o *Options) { o.Account = "1" },
		"--region":            func(o *Options) { o.Region = "../x" },
		"--access-key":        func(o *Options) { o.AccessKey = "a/b" },
		"--secret-key":        func(o *Options) { o.SecretKey = "" },
		"--data":              func(o *Options) { o.Data = "" },
		"none cannot":         func(o *Options) { o.OpenSearch = []string{"3.8.0", "none"} },
		`--domain "../x"`:     func(o *Options) { o.Domains = []string{"../x"} },
		`--opensearch "3.8"`:  func(o *Options) { o.OpenSearch = []string{"3.8"} },
		`--opensearch "nope"`: func(o *Options) { o.OpenSearch = []string{"nope"} },
	} {
		o := good(f)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
