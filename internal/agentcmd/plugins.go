package agentcmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/nodecontrol"
)

// Plugins says where the node's plugins are and which of them may come. Without a home the agent handles
// none.
type Plugins struct {
	Home         string `type:"path" placeholder:"DIR" help:"Home of OpenSearch, which holds lib/, modules/ and plugins/: the agent brings plugins there."`
	PluginsDir   string `type:"path" placeholder:"DIR" help:"The folder of plugins, if it is not HOME/plugins."`
	PluginsState string `type:"path" placeholder:"DIR" help:"Where plugins are made ready: in the same mount as the folder of plugins (default: beside it)."`
	AllowPlugins string `type:"path" placeholder:"FILE" help:"The node's allow file: which plugins may be installed here. Without it, none."`

	AllowAllPlugins bool `hidden:"" env:"-" help:"Every plugin may be installed (development stack)."`
}

func (p *Plugins) config(noNode bool) *agent.PluginConfig {
	if p.Home == "" {
		return nil
	}
	return &agent.PluginConfig{
		Home: p.Home, Plugins: p.PluginsDir, State: p.PluginsState, Allow: p.AllowPlugins, AllowAll: p.AllowAllPlugins, NoNode: noNode,
	}
}

// Restart says how the node is stopped and started when its plugins change.
type Restart struct {
	Restart string `enum:"external,systemd,command,supervise" default:"external" help:"How the node is restarted when its plugins change: by somebody else (external), by systemd, by commands (command), or by the agent, whose child it is (supervise): then the agent also starts and stops it with itself."`

	RestartUnit string `default:"opensearch.service" placeholder:"UNIT" help:"With systemd: the node's unit."`

	StopCommand   []string `sep:"none" placeholder:"COMMAND" help:"With command: what stops the node, a program and its arguments. There is no shell: one value is split at spaces, several (the flag again, a list in the file) are taken as they are."`
	StartCommand  []string `sep:"none" placeholder:"COMMAND" help:"With command: what starts the node and returns. With supervise: what is the node, and stays; the same as what stands behind -- on the command line."`
	StatusCommand []string `sep:"none" placeholder:"COMMAND" help:"With command: what ends with status 0 while the node runs, and with another when it does not."`
	NodeLogs      string   `type:"path" placeholder:"DIR" help:"The node's folder of logs, to say why it did not start; with systemd where the journal does not say."`

	StopTimeout time.Duration `default:"2m" placeholder:"DURATION" help:"With supervise: how long OpenSearch may take to stop when the agent ends, until it is killed. Whoever stops the agent must wait longer."`
}

// arguments of a command.
func arguments(values []string) []string {
	if len(values) == 1 {
		return strings.Fields(values[0])
	}
	return values
}

// nodeLock is the lock of a supervised node, in the agent's own folder.
const nodeLock = "node.lock"

// child is the node as a child of the agent with this state folder; command stands behind --.
func (r *Restart) child(state string, command []string) (agent.Supervised, error) {
	switch {
	case len(r.StopCommand)+len(r.StatusCommand) > 0:
		return nil, usage{errors.New("--stop-command and --status-command are for --restart command: with supervise the agent stops the node itself")}
	case len(command) > 0 && len(r.StartCommand) > 0:
		return nil, usage{errors.New("the command that starts OpenSearch is given twice: write it behind --, or as --start-command")}
	case r.StopTimeout <= 0:
		return nil, usage{fmt.Errorf("--stop-timeout %s: OpenSearch needs some time to stop", r.StopTimeout)}
	case len(command) == 0:
		command = arguments(r.StartCommand)
	}
	c, err := nodecontrol.NewChild(nodecontrol.ChildConfig{
		Command: command, Lock: filepath.Join(state, nodeLock), LogDir: r.NodeLogs, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err != nil {
		return nil, usage{err}
	}
	return c, nil
}

// control is nil where somebody else restarts the node.
func (r *Restart) control() (agent.NodeControl, error) {
	var c *nodecontrol.Control
	var err error
	switch r.Restart {
	case "systemd":
		c, err = nodecontrol.BySystemd(r.RestartUnit, r.NodeLogs)
	case "command":
		c, err = nodecontrol.ByCommands(nodecontrol.Commands{
			Stop: arguments(r.StopCommand), Start: arguments(r.StartCommand), Status: arguments(r.StatusCommand), LogDir: r.NodeLogs,
		})
	default:
		if len(r.StopCommand)+len(r.StartCommand)+len(r.StatusCommand) > 0 {
			return nil, usage{errors.New("commands for stopping and starting the node are given, but not --restart command")}
		}
		return nil, nil
	}
	if err != nil {
		return nil, usage{err}
	}
	return c, nil
}
