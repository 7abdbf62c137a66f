// Package installer asks OpenSearch's own installer what it makes of plugin zips: a small Java program
// (java/Installer.java) that is compiled against a home's lib/ and calls InstallPluginCommand for all
// zips in one JVM. The home must be a scratch one: whatever a zip leaves is taken away again, but the
// installer does with its folders what it wants.
//
// Only tests use it. It opens no connection; the zips are files.
package installer

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

//go:embed java/Installer.java
var newest string

// The installer's package, from OpenSearch 3 on and before.
const (
	packageNow    = "org.opensearch.tools.cli.plugin"
	packageBefore = "org.opensearch.plugins"
)

// program returns the source for the home's version, and the class to run.
func program(home distro.Home) (source, main string) {
	if home.AtLeast(3, 0) {
		return newest, packageNow + ".Installer"
	}
	return strings.Replace(newest, "package "+packageNow, "package "+packageBefore, 1), packageBefore + ".Installer"
}

const (
	timeout    = 5 * time.Minute // for all zips; each takes some milliseconds
	maxMessage = 4 << 10         // bytes of Java's own output in an error
	maxAnswer  = 4 << 20         // bytes: a line has a view of the zip
)

// Result is what the installer made of one zip, and what Java sees in it.
type Result struct {
	Accepted bool
	Text     string // the exception and its causes; "" if accepted
	// File and Stream are the files as java.util.zip.ZipFile and ZipInputStream see them, sorted: "path
	// size sha256" with | between them; or "error: ...".
	File, Stream string
}

// Install gives each zip to the installer of the home, in order.
func Install(ctx context.Context, cache distro.Cache, home distro.Home, zips []string) ([]Result, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	source, main := program(home)
	sum := sha256.Sum256([]byte(source))
	classes, err := cache.Make(ctx, fmt.Sprintf("installer-%s-%s", home.Version, hex.EncodeToString(sum[:8])), func(ctx context.Context, dir string) error {
		return compile(ctx, home, source, dir)
	})
	if err != nil {
		return nil, fmt.Errorf("building the program that calls the installer of OpenSearch %s: %w", home.Version, err)
	}
	tmp := filepath.Join(home.Dir, distro.TempDir)
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(home.JDK.Home, "bin", "java"), //nolint:gosec // the JDK that was chosen
		"-Xmx512m", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir="+tmp, "-cp", classpath(home)+":"+classes,
		main, home.Dir)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.Dir = home.Dir
	cmd.Stdin = strings.NewReader(strings.Join(zips, "\n") + "\n")
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	results, parseErr := parse(out.String())
	if err = errors.Join(err, parseErr); err != nil || len(results) != len(zips) {
		text := said.String()
		return nil, fmt.Errorf("the installer of OpenSearch %s answered for %d of %d zips: %w\n%s", home.Version, len(results), len(zips), err, text[:min(len(text), maxMessage)])
	}
	return results, nil
}

// classpath is OpenSearch's as bin/opensearch-plugin has it.
func classpath(home distro.Home) string {
	return filepath.Join(home.Dir, "lib", "*") + ":" + filepath.Join(home.Dir, "lib", "tools", "plugin-cli", "*")
}

func compile(ctx context.Context, home distro.Home, source, dir string) error {
	file := filepath.Join(dir, "Installer.java")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil { //nolint:gosec // source text
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(home.JDK.Home, "bin", "javac"), //nolint:gosec // the JDK that was chosen
		"-nowarn", "-Xlint:none", "-proc:none", "-encoding", "UTF-8", "-cp", classpath(home), "-d", dir, file)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.WaitDelay = 5 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w\n%s", err, text[:min(len(text), maxMessage)])
	}
	return nil
}

// parse reads the program's answers.
func parse(out string) ([]Result, error) {
	var all []Result
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 4 || f[0] != "accepted" && f[0] != "refused" {
			return all, fmt.Errorf("no answer: %.200q", lines.Text())
		}
		all = append(all, Result{Accepted: f[0] == "accepted", Text: f[1], File: f[2], Stream: f[3]})
	}
	return all, lines.Err()
}
