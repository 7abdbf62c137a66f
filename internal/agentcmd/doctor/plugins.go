package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Plugins is what was seen of what the agent needs to bring plugins.
type Plugins struct {
	Given bool   // the agent has a home
	Home  Folder // of OpenSearch
	Lib   Folder // HOME/lib
	Dir   Folder // of plugins, links followed
	// State is where plugins are made ready, StateAbove the folder above it. NotMount says why folders
	// cannot be moved from there to Dir by a rename; "" = they can, or it is not known.
	State, StateAbove Folder
	NotMount          string

	// Allow is the allow file; its Path is "" without one. Allowed counts its entries.
	Allow      Folder
	AllowError string
	Allowed    int

	Restart      string // external, systemd, command or Supervise
	RestartError string // what is wrong with how the node is to be restarted
	Unit         string // with systemd
	Running      bool   // by what the method itself says
}

const pluginsName = "plugins"

// Supervise is the method of restarts by which OpenSearch is the agent's child.
const Supervise = "supervise"

// plugins: can the agent check, stage and swap them?
func plugins(s *Seen) []Check {
	p := s.Plugins
	const home = "--home DIR, the folder of OpenSearch that holds lib/, modules/ and plugins/"
	switch {
	case !p.Given && p.Restart == Supervise:
		return restartMethod(s)
	case !p.Given && p.Restart != "" && p.Restart != "external":
		return []Check{failure(pluginsName, home, "--restart %s is given without --home: the agent does not start", p.Restart)}
	case !p.Given:
		return nil
	case p.Home.Error != "":
		return []Check{failure(pluginsName, home, "%s", p.Home.Error)}
	case !p.Home.There || !p.Lib.There:
		return []Check{failure(pluginsName, home, "%s is no home of OpenSearch: it has no lib/", p.Home.Path)}
	case !p.Dir.There || !p.Dir.Mode.IsDir():
		return []Check{failure(pluginsName, fmt.Sprintf("install -d -m 0755 -o %d %s   (or name it with --plugins-dir)", s.Me.UID, p.Dir.Path), "the folder of plugins %s is not there", p.Dir.Path)}
	case p.Dir.ReadOnly:
		return []Check{failure(pluginsName, fmt.Sprintf("ReadWritePaths=%s in the agent's unit and in OpenSearch's (packaging/systemd/plugins); in a container: a volume", p.Home.Path),
			"%s is mounted read-only: no plugin can be put there", p.Dir.Path)}
	case !p.Dir.Writable:
		return []Check{failure(pluginsName, fmt.Sprintf("chown %d %s", s.Me.UID, p.Dir.Path),
			"uid %d may not write to %s, which belongs to uid %d, mode %04o", s.Me.UID, p.Dir.Path, p.Dir.UID, p.Dir.Mode.Perm())}
	}
	out := append(pluginState(s), allowFile(p)...)
	return append(append(out, restartMethod(s)...), pluginStart(s)...)
}

// pluginState: the folder in which plugins are made ready.
func pluginState(s *Seen) []Check {
	p, agent := s.Plugins, s.agentUID()
	switch {
	case p.State.There && !p.State.Mode.IsDir():
		return []Check{failure(pluginsName, "move it away", "%s is no folder", p.State.Path)}
	case p.State.There && p.State.UID != agent: // plugindir refuses it, root too
		return []Check{failure(pluginsName, fmt.Sprintf("chown -R %d %s", agent, p.State.Path), "%s belongs to uid %d; the agent is uid %d", p.State.Path, p.State.UID, agent)}
	case p.State.There && p.State.Mode.Perm()&0o022 != 0:
		return []Check{failure(pluginsName, "chmod 700 "+p.State.Path, "others than its owner can write into %s, and what lies there becomes code of the node", p.State.Path)}
	case !p.State.There && !p.StateAbove.Writable:
		return []Check{failure(pluginsName, fmt.Sprintf("install -d -m 0700 -o %d %s   (or --plugins-state DIR in the same mount)", s.Me.UID, p.State.Path),
			"%s is not there, and uid %d may not make it in %s", p.State.Path, s.Me.UID, p.StateAbove.Path)}
	case p.NotMount != "":
		return []Check{failure(pluginsName, "mount the folder above both, or name one in the same mount with --plugins-state",
			"plugins cannot be moved from %s to %s by a rename: %s", p.State.Path, p.Dir.Path, p.NotMount)}
	}
	return []Check{ok(pluginsName, "%s, made ready in %s", p.Dir.Path, p.State.Path)}
}

