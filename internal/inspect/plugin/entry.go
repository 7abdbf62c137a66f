package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/classfile"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// awsKinds are the kinds of plugins that AWS takes.
var awsKinds = []string{"AnalysisPlugin", "MapperPlugin", "ScriptPlugin", "SearchPipelinePlugin", "SearchPlugin"}

// entry looks at the class that the descriptor names, as PluginsService.loadBundle and loadPlugin do:
// it must be in the plugin itself, extend Plugin, and have one public constructor that they can call.
// The error is the reader's.
func (in *inspection) entry() error {
	name := in.facts.ClassName
	if name == "" || in.broken || len(in.jars) == 0 {
		return nil // what is wrong was said
	}
	if _, found := in.classes[keyOf(name)]; !found || strings.Contains(name, "/") {
		classMissing.Report(in.out, in.descriptor.at(in.properties["classname"]), rule.Shown([]byte(name)), in.meant(name))
		return nil
	}
	f := &family{in: in, classes: map[string]*classfile.Class{}, met: map[string]bool{}}
	if err := f.climb(strings.ReplaceAll(name, ".", "/")); err != nil {
		return err
	}
	main := f.classes[strings.ReplaceAll(name, ".", "/")]
	if main == nil {
		return nil // it could not be read, which was said
	}
	in.facts.Kinds = f.kinds()
	if !f.open && !f.isPlugin(main) {
		classNoPlugin.Report(in.out, f.at(main.Name), shownClass(main.Name))
		return nil
	}
	in.access(f, main)
	in.kinds(f)
	return nil
}

// meant names classes that classname may have meant.
func (in *inspection) meant(name string) string {
	if lib, found := in.target.inLib(name); found {
		return fmt.Sprintf(" (OpenSearch's own lib/%s has it, and does not load it for a plugin)", lib)
	}
	if len(in.candidates) == 0 {
		return ""
	}
	return " (there is " + rule.Shown([]byte(strings.Join(in.candidates, ", "))) + ")"
}

// access checks what Constructor.newInstance needs.
func (in *inspection) access(f *family, c *classfile.Class) {
	place, name := f.at(c.Name), shownClass(c.Name)
	switch {
	case c.Flags&classfile.Interface != 0:
		classAccess.Report(in.out, place, name, "an interface")
		return
	case c.Flags&classfile.Abstract != 0:
		classAccess.Report(in.out, place, name, "abstract")
	case c.Flags&classfile.Public == 0:
		classAccess.Report(in.out, place, name, "not public")
	}
	var public []string
	for _, m := range c.Constructors {
		if m.Flags&classfile.Public != 0 {
			public = append(public, m.Descriptor)
		}
	}
	const settings = "(Lorg/opensearch/common/settings/Settings;"
	switch {
	case len(public) == 0:
		constructorRule.Report(in.out, place, name, "no public constructor")
	case len(public) > 1:
		constructorRule.Report(in.out, place, name, fmt.Sprintf("%d public constructors, and must have one", len(public)))
	case !slices.Contains([]string{"()V", settings + ")V", settings + "Ljava/nio/file/Path;)V"}, public[0]):
		constructorRule.Report(in.out, place, name, "a public constructor of another signature: "+rule.Shown([]byte(public[0])))
	}
}

// kinds holds what the plugin is against what may be installed.
func (in *inspection) kinds(f *family) {
	all := in.facts.Kinds
	text := strings.Join(all, ", ")
	if len(all) == 0 {
		text = "of no kind: it extends Plugin and implements nothing"
	}
	fits := len(all) > 0 && !slices.ContainsFunc(all, func(k string) bool { return !slices.Contains(awsKinds, k) })
	place := in.descriptor.at(in.properties["classname"])
	switch {
	case fits, len(all) == 0 && f.open:
	case in.o.AWS:
		kindAWS.Report(in.out, place, text)
	default:
		kindNamed.Report(in.out, place, text)
	}
}

// shownClass is the name of a class as Java's messages have it.
func shownClass(name string) string {
	return rule.Shown([]byte(strings.ReplaceAll(name, "/", ".")))
}

// javaPackages are those of Java itself: what they have is on every node.
var javaPackages = []string{"java/", "javax/", "jdk/", "sun/", "com/sun/", "org/w3c/dom/", "org/xml/sax/", "org/ietf/jgss/"}

func ofJava(name string) bool {
	return slices.ContainsFunc(javaPackages, func(p string) bool { return strings.HasPrefix(name, p) })
}

// exists reports whether OpenSearch has a class, named as class files do; known: it can be said.
func (t Target) exists(name string) (exists, known bool) {
	if _, plugin := t.Parents[name]; plugin {
		return true, true
	}
	if _, found := t.inLib(target.ClassName(name)); found {
		return true, true
	}
	return false, t.Lib != nil
}
