package doctor

import (
	"io/fs"
	"strings"
	"testing"
)

// withPlugins is an installation without a fault whose agent brings plugins.
func withPlugins() *Seen {
	s := well()
	dir := func(path string, mode fs.FileMode) Folder {
		return Folder{Path: path, There: true, Mode: fs.ModeDir | mode, UID: 1000, GID: 1000, Writable: true}
	}
	s.Plugins = Plugins{
		Given: true, Home: dir("/h", 0o755), Lib: dir("/h/lib", 0o755), Dir: dir("/h/plugins", 0o755),
		State: dir("/h/.searchpack-plugins", 0o700), StateAbove: dir("/h", 0o755),
		Allow: Folder{Path: "/etc/searchpack/plugins.yml", There: true}, Allowed: 2,
		Restart: "systemd", Unit: "opensearch.service", Running: true,
	}
	s.Start.ConfigFile, s.Start.WantFile = "/a.yml", "/a.yml"
	return s
}

func TestWellWithPlugins(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *Seen){
		"as it is":          func(*Seen) {},
		"no plugins at all": func(s *Seen) { s.Plugins = Plugins{Restart: "external"} },
		"by somebody else":  func(s *Seen) { s.Plugins.Restart, s.Plugins.Running = "external", false },
		"a child that runs": func(s *Seen) { s.Plugins.Restart = Supervise },
		"no child runs":     func(s *Seen) { s.Plugins.Restart, s.Plugins.Running, s.Node = Supervise, false, Node{Skipped: true} },
		"a child, no home":  func(s *Seen) { s.Plugins = Plugins{Restart: Supervise, Running: true} },
		"by commands":       func(s *Seen) { s.Plugins.Restart = "command" },
		"to be made":        func(s *Seen) { s.Plugins.State = Folder{Path: "/h/.searchpack-plugins"} },
		"the node is down":  func(s *Seen) { s.Plugins.Running, s.Node = false, Node{Skipped: true} },
		"flags in the unit": func(s *Seen) {
			s.Start.ConfigFile, s.Start.WantFile, s.Start.Sync = "", "", append(s.Start.Sync, "--home", "/h")
		},
	} {
		s := withPlugins()
		change(s)
		for _, c := range Judge(s) {
			if c.Level != OK {
				t.Errorf("%s: %+v", name, c)
			}
		}
	}
}

func TestFaultsOfPlugins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault func(p *Plugins)
		check string
		level Level
		says  string
		does  string
	}{
		"a restart without a home":  {func(p *Plugins) { p.Given = false }, "plugins", Error, "--restart systemd is given without --home", "--home DIR"},
		"the home cannot be seen":   {func(p *Plugins) { p.Home.Error = "permission denied" }, "plugins", Error, "permission denied", "--home DIR"},
		"no home":                   {func(p *Plugins) { p.Lib = Folder{} }, "plugins", Error, "has no lib/", "--home DIR"},
		"no plugins/":               {func(p *Plugins) { p.Dir = Folder{Path: "/h/plugins"} }, "plugins", Error, "is not there", "install -d"},
		"read-only":                 {func(p *Plugins) { p.Dir.ReadOnly = true }, "plugins", Error, "read-only", "ReadWritePaths=/h"},
		"not writable":              {func(p *Plugins) { p.Dir.Writable, p.Dir.UID = false, 0 }, "plugins", Error, "uid 1000 may not write", "chown 1000 /h/plugins"},
		"a file in its place":       {func(p *Plugins) { p.State.Mode = 0o600 }, "plugins", Error, "no folder", "move it away"},
		"another's state":           {func(p *Plugins) { p.State.UID = 0 }, "plugins", Error, "belongs to uid 0", "chown -R 1000"},
		"others can write":          {func(p *Plugins) { p.State.Mode |= 0o020 }, "plugins", Error, "becomes code", "chmod 700"},
		"cannot be made":            {func(p *Plugins) { p.State, p.StateAbove.Writable = Folder{Path: "/h/.searchpack-plugins"}, false }, "plugins", Error, "may not make it", "install -d -m 0700 -o 1000 /h/.searchpack-plugins"},
		"two mounts":                {func(p *Plugins) { p.NotMount = "they are two mounts" }, "plugins", Error, "two mounts", "--plugins-state"},
		"no allow file":             {func(p *Plugins) { p.Allow = Folder{} }, "allow file", Warning, "takes no plugin", "--allow-plugins"},
		"it is gone":                {func(p *Plugins) { p.Allow.There = false }, "allow file", Warning, "is not there", "write /etc/searchpack/plugins.yml"},
		"it cannot be read":         {func(p *Plugins) { p.AllowError = "line 3: …" }, "allow file", Error, "line 3", "mend it"},
		"it allows nothing":         {func(p *Plugins) { p.Allowed = 0 }, "allow file", Warning, "names no plugin", "name plugins"},
		"not the agent's child":     {func(p *Plugins) { p.Restart, p.Running = Supervise, false }, "restart", Error, "no agent with this state folder has started it", "stop OpenSearch"},
		"a lock of another":         {func(p *Plugins) { p.Restart, p.RestartError = Supervise, "permission denied" }, "restart", Error, "cannot be seen: permission denied", "the agent's user"},
		"no systemd":                {func(p *Plugins) { p.RestartError = "systemctl: not found" }, "restart", Error, "systemctl", "--restart-unit"},
		"a command is missing":      {func(p *Plugins) { p.Restart, p.RestartError = "command", "the start command is missing" }, "restart", Error, "start command", "--start-command"},
		"another unit":              {func(p *Plugins) { p.Running = false }, "restart", Error, "does not run", "--restart-unit"},
		"another command's opinion": {func(p *Plugins) { p.Restart, p.Running = "command", false }, "restart", Error, "the status command says", "--status-command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withPlugins()
			tc.fault(&s.Plugins)
			wantFault(t, s, tc.check, tc.level, tc.says, tc.does)
		})
	}
	s := withPlugins()
	s.Me.UID = 0 // the agent is uid 1000, by its own state folder
	for _, c := range Judge(s) {
		if c.Name == "plugins" && c.Level != OK {
			t.Errorf("for root: %+v", c)
		}
	}
	s.State.UID = 0
	wantFault(t, s, "plugins", Error, "belongs to uid 1000; the agent is uid 0", "chown -R 0")
	s = withPlugins()
	s.Start.ConfigFile, s.Start.WantFile = "", ""
	wantFault(t, s, "plugins", Error, "has no --home", "--home")
}

func wantFault(t *testing.T, s *Seen, check string, level Level, says, does string) {
	t.Helper()
	for _, c := range Judge(s) {
		if c.Name == check && c.Level == level && strings.Contains(c.Says, says) && strings.Contains(c.Type, does) {
			return
		}
	}
	t.Errorf("not found in %+v", Judge(s))
}
