package distro

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeMaven serves files from a folder as mvn does from a repository, and notes each call.
const fakeMaven = `#!/bin/sh
here=$(dirname "$0")
for a in "$@"; do
  case $a in -Dartifact=*) artifact=${a#*=} ;; -DoutputDirectory=*) out=${a#*=} ;; --strict-checksums) strict=1 ;; esac
done
echo "$artifact $strict" >> "$here/calls"
if [ -e "$here/hang" ]; then sleep 100; fi
if [ -n "$strict" ] && [ -e "$here/unchecked" ]; then
  printf '\033[1m[ERROR]\033[m Checksum validation failed, no checksums available\n'; exit 1
fi
IFS=: ; set -- $artifact
if ! [ -e "$here/$2-$3.$4" ]; then
  printf '[\033[1;31mERROR\033[m] Could not find artifact %s\n[ERROR] -> [Help 1]\n' "$artifact"; exit 1
fi
cp "$here/$2-$3.$4" "$out/"
`

// repository is a folder that holds mvn and what it serves.
type repository struct {
	t   *testing.T
	dir string
	o   Options
}

func newRepository(t *testing.T) repository {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mvn"), fakeMaven, 0o755)
	jdk := javaAt(t, filepath.Join(dir, "jdk-17"), "17.0.15", true)
	makeZip(t, filepath.Join(dir, "opensearch-2.19.0.zip"),
		entry{"opensearch-2.19.0/bin/opensearch", "#!/bin/sh\n", 0o755},
		entry{"opensearch-2.19.0/lib/opensearch-2.19.0.jar", "jar", 0o644},
		entry{"opensearch-2.19.0/lib/opensearch-core-2.19.0.jar", "jar", 0o644},
		entry{"opensearch-2.19.0/modules/transport-netty4/x.jar", "jar", 0o644},
		entry{"opensearch-2.19.0/config/jvm.options", "-Xmx1g\n", 0o660},
		entry{"opensearch-2.19.0/config/opensearch.yml", "# nothing\n", 0o660},
		entry{"opensearch-2.19.0/plugins/", "", os.ModeDir | 0o755},
		entry{"opensearch-2.19.0/logs/", "", os.ModeDir | 0o755},
	)
	makeZip(t, filepath.Join(dir, "analysis-common-2.19.0.jar"),
		entry{"org/opensearch/analysis/common/CommonAnalysisPlugin$1.class", "x", 0o644},
		entry{"org/opensearch/analysis/common/CommonAnalysisPlugin.class", "x", 0o644})
	return repository{t, dir, Options{Env: env(map[string]string{
		"PATH": dir, "JAVA_HOME": jdk, "SEARCHPACK_CACHE": filepath.Join(dir, "cache")})}}
}

