package plugin

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/classfile"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

var (
	manifestJava = &rule.Rule{
		ID: "plugin.manifest-java", Severity: searchpack.SeverityError, Title: "a jar that names a Java which no node has",
		Message: "the manifest of this jar says X-Compile-Target-JDK: %s, and %s; OpenSearch refuses the plugin",
		Remedy:  "build the jar for the Java of the nodes",
	}
	classDamaged = &rule.Rule{
		ID: "plugin.class-damaged", Severity: searchpack.SeverityWarning, Title: "a class that is none",
		Message: "the file %s has the name of a class and is no class file: code that uses it fails",
		Remedy:  "build the jar again",
	}
	classJavaNewer = &rule.Rule{
		ID: "plugin.class-java-newer", Severity: searchpack.SeverityWarning, Title: "classes for a newer Java than the descriptor says",
		Message: "the jar has classes for Java %d (%s), and java.version says %d; OpenSearch %s runs on Java %s, and a node with an older one takes the plugin and fails when it loads them",
		Remedy:  "compile for the oldest Java of the nodes (javac --release), or write the Java that is needed into java.version",
	}
)

var jarRules = []*rule.Rule{manifestJava, classDamaged, classJavaNewer, jarHell, jarHellLib, jarHellPatch, libUnknown}

// manifestName is JarFile.MANIFEST_NAME; it is found whatever its case.
const manifestName = "META-INF/MANIFEST.MF"

// maxManifest is how much of a manifest is looked at, in bytes: its main part comes first.
const maxManifest = 256 << 10

// readJar reads a jar: its classes' names and releases, and its manifest. The error is an
// archive.Fault or the reader's.
func (in *inspection) readJar(n int) error {
	limits := archive.Limits{Unpacked: max(in.left, 1), Entries: max(min(maxEntries-in.entries, archive.MaxJarEntries), 1)}
	list, err := in.archive.Jar(in.jars[n].entry, limits)
	if err != nil {
		return err
	}
	in.jars[n].list = list
	in.entries += len(list.Entries())
	for _, e := range list.Entries() {
		in.left -= e.Size
		if name, is := strings.CutSuffix(e.Name, ".class"); is {
			in.addClass(n, strings.ReplaceAll(name, "/", "."))
		}
	}
	var head [8]byte
	return list.Walk(func(e archive.JarEntry) bool {
		return strings.HasSuffix(e.Name, ".class") || strings.EqualFold(e.Name, manifestName)
	}, func(e archive.JarEntry, r io.Reader) error {
		if strings.EqualFold(e.Name, manifestName) {
			b, err := io.ReadAll(io.LimitReader(r, maxManifest))
			if err == nil {
				in.manifest(n, mainAttributes(b))
			}
			return err
		}
		if _, err := io.ReadFull(r, head[:]); err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		in.jars[n].class(e.Name, head[:], in.target.Java.Min)
		return nil
	})
}

// addClass counts a class of a jar and compares it with those that are known.
func (in *inspection) addClass(n int, name string) {
	in.jars[n].classes++
	if target.IsModuleInfo(name) {
		return
	}
	if !in.jars[n].named {
		in.compare(n, name)
	}
	if _, known := in.classes[keyOf(name)]; !known {
		in.classes[keyOf(name)] = n
	}
	simple := name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasSuffix(simple, "Plugin") && !strings.Contains(simple, "$") && len(in.candidates) < maxCandidates {
		in.candidates = append(in.candidates, name)
	}
}

// versioned are the classes of a multi-release jar that only newer Javas look at.
var versioned = regexp.MustCompile(`^META-INF/versions/([0-9]{1,4})/`)

// class notes the release of a class. What every node passes over does not count.
func (j *jar) class(path string, head []byte, oldest int) {
	if target.IsModuleInfo(target.ClassName(path)) {
		return
	}
	if m := versioned.FindStringSubmatch(path); m != nil {
		if since, _ := strconv.Atoi(m[1]); since > oldest {
			return
		}
	}
	release, err := classfile.Release(head)
	switch {
	case err != nil && j.damaged == "":
		j.damaged = path
	case release > j.release:
		j.release, j.needs = release, path
	}
}

// mainAttributes reads the main part of a manifest: up to the first blank line, where lines that begin
// with a blank go on. Names are told apart whatever their case.
func mainAttributes(b []byte) map[string]string {
	out := map[string]string{}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
	text, _, _ = strings.Cut("\n"+text, "\n\n")
	// Joined at once: added up line by line, a manifest of short lines would take seconds.
	text = strings.ReplaceAll(text, "\n ", "")
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, isAttribute := strings.Cut(line, ":"); isAttribute {
			out[strings.ToLower(name)] = strings.TrimPrefix(value, " ")
		}
	}
	return out
}

// manifest looks at what a jar says of itself, as JarHell.checkManifest does.
func (in *inspection) manifest(n int, main map[string]string) {
	j := in.jars[n]
	if value := main["class-path"]; value != "" {
		in.classPath(j.entry, value)
	}
	text, found := main["x-compile-target-jdk"]
	if !found || j.named {
		return
	}
	release, err := parseJava(text)
	why := fmt.Sprintf("OpenSearch %s runs on Java %s", in.nodes(), in.target.Java)
	switch {
	case err != nil:
		why = err.Error()
	case in.target.Java.Max == 0 || release <= in.target.Java.Max:
		return
	}
	manifestJava.Report(in.out, rule.Place{Path: j.entry.Path}, rule.Shown([]byte(text)), why)
}

// reportJava holds the releases of the classes against the Java of the nodes.
func (in *inspection) reportJava() {
	java := in.target.Java
	for _, j := range in.jars {
		if j.damaged != "" {
			classDamaged.Report(in.out, rule.Place{Path: j.entry.Path}, rule.Shown([]byte(j.damaged)))
		}
		if j.release > java.Min && j.release > in.facts.Java && in.facts.Java > 0 {
			classJavaNewer.Report(in.out, rule.Place{Path: j.entry.Path}, j.release, rule.Shown([]byte(j.needs)), in.facts.Java, in.nodes(), java)
		}
	}
}
