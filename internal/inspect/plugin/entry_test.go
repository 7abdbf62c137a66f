package plugin

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

func TestEntry(t *testing.T) {
	t.Parallel()
	const (
		plugin   = " extends org/opensearch/plugins/Plugin"
		analysis = plugin + " implements org/opensearch/plugins/AnalysisPlugin"
		settings = "Lorg/opensearch/common/settings/Settings;"
		lemmas   = "class org/example/Lemmas"
	)
	for name, c := range map[string]struct {
		main  string
		files []string
		want  []string
		kinds string
	}{
		"good":             {lemmas + analysis, nil, nil, "AnalysisPlugin"},
		"settings":         {lemmas + analysis + " new (" + settings + ")V", nil, nil, "AnalysisPlugin"},
		"and a path":       {lemmas + analysis + " new (" + settings + "Ljava/nio/file/Path;)V", nil, nil, "AnalysisPlugin"},
		"a private one":    {lemmas + analysis + " new ()V, private (I)V", nil, nil, "AnalysisPlugin"},
		"a path alone":     {lemmas + analysis + " new (Ljava/nio/file/Path;)V", nil, []string{"e plugin.constructor"}, "AnalysisPlugin"},
		"none":             {lemmas + analysis + " new none", nil, []string{"e plugin.constructor"}, "AnalysisPlugin"},
		"only private":     {lemmas + analysis + " new private ()V", nil, []string{"e plugin.constructor"}, "AnalysisPlugin"},
		"two":              {lemmas + analysis + " new ()V, (" + settings + ")V", nil, []string{"e plugin.constructor"}, "AnalysisPlugin"},
		"abstract":         {"abstract " + lemmas + analysis, nil, []string{"e plugin.class-access"}, "AnalysisPlugin"},
		"hidden":           {"hidden " + lemmas + analysis, nil, []string{"e plugin.class-access"}, "AnalysisPlugin"},
		"an interface":     {"interface org/example/Lemmas implements org/opensearch/plugins/AnalysisPlugin", nil, []string{"e plugin.class-no-plugin"}, "AnalysisPlugin"},
		"no plugin":        {lemmas + " implements org/opensearch/plugins/AnalysisPlugin", nil, []string{"e plugin.class-no-plugin"}, "AnalysisPlugin"},
		"another class":    {"class org/example/Other" + analysis, nil, []string{"e plugin.class-unreadable"}, ""},
		"cut":              {"cut " + lemmas + analysis, nil, []string{"e plugin.class-unreadable"}, ""},
		"no kind":          {lemmas + plugin, nil, []string{"n plugin.kinds:6"}, ""},
		"another kind":     {lemmas + analysis + ", org/opensearch/plugins/SystemIndexPlugin", nil, []string{"n plugin.kinds:6"}, "ActionPlugin, AnalysisPlugin, SystemIndexPlugin"},
		"from a parent":    {lemmas + " extends p/Base", []string{"base.jar!/p/Base.class", "abstract class p/Base" + plugin + " implements p/I", "i.jar!/p/I.class", "interface p/I implements org/opensearch/plugins/SearchPlugin"}, nil, "SearchPlugin"},
		"a missing parent": {lemmas + " extends p/Base", nil, []string{"e plugin.parent-missing"}, ""},
		"a removed kind":   {lemmas + analysis + ", org/opensearch/plugins/GonePlugin", nil, []string{"e plugin.parent-missing", "n plugin.kinds:6"}, "AnalysisPlugin, GonePlugin"},
		"a damaged parent": {lemmas + " extends p/Base", []string{"base.jar!/p/Base.class", "cut class p/Base" + plugin}, []string{"e plugin.class-unreadable"}, ""},
		"Java's own":       {lemmas + analysis + ", java/io/Closeable, org/xml/sax/XMLReader", nil, nil, "AnalysisPlugin"},
		"in a circle":      {lemmas + " extends p/A", []string{"p.jar!/p/A.class", "class p/A extends p/B", "p.jar!/p/B.class", "class p/B extends p/A"}, []string{"e plugin.class-no-plugin"}, ""},
		"OpenSearch's own": {lemmas + " extends org/opensearch/identity/noop/NoopIdentityPlugin", nil, []string{"e plugin.class-no-plugin"}, "IdentityPlugin"},
	} {
		var out rule.Tally
		facts := inspect(t, forVersion(t, "3.8"), &out, append([]string{mainPath, c.main}, c.files...)...)
		if got := found(&out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v: %+v", name, got, c.want, out.Findings())
		}
		if got := strings.Join(facts.Kinds, ", "); got != c.kinds {
			t.Errorf("%s: kinds %q, want %q", name, got, c.kinds)
		}
	}
}

func TestClassNames(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"org.example.lemmas": "no jar", "org/example/Lemmas": "no jar", "Lemmas": "no jar", "org.example.Lemmas ": "no jar",
		"org.opensearch.identity.noop.NoopIdentityPlugin": "OpenSearch's own lib/opensearch-3.8.0.jar has it",
		"org.example.Wrong": "there is org.example.RightPlugin",
	} {
		var out rule.Tally
		inspect(t, forVersion(t, "3.8"), &out, DescriptorName, with("classname="+name), mainPath, mainClass, "a.jar!/org/example/RightPlugin.class", "class org/example/RightPlugin")
		if !says(&out, "plugin.class-missing", words) {
			t.Errorf("%s: %+v", name, out.Findings())
		}
	}
}

