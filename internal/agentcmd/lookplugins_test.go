package agentcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// The doctor looks at the home, the allow file and the way of restarts, and leaves all as it is.
func TestDoctorLooksAtPlugins(t *testing.T) {
	t.Parallel()
	home, allow := t.TempDir(), filepath.Join(t.TempDir(), "plugins.yml")
	if err := os.Mkdir(filepath.Join(home, "plugins"), 0o755); err != nil {
		t.Fatal(err)
	}
	config, credentials := nodesConfig(t, ""), file(t, "agent:hush")
	look := func(refused string, more ...string) map[string]doctor.Check {
		t.Helper()
		args := []string{"--config", config, "--state", filepath.Join(t.TempDir(), "s"), "--opensearch", fakeNode(t, config, refused), "--opensearch-credentials", credentials}
		got, _, _ := checkup(t, false, append(args, more...)...)
		return got
	}
	want := func(c doctor.Check, level doctor.Level, says string) {
		t.Helper()
		if c.Level != level || !strings.Contains(c.Says+" "+c.Type, says) {
			t.Errorf("%+v, want %s %q", c, level, says)
		}
	}
	flags := []string{"--home", home, "--allow-plugins", allow}
	want(look("", flags...)["plugins"], doctor.Error, "has no lib/")
	if err := os.Mkdir(filepath.Join(home, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := look("", flags...)
	want(got["plugins"], doctor.OK, filepath.Join(home, ".searchpack-plugins"))
	want(got["allow file"], doctor.Warning, "is not there")
	want(got["restart"], doctor.OK, "by somebody else")
	want(got["permissions"], doctor.OK, "none of the 11 kinds")
	if _, err := os.Stat(filepath.Join(home, ".searchpack-plugins")); !os.IsNotExist(err) {
		t.Errorf("the doctor has made it: %v", err)
	}

	if err := os.WriteFile(allow, []byte("schema: 1\nplugins:\n  - name: lemmas\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got = look("/_cluster/settings", append(flags, "--restart", "command", "--stop-command", "true", "--start-command", "true", "--status-command", "true")...)
	want(got["allow file"], doctor.OK, "1 entries")
	want(got["restart"], doctor.OK, "the status command")
	want(got["permissions"], doctor.Error, "cluster:admin/settings/update")
	got = look("", append(flags, "--restart", "command", "--stop-command", "true", "--start-command", "true", "--status-command", "false")...)
	want(got["restart"], doctor.Error, "does not run")
	want(look("", append(flags, "--restart", "command")...)["restart"], doctor.Error, "command of the node is missing")
	want(look("", "--restart", "systemd")["plugins"], doctor.Error, "without --home")
	if err := os.Chmod(allow, 0o666); err != nil {
		t.Fatal(err)
	}
	want(look("", flags...)["allow file"], doctor.Error, "can write")
}
