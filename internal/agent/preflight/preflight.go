// Package preflight says, before anything is moved, whether a node would start with a set of plugins:
// versions, Java, names, what extends what, jar hell, and what lies in plugins/ that is no plugin. It
// mirrors what OpenSearch's installer and PluginsService do, in their words, for the node as it really
// is. Collect looks at the node's folders, Inspect at a zip; Check decides, as a pure function of what
// both found. Nothing is changed, and no JVM is started or asked.
//
// What only a running node can tell (constructors that throw, settings that nobody knows, whether an
// installed plugin may be extended) is left to the start itself.
package preflight

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Node is what a node's folders hold.
type Node struct {
	Version target.Version
	Java    int // the release that runs it; 0 = not known
	// Lib has the classes of lib/, as target.ClassName writes them, each with its jar.
	Lib Lib
	// Bundles are the modules and the installed plugins.
	Bundles []Bundle
	// Foreign are names in plugins/ with which the node does not start, by name, each with what
	// OpenSearch says of it.
	Foreign map[string]string
	// Unreadable are jars, by path ("lib/x.jar"), that are no files that can be read, each with why: what a
	// node loads cannot be told, and mostly it does not start.
	Unreadable map[string]string
}

// Lib maps a class to its jar in lib/.
type Lib map[string]string

// Jar implements plugin.Lib.
func (l Lib) Jar(class string) (string, bool) {
	jar, found := l[class]
	return jar, found
}

// Bundle is a module, an installed plugin, or one that is to be installed.
type Bundle struct {
	Name    string
	Folder  string // below modules/ or plugins/
	Module  bool
	Version plugin.Range // of OpenSearch that it is made for
	Java    int          // the oldest release that it runs on
	Extends []plugin.Extended
	// Jars are those that a node loads; nil = nobody looked, because nothing that is to be decided
	// depends on them.
	Jars []Jar
}

// Jar is a jar with the names of its classes, with dots.
type Jar struct {
	Path    string // plugins/lemmas/lemmas.jar
	Classes []string
}

// Change is what is to become of the plugins. The zero value asks whether the node starts as it is.
type Change struct {
	Place  []Bundle // in place of what is in their folders
	Remove []string // folders
}

// Refusal is a reason why the node would not start, or the installer would not install.
type Refusal struct {
	Plugin string // "" = the folder plugins/ as a whole
	Text   string // as OpenSearch has it, where it has words for it
	Remedy string
}

// String writes what is wrong and what to do.
func (r Refusal) String() string { return r.Text + "; " + r.Remedy }

// Check holds the node as it would be after the change against the rules of a starting node. Nil: none
// of them is broken. The order is that of the rules, then of names.
func Check(n Node, c Change) []Refusal {
	w := newWish(n, c)
	w.foreign()
	w.removals()
	for _, b := range w.plugins() {
		w.fits(b)
	}
	w.names()
	if w.depends() {
		w.hell()
	}
	return w.out
}

// Fits says why the node's OpenSearch or its Java would not take a plugin, whatever else is installed.
func Fits(n Node, b Bundle) []Refusal {
	w := &wish{node: n}
	w.fits(b)
	return w.out
}

// wish is a node as it would be.
type wish struct {
	node    Node
	change  Change
	bundles []Bundle // by name
	placed  map[string]bool
	out     []Refusal
}

func newWish(n Node, c Change) *wish {
	w := &wish{node: n, change: c, placed: map[string]bool{}}
	gone := map[string]bool{}
	for _, folder := range c.Remove {
		gone[folder] = true
	}
	for _, b := range c.Place {
		gone[b.Folder] = true
		w.placed[b.Name] = true
	}
	for _, b := range n.Bundles {
		if b.Module || !gone[b.Folder] {
			w.bundles = append(w.bundles, b)
		}
	}
	w.bundles = append(w.bundles, c.Place...)
	slices.SortStableFunc(w.bundles, func(a, b Bundle) int { return cmp.Compare(a.Name, b.Name) })
	return w
}