// allowFile: which plugins may come?
func allowFile(p Plugins) []Check {
	const name = "allow file"
	switch {
	case p.Allow.Path == "":
		return []Check{warning(name, "--allow-plugins FILE (docs/operations.md has one)", "there is none: this node takes no plugin")}
	case p.AllowError != "":
		return []Check{failure(name, "mend it, with an owner that is root or the agent's user and mode 0644", "%s", p.AllowError)}
	case !p.Allow.There:
		return []Check{warning(name, "write "+p.Allow.Path+" (docs/operations.md has one)", "%s is not there: this node takes no plugin", p.Allow.Path)}
	case p.Allowed == 0:
		return []Check{warning(name, "name plugins in "+p.Allow.Path, "%s names no plugin: this node takes none", p.Allow.Path)}
	}
	return []Check{ok(name, "%s has %d entries", p.Allow.Path, p.Allowed)}
}

// restartMethod: who restarts the node, and does that work as far as it can be tried?
func restartMethod(s *Seen) []Check {
	const name = "restart"
	p := s.Plugins
	switch {
	case p.RestartError != "" && p.Restart == "systemd":
		return []Check{failure(name, "--restart-unit UNIT, as systemctl list-units names it", "%s", p.RestartError)}
	case p.Restart == Supervise:
		return []Check{supervised(s)}
	case p.RestartError != "":
		return []Check{failure(name, "--stop-command, --start-command and --status-command, each with the program's whole path", "%s", p.RestartError)}
	case p.Restart == "external" || p.Restart == "":
		return []Check{ok(name, "by somebody else (external): searchpack nodes says when the node waits for it")}
	case s.Node.answers() && !p.Running:
		return []Check{failure(name, "look at --restart-unit, or at what --status-command ends with (0 while the node runs)",
			"OpenSearch answers, and %s says that it does not run: it would be taken for stopped", p.method())}
	case p.Restart == "systemd" && s.Me.UID != 0:
		return []Check{ok(name, "systemd, %s; uid %d needs the rule of packaging/systemd/plugins/50-searchpack-agent.rules for it, which cannot be tried without a restart", p.Unit, s.Me.UID)}
	}
	return []Check{ok(name, "%s", p.method())}
}

// supervised: is the OpenSearch that answers the child of an agent here?
func supervised(s *Seen) Check {
	const name = "restart"
	p := s.Plugins
	switch {
	case p.RestartError != "":
		return failure(name, "run the doctor as the agent's user", "whether an agent here has started OpenSearch cannot be seen: %s", p.RestartError)
	case s.Node.answers() && !p.Running:
		return failure(name, "stop OpenSearch and whatever starts it; then the agent starts it: searchpack agent run --restart supervise -- COMMAND",
			"OpenSearch answers, and no agent with this state folder has started it")
	case !p.Running:
		return ok(name, "by the agent, whose child OpenSearch is (supervise); none of it runs now")
	}
	return ok(name, "by the agent, whose child OpenSearch is (supervise)")
}

func (p Plugins) method() string {
	if p.Restart == "systemd" {
		return "systemd, " + p.Unit
	}
	return "the status command"
}

// pluginStart: does what runs before OpenSearch know of plugins?
func pluginStart(s *Seen) []Check {
	home := func(word string) bool { return word == "--home" || strings.HasPrefix(word, "--home=") }
	if len(s.Start.Sync) == 0 || s.Start.ConfigFile != "" || slices.ContainsFunc(s.Start.Sync, home) {
		return nil
	}
	return []Check{failure(pluginsName, "give it --home and --allow-plugins, or the --config-file of the agent", "the agent sync in %s has no --home: plugins are not put in place at a start", s.Start.Unit)}
}
