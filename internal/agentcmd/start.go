package agentcmd

import (
	"bufio"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// unitDirs is where systemd looks for units, the first first (systemd.unit(5)).
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// lookStart looks at how OpenSearch is started here.
func (c *DoctorCmd) lookStart(s *doctor.Seen) {
	b := &s.Start
	b.WantFile, b.WantState = string(c.ConfigFile), c.State
	b.Container = container()
	dirs := c.unitDirs
	if dirs == nil {
		dirs = unitDirs
	}
	unit, lines := execStartPre(dirs, c.Unit)
	if unit == "" {
		return
	}
	b.Unit = unit
	for _, line := range lines {
		command := strings.TrimLeft(line, "-@:+!|")
		words := strings.Fields(command)
		i := slices.Index(words, "sync")
		if i < 1 || words[i-1] != "agent" {
			continue
		}
		b.Sync, b.Optional = words, strings.Contains(line[:len(line)-len(command)], "-")
		b.ConfigFile, b.State = flagOf(words, "--config-file"), flagOf(words, "--state")
		info, err := os.Stat(words[0])
		b.Missing = err != nil || info.IsDir() || info.Mode()&0o111 == 0
	}
}

// flagOf is the value of a flag, written with a space or an equals sign; "" if it is not there.
func flagOf(words []string, name string) string {
	for i, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v
		}
		if w == name && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}

// container reports whether this process is in one, by what container runtimes leave.
func container() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return cmp.Or(os.Getenv("container"), os.Getenv("KUBERNETES_SERVICE_HOST")) != ""
}

// execStartPre reads a unit with its drop-ins: where the unit lies, "" if nowhere, and its
// ExecStartPre= lines as systemd takes them. An empty one forgets those before it.
func execStartPre(dirs []string, unit string) (where string, lines []string) {
	dropIns := map[string]string{} // by name: of two with the same, the first folder's counts
	var files []string
	for _, dir := range dirs {
		if file := filepath.Join(dir, unit); where == "" && regular(file) {
			where, files = file, []string{file}
		}
		more, _ := filepath.Glob(filepath.Join(dir, unit+".d", "*.conf")) // the pattern is well-formed
		for _, file := range more {
			if name := filepath.Base(file); dropIns[name] == "" {
				dropIns[name] = file
			}
		}
	}
	if where == "" {
		return "", nil
	}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		files = append(files, dropIns[name])
	}
	for _, file := range files {
		for _, value := range settings(file, "Service", "ExecStartPre") {
			if value == "" {
				lines = nil
				continue
			}
			lines = append(lines, value)
		}
	}
	return where, lines
}

func regular(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// maxUnit bounds what is read of a unit.
const maxUnit = 1 << 20

// settings are the values of a key in a section of a unit; a file that cannot be read has none.
func settings(file, section, key string) []string {
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxUnit {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out []string
	in, whole := "", ""
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue // also between the lines of a continued one
		}
		if more, goesOn := strings.CutSuffix(line, `\`); goesOn {
			whole += more + " "
			continue
		}
		line, whole = whole+line, ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			in = line[1 : len(line)-1]
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && in == section && strings.TrimSpace(name) == key {
			out = append(out, strings.TrimSpace(value))
		}
	}
	return out
}
