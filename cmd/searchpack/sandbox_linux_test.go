package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// systemCalls are the calls of a set of systemd's, "@system-service", with the sets in it.
func systemCalls(t *testing.T, set string) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "syscall-filter").Output()
	if err != nil {
		t.Fatal(err)
	}
	sets, in := map[string][]string{}, ""
	for line := range strings.Lines(string(out)) {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case !strings.HasPrefix(line, " "):
			in = word
		default:
			sets[in] = append(sets[in], word)
		}
	}
	calls := map[string]bool{}
	var add func(string)
	add = func(name string) {
		if !strings.HasPrefix(name, "@") {
			calls[name] = true
			return
		}
		for _, each := range sets[name] {
			add(each)
		}
	}
	add(set)
	if len(calls) < 100 {
		t.Fatalf("%s has %d calls only", set, len(calls))
	}
	return calls
}

// traced are the programs that run under strace.
type traced struct {
	t       *testing.T
	program string // this test's binary, under the name that makes it searchpack
	dir     string
	files   []string
}

func newTraced(t *testing.T) *traced {
	t.Helper()
	for _, tool := range []string{"strace", "systemd-analyze"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: what the units forbid is not compared with what the program does", tool)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "strace", "-qq", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("no process may be traced here (%v: %s)", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &traced{t: t, dir: t.TempDir()}
	p.program = filepath.Join(p.dir, "searchpack")
	if err := os.Symlink(self, p.program); err != nil {
		t.Fatal(err)
	}
	return p
}

// start runs the program, traced, and returns it with its log. -D makes strace the child, so that
// signals meet the program.
func (p *traced) start(args ...string) (*exec.Cmd, *bufio.Scanner) {
	p.t.Helper()
	file := filepath.Join(p.dir, strings.Join(args[:2], "-")+".trace")
	p.files = append(p.files, file)
	cmd := exec.CommandContext(p.t.Context(), "strace", append([]string{"-D", "-f", "-q", "-o", file, p.program}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGKILL) }
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return cmd, bufio.NewScanner(log)
}

// until reads the log up to a line that the pattern matches.
func (p *traced) until(log *bufio.Scanner, pattern string) []string {
	p.t.Helper()
	want, seen := regexp.MustCompile(pattern), ""
	for log.Scan() {
		if m := want.FindStringSubmatch(log.Text()); m != nil {
			return m
		}
		seen += log.Text() + "\n"
	}
	p.t.Fatalf("the log ends without %q: %s", pattern, seen)
	return nil
}

// end stops the program as systemd does.
func (p *traced) end(cmd *exec.Cmd, log *bufio.Scanner) {
	p.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	for log.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		p.t.Errorf("%q: %v", cmd.Args, err)
	}
}

// plain runs the program untraced and returns what it prints.
func (p *traced) plain(env []string, args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), p.program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%q: %v", args, err)
	}
	return string(out)
}

