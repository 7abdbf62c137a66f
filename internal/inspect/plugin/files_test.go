package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

const (
	mainPath  = "lemmas.jar!/org/example/Lemmas.class"
	mainClass = "class org/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin java 21"
	words     = "class org/example/Words java 17"
)

// inspect inspects a plugin of a good descriptor, unless the files have another, and these files.
func inspect(t testing.TB, o Options, out *rule.Tally, files ...string) *Facts {
	t.Helper()
	if !slices.Contains(files, DescriptorName) {
		files = append([]string{DescriptorName, goodDescriptor}, files...)
	}
	facts, err := Inspect(zipOf(t, files...), o, out)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func TestFacts(t *testing.T) {
	t.Parallel()
	var out rule.Tally
	got := inspect(t, forVersion(t, "3.8"), &out, mainPath, mainClass, "a.jar!/org/example/Words.class", words, "a.jar!/x.txt", "text", "shared/s.jar!/org/example/S.class", "class org/example/S")
	if out.Count() > 0 {
		t.Errorf("%+v", out.Findings())
	}
	for i := range got.Jars {
		if got.Jars[i].Size == 0 {
			t.Errorf("%s has no size", got.Jars[i].Path)
		}
		got.Jars[i].Size = 0
	}
	want := []Jar{{Path: "a.jar", Classes: 1, Java: 17}, {Path: "lemmas.jar", Classes: 1, Java: 21}, {Path: "shared/s.jar", Classes: 1, Java: 11}}
	if diff := cmp.Diff(want, got.Jars); diff != "" || got.ClassJava != 21 || !slices.Equal(got.Kinds, []string{"AnalysisPlugin"}) {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	old := []string{DescriptorName, with("opensearch.version=2.19.0", "java.version=11"), mainPath, strings.Replace(mainClass, "java 21", "java 11", 1)}
	good := []string{mainPath, mainClass}
	for name, c := range map[string]struct {
		version string
		base    []string
		files   []string
		want    []string
	}{
		"nothing":               {"3.8", nil, nil, []string{"e plugin.no-jar"}},
		"a jar in a folder":     {"3.8", good, []string{"lib/a.jar!/A.class", "class A"}, []string{"w plugin.jar-elsewhere"}},
		"old structure":         {"3.8", good, []string{"opensearch/a", "", "opensearch/b", ""}, []string{"e plugin.old-structure"}},
		"a file opensearch":     {"3.8", good, []string{"opensearch", ""}, nil},
		"a class":               {"3.8", good, []string{"A.class", "class A", "b/B.class", "class b/B"}, []string{"w plugin.loose-class"}},
		"a jar of another case": {"3.8", good, []string{"a.JAR", "text"}, nil},
		"bin":                   {"3.8", good, []string{"bin/a", "", "bin/b", ""}, []string{"n plugin.scripts"}},
		"a folder in bin":       {"3.8", good, []string{"bin/a/b", ""}, []string{"e plugin.support-folder"}},
		"a file bin":            {"3.8", good, []string{"bin", ""}, []string{"e plugin.support-folder"}},
		"config":                {"3.8", good, []string{"config/a.yml", ""}, []string{"n plugin.config-kept"}},
		"a folder in config":    {"3.8", good, []string{"config/a/b/c", ""}, []string{"n plugin.config-kept"}},
		"and in 2.19":           {"2.19", old, []string{"config/a/b", ""}, []string{"n plugin.config-kept", "w plugin.config-folder"}},
		"and in 2.19.4":         {"2.19.4", old, []string{"config/a/b", ""}, []string{"n plugin.config-kept"}},
		"shared":                {"3.8", good, []string{"shared/a.jar!/A.class", "class A", "shared/a.txt", ""}, nil},
		"a folder in shared":    {"3.8", good, []string{"shared/a/a.txt", ""}, []string{"e plugin.support-folder"}},
		"shared in 2.19":        {"2.19", old, []string{"shared/a/a.jar!/A.class", "class A"}, []string{"w plugin.jar-elsewhere"}},
		"a file shared in 2.19": {"2.19", old, []string{"shared", ""}, nil},
		"the class in shared":   {"3.8", nil, []string{"shared/" + mainPath, mainClass}, nil},
	} {
		var out rule.Tally
		inspect(t, forVersion(t, c.version), &out, slices.Concat(c.base, c.files)...)
		if got := found(&out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	// Before 2.19.4 and 3.3 no version took folders in config.
	var out rule.Tally
	inspect(t, forVersion(t, "3.2"), &out, DescriptorName, with("opensearch.version=3.2.0"), mainPath, mainClass, "config/a/b", "")
	if got := found(&out); !slices.Contains(got, "e plugin.support-folder") {
		t.Errorf("3.2: %v", got)
	}
}

func TestJars(t *testing.T) {
	t.Parallel()
	const manifest = "a.jar!/META-INF/MANIFEST.MF"
	for name, c := range map[string]struct {
		files []string
		want  []string
	}{
		"a class twice":       {[]string{"a.jar!/A.class", "class A", "b.jar!/A.class", "class A"}, []string{"e plugin.jar-hell"}},
		"descriptions":        {[]string{"a.jar!/module-info.class", "module module-info", "b.jar!/module-info.class", "module module-info"}, nil},
		"more of them":        {[]string{"a.jar!/META-INF/versions/9/module-info.class", "module module-info", "b.jar!/META-INF/versions/9/module-info.class", "module module-info"}, nil},
		"packages":            {[]string{"a.jar!/p/package-info.class", "interface p/package-info", "b.jar!/p/package-info.class", "interface p/package-info"}, []string{"e plugin.jar-hell"}},
		"versions":            {[]string{"a.jar!/META-INF/versions/17/A.class", "class A", "a.jar!/A.class", "class A"}, nil},
		"in other folders":    {[]string{"a.jar!/A.class", "class A", "lib/b.jar!/A.class", "class A"}, []string{"w plugin.jar-elsewhere"}},
		"in lib":              {[]string{"a.jar!/org/opensearch/Version.class", "class org/opensearch/Version"}, []string{"e plugin.jar-hell-lib"}},
		"no jar":              {[]string{"a.jar", "text"}, []string{"e archive.jar"}},
		"no class":            {[]string{"a.jar!/A.class", "broken class A"}, []string{"w plugin.class-damaged"}},
		"newer Java":          {[]string{"a.jar!/A.class", "class A java 25"}, []string{"w plugin.class-java-newer"}},
		"newer Java there":    {[]string{"a.jar!/META-INF/versions/25/A.class", "class A java 25"}, nil},
		"newer Java here":     {[]string{"a.jar!/META-INF/versions/17/A.class", "class A java 25"}, []string{"w plugin.class-java-newer"}},
		"JDK":                 {[]string{manifest, "Manifest-Version: 1.0\r\nX-Compile-Target-JDK: 1\r\n .8\r\n"}, nil},
		"no JDK":              {[]string{manifest, "x-compile-target-jdk: 21.0\n"}, []string{"e plugin.manifest-java"}},
		"JDK of a class":      {[]string{manifest, "Manifest-Version: 1.0\n\nName: A.class\nX-Compile-Target-JDK: x\n"}, nil},
		"a class path":        {[]string{manifest, "Class-Path: lib/b.jar lib/none.jar\n", "lib/b.jar!/A.class", "class A", "lib/c.jar!/C.class", "class C"}, []string{"w plugin.jar-elsewhere"}},
		"a class path's hell": {[]string{manifest, "Class-Path: lib/b.jar\n", "a.jar!/A.class", "class A", "lib/b.jar!/A.class", "class A"}, nil},
	} {
		var out rule.Tally
		inspect(t, forVersion(t, "3.8"), &out, append([]string{mainPath, mainClass}, c.files...)...)
		if got := found(&out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v: %+v", name, got, c.want, out.Findings())
		}
	}
}

// A finding for each pair of jars, not for each class.
func TestHellIsCounted(t *testing.T) {
	t.Parallel()
	var out rule.Tally
	inspect(t, forVersion(t, "3.8"), &out, mainPath, mainClass, "a.jar!/A.class", "class A", "a.jar!/B.class", "class B",
		"a.jar!/org/joda/time/DateTime.class", "class org/joda/time/DateTime", "b.jar!/A.class", "class A", "b.jar!/B.class", "class B")
	if out.Count() != 2 || !says(&out, "plugin.jar-hell", "2 classes of this jar are in a.jar too, the first of them A;") ||
		!says(&out, "plugin.jar-hell-lib", "1 class of this jar is in lib/joda-time-2.12.7.jar of OpenSearch 3.8.0 too") {
		t.Errorf("%+v", out.Findings())
	}
}

// Whether a class of lib/ is an error depends on whether that lib/ is the nodes'.
func TestLibOfOtherVersions(t *testing.T) {
	t.Parallel()
	node := forVersion(t, "3.8.1")
	node.Target.Exact, node.Target.LibVersion = true, target.Version{Major: 3, Minor: 8, Patch: 1}
	for text, c := range map[string]struct {
		o    Options
		want string
	}{
		with("opensearch.version=3.8.0"):  {forVersion(t, "3.8"), "e plugin.jar-hell-lib"},
		with("opensearch.version=3.8.1"):  {forVersion(t, "3.8"), "w plugin.jar-hell-patch"},
		with("opensearch.version=~3.8.0"): {forVersion(t, "3.8"), "w plugin.jar-hell-patch"},
		with("opensearch.version=~3.8.1"): {node, "e plugin.jar-hell-lib"},
		with("opensearch.version=3.5.0"):  {forVersion(t, "3.5"), "n plugin.lib-unknown"},
	} {
		var out rule.Tally
		inspect(t, c.o, &out, DescriptorName, text, mainPath, mainClass, "a.jar!/org/opensearch/Version.class", "class org/opensearch/Version")
		if got := found(&out); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q: %v, want %s", text, got, c.want)
		}
	}
}

// What is kept of all jars together is bounded.
func TestJarsAreBounded(t *testing.T) {
	t.Parallel()
	for name, spend := range map[string]func(*inspection){
		"entries": func(in *inspection) { in.entries = maxEntries - 1 },
		"bytes":   func(in *inspection) { in.left = 10 },
	} {
		var out rule.Tally
		a := zipOf(t, DescriptorName, goodDescriptor, mainPath, mainClass, "lemmas.jar!/words.txt", "words")
		d, err := readDescriptor(a, forVersion(t, "3.8"), &out)
		if err != nil {
			t.Fatal(err)
		}
		in := newInspection(a, d)
		in.layout()
		spend(in)
		if err := in.readJars(); err != nil || !in.broken || !slices.Equal(found(&out), []string{"e archive.jar"}) {
			t.Errorf("%s: %v, %v", name, found(&out), err)
		}
	}
}

// A manifest is a hundred thousand short lines, in each of ten thousand jars: what one costs must not
// grow with their square.
func TestManifestOfManyLines(t *testing.T) {
	for name, manifest := range map[string]string{
		"a value":  "Class-Path: x\n" + strings.Repeat(" y\n", maxManifest/3),
		"no value": strings.Repeat(" y\n", maxManifest/3),
	} {
		if n := testing.AllocsPerRun(1, func() { mainAttributes([]byte(manifest)) }); n > 100 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	got := mainAttributes([]byte("Class-Path: a\r\n  b\r\n c\r\nclass-PATH: z\r\n y\r\n\r\nName: n\r\n"))
	if want := map[string]string{"class-path": "zy"}; !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Class-Path may name a hundred thousand jars that are not there.
func TestLongClassPath(t *testing.T) {
	t.Parallel()
	in := &inspection{unnamed: map[string]archive.Entry{}}
	for i := range 5000 {
		path := fmt.Sprintf("libraries/of/others/%d.jar", i)
		in.unnamed[path] = archive.Entry{Path: path}
	}
	value := strings.Repeat("x ", maxManifest/2) + "9.jar 9.jar 10.jar"
	began := time.Now()
	for range 10 {
		in.classPath(archive.Entry{Path: "libraries/of/others/main.jar"}, value)
	}
	if took := time.Since(began); took > 10*time.Second { // a tenth of a second; with a search for each name minutes
		t.Errorf("%v", took)
	}
	if len(in.jars) != 2 || len(in.unnamed) != 4998 {
		t.Errorf("%d jars are named, %d are left", len(in.jars), len(in.unnamed))
	}
}
