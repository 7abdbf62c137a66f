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
	"syscall"

	"github.com/searchpack/searchpack/internal/agent/dirnames"
	"github.com/searchpack/searchpack/internal/agent/regular"
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
	c := &collector{ctx: ctx, dirs: dirsOf(home, plugins), extended: extended}
	if _, err := os.Stat(home); err != nil {
		return Node{}, fmt.Errorf("the home of OpenSearch: %w", err)
	}
	n := Node{Java: java, Lib: Lib{}, Foreign: map[string]string{}, Unreadable: map[string]string{}}
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
	dirs     map[string]string // paths of lib, modules and plugins. Links are followed, as by OpenSearch
	extended []string
}

func dirsOf(home, plugins string) map[string]string {
	return map[string]string{"lib": path.Join(home, "lib"), "modules": path.Join(home, "modules"), "plugins": plugins}
}

// at is where a path in the home lies: the folder that it begins with, and the rest.
func (c *collector) at(name string) string {
	dir, rest, _ := strings.Cut(name, "/")
	return path.Join(c.dirs[dir], rest)
}

// versioned is the jar of lib/ that has OpenSearch's version.
var versioned = regexp.MustCompile(`^opensearch-([0-9]+\.[0-9]+\.[0-9]+)(?:-.*)?\.jar$`)

// HomeVersion is the version of OpenSearch that lies in a home, with which a node starts next. The error
// is the file system's, or says that the folder is no home, or one that a package manager is at.
func HomeVersion(home string) (target.Version, error) {
	c := &collector{dirs: dirsOf(home, "")}
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
		found, err := c.classes("lib/"+name, n)
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
	f, err := os.OpenFile(c.at(dir), os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dirnames.Of(f, maxNames)
}

// classes lists those of a jar. One that Java cannot read has none: a node says so when it starts. What is no
// file that can be read is noted.
func (c *collector) classes(name string, n *Node) ([]string, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	f, err := regular.Open(c.at(name))
	if errors.Is(err, regular.ErrNone) || errors.Is(err, fs.ErrPermission) {
		n.Unreadable[name] = unreadable(err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	j, err := archive.OpenJar(func() (io.ReadCloser, error) { return io.NopCloser(f), nil }, archive.Limits{Unpacked: maxJar}) // read once
	if err = archive.Charge(err, &rule.Tally{}); err != nil || j == nil {
		return nil, err
	}
	return classes(j), nil
}

// unreadable says why without the path, which is said in OpenSearch's way.
func unreadable(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "the agent has no right to read it"
	}
	text, _, _ := strings.Cut(err.Error(), ": ")
	return text
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
			if err := c.jars(b, n); err != nil {
				return err
			}
		}
	}
	for k := 0; k < len(wanted); k++ {
		for i := range n.Bundles {
			if b := &n.Bundles[i]; b.Module && b.Name == wanted[k] && b.Jars == nil {
				want(b)
				if err := c.jars(b, n); err != nil {
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
	info, err := os.Stat(c.at(dir + "/" + name))
	if err != nil {
		return nil, none, ignoreNone(err)
	}
	if !info.IsDir() {
		if strings.HasPrefix(name, ".") {
			return nil, "", nil // hidden files are passed over
		}
		return nil, none, nil
	}
	f, err := regular.Open(c.at(path.Join(dir, name, plugin.DescriptorName)))
	if err != nil {
		return nil, none, ignoreNone(err)
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

// ignoreNone drops errors about what is not there or is no file: a node finds no descriptor then.
func ignoreNone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, regular.ErrNone) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	return err
}

// jars reads those of a bundle's root folder.
func (c *collector) jars(b *Bundle, n *Node) error {
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
		found, err := c.classes(dir+"/"+name, n)
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
	f, err := regular.Open(path.Join(jdk, "release"))
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