// placing prepares a state folder that has a file to place and bytes for it.
func placing(t *testing.T, state string) {
	t.Helper()
	const text = "laptop, notebook\n"
	d := searchpack.DigestOf([]byte(text))
	doc, err := json.Marshal(map[string]any{"schema": 1, "epoch": 1, "order": searchpack.Order{Schema: 1, Generation: 1, Files: []searchpack.FileOrder{
		{PackageID: "F1", State: searchpack.FileLive, VersionID: "v", Version: 1, Digest: d, Size: int64(len(text))},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"state.json": doc, "blobs/" + string(d): []byte(text)} {
		file := filepath.Join(state, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What the units forbid, the programs do not do: server, sync and agent run for real, from enrolment to
// a placed file, and every system call is held against the units' lines. It is not systemd that runs
// them, so the folders' protection is not part of it.
func TestUnitsForbidNothingNeeded(t *testing.T) {
	p := newTraced(t)
	server, log := p.start("server", "--data", filepath.Join(p.dir, "data"), "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0")
	addresses := p.until(log, `searchpack serves.* api=(\S+) agents=(\S+)`)
	env := []string{
		"AWS_ENDPOINT_URL=http://" + addresses[1], "AWS_REGION=us-east-1", "AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(p.dir, "data", "admin-credentials"),
	}
	token, config, state := filepath.Join(p.dir, "token"), filepath.Join(p.dir, "config"), filepath.Join(p.dir, "state")
	if err := os.WriteFile(token, []byte(p.plain(env, "token", "create", "--domain", "shop")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(config, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "opensearch.yml"), []byte("cluster.name: shop\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	placing(t, state)
	flags := []string{"--server", "https://127.0.0.1:1", "--config", config, "--state", state, "--name", "n1"}
	sync, said := p.start(append([]string{"agent", "sync", "--once"}, flags...)...)
	p.until(said, "placed")
	for said.Scan() {
	}
	if err := sync.Wait(); err != nil {
		t.Errorf("sync: %v", err)
	}
	flags[1] = "https://" + addresses[2]
	agent, said := p.start(append([]string{"agent", "run", "--token-file", token, "--opensearch", "http://127.0.0.1:1"}, flags...)...)
	p.until(said, "enrolled")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(p.plain(env, "nodes", "shop"), "OpenSearch does not answer its agent") && ctx.Err() == nil {
	}
	p.end(agent, said)
	p.end(server, log)
	p.compare(ctx)
}

// compare holds the traces against the lines that both units have.
func (p *traced) compare(ctx context.Context) {
	t := p.t
	for _, text := range units(t) {
		for _, line := range []string{"SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK", "RestrictNamespaces=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes"} {
			if strings.Contains(text, "[Install]") && !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("a unit lacks %s, which is tried here", line)
			}
		}
	}
	allowed := systemCalls(t, "@system-service")
	call := regexp.MustCompile(`^\d+\s+(?:<\.\.\. )?([a-z0-9_]+)[( ]`)
	families := []string{"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}
	family := regexp.MustCompile(`socket(?:pair)?\((AF_[A-Z0-9]+)`)
	seen := map[string]bool{}
	for _, file := range p.files {
		text := wholeTrace(ctx, t, file)
		for line := range strings.Lines(text) {
			if m := call.FindStringSubmatch(line); m != nil {
				seen[m[1]] = true
				if !allowed[m[1]] {
					t.Errorf("%s: SystemCallFilter forbids %s", filepath.Base(file), line)
				}
			}
			if m := family.FindStringSubmatch(line); m != nil && !slices.Contains(families, m[1]) {
				t.Errorf("%s: RestrictAddressFamilies forbids %s", filepath.Base(file), line)
			}
			for setting, wrong := range map[string]bool{
				"MemoryDenyWriteExecute": strings.Contains(line, "PROT_EXEC") && (strings.Contains(line, "PROT_WRITE") || strings.Contains(line, " mprotect(")) && !strings.Contains(line, "= 0 (ld"),
				"RestrictNamespaces":     strings.Contains(line, "CLONE_NEW"),
				"RestrictRealtime":       strings.Contains(line, "SCHED_FIFO") || strings.Contains(line, "SCHED_RR"),
				"RestrictSUIDSGID":       strings.Contains(line, "S_ISUID") || strings.Contains(line, "S_ISGID"),
			} {
				if wrong {
					t.Errorf("%s: %s forbids %s", filepath.Base(file), setting, line)
				}
			}
		}
	}
	for _, must := range []string{"socket", "openat", "flock", "fsync", "renameat"} {
		if !seen[must] {
			t.Errorf("no %s was seen: nothing was traced", must)
		}
	}
}

// wholeTrace waits until strace has written the end of the program.
func wholeTrace(ctx context.Context, t *testing.T, file string) string {
	t.Helper()
	for {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if pid, _, _ := strings.Cut(lines[0], " "); slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, pid) && strings.Contains(l, "+++ ") }) {
			return string(text)
		}
		if ctx.Err() != nil {
			t.Fatalf("%s has no end", file)
		}
	}
}