// What AWS refuses, a cluster of one's own takes.
func TestKindsOfAWS(t *testing.T) {
	t.Parallel()
	o := forVersion(t, "3.8")
	o.AWS = true
	for kinds, want := range map[string][]string{
		"AnalysisPlugin, org/opensearch/plugins/SearchPlugin, org/opensearch/plugins/MapperPlugin": nil,
		"ScriptPlugin, org/opensearch/plugins/SearchPipelinePlugin":                                nil,
		"AnalysisPlugin, org/opensearch/plugins/ActionPlugin":                                      {"e plugin.kind-aws:6"},
		"IngestPlugin": {"e plugin.kind-aws:6"},
	} {
		var out rule.Tally
		inspect(t, o, &out, mainPath, "class org/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/"+kinds)
		if got := found(&out); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", kinds, got, want)
		}
	}
	var out rule.Tally
	inspect(t, o, &out, mainPath, "class org/example/Lemmas extends org/opensearch/plugins/Plugin")
	if !says(&out, "plugin.kind-aws", "of no kind") {
		t.Errorf("%+v", out.Findings())
	}
}

// What cannot be seen is no error.
func TestUndecided(t *testing.T) {
	t.Parallel()
	const main = "class org/example/Lemmas extends p/Base"
	for name, c := range map[string]struct {
		version, text string
		want          []string
	}{
		"a parent in an extended plugin": {"3.8", with("extended.plugins=jobs"), []string{"n plugin.extends:7", "n plugin.parent-unknown"}},
		"a version that is not known":    {"3.5", with("opensearch.version=3.5.0"), []string{"n plugin.lib-unknown", "n plugin.parent-unknown"}},
		"many patches":                   {"3.8", with("opensearch.version=~3.8.0"), []string{"n plugin.parent-unknown"}},
	} {
		var out rule.Tally
		inspect(t, forVersion(t, c.version), &out, DescriptorName, c.text, mainPath, main)
		if got := found(&out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	// An unknown version's own interfaces are known by their names.
	var out rule.Tally
	facts := inspect(t, forVersion(t, "3.5"), &out, DescriptorName, with("opensearch.version=3.5.0"), mainPath, mainClass)
	if out.Errors() > 0 || !slices.Equal(facts.Kinds, []string{"AnalysisPlugin"}) {
		t.Errorf("%v, %+v", facts.Kinds, out.Findings())
	}
}

// A long line of parents costs a bounded number of looks.
func TestLongFamilies(t *testing.T) {
	t.Parallel()
	files := []string{mainPath, "class org/example/Lemmas extends p/P0"}
	for i := range 40 {
		files = append(files, fmt.Sprintf("p.jar!/p/P%d.class", i), fmt.Sprintf("class p/P%d extends p/P%d", i, i+1))
	}
	var out rule.Tally
	inspect(t, forVersion(t, "3.8"), &out, append(files, "p.jar!/p/P40.class", "class p/P40")...)
	if got := found(&out); !slices.Equal(got, []string{"n plugin.parent-unknown"}) {
		t.Errorf("%v", got)
	}
}

func TestJavaOfTheClass(t *testing.T) {
	t.Parallel()
	var out rule.Tally
	inspect(t, forVersion(t, "2.19"), &out, DescriptorName, with("opensearch.version=2.19.0", "java.version=11"), mainPath, strings.Replace(mainClass, "java 21", "java 24", 1))
	if got := found(&out); !slices.Equal(got, []string{"e plugin.class-java", "w plugin.class-java-newer"}) {
		t.Errorf("%v", got)
	}
}

func FuzzJar(f *testing.F) {
	f.Add([]byte(mainClass), []byte("Class-Path: a.jar\nX-Compile-Target-JDK: 21\n"))
	f.Fuzz(func(t *testing.T, class, manifest []byte) {
		var out rule.Tally
		a := zipOf(t, DescriptorName, goodDescriptor, "lemmas.jar", string(rawJar(t, "org/example/Lemmas.class", class, manifestName, manifest)))
		facts, err := Inspect(a, forVersion(t, "3.8"), &out)
		if err != nil || facts == nil {
			t.Fatal(facts, err)
		}
		if out.Errors() == 0 && facts.ClassJava == 0 {
			t.Errorf("%+v, %v", facts, found(&out))
		}
	})
}

// rawJar makes a jar of bytes as they are.
func rawJar(t testing.TB, classPath string, class []byte, manifestPath string, manifest []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range map[string][]byte{classPath: class, manifestPath: manifest} {
		e, err := w.Create(name)
		if err == nil {
			_, err = e.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A class may name 32,000 interfaces, and each of its parents as many others.
func TestLargeFamilies(t *testing.T) {
	t.Parallel()
	files := []string{}
	for i := range 5 {
		names := make([]string, 2000)
		for j := range names {
			names[j] = fmt.Sprintf("i/I%d", i*len(names)+j)
		}
		class := fmt.Sprintf("class org/example/P%d extends org/example/P%d implements %s", i-1, i, strings.Join(names, ", "))
		place := fmt.Sprintf("p.jar!/org/example/P%d.class", i-1)
		if i == 0 {
			class, place = strings.Replace(class, "P-1", "Lemmas", 1), mainPath
		}
		files = append(files, place, class)
	}
	var out rule.Tally
	facts := inspect(t, forVersion(t, "3.8"), &out, append(files, "p.jar!/org/example/P4.class", "class org/example/P4 extends org/opensearch/plugins/Plugin")...)
	// What comes behind the bound is not missed: nobody looked.
	if unknown := out.CountOf(searchpack.SeverityNote); unknown != 1 || out.Errors() != maxParents || facts == nil {
		t.Errorf("%d notes, %d errors: %+v", unknown, out.Errors(), out.Findings()[:1])
	}
}
