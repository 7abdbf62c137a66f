package distro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// maven fetches single artifacts with the user's own mvn, its settings and mirrors included.
type maven struct {
	program string
	log     func(string)
}

const (
	fetchTimeout = 20 * time.Minute // 160 MB over a slow line
	outputLimit  = 256 << 10        // bytes of mvn's output that are kept
)

// ErrNoMaven is the cause of the error that says mvn is missing.
var ErrNoMaven = errors.New("no mvn")

func findMaven(env Env, log func(string)) (maven, error) {
	program := env.program("mvn")
	if program == "" {
		return maven{}, fmt.Errorf("fetching OpenSearch needs Maven; type: sudo apt-get install maven (%w)", ErrNoMaven)
	}
	return maven{program: program, log: log}, nil
}

// artifact names one file: group:artifact:version, and its type.
type artifact struct {
	group, name, version, kind string
}

func (a artifact) String() string { return a.group + ":" + a.name + ":" + a.version + ":" + a.kind }

func (a artifact) file() string { return a.name + "-" + a.version + "." + a.kind }

// fetch puts the artifact into dir and returns its path. A checksum that the repository publishes
// must match; where it publishes none, that is said and the file is taken: plain mvn would not even
// stop at one that differs, and archives carry checksums of their own.
func (m maven) fetch(ctx context.Context, a artifact, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	m.say("fetching " + a.String() + " with mvn")
	out, err := m.copy(ctx, a, dir, "--strict-checksums")
	if err != nil && ctx.Err() == nil && strings.Contains(out, "no checksums available") {
		m.say("no checksum of " + a.String() + " is published: fetching it unchecked")
		out, err = m.copy(ctx, a, dir, "--update-snapshots") // forget the refusal that mvn remembers
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("fetching %s with mvn failed: %s (%w)", a, mavenReason(out), err)
	}
	path := filepath.Join(dir, a.file())
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return "", fmt.Errorf("fetching %s with mvn failed: it left no %s", a, a.file())
	}
	return path, nil
}

func (m maven) say(line string) {
	if m.log != nil {
		m.log(line)
	}
}

// copy runs mvn once and returns the end of what it said.
func (m maven) copy(ctx context.Context, a artifact, dir, flag string) (string, error) {
	cmd := exec.CommandContext(ctx, m.program, "-B", "-q", flag, "dependency:copy",
		"-Dartifact="+a.String(), "-DoutputDirectory="+dir)
	cmd.Dir = dir // a pom.xml in the working directory must not matter
	out := &tail{limit: outputLimit}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // mvn may be a script
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	return out.String(), err
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// mavenReason picks the line of mvn's output that says why.
func mavenReason(out string) string {
	first := ""
	for line := range strings.Lines(colour.ReplaceAllString(out, "")) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "[ERROR]"); ok && strings.TrimSpace(text) != "" {
			return clip(strings.TrimSpace(text))
		}
		if first == "" {
			first = line
		}
	}
	if first == "" {
		return "it said nothing"
	}
	return clip(first)
}

// clip keeps messages to a length that a terminal shows.
func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " ..."
}

// tail keeps the last bytes written to it.
type tail struct {
	limit int
	buf   bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	if over := t.buf.Len() + len(p) - t.limit; over > 0 {
		t.buf.Next(over)
	}
	t.buf.Write(p)
	return n, nil
}

func (t *tail) String() string { return t.buf.String() }
