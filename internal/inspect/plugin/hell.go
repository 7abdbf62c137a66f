package plugin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

var (
	jarHell = &rule.Rule{
		ID: "plugin.jar-hell", Severity: searchpack.SeverityError, Title: "one class in two jars",
		Message: "%s in %s too, the first of them %s; OpenSearch refuses the plugin: jar hell!",
		Remedy:  "leave one of the jars out, or take the classes out of one",
	}
	jarHellLib = &rule.Rule{
		ID: "plugin.jar-hell-lib", Severity: searchpack.SeverityError, Title: "a class that OpenSearch has itself",
		Message: "%s in lib/%s of OpenSearch %s too, the first of them %s; OpenSearch refuses the plugin: jar hell!",
		Remedy:  "leave the library out and use OpenSearch's own (Gradle: compileOnly, Maven: provided), or move its classes to another package (shade)",
	}
	jarHellPatch = &rule.Rule{
		ID: "plugin.jar-hell-patch", Severity: searchpack.SeverityWarning, Title: "a class that OpenSearch most likely has itself",
		Message: "%s in lib/%s of OpenSearch %s too, the first of them %s; nodes that have them refuse the plugin: jar hell!",
		Remedy:  "leave the library out and use OpenSearch's own (Gradle: compileOnly, Maven: provided), or move its classes to another package (shade)",
	}
	libUnknown = &rule.Rule{
		ID: "plugin.lib-unknown", Severity: searchpack.SeverityNote, Title: "a version of OpenSearch whose classes are not known",
		Message: "which classes OpenSearch %s has itself is not known here; each node looks for jar hell before it installs the plugin",
		Remedy:  "nothing; to know before, build Searchpack with a table of that version",
	}
)

// jarPair are two jars that have classes of one name: of the plugin, or one of the plugin and one of
// OpenSearch's lib/.
type jarPair struct {
	mine  int
	other int    // -1 = lib
	lib   string // the jar in lib/
}

// overlap is what two jars have in common.
type overlap struct {
	classes int
	first   string
}

// compare holds a class against those of the jars before, and of lib/, as JarHell.checkClass does.
func (in *inspection) compare(n int, name string) {
	if before, known := in.classes[keyOf(name)]; known && !in.jars[before].named {
		// Duplicates in one jar are refused, but for those of an old build of one library.
		if before != n || !strings.HasPrefix(name, "org.apache.xmlbeans") {
			in.meet(jarPair{mine: n, other: before}, name)
		}
	}
	if lib, found := in.target.inLib(name); found {
		in.meet(jarPair{mine: n, other: -1, lib: lib}, name)
	}
}

// counted says how many classes are, for a sentence about a jar.
func counted(n int) string {
	if n == 1 {
		return "1 class of this jar is"
	}
	return fmt.Sprintf("%d classes of this jar are", n)
}

func (in *inspection) meet(p jarPair, name string) {
	if in.hell[p] == nil {
		in.hell[p] = &overlap{first: name}
	}
	in.hell[p].classes++
}

// reportHell reports each pair of jars once.
func (in *inspection) reportHell() {
	pairs := make([]jarPair, 0, len(in.hell))
	for p := range in.hell {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b jarPair) int {
		return cmp.Or(cmp.Compare(a.mine, b.mine), cmp.Compare(a.other, b.other), cmp.Compare(a.lib, b.lib))
	})
	for _, p := range pairs {
		o := in.hell[p]
		place, first := rule.Place{Path: in.jars[p.mine].entry.Path}, rule.Shown([]byte(o.first))
		switch {
		case p.other >= 0:
			jarHell.Report(in.out, place, counted(o.classes), rule.Shown([]byte(in.jars[p.other].entry.Path)), first)
		case in.libCertain():
			jarHellLib.Report(in.out, place, counted(o.classes), p.lib, in.target.LibVersion, first)
		default:
			jarHellPatch.Report(in.out, place, counted(o.classes), p.lib, in.target.LibVersion, first)
		}
	}
	if in.target.Lib == nil && len(in.classes) > 0 {
		libUnknown.Report(in.out, rule.Place{}, in.nodes())
	}
}
