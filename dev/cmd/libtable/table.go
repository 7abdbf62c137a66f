package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/classfile"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// table is what is written, and the classes that make it.
type table struct {
	target.Header
	classes []target.Class
	// parents are what each class of lib/ extends and implements, if that is none of Java's own.
	parents map[string][]string
}

// encode writes the table as package target reads it.
func (t *table) encode() ([]byte, error) { return target.Encode(t.Header, t.classes) }

// read reads the jars of an OpenSearch home.
func read(home string) (*table, error) {
	t := &table{parents: map[string][]string{}}
	jars, err := filepath.Glob(filepath.Join(home, "lib", "*.jar"))
	if err != nil || len(jars) == 0 {
		return nil, errors.Join(fmt.Errorf("%s has no lib/*.jar: give the folder of an unpacked OpenSearch", home), err)
	}
	names := map[string]bool{}
	for _, jar := range jars {
		base := filepath.Base(jar)
		if version, found := strings.CutPrefix(strings.TrimSuffix(base, ".jar"), "opensearch-"); found && target.IsRelease(version) {
			t.Version = version
		}
		t.Jars = append(t.Jars, base)
		if err := t.jar(jar, names); err != nil {
			return nil, fmt.Errorf("%s: %w", jar, err)
		}
	}
	if t.Version == "" {
		return nil, fmt.Errorf("%s has no lib/opensearch-VERSION.jar", home)
	}
	t.Plugins = map[string][]string{}
	for name := range t.parents {
		if t.plugin(name) {
			t.Plugins[name] = t.parents[name]
		}
	}
	return t, t.modules(filepath.Join(home, "modules"), names)
}

// jar adds the classes of a jar of lib/, and the names of modules if it lists them.
func (t *table) jar(name string, modules map[string]bool) error {
	return eachFile(name, func(f *zip.File) error {
		b, err := content(f)
		switch {
		case err != nil:
			return err
		case f.Name == "modules.txt": // what InstallPluginCommand reads
			for line := range strings.Lines(string(b)) {
				modules[strings.TrimSpace(line)] = true
			}
		case strings.HasSuffix(f.Name, ".class"):
			t.classes = append(t.classes, target.Class{Path: f.Name, Jar: len(t.Jars) - 1})
			return t.parse(t.parents, b)
		}
		return nil
	})
}

// parse notes what a class is made of.
func (t *table) parse(into map[string][]string, b []byte) error {
	c, err := classfile.Parse(b)
	if err != nil {
		return err
	}
	for _, name := range append([]string{c.Super}, c.Interfaces...) {
		if name != "" && !strings.HasPrefix(name, "java/") {
			into[c.Name] = append(into[c.Name], name)
		}
	}
	if c.Flags&classfile.Module == 0 && into[c.Name] == nil {
		into[c.Name] = []string{}
	}
	return nil
}

// plugin reports whether a class of lib/ is a plugin, or an interface of plugins.
func (t *table) plugin(name string) bool {
	if strings.HasPrefix(name, target.PluginPackage) && strings.HasSuffix(name, "Plugin") {
		return true
	}
	return slices.ContainsFunc(t.parents[name], t.plugin)
}

// modules lists the modules: those that the installer names, and those that are there.
func (t *table) modules(dir string, names map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	extensible := map[string]bool{}
	for _, e := range entries {
		name, extends, err := t.module(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("module %s: %w", e.Name(), err)
		}
		names[name], extensible[name] = true, extends
	}
	delete(names, "")
	for name := range names {
		m := target.Module{Name: name}
		if is, known := extensible[name]; known {
			m.Extensible = &is
		}
		t.Modules = append(t.Modules, m)
	}
	slices.SortFunc(t.Modules, func(a, b target.Module) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// module reads the name of a module, and whether its class is an ExtensiblePlugin.
func (t *table) module(dir string) (name string, extensible bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "plugin-descriptor.properties"))
	if err != nil {
		return "", false, err
	}
	properties := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if key, value, found := strings.Cut(s.Text(), "="); found {
			properties[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return "", false, err
	}
	parents := map[string][]string{}
	for _, jar := range jars {
		err := eachFile(jar, func(f *zip.File) error {
			if !strings.HasSuffix(f.Name, ".class") {
				return nil
			}
			b, err := content(f)
			if err != nil {
				return err
			}
			return t.parse(parents, b)
		})
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", jar, err)
		}
	}
	return properties["name"], extends(parents, t.parents, strings.ReplaceAll(properties["classname"], ".", "/")), nil
}

// extends reports whether a class is an ExtensiblePlugin.
func extends(own, lib map[string][]string, class string) bool {
	if class == target.PluginPackage+"ExtensiblePlugin" {
		return true
	}
	return slices.ContainsFunc(slices.Concat(own[class], lib[class]), func(parent string) bool { return extends(own, lib, parent) })
}

// eachFile calls f for each file of a jar.
func eachFile(name string, f func(*zip.File) error) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }() // it was only read
	for _, file := range z.File {
		if file.FileInfo().IsDir() {
			continue
		}
		if err := f(file); err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return nil
}

func content(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}
