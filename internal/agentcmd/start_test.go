package agentcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// units writes files below a folder.
func units(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A unit is read with its drop-ins as systemd does: by name, the first folder's of two with the same,
// and an empty line forgets those before.
func TestExecStartPre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		etc, lib map[string]string
		unit     string // the folder it lies in, "" = there is none
		want     []string
	}{
		"none":         {},
		"only drop-in": {etc: map[string]string{"o.service.d/a.conf": "[Service]\nExecStartPre=/a\n"}},
		"alone":        {lib: map[string]string{"o.service": "[Unit]\nExecStartPre=/no\n[Service]\nExecStartPre = /a b\n"}, unit: "lib", want: []string{"/a b"}},
		"etc wins":     {etc: map[string]string{"o.service": "[Service]\n"}, lib: map[string]string{"o.service": "[Service]\nExecStartPre=/a\n"}, unit: "etc"},
		"drop-ins in their order": {
			etc:  map[string]string{"o.service.d/20.conf": "[Service]\nExecStartPre=/b\n", "o.service.d/10.conf": "[Service]\nExecStartPre=-/a\n"},
			lib:  map[string]string{"o.service": "[Service]\nExecStartPre=/0\n", "o.service.d/20.conf": "[Service]\nExecStartPre=/hidden\n"},
			unit: "lib", want: []string{"/0", "-/a", "/b"},
		},
		"forgotten": {
			lib: map[string]string{"o.service": "[Service]\nExecStartPre=/0\n", "o.service.d/x.conf": "[Service]\nExecStartPre=\nExecStartPre=/1\n"}, unit: "lib", want: []string{"/1"},
		},
		"continued": {
			lib: map[string]string{"o.service": "[Service]\nExecStartPre=/0 \\\n# a remark\n  --once\n;ExecStartPre=/no\nExecStart=/x\n"}, unit: "lib", want: []string{"/0  --once"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			etc, lib := filepath.Join(dir, "etc"), filepath.Join(dir, "lib")
			units(t, etc, c.etc)
			units(t, lib, c.lib)
			where, got := execStartPre([]string{etc, lib}, "o.service")
			if d := cmp.Diff(c.want, got); d != "" || (where == "") != (c.unit == "") || where != "" && filepath.Base(filepath.Dir(where)) != c.unit {
				t.Errorf("in %q: %s", where, d)
			}
		})
	}
}

// The drop-in of packaging/ is what the doctor looks for.
func TestDoctorSeesTheDropIn(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(filepath.Join("..", "..", "packaging", "systemd", "opensearch.service.d", "searchpack.conf"))
	if err != nil {
		t.Fatal(err)
	}
	program := file(t, "#!/bin/sh\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	look := func(dropIn string) doctor.Start {
		dir := t.TempDir()
		units(t, dir, map[string]string{
			"opensearch.service":                   "[Service]\nExecStart=/usr/share/opensearch/bin/opensearch\n",
			"opensearch.service.d/searchpack.conf": strings.ReplaceAll(dropIn, "/usr/local/bin/searchpack", program),
		})
		c, err := parse(t, "doctor", "--server", "https://127.0.0.1:1", "--config", dir, "--state", "/s")
		if err != nil {
			t.Fatal(err)
		}
		c.Doctor.unitDirs = []string{dir}
		s := &doctor.Seen{}
		c.Doctor.lookStart(s)
		return s.Start
	}
	got := look(string(shipped))
	if d := cmp.Diff([]string{program, "agent", "sync", "--once", "--config-file", "/etc/searchpack/agent.yml"}, got.Sync); d != "" {
		t.Error(d)
	}
	if got.Missing || got.Optional || got.ConfigFile != "/etc/searchpack/agent.yml" || got.State != "" || got.WantState != "/s" || got.Unit == "" {
		t.Errorf("%+v", got)
	}
	got = look("[Service]\nExecStartPre=-/none/searchpack agent sync --once --state=/t\nExecStartPre=/bin/true agent\n")
	if !got.Missing || !got.Optional || got.State != "/t" {
		t.Errorf("%+v", got)
	}
	if got = look(""); got.Sync != nil || got.Unit == "" {
		t.Errorf("%+v", got)
	}
}
