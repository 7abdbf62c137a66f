package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// pluginTable shows the plugins of all nodes; nil if none has any.
func pluginTable(c *Context, nodes []catalog.NodeView) *table {
	t := newTable("NODE", "PLUGIN", "PACKAGE", "STATE", "VERSION", "NEXT START", "LOADED", "RESTARTED BY", "PROOF", "SINCE")
	some := false
	for _, n := range nodes {
		for _, p := range n.Plugins {
			some = true
			proof, since := "", ""
			if p.Proof != nil {
				proof, since = fmt.Sprintf("v%d %s", p.Proof.Version, p.Proof.Level), c.ago(p.Proof.At)
			}
			t.row(n.Name, strings.TrimSpace(p.Name+" "+string(p.Part)), p.PackageID, pluginState(p.State), numbered(p.Version, p.VersionOf), nextStart(p), p.Loaded, restartedBy(n.Restart), proof, since)
		}
	}
	if !some {
		return nil
	}
	return t
}

// pluginState says in a word or two what the state is.
func pluginState(s rollout.PluginState) string {
	if s == rollout.PluginWaits {
		return "waits for a restart"
	}
	return string(s)
}

// numbered is a version; of is the package that it is of, if that is another one of a line.
func numbered(version int, of string) string {
	switch {
	case version == 0:
		return ""
	case of != "":
		return fmt.Sprintf("v%d of %s", version, of)
	}
	return fmt.Sprintf("v%d", version)
}

// nextStart is what lies under plugins/ from the next start on, if that is another version.
func nextStart(p catalog.NodePlugin) string {
	switch {
	case p.State == rollout.PluginRuns || p.Version == p.Wanted && p.VersionOf == p.WantedOf:
		return ""
	case p.Wanted == 0:
		return "removed"
	case p.Staged:
		return numbered(p.Wanted, p.WantedOf) + " staged"
	}
	return numbered(p.Wanted, p.WantedOf)
}

// restartedBy says whose doing a restart is.
func restartedBy(restart string) string {
	switch restart {
	case catalog.RestartsOwn:
		return "its agent"
	case catalog.RestartsExternal:
		return "somebody else"
	}
	return ""
}

// addPluginTroubles writes below the tables why plugins are not as they should be, and what to do; the
// same advice once.
func addPluginTroubles(p *page, n catalog.NodeView) {
	var todo []string
	for _, x := range n.Plugins {
		if x.Why != "" {
			p.line("%s: plugin %s %s: %s", n.Name, strings.TrimSpace(cmp.Or(x.Name, x.PackageID)+" "+string(x.Part)), pluginVerb(x.State), strings.TrimSpace(x.Why))
		}
		todo = append(todo, x.Do)
	}
	if n.Permit != nil {
		p.line("%s: may be stopped, or is away, by the permit %s since %s", n.Name, n.Permit.ID, n.Permit.Since.Format(time.RFC3339))
		todo = append(todo, n.Permit.Do)
	}
	for i, do := range todo {
		if do != "" && !slices.Contains(todo[:i], do) {
			p.line("%s: to do: %s", n.Name, do)
		}
	}
}

// pluginVerb is the state behind the plugin's name.
func pluginVerb(s rollout.PluginState) string {
	switch s {
	case rollout.PluginWaits:
		return "waits for a restart"
	case rollout.PluginChanged:
		return "was changed"
	case rollout.PluginRefused:
		return "is refused"
	case rollout.PluginNotStarted:
		return "was taken out again, OpenSearch did not start with it"
	case rollout.PluginPrepares:
		return "is being made ready"
	}
	return string(s)
}
