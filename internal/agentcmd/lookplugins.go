//go:build unix

package agentcmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack/internal/agent/allow"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// lookPlugins looks at what the agent needs for plugins. It runs the status command, or asks systemd.
func (c *DoctorCmd) lookPlugins(ctx context.Context, s *doctor.Seen) {
	p := &s.Plugins
	p.Given, p.Restart, p.Unit = c.Home != "", c.Restart.Restart, c.RestartUnit
	if !p.Given {
		return
	}
	dir, state := c.PluginsDir, c.PluginsState
	if dir == "" {
		dir = filepath.Join(c.Home, "plugins")
	}
	dir = resolved(dir)
	if state == "" {
		state = filepath.Join(filepath.Dir(dir), plugindir.StateName)
	}
	p.Home, p.Lib, p.Dir = folder(c.Home), folder(filepath.Join(c.Home, "lib")), folder(dir)
	p.State, p.StateAbove = folder(state), folder(filepath.Dir(state))
	from := state
	if !p.State.There {
		from = filepath.Dir(state)
	}
	p.NotMount = notOneMount(from, dir)
	c.lookAllow(p)
	control, err := c.control()
	if err == nil && control != nil {
		p.Running, err = control.Running(ctx)
	}
	p.RestartError = words(err)
}

func (c *DoctorCmd) lookAllow(p *doctor.Plugins) {
	if c.AllowPlugins == "" {
		return
	}
	p.Allow = folder(c.AllowPlugins)
	f, err := allow.Read(c.AllowPlugins)
	if err != nil {
		p.AllowError = err.Error()
		return
	}
	p.Allowed = len(f.Plugins)
}

// notOneMount says why names cannot be moved between two folders. The system looks for the mounts before
// it looks for the name, so that a name that is not there tells, and nothing is written.
func notOneMount(a, b string) string {
	from, err := os.Open(a)
	if err != nil {
		return ""
	}
	defer func() { _ = from.Close() }()
	to, err := os.Open(b)
	if err != nil {
		return ""
	}
	defer func() { _ = to.Close() }()
	const nobody = ".searchpack-no-such-name"
	switch err := unix.Renameat(int(from.Fd()), nobody, int(to.Fd()), nobody); {
	case errors.Is(err, unix.EXDEV):
		return "they are two mounts"
	case errors.Is(err, unix.EROFS):
		return "it is mounted read-only"
	}
	return ""
}