func (r repository) calls() []string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "calls"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	check(r.t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestLayoutFromMaven(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	var said []string
	r.o.Log = func(s string) { said = append(said, s) }
	one, two := filepath.Join(r.dir, "d", "n1"), filepath.Join(r.dir, "d", "n2")
	h, err := Layout(t.Context(), "2.19.0", one, r.o)
	check(t, err)
	if h.Dir != one || h.Version != "2.19.0" || h.JDK.Major != 17 || h.IndexManagement || h.Config() != one+"/config" {
		t.Errorf("home %+v", h)
	}
	_, err = Layout(t.Context(), "2.19.0", two, r.o)
	check(t, err)
	if calls := r.calls(); len(calls) != 2 || len(said) != 2 { // the archive and the module, once
		t.Errorf("mvn was called %q; said %q", calls, said)
	}
	descriptor, err := os.ReadFile(filepath.Join(one, "modules", "analysis-common", "plugin-descriptor.properties"))
	check(t, err)
	for _, line := range []string{"classname=org.opensearch.analysis.common.CommonAnalysisPlugin\n", "opensearch.version=2.19.0\n", "java.version=11\n"} {
		if !strings.Contains(string(descriptor), line) {
			t.Errorf("the descriptor lacks %q:\n%s", line, descriptor)
		}
	}
	for _, shared := range []string{"bin/opensearch", "lib/opensearch-2.19.0.jar", "modules/analysis-common/analysis-common-2.19.0.jar"} {
		if inode(t, filepath.Join(one, shared)) != inode(t, filepath.Join(two, shared)) {
			t.Errorf("%s is not shared", shared)
		}
	}
	if inode(t, filepath.Join(one, "config/jvm.options")) == inode(t, filepath.Join(two, "config/jvm.options")) {
		t.Error("the configuration is shared")
	}
	for _, own := range append(WrittenDirs(), "plugins", "config/analyzers") {
		if !isDir(filepath.Join(one, own)) {
			t.Errorf("lacks %s", own)
		}
	}
	if _, err := os.Stat(filepath.Join(one, "config/opensearch.yml")); err == nil {
		t.Error("the archive's opensearch.yml was copied")
	}
	if parts, _ := filepath.Glob(filepath.Join(r.dir, "cache", "opensearch", "*", "downloads*")); parts != nil {
		t.Errorf("downloads stay in the cache: %v", parts)
	}
}

func TestLayoutAgain(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	dest := filepath.Join(r.dir, "n1")
	write(t, filepath.Join(dest+".part", "lib", "half"), "left by a kill", 0o644)
	h, err := Layout(t.Context(), "2.19.0", dest, r.o)
	check(t, err)
	if isDir(dest+".part") || isDir(filepath.Join(dest, "lib", "half")) {
		t.Error("what was left of an earlier run stays")
	}
	write(t, filepath.Join(dest, "data", "kept"), "x", 0o644)
	check(t, os.RemoveAll(filepath.Join(r.dir, "cache"))) // not needed for what is there
	again, err := Layout(t.Context(), "2.19.0", dest, r.o)
	if err != nil || again != h {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := os.Stat(filepath.Join(dest, "data", "kept")); err != nil {
		t.Error("data was lost")
	}
	newer := r.o
	newer.JDK = JDK{Home: "/j", Major: 25, Compiler: true}
	_, err = Layout(t.Context(), "3.8.0", dest, newer)
	wants(t, err, "is a home of OpenSearch 2.19.0, not of 3.8.0")
	write(t, filepath.Join(r.dir, "other", "file"), "x", 0o644)
	_, err = Layout(t.Context(), "2.19.0", filepath.Join(r.dir, "other"), r.o)
	wants(t, err, "is no home that this program made")
	write(t, filepath.Join(dest, labelFile), `{"schema":9}`, 0o644)
	_, err = Layout(t.Context(), "2.19.0", dest, r.o)
	wants(t, err, "of another searchpack-dev (schema 9)")
	_, err = Layout(t.Context(), "2.19.0", filepath.Join(r.dir, "a b"), r.o)
	wants(t, err, "without blanks")
}

func TestLayoutFailures(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	dest := filepath.Join(r.dir, "n1")
	without := func(name string) Options {
		o := r.o
		o.Env = func(n string) string {
			if n == name {
				return ""
			}
			return r.o.Env(n)
		}
		return o
	}
	o := without("PATH")
	_, err := Layout(t.Context(), "2.19.0", dest, o)
	wants(t, err, "type: sudo apt-get install maven")
	if !errors.Is(err, ErrNoMaven) {
		t.Errorf("%v is not ErrNoMaven", err)
	}
	_, err = Layout(t.Context(), "2.19.7", dest, r.o)
	wants(t, err, "fetching org.opensearch.distribution.integ-test-zip:opensearch:2.19.7:zip with mvn failed: Could not find artifact")
	_, err = Layout(t.Context(), "nonsense", dest, r.o)
	wants(t, err, "nonsense")
	if isDir(dest) || isDir(dest+".part") {
		t.Error("a home is there after failures")
	}
	if entries, _ := filepath.Glob(filepath.Join(r.dir, "cache", "opensearch", "opensearch*")); entries != nil {
		t.Errorf("in the cache after failures: %v", entries)
	}
}

func TestFetchWithoutPublishedChecksum(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	write(t, filepath.Join(r.dir, "unchecked"), "", 0o644)
	var said []string
	r.o.Log = func(s string) { said = append(said, s) }
	_, err := Layout(t.Context(), "2.19.0", filepath.Join(r.dir, "n1"), r.o)
	check(t, err)
	if calls := r.calls(); len(calls) != 4 || !strings.HasSuffix(calls[0], " 1") {
		t.Errorf("calls %q, want a strict one first", calls)
	}
	if len(said) != 4 || !strings.Contains(said[1], "no checksum of") {
		t.Errorf("said %q", said)
	}
}

func TestFetchEndsWithContext(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	write(t, filepath.Join(r.dir, "hang"), "", 0o644)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := Layout(ctx, "2.19.0", filepath.Join(r.dir, "n1"), r.o)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestLayoutFromInstallation(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	made, err := Layout(t.Context(), "2.19.0", filepath.Join(r.dir, "made"), r.o)
	check(t, err)
	own := made.Dir // stands for an archive that the user unpacked
	write(t, filepath.Join(own, "plugins", "im", "plugin-descriptor.properties"), "# x\nname = opensearch-index-management\n", 0o600)
	write(t, filepath.Join(own, "plugins", "sec", "plugin-descriptor.properties"), "name=opensearch-security\r\n", 0o644)
	write(t, filepath.Join(own, "config", "opensearch.keystore"), "secret", 0o600)
	write(t, filepath.Join(own, "config", "opensearch-security", "roles.yml"), "x", 0o600)
	write(t, filepath.Join(own, "data", "old"), "x", 0o644)
	bundled := javaAt(t, filepath.Join(own, "jdk"), "21.0.2", true)

	dest := filepath.Join(r.dir, "n1")
	h, err := Layout(t.Context(), own, dest, r.o)
	check(t, err)
	if !h.IndexManagement || !h.Security || h.JDK.Home != bundled || h.Version != "2.19.0" {
		t.Errorf("home %+v", h)
	}
	for path, want := range map[string]bool{"config/opensearch-security/roles.yml": true, "config/opensearch.keystore": false, "data/old": false} {
		if _, err := os.Stat(filepath.Join(dest, path)); (err == nil) != want {
			t.Errorf("%s is there: %v", path, err == nil)
		}
	}
	info, err := os.Stat(filepath.Join(dest, "plugins", "im", "plugin-descriptor.properties"))
	check(t, err)
	if info.Mode().Perm() != 0o644 {
		t.Errorf("a file that the nodes' user could not read has mode %o", info.Mode().Perm())
	}
	_, err = Layout(t.Context(), "2.19.0", dest, r.o)
	wants(t, err, "is a home of OpenSearch 2.19.0 (from "+own+"), not of 2.19.0")
	_, err = Layout(t.Context(), filepath.Join(r.dir, "jdk-17"), dest, r.o)
	wants(t, err, "holds no OpenSearch")
	check(t, os.Remove(filepath.Join(own, "config", "jvm.options")))
	_, err = FromHome(own)
	wants(t, err, "lacks config/jvm.options")
}

func TestMavenReason(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"":                                   "it said nothing",
		"\n[\x1b[1;31mERROR\x1b[m] no net\n": "no net",
		"[INFO] a\n[ERROR] \n[ERROR] why\n":  "why",
		"Error: JAVA_HOME is wrong\nmore":    "Error: JAVA_HOME is wrong",
		strings.Repeat("x", 1000):            strings.Repeat("x", 400) + " ...",
	} {
		if got := mavenReason(out); got != want {
			t.Errorf("mavenReason(%q) = %q", out, got)
		}
	}
	tail := &tail{limit: 5}
	for _, s := range []string{"ab", "cdefghij", "k"} {
		_, _ = tail.Write([]byte(s))
	}
	if tail.String() != "ghijk" {
		t.Errorf("tail %q", tail.String())
	}
}
