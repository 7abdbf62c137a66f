package distro

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	compileTimeout = 5 * time.Minute // 3 s on a calm machine
	maxMessages    = 600             // bytes of javac's output in an error
)

// Compile compiles Java source files into the folder classes, with the home's JDK, for the class
// file version that its OpenSearch takes. Wildcards in the class path are expanded by javac; no
// shell is involved.
func (h Home) Compile(ctx context.Context, sources, classPath []string, classes string) error {
	ctx, cancel := context.WithTimeout(ctx, compileTimeout)
	defer cancel()
	args := []string{"-nowarn", "-Xlint:none", "-proc:none", "-encoding", "UTF-8",
		"--release", strconv.Itoa(h.Release()),
		"-cp", strings.Join(classPath, string(filepath.ListSeparator)), "-d", classes}
	cmd := exec.CommandContext(ctx, filepath.Join(h.JDK.Home, "bin", "javac"), append(args, sources...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, firstOf(out))
	}
	return nil
}

func firstOf(out []byte) string {
	out = bytes.TrimSpace(out)
	if len(out) > maxMessages {
		out = out[:maxMessages]
	}
	return strings.ToValidUTF8(string(out), "")
}
