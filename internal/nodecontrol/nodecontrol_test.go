package nodecontrol

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// file makes commands that keep a node's state in a file.
func file(t *testing.T, stop string) (Commands, string) {
	t.Helper()
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	return Commands{
		Stop: []string{"sh", "-c", stop, "stop", pid}, Start: []string{"touch", pid}, Status: []string{"test", "-e", pid}, LogDir: dir,
	}, pid
}

func TestCommands(t *testing.T) {
	t.Parallel()
	commands, pid := file(t, `rm "$1"`)
	c, err := ByCommands(commands)
	if err != nil {
		t.Fatal(err)
	}
	runs := func(want bool) {
		t.Helper()
		if got, err := c.Running(t.Context()); err != nil || got != want {
			t.Errorf("running: %v, %v", got, err)
		}
	}
	runs(false)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs(true)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs(false)
	if err := c.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), pid) {
		t.Errorf("a command that fails: %v", err)
	}
}

// A command that returns before the node has ended is waited for, and one that never ends it is said so.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	commands, _ := file(t, `(sleep 0.5; rm "$1") >/dev/null 2>&1 &`)
	c, _ := ByCommands(commands)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	commands, _ = file(t, "true")
	c, _ = ByCommands(commands)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := c.Stop(ctx); err == nil {
		t.Error("a node that still runs counts as stopped")
	}
}

func TestMissingCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []Commands{{}, {Stop: []string{"a"}, Start: []string{"b"}}, {Stop: []string{"a"}, Start: []string{""}, Status: []string{"c"}}} {
		if _, err := ByCommands(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	for _, unit := range []string{"", "opensearch", "-x.service", "a b.service", "../a.service"} {
		if _, err := BySystemd(unit, ""); err == nil {
			t.Errorf("unit %q is taken", unit)
		}
	}
	if _, err := BySystemd("opensearch.service", ""); err != nil {
		t.Error(err)
	}
	c, _ := ByCommands(Commands{Stop: []string{"/no/such/program"}, Start: []string{"x"}, Status: []string{"/no/such/program"}})
	if _, err := c.Running(t.Context()); err == nil {
		t.Error("a status command that is not there says that nothing runs")
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	commands, _ := file(t, "true")
	c, _ := ByCommands(commands)
	began := time.Now()
	if got := c.Log(t.Context(), began); got != "" {
		t.Errorf("of no log: %q", got)
	}
	text := strings.Repeat("[INFO] all is well\n", 10_000) + "[ERROR][o.o.b.OpenSearch] uncaught exception\njava.lang.IllegalStateException: boom\n\tat lab.Boom.<init>(Boom.java:5)\n\t... 6 more\n"
	for name, body := range map[string]string{"demo.log": text, "demo_index_search_slowlog.log": "slow", "gc.log": "gc", "pid": "1"} {
		if err := os.WriteFile(filepath.Join(commands.LogDir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := "[ERROR][o.o.b.OpenSearch] uncaught exception\njava.lang.IllegalStateException: boom"
	if got := c.Log(t.Context(), began.Add(-time.Minute)); got != want {
		t.Errorf("log:\n%s", got)
	}
	if got := c.Log(t.Context(), time.Now().Add(time.Hour)); got != "" {
		t.Errorf("what was written before: %q", got)
	}
}

// What systemctl says to a user whom no rule of polkit allows it (systemd 252) comes with what is missing.
func TestSystemdLacksTheRight(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"systemctl: exit status 1: Failed to stop opensearch.service: Interactive authentication required.", "systemctl: exit status 4: Failed to start opensearch.service: Access denied",
	} {
		err := lacksRight(errors.New(said), "opensearch.service")
		for _, want := range []string{said, "packaging/systemd/plugins/50-searchpack-agent.rules", "/etc/polkit-1/rules.d", strconv.Itoa(os.Getuid()), "opensearch.service"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
	other := errors.New("systemctl: exit status 5: Failed to stop opensearch.service: Unit opensearch.service not loaded.")
	if err := lacksRight(other, "opensearch.service"); !errors.Is(err, other) || err.Error() != other.Error() || lacksRight(nil, "x") != nil {
		t.Errorf("%v", err)
	}
}

// The reason may come after the end; if it never comes, another log may have it.
func TestLogIsComplete(t *testing.T) {
	t.Parallel()
	none := func() string { return "" }
	calls := 0
	late := func() string {
		if calls++; calls < 3 {
			return "[INFO] starting"
		}
		return "[INFO] starting\nuncaught exception in thread [main]\njava.lang.IllegalStateException: boom"
	}
	if got := complete(t.Context(), late, none); !strings.Contains(got, "boom") || calls != 3 {
		t.Errorf("after %d looks: %q", calls, got)
	}
	if got := complete(t.Context(), none, func() string { return "[ERROR] boom" }); got != "[ERROR] boom" {
		t.Errorf("in the other log: %q", got)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if got := complete(over, func() string { return "Started." }, none); got != "Started." {
		t.Errorf("no error: %q", got)
	}
	if got := complete(over, none, func() string { return "a line" }); got != "a line" {
		t.Errorf("an empty journal: %q", got)
	}
}
