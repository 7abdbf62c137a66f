package agentcmd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/auth/enroll"
	"github.com/searchpack/searchpack/internal/nodecontrol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse reads a command line as main does.
func parse(t *testing.T, args ...string) (*Commands, error) {
	t.Helper()
	c := new(Commands)
	k, err := kong.New(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return c, err
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunConfiguration(t *testing.T) {
	t.Parallel()
	credentials := file(t, "agent:hush\n")
	c, err := parse(t, "run", "--server", "https://s:9401", "--token-file", "/t", "--config", "/c", "--state", "/s", "--name", "n1",
		"--log-level", "debug", "--opensearch", "http://127.0.0.1:9201", "--opensearch-credentials", credentials)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	got, end, err := c.Run.config(&Streams{Err: &log}, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	want := agent.Config{Server: "https://s:9401", TokenFile: "/t", ConfigDir: "/c", StateDir: "/s", Name: "n1", Version: "1.2.3"}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(agent.Config{}, "Logger", "OpenSearch"), cmpopts.IgnoreUnexported(agent.Config{})); d != "" {
		t.Error(d)
	}
	if got.OpenSearch == nil {
		t.Error("there is no node")
	}
	if !got.Logger.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("--log-level debug is not taken")
	}
	if strings.Contains(log.String(), "hush") {
		t.Error("the log shows a secret")
	}
}

// The command of a supervised node stands behind --, or in the file; its own flags are its own.
func TestSuperviseConfiguration(t *testing.T) {
	t.Parallel()
	configuration := file(t, "start-command: [/bin/opensearch, \"-Ea=b c\", --verbose]\nrestart: supervise\nstart-without-server: wait\n")
	for _, args := range [][]string{
		{"--restart", "supervise", "--start-without-server", "wait", "--", "/bin/opensearch", "-Ea=b c", "--verbose"},
		{"--config-file", configuration},
	} {
		c, err := parse(t, append([]string{"run", "--server", "https://s:9401", "--config", "/c", "--state", "/s", "--stop-timeout", "5m"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		got, end, err := c.Run.config(&Streams{Err: new(bytes.Buffer)}, "1")
		if err != nil {
			t.Fatal(err)
		}
		end()
		want := nodecontrol.ChildConfig{Command: []string{"/bin/opensearch", "-Ea=b c", "--verbose"}, Lock: "/s/node.lock", Stdout: os.Stdout, Stderr: os.Stderr}
		child, err := nodecontrol.NewChild(want)
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Equal(child, got.Supervised, cmp.AllowUnexported(nodecontrol.Child{}), cmpopts.IgnoreFields(nodecontrol.Child{}, "mu", "ended"), cmp.Comparer(func(a, b *os.File) bool { return a == b }))
		if !same || got.Control != nil || !got.WaitForServer || got.StopTimeout != 5*time.Minute {
			t.Errorf("%v: %+v, %+v", args, got, got.Supervised)
		}
	}
}

func TestFilesOnlyHasNoNode(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "run", "--server", "https://s:9401", "--config", "/c", "--state", "/s", "--files-only")
	if err != nil {
		t.Fatal(err)
	}
	got, end, err := c.Run.config(&Streams{Err: new(bytes.Buffer)}, "1")
	if err != nil {
		t.Fatal(err)
	}
	end()
	if !got.FilesOnly || got.OpenSearch != nil {
		t.Errorf("%+v", got)
	}
}

// joinToken is well-formed; no server has made it.
func joinToken() string {
	return enroll.NewToken(base64.RawURLEncoding.EncodeToString(make([]byte, sha256.Size))).String()
}

// What must be changed in flags or environment is told apart from what goes wrong later.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	dir, credentials := t.TempDir(), file(t, "agent:hush\n")
	token := file(t, joinToken())
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"never enrolled":          {[]string{"run", "--config", dir, "--state", filepath.Join(dir, "new")}, "--token-file"},
		"no token there":          {[]string{"run", "--config", dir, "--state", dir, "--token-file", "/none"}, "/none"},
		"no token in it":          {[]string{"run", "--config", dir, "--state", dir, "--token-file", credentials}, "no join token"},
		"server without TLS":      {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--server", "http://127.0.0.1:1"}, "http://127.0.0.1:1"},
		"sync without TLS":        {[]string{"sync", "--once", "--config", dir, "--state", dir, "--server", "127.0.0.1:1"}, "127.0.0.1:1"},
		"empty state folder":      {[]string{"run", "--config", dir, "--state", t.TempDir()}, "--token-file"},
		"no node's address":       {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--opensearch", "localhost:9200"}, "localhost:9200"},
		"no credentials there":    {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--opensearch-credentials", "/none"}, "/none"},
		"no authority there":      {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--opensearch-ca", "/none"}, "/none"},
		"no config folder":        {[]string{"run", "--config", "/none", "--state", dir, "--token-file", token}, "/none"},
		"name":                    {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--name", "a b"}, `"a b"`},
		"no command to supervise": {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--restart", "supervise"}, "behind --"},
		"two commands":            {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--restart", "supervise", "--start-command", "a", "--", "a"}, "given twice"},
		"stops itself":            {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--restart", "supervise", "--status-command", "a", "--", "a"}, "--stop-command and --status-command"},
		"no time to stop":         {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--restart", "supervise", "--stop-timeout", "0s", "--", "a"}, "--stop-timeout"},
		"not supervised":          {[]string{"run", "--config", dir, "--state", dir, "--token-file", token, "--", "a"}, "not --restart supervise"},
		"sync, no folder":         {[]string{"sync", "--once", "--config", "/none", "--state", dir}, "/none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmds, err := parse(t, append([]string{c.args[0], "--server", "https://127.0.0.1:1"}, c.args[1:]...)...)
			if err != nil {
				t.Fatal(err)
			}
			s := &Streams{Out: new(bytes.Buffer), Err: new(bytes.Buffer)}
			if c.args[0] == "run" {
				err = cmds.Run.Run(t.Context(), s, "1")
			} else {
				err = cmds.Sync.Run(t.Context(), s, "1")
			}
			if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line of usage with %q, got %v", c.says, err)
			}
		})
	}
}

// sync has no flags for OpenSearch: nothing is asked of it.
func TestSyncTakesNoOpenSearch(t *testing.T) {
	t.Parallel()
	if _, err := parse(t, "sync", "--once", "--server", "s", "--config", "/c", "--state", "/s", "--opensearch", "http://x"); err == nil {
		t.Error("sync takes --opensearch")
	}
	if _, err := parse(t, "sync", "--server", "s", "--config", "/c", "--state", "/s"); err == nil || !strings.Contains(err.Error(), "--once") {
		t.Errorf("sync without --once: %v", err)
	}
}

// A node that has never been ordered anything starts, whether there is a server or not.
func TestSyncWithoutServer(t *testing.T) {
	t.Parallel()
	config, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	c, err := parse(t, "sync", "--once", "--server", "https://127.0.0.1:1", "--config", config, "--state", state, "--name", "n1")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := c.Sync.Run(t.Context(), &Streams{Err: &log}, "1"); err != nil {
		t.Errorf("%v: %s", err, &log)
	}
	if !strings.Contains(log.String(), "cannot be asked") {
		t.Errorf("the log does not say so: %s", &log)
	}
	var out bytes.Buffer
	if err := (&StatusCmd{State: state}).Run(&Streams{Out: &out}); err != nil {
		t.Fatal(err)
	}
	var status agent.LocalStatus
	if err := json.Unmarshal(out.Bytes(), &status); err != nil || status.Schema != 1 || status.Running || status.AgentID != "" {
		t.Errorf("%s, %v", &out, err)
	}
}

func TestStatusOfNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	err := (&StatusCmd{State: dir}).Run(&Streams{Out: new(bytes.Buffer)})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("status made the folder")
	}
}

// A run that is told to stop while it tries to enrol ends at once and well.
func TestRunStops(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "run", "--server", "https://127.0.0.1:1", "--config", t.TempDir(), "--state", filepath.Join(t.TempDir(), "s"),
		"--token-file", file(t, joinToken()), "--opensearch", "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run.Run(ctx, &Streams{Err: new(bytes.Buffer)}, "1"); err != nil {
		t.Error(err)
	}
}
