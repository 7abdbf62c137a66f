package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/target"
)

// depends mirrors PluginsService.sortBundles: what a plugin extends must be there, and nothing may
// extend itself. false: there is no order in which the plugins could be loaded.
func (w *wish) depends() bool {
	for _, b := range w.bundles {
		for _, e := range b.Extends {
			if !e.Optional && !w.has(e.Name) && !w.wasRemoved(e.Name) {
				w.refuse(b.Name, "install that one first, or in the same step", "Missing plugin [%s], dependency of [%s]", shown(e.Name), shown(b.Name))
			}
		}
	}
	_, cycle := w.sorted()
	if cycle != "" {
		w.refuse("", "take one of them out of extended.plugins", "Cycle found in plugin dependencies: %s", cycle)
	}
	return cycle == ""
}

// wasRemoved: removals has said so.
func (w *wish) wasRemoved(name string) bool {
	return slices.ContainsFunc(w.node.Bundles, func(b Bundle) bool {
		return !b.Module && b.Name == name && slices.Contains(w.change.Remove, b.Folder)
	})
}

// sorted lists the bundles so that each comes behind those that it extends; or names a cycle.
func (w *wish) sorted() (order []Bundle, cycle string) {
	byName := map[string]Bundle{}
	for _, b := range w.bundles {
		byName[b.Name] = b
	}
	done := map[string]bool{}
	var path []string
	var visit func(name string) bool
	visit = func(name string) bool {
		b, found := byName[name]
		if done[name] || !found {
			return true
		}
		if i := slices.Index(path, name); i >= 0 {
			cycle = shown(strings.Join(append(slices.Clone(path[i:]), name), " -> "))
			return false
		}
		path = append(path, name)
		for _, e := range b.Extends {
			if !visit(e.Name) {
				return false
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		order = append(order, b)
		return true
	}
	for _, b := range w.bundles {
		if !visit(b.Name) {
			return nil, cycle
		}
	}
	return order, ""
}

// hell mirrors PluginsService.checkBundleJarHell but for lib/, which the inspection of each plugin was
// held against: no class may be in two jars of a plugin and of all that it extends.
func (w *wish) hell() {
	order, _ := w.sorted()
	optionalCounts, ancestors := w.node.Version.OptionalParents(), w.node.Version.CommonAncestors()
	reach := map[string][]Jar{} // the jars of a plugin and of all that it extends
	for _, b := range order {
		var jars []Jar
		text := ""
		for _, e := range b.Extends {
			theirs, found := reach[e.Name]
			if !found || e.Optional && !optionalCounts { // not there, or not looked at
				continue
			}
			if both := shared(jars, theirs); both != "" && text == "" && !ancestors {
				text = fmt.Sprintf("jar hell! extended plugins %s have duplicate codebases with each other: [%s]", extendedNames(b), both)
			}
			for _, j := range theirs {
				if shared(jars, []Jar{j}) == "" {
					jars = append(jars, j)
				}
			}
		}
		if len(b.Extends) > 0 && text == "" {
			text = twice(append(slices.Clone(jars), b.Jars...))
		}
		reach[b.Name] = append(jars, b.Jars...)
		if text != "" {
			w.refuse(b.Name, "leave the library out of the plugin and use that of the one that it extends, or move its classes to another package",
				"failed to load plugin %s due to jar hell: %s", shown(b.Name), text)
		}
	}
}

func extendedNames(b Bundle) string {
	var names []string
	for _, e := range b.Extends {
		names = append(names, shown(e.Name))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// shared names a jar that is in both.
func shared(a, b []Jar) string {
	for _, x := range a {
		if slices.ContainsFunc(b, func(y Jar) bool { return y.Path == x.Path }) {
			return x.Path
		}
	}
	return ""
}

// twice names the first class that is in two jars, as JarHell.checkClass does.
func twice(jars []Jar) string {
	in := map[string]string{}
	for _, j := range jars {
		for _, class := range j.Classes {
			before, known := in[class]
			if known && before != j.Path && !target.IsModuleInfo(class) {
				return fmt.Sprintf("class: %s jar1: %s jar2: %s", shown(class), before, j.Path)
			}
			in[class] = j.Path
		}
	}
	return ""
}
