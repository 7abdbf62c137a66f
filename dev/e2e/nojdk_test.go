package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoJDK hides every Java behind an empty folder, in a mount namespace of its own.
func TestNoJDK(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt").CombinedOutput(); err != nil {
		t.Skipf("hiding the JDK needs the right to mount: %v %s", err, out)
	}
	data := filepath.Join(t.TempDir(), "data")
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"up", "--port", "0", "--data", data}, "sudo apt-get install"},
		{[]string{"up", "--port", "0", "--data", data, "--opensearch", "3.8.0"}, "OpenSearch 3.8.0 needs a JDK of version 21 or newer"},
		{[]string{"up", "--port", "0", "--data", data, "--opensearch", "2.19.0"}, "OpenSearch 2.19.0 needs a JDK"},
		{[]string{"demo", "--data", data}, "sudo apt-get install"},
	} {
		hide := `[ ! -d /usr/lib/jvm ] || mount -t tmpfs none /usr/lib/jvm; exec "$0" "$@"`
		cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", hide, program}, tt.args...)...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + os.Getenv("HOME")}
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), tt.says) {
			t.Errorf("%v: %v, want status 1 and one line with %q:\n%s", tt.args, err, tt.says, out)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a refused start made the data folder (%v)", err)
	}
}
