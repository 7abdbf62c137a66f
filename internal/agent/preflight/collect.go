package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack/internal/agent/dirnames"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

const (
	// maxJar bounds what one jar may unpack to, in bytes. Nothing is unpacked: a jar's directory says it.
	maxJar = 4 << 30
	// maxNames bounds what is listed of one folder.
	maxNames = 10_000
	// maxRelease bounds a JDK's file release, in bytes.
	maxRelease = 64 << 10
)

// Collect looks at an OpenSearch home: lib/, modules/ and plugins/. java is the release that runs the
// node (JavaRelease), 0 if it is not known. extended are names that plugins to be installed extend:
// only then the classes of modules are read. The error is the file system's, or says that the folder
// is no home.
func Collect(ctx context.Context, home string, java int, extended ...string) (Node, error) {
	return CollectFrom(ctx, home, path.Join(home, "plugins"), java, extended...)
}

// CollectFrom is Collect for a node whose plugins/ is seen at another path than in its home, as by an agent
// in a container of its own.
func CollectFrom(ctx context.Context, home, plugins string, java int, extended ...string) (Node, error) {
	c := &collector{ctx: ctx, roots: map[string]*os.Root{}, extended: extended}
	defer c.close()
	if err := c.open(home, plugins); err != nil {
		return Node{}, fmt.Errorf("the home of OpenSearch: %w", err)
	}
	n := Node{Java: java, Lib: Lib{}, Foreign: map[string]string{}}
	if err := c.lib(&n); err != nil {
		return Node{}, fmt.Errorf("%s/lib: %w", home, err)
	}
	if err := c.bundles("plugins", &n); err != nil {
		return Node{}, fmt.Errorf("%s: %w", plugins, err)
	}
	if err := c.bundles("modules", &n); err != nil {
		return Node{}, fmt.Errorf("%s/modules: %w", home, err)
	}
	if err := c.extendedJars(&n); err != nil {
		return Node{}, fmt.Errorf("%s: %w", home, err)
	}
	return n, nil
}

type collector struct {
	ctx      context.Context
	roots    map[string]*os.Root // of lib, modules and plugins
	extended []string
}

// open opens the folders of the home. Each may be a link, which OpenSearch follows; nothing in them leads
// out of them.
func (c *collector) open(home, plugins string) error {
	if _, err := os.Stat(home); err != nil {
		return err
	}
	for dir, at := range map[string]string{"lib": path.Join(home, "lib"), "modules": path.Join(home, "modules"), "plugins": plugins} {
		root, err := os.OpenRoot(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue // said by who needs it
		}
		if err != nil {
			return err
		}
		c.roots[dir] = root
	}
	return nil
}

func (c *collector) close() {
	for _, root := range c.roots {
		_ = root.Close() // nothing was written
	}
}

// at is where a path in the home lies: the folder that it begins with, and the rest.
func (c *collector) at(name string) (*os.Root, string, error) {
	dir, rest, _ := strings.Cut(name, "/")
	root := c.roots[dir]
	if root == nil {
		return nil, "", &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	return root, path.Join(".", rest), nil
}

func (c *collector) file(name string) (*os.File, error) {
	root, rest, err := c.at(name)
	if err != nil {
		return nil, err
	}
	return root.Open(rest)
}

// versioned is the jar of lib/ that has OpenSearch's version.
var versioned = regexp.MustCompile(`^opensearch-([0-9]+\.[0-9]+\.[0-9]+)(?:-.*)?\.jar$`)

// HomeVersion is the version of OpenSearch that lies in a home, with which a node starts next. The error
// is the file system's, or says that the folder is no home, or one that a package manager is at.
func HomeVersion(home string) (target.Version, error) {
	c := &collector{roots: map[string]*os.Root{}}
	defer c.close()
	if err := c.open(home, path.Join(home, "plugins")); err != nil {
		return target.Version{}, fmt.Errorf("the home of OpenSearch: %w", err)
	}
	names, err := c.names("lib")
	if err != nil {
		return target.Version{}, fmt.Errorf("%s/lib: %w", home, err)
	}
	v, err := versionOf(names)
	if err != nil {
		return v, fmt.Errorf("%s/lib: %w", home, err)
	}
	return v, nil
}

// versionOf reads the version of OpenSearch off the names of the jars in lib/.
func versionOf(names []string) (target.Version, error) {
	var v target.Version
	for _, name := range names {
		m := versioned.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		found, err := target.Parse(m[1])
		if err != nil {
			return target.Version{}, err
		}
		if v != (target.Version{}) && v != found {
			return target.Version{}, fmt.Errorf("there are jars of OpenSearch %s and %s: an upgrade is under way, or was not finished", v, found)
		}
		v = found
	}
	if v == (target.Version{}) {
		return v, errors.New("there is no opensearch-VERSION.jar: it is no home of OpenSearch")
	}
	return v, nil
}

func (c *collector) lib(n *Node) error {
	names, err := c.names("lib")
	if err != nil {
		return err
	}
	if n.Version, err = versionOf(names); err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".jar") {
			continue
		}
		found, err := c.classes("lib/" + name)
		if err != nil {
			return err
		}
		for _, class := range found {
			n.Lib[class] = name
		}
	}
	return nil
}

