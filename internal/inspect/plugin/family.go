package plugin

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/classfile"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

const (
	// maxGenerations bounds how far up a class is followed: each step unpacks a jar again.
	maxGenerations = 16
	// maxParents bounds how many classes of the plugin are looked at on the way up, and how many others
	// they extend and implement: a class file may name 32,000.
	maxParents = 1000
)

// family is the plugin's class with what it extends and implements, as far as the plugin's jars have
// it. Names are as class files have them.
type family struct {
	in      *inspection
	classes map[string]*classfile.Class // nil = it cannot be read
	// beyond are the parents outside of the plugin, in the order in which they were met.
	beyond []string
	met    map[string]bool // those of beyond
	open   bool            // there are parents that nothing is known of
}

// at is the place of a class.
func (f *family) at(name string) rule.Place {
	n, found := f.in.classes[keyOf(target.ClassName(name))]
	if !found {
		return rule.Place{}
	}
	return rule.Place{Path: f.in.jars[n].entry.Path, Text: []byte(strings.ReplaceAll(name, "/", "."))}
}

// climb reads the class and all its parents, generation by generation. The error is the reader's.
func (f *family) climb(name string) error {
	todo := []string{name}
	for generation := 0; len(todo) > 0; generation++ {
		if generation == maxGenerations || len(f.classes)+len(todo) > maxParents {
			f.unknown(name, todo[0])
			return nil
		}
		if err := f.read(todo); err != nil {
			return err
		}
		var next []string
		wanted := map[string]bool{}
		for _, child := range todo {
			c := f.classes[child]
			if c == nil {
				f.open = true
				continue
			}
			for _, parent := range append([]string{c.Super}, c.Interfaces...) {
				if f.follow(child, parent) && !wanted[parent] {
					wanted[parent] = true
					next = append(next, parent)
				}
			}
		}
		todo = next
	}
	return nil
}

// follow reports whether a parent is in the plugin and was not read yet.
func (f *family) follow(child, parent string) bool {
	if _, seen := f.classes[parent]; seen || parent == "" || ofJava(parent) {
		return false
	}
	if _, mine := f.in.classes[keyOf(target.ClassName(parent))]; mine {
		return true
	}
	switch {
	case f.met[parent] || len(f.beyond) > maxParents:
		return false
	case len(f.beyond) == maxParents:
		f.beyond = append(f.beyond, parent)
		f.unknown(child, parent)
		return false
	}
	f.beyond, f.met[parent] = append(f.beyond, parent), true
	exists, known := f.in.target.exists(parent)
	switch {
	case exists:
	case strings.HasPrefix(parent, target.PluginPackage) && !known:
		// of a version that is not known; its name says enough
	case len(f.in.facts.Extends) > 0 || !f.in.libCertain():
		f.unknown(child, parent)
	default:
		parentMissing.Report(f.in.out, f.at(child), shownClass(child), shownClass(parent), f.in.target.LibVersion)
		f.open = true
	}
	return false
}

func (f *family) unknown(child, parent string) {
	f.open = true
	parentUnknown.Report(f.in.out, f.at(child), shownClass(child), shownClass(parent))
}

// read reads classes of the plugin, which are there. The error is the reader's.
func (f *family) read(names []string) error {
	byJar := map[int][]string{}
	for _, name := range names {
		n := f.in.classes[keyOf(target.ClassName(name))]
		byJar[n] = append(byJar[n], name+".class")
	}
	for n, paths := range byJar {
		err := f.in.jars[n].list.Walk(
			func(e archive.JarEntry) bool { return slices.Contains(paths, e.Name) },
			func(e archive.JarEntry, r io.Reader) error { return f.parse(strings.TrimSuffix(e.Name, ".class"), r) },
		)
		if err = archive.ChargeIn(f.in.jars[n].entry.Path, err, f.in.out); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a class and holds its Java against that of the nodes.
func (f *family) parse(name string, r io.Reader) error {
	f.classes[name] = nil
	b, err := io.ReadAll(io.LimitReader(r, classfile.MaxSize+1))
	if err != nil {
		return err
	}
	c, err := classfile.Parse(b)
	if err == nil && c.Name != name {
		err = errors.New("it is the class " + shownClass(c.Name))
	}
	if err != nil {
		classUnreadable.Report(f.in.out, f.at(name), shownClass(name), rule.Shown([]byte(err.Error())))
		return nil
	}
	if java := f.in.target.Java; java.Max > 0 && c.Release() > java.Max {
		classJavaHigh.Report(f.in.out, f.at(name), shownClass(name), c.Release(), f.in.nodes(), java)
	}
	f.classes[name] = c
	return nil
}

// isPlugin reports whether a class extends org.opensearch.plugins.Plugin.
func (f *family) isPlugin(c *classfile.Class) bool {
	name := c.Super
	for range maxGenerations * 2 {
		if name == target.PluginPackage+"Plugin" {
			return true
		}
		if parents := f.in.target.Parents[name]; len(parents) > 0 {
			name = parents[0] // the class that it extends comes first
		} else if c := f.classes[name]; c != nil {
			name = c.Super
		} else {
			return false
		}
	}
	return false
}

// kinds are the interfaces of org.opensearch.plugins that the family implements.
func (f *family) kinds() []string {
	var out []string
	var add func(name string)
	add = func(name string) {
		kind, ours := strings.CutPrefix(name, target.PluginPackage)
		if ours && strings.HasSuffix(kind, "Plugin") && kind != "Plugin" && !slices.Contains(out, kind) {
			out = append(out, kind)
		}
		for _, parent := range f.in.target.Parents[name] {
			add(parent)
		}
	}
	for _, name := range f.beyond {
		add(name)
	}
	slices.Sort(out)
	return out
}
