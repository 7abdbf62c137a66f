package distro

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// JDK is a Java installation.
type JDK struct {
	Home    string // absolute
	Version string // as it calls itself: "17.0.15", "1.8.0_412"
	Major   int    // 17, 8
	// Compiler: it has javac, which building the refresh plugin needs. Without it is a JRE.
	Compiler bool
}

const (
	systemJVMs   = "/usr/lib/jvm" // where Debian, Ubuntu and Fedora install
	maxSiblings  = 200            // more entries than that is no folder of JDKs
	releaseLimit = 64 << 10       // bytes; a release file has about 2,000
	askTimeout   = 20 * time.Second
)

// FindJDKs lists the Java installations of this machine, those that the user named first:
// OPENSEARCH_JAVA_HOME, JAVA_HOME, java on PATH, then what lies beside these, then the system's.
// Each is listed once, whatever links lead to it.
func FindJDKs(ctx context.Context, env Env) []JDK {
	return findJDKs(ctx, env, systemJVMs)
}

func findJDKs(ctx context.Context, env Env, system string) []JDK {
	named := namedHomes(env)
	homes := named
	for _, h := range named {
		homes = append(homes, children(filepath.Dir(h))...)
	}
	homes = append(homes, children(system)...)

	var found []JDK
	seen := map[string]bool{}
	for _, h := range homes {
		resolved, err := filepath.EvalSymlinks(h)
		if err != nil || seen[resolved] {
			continue
		}
		seen[resolved] = true
		if jdk, ok := inspectJDK(ctx, resolved); ok {
			found = append(found, jdk)
		}
	}
	return found
}

// namedHomes are the Java homes that the environment names, absolute, with links resolved.
func namedHomes(env Env) []string {
	var homes []string
	add := func(home string) {
		if resolved, err := filepath.EvalSymlinks(home); err == nil && filepath.IsAbs(resolved) {
			homes = append(homes, resolved)
		}
	}
	for _, name := range []string{"OPENSEARCH_JAVA_HOME", "JAVA_HOME"} {
		if home := env.get(name); home != "" {
			add(home)
		}
	}
	if java := env.program("java"); java != "" {
		if resolved, err := filepath.EvalSymlinks(java); err == nil && filepath.Base(filepath.Dir(resolved)) == "bin" {
			add(filepath.Dir(filepath.Dir(resolved)))
		}
	}
	return homes
}

func children(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxSiblings {
		return nil
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths
}

// inspectJDK reports what is installed at home; false if that is no Java.
func inspectJDK(ctx context.Context, home string) (JDK, bool) {
	java := filepath.Join(home, "bin", "java")
	if !isProgram(java) {
		return JDK{}, false
	}
	version := releaseVersion(filepath.Join(home, "release"))
	if version == "" {
		version = askVersion(ctx, java)
	}
	major := majorOf(version)
	if major == 0 {
		return JDK{}, false
	}
	return JDK{Home: home, Version: version, Major: major, Compiler: isProgram(filepath.Join(home, "bin", "javac"))}, true
}

// releaseVersion reads JAVA_VERSION="17.0.15" from a release file.
func releaseVersion(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(io.LimitReader(f, releaseLimit))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "JAVA_VERSION="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

var spokenVersion = regexp.MustCompile(`(?m)^\S+ version "([^"\s]+)"`)

// askVersion runs java -version, which answers on standard error: openjdk version "17.0.15" ...
func askVersion(ctx context.Context, java string) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, java, "-version")
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // JAVA_TOOL_OPTIONS would add lines of its own
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return ""
	}
	return parseSpoken(string(out))
}

func parseSpoken(out string) string {
	if m := spokenVersion.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return ""
}

// majorOf returns 17 for "17.0.15", 8 for "1.8.0_412", 22 for "22-ea" and 0 for what is no version.
func majorOf(version string) int {
	version = strings.TrimPrefix(version, "1.")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		version = version[:end]
	}
	n, err := strconv.Atoi(version)
	if err != nil || n > 1000 {
		return 0
	}
	return n
}