func (c *collector) names(dir string) ([]string, error) {
	f, err := c.file(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dirnames.Of(f, maxNames)
}

// classes lists those of a jar. One that Java cannot read has none: a node says so when it starts.
func (c *collector) classes(name string) ([]string, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	j, err := archive.OpenJar(func() (io.ReadCloser, error) { return c.file(name) }, archive.Limits{Unpacked: maxJar})
	if err = archive.Charge(err, &rule.Tally{}); err != nil || j == nil {
		return nil, err
	}
	return classes(j), nil
}

// bundles lists modules/ or plugins/, as PluginsService.findPluginDirs does.
func (c *collector) bundles(dir string, n *Node) error {
	names, err := c.names(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if dir == "plugins" && name == "lib" && n.Version.SharedFolder() {
			continue // shared jars
		}
		b, foreign, err := c.bundle(dir, name, n)
		switch {
		case err != nil:
			return err
		case foreign != "":
			n.Foreign[name] = foreign
		case b != nil:
			n.Bundles = append(n.Bundles, *b)
		}
	}
	return nil
}

// extendedJars reads the jars of plugins, and of modules that something extends, directly or not.
func (c *collector) extendedJars(n *Node) error {
	wanted := slices.Clone(c.extended)
	want := func(b *Bundle) {
		for _, e := range b.Extends {
			wanted = append(wanted, e.Name)
		}
	}
	for i := range n.Bundles {
		if b := &n.Bundles[i]; !b.Module {
			want(b)
			if err := c.jars(b); err != nil {
				return err
			}
		}
	}
	for k := 0; k < len(wanted); k++ {
		for i := range n.Bundles {
			if b := &n.Bundles[i]; b.Module && b.Name == wanted[k] && b.Jars == nil {
				want(b)
				if err := c.jars(b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// bundle reads what lies under a name; foreign is what OpenSearch says when it is no plugin.
func (c *collector) bundle(dir, name string, n *Node) (b *Bundle, foreign string, err error) {
	if removed, ok := strings.CutPrefix(name, ".removing-"); ok && dir == "plugins" {
		return nil, fmt.Sprintf("found file [plugins/%s] from a failed attempt to remove the plugin [%s]; execute [opensearch-plugin remove %s]", shown(name), shown(removed), shown(removed)), nil
	}
	none := fmt.Sprintf("Could not load plugin descriptor for plugin directory [%s]", shown(name))
	info, err := c.roots[dir].Stat(name)
	if err != nil {
		return nil, none, ignoreLink(err)
	}
	if !info.IsDir() {
		if strings.HasPrefix(name, ".") {
			return nil, "", nil // hidden files are passed over
		}
		return nil, none, nil
	}
	f, err := c.roots[dir].Open(path.Join(name, plugin.DescriptorName))
	if err != nil {
		return nil, none, ignoreLink(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, plugin.MaxDescriptor))
	if err != nil {
		return nil, "", err
	}
	var out rule.Tally
	facts := plugin.Descriptor(text, plugin.Options{Target: plugin.TargetOf(n.Version)}, &out)
	if facts == nil || facts.Name == "" {
		return nil, none, nil
	}
	made := bundleOf(facts)
	made.Folder, made.Module = name, dir == "modules"
	return &made, "", nil
}

// ignoreLink drops errors about what is not there or leads elsewhere: a node finds no descriptor then.
func ignoreLink(err error) error {
	if errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "path escapes from parent") {
		return nil
	}
	return err
}

// jars reads those of a bundle's root folder.
func (c *collector) jars(b *Bundle) error {
	dir := "plugins/" + b.Folder
	if b.Module {
		dir = "modules/" + b.Folder
	}
	names, err := c.names(dir)
	if err != nil {
		return err
	}
	b.Jars = []Jar{}
	for _, name := range names {
		if !strings.HasSuffix(name, ".jar") {
			continue
		}
		found, err := c.classes(dir + "/" + name)
		if err != nil {
			return err
		}
		b.Jars = append(b.Jars, Jar{Path: dir + "/" + name, Classes: found})
	}
	return nil
}

var javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="([0-9]+)[."]`)

// JavaRelease reads the release of Java of a JDK's folder: 21 of 21.0.3.
func JavaRelease(jdk string) (int, error) {
	f, err := os.Open(path.Join(jdk, "release"))
	if err != nil {
		return 0, fmt.Errorf("which Java is in %s: %w", jdk, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRelease))
	if err != nil {
		return 0, fmt.Errorf("which Java is in %s: %w", jdk, err)
	}
	m := javaVersion.FindSubmatch(b)
	if m == nil {
		return 0, fmt.Errorf("which Java is in %s: its file release has no JAVA_VERSION", jdk)
	}
	return strconv.Atoi(string(m[1]))
}
