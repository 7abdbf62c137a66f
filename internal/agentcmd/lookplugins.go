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
	"github.com/searchpack/searchpack/internal/nodecontrol"
)

// lookPlugins looks at what the agent needs for plugins. It runs the status command, or asks systemd.
func (c *DoctorCmd) lookPlugins(ctx context.Context, s *doctor.Seen) {
	p := &s.Plugins
	p.Given, p.Restart, p.Unit = c.Home != "", c.Restart.Restart, c.RestartUnit
	c.lookRestart(ctx, p)
	if !p.Given {
		return
	}
	dirs := plugindir.Config{Home: c.Home, Plugins: c.PluginsDir, State: c.PluginsState}
	dir, state := dirs.PluginFolder(), dirs.StateFolder()
	p.Home, p.Lib, p.Dir = folder(c.Home), folder(filepath.Join(c.Home, "lib")), folder(dir)
	p.State, p.StateAbove = folder(state), folder(filepath.Dir(state))
	from := state
	if !p.State.There {
		from = filepath.Dir(state)
	}
	p.NotMount = notOneMount(from, dir)
	c.lookAllow(p)
}

// lookRestart asks the method of restarts whether the node runs.
func (c *DoctorCmd) lookRestart(ctx context.Context, p *doctor.Plugins) {
	if p.Restart == doctor.Supervise {
		var err error
		p.Running, err = nodecontrol.ChildRuns(filepath.Join(c.State, nodeLock))
		p.RestartError = words(err)
		return
	}
	if !p.Given {
		return
	}
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

// notOneMount says why names cannot be moved between two folders; "" = they can, or it is not known.
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
	switch err := plugindir.CanMove(from, to); {
	case errors.Is(err, unix.EXDEV):
		return "they are two mounts"
	case errors.Is(err, unix.EROFS):
		return "it is mounted read-only"
	}
	return ""
}