func (w *wish) refuse(name, remedy, format string, args ...any) {
	w.out = append(w.out, Refusal{Plugin: name, Text: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (w *wish) plugins() []Bundle {
	return slices.DeleteFunc(slices.Clone(w.bundles), func(b Bundle) bool { return b.Module })
}

// shown is a name from a descriptor.
func shown(name string) string { return rule.Shown([]byte(name)) }

// foreign names what keeps the node from starting whatever is installed.
func (w *wish) foreign() {
	for _, name := range slices.Sorted(maps.Keys(w.node.Foreign)) {
		w.refuse("", "the node does not start beside it, move plugins/"+shown(name)+" away", "%s", w.node.Foreign[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.node.Unreadable)) {
		if w.goes(name) {
			continue
		}
		w.refuse("", "move it away, or let it be, or lead to, a file that the agent may read", "%s cannot be looked at: %s", shown(name), w.node.Unreadable[name])
	}
}

// goes: the file is of a plugin that goes, or that another takes the place of.
func (w *wish) goes(name string) bool {
	dir, rest, _ := strings.Cut(name, "/")
	folder, _, _ := strings.Cut(rest, "/")
	return dir == "plugins" && (slices.Contains(w.change.Remove, folder) || slices.ContainsFunc(w.change.Place, func(b Bundle) bool { return b.Folder == folder }))
}

// removals mirrors RemovePluginCommand: what others extend stays.
func (w *wish) removals() {
	for _, folder := range w.change.Remove {
		i := slices.IndexFunc(w.node.Bundles, func(b Bundle) bool { return !b.Module && b.Folder == folder })
		if i < 0 || w.has(w.node.Bundles[i].Name) {
			continue
		}
		name := w.node.Bundles[i].Name
		var users []string
		for _, b := range w.bundles {
			if extends(b, name) {
				users = append(users, shown(b.Name))
			}
		}
		if len(users) > 0 {
			w.refuse(name, "remove those first, or in the same step", "plugin [%s] cannot be removed because it is extended by other plugins: [%s]", shown(name), strings.Join(users, ", "))
		}
	}
}

// extends reports whether a bundle does not start without a plugin.
func extends(b Bundle, name string) bool {
	return slices.ContainsFunc(b.Extends, func(e plugin.Extended) bool { return e.Name == name && !e.Optional })
}

func (w *wish) has(name string) bool {
	return slices.ContainsFunc(w.bundles, func(b Bundle) bool { return b.Name == name })
}

// fits mirrors PluginsService.verifyCompatibility, for plugins that are there already too: after an
// upgrade of OpenSearch those are what keeps the node from starting.
func (w *wish) fits(b Bundle) {
	v := w.node.Version
	if v != (target.Version{}) && !b.Version.Holds(v) {
		w.refuse(b.Name, "install the plugin's build for "+v.String(), "Plugin [%s] was built for OpenSearch version %s but version %s is running", shown(b.Name), shown(b.Version.Text), v)
	}
	if w.node.Java > 0 && b.Java > w.node.Java {
		w.refuse(b.Name, fmt.Sprintf("run the node on Java %d or newer", b.Java), "%s requires Java %d:, your system: %d", shown(b.Name), b.Java, w.node.Java)
	}
}

// names refuses plugins that cannot lie beside each other.
func (w *wish) names() {
	for i, b := range w.bundles {
		if i == 0 || w.bundles[i-1].Name != b.Name {
			continue
		}
		a := w.bundles[i-1]
		switch {
		case a.Module || b.Module:
			w.refuse(b.Name, "give the plugin another name", "plugin '%s' cannot be installed as a plugin, it is a system module", shown(b.Name))
		case w.placed[b.Name]:
			if w.isPlaced(a) {
				a, b = b, a
			}
			w.refuse(b.Name, "remove that one first, or in the same step",
				"plugin directory [plugins/%s] already exists; if you need to update the plugin, uninstall it first using command 'remove %s'", shown(a.Folder), shown(b.Name))
		default:
			w.refuse(b.Name, "remove one of them", "duplicate plugin: %s, in plugins/%s and plugins/%s", shown(b.Name), shown(a.Folder), shown(b.Folder))
		}
	}
	for _, b := range w.change.Place {
		i := slices.IndexFunc(w.node.Bundles, func(o Bundle) bool { return !o.Module && o.Folder == b.Folder && o.Name != b.Name })
		if i >= 0 && !slices.Contains(w.change.Remove, b.Folder) {
			w.refuse(b.Name, "remove that one first", "plugins/%s is the folder of the plugin %s already", shown(b.Folder), shown(w.node.Bundles[i].Name))
		}
		if slices.ContainsFunc(w.change.Place, func(o Bundle) bool { return o.Folder == b.Folder && o.Name != b.Name }) {
			w.refuse(b.Name, "give one of them another custom.foldername", "two plugins want the folder plugins/%s", shown(b.Folder))
		}
	}
}

func (w *wish) isPlaced(b Bundle) bool {
	return slices.ContainsFunc(w.change.Place, func(p Bundle) bool { return p.Name == b.Name && p.Folder == b.Folder })
}
