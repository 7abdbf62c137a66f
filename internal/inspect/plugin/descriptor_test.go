package plugin

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

func TestDescriptor(t *testing.T) {
	t.Parallel()
	text := "name=lemmas\ndescription=Lemmas f\\u00fcr alle\nversion=1.2\ndependencies={ opensearch: \"~3.8.1\" }\njava.version=21.0.3\n" +
		"classname=org.example.Lemmas\ncustom.foldername=lem\nextended.plugins=lang-painless,jobs;optional=true\nhas.native.controller=false\n"
	var out rule.Tally
	o := forVersion(t, "3.8")
	o.Target.Modules = []target.Module{{Name: "lang-painless"}}
	got := look(t, text, o, &out)
	want := &Facts{
		Name: "lemmas", Description: "Lemmas für alle", Version: "1.2", ClassName: "org.example.Lemmas", Folder: "lem",
		OpenSearch: Range{Text: "~3.8.1"}, JavaVersion: "21.0.3", Java: 21,
		Extends: []Extended{{Name: "lang-painless"}, {Name: "jobs", Optional: true}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Range{})); diff != "" || out.Count() > 0 {
		t.Errorf("%v (-want +got):\n%s", found(&out), diff)
	}
}

func TestDescriptorFindings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		version string // of OpenSearch; 3.8
		want    []string
	}{
		"good":                   {goodDescriptor, "", nil},
		"good for AWS's 2":       {with("opensearch.version=2.19.0", "java.version=11"), "2.19", nil},
		"empty":                  {"", "", []string{"e plugin.property-missing"}},
		"no name":                {with("name"), "", []string{"e plugin.property-missing"}},
		"empty name":             {with("name="), "", []string{"e plugin.property-missing:6"}},
		"no description":         {with("description"), "", []string{"e plugin.property-missing"}},
		"empty description":      {with("description="), "", []string{"w plugin.property-blank:6"}},
		"no version":             {with("version"), "", []string{"e plugin.property-missing"}},
		"no class":               {with("classname"), "", []string{"e plugin.property-missing"}},
		"blank class":            {with("classname=org.example.Lemmas "), "", []string{"w plugin.property-blank:6"}},
		"no java.version":        {with("java.version"), "", []string{"e plugin.property-missing"}},
		"no OpenSearch":          {with("opensearch.version"), "", []string{"e plugin.property-missing"}},
		"blank OpenSearch":       {with("opensearch.version="), "", []string{"e plugin.property-missing:6"}},
		"blank dependencies":     {with("dependencies= "), "", nil},
		"both":                   {with("dependencies={opensearch:\"3.8.0\"}"), "", []string{"e plugin.version-twice:7"}},
		"unknown":                {with("bogus=1"), "", []string{"e plugin.property-unknown:7"}},
		"unknown twice":          {with("bogus=1") + "bogus=2\n", "", []string{"e plugin.property-unknown:8", "w plugin.property-repeated:8"}},
		"only the case is wrong": {with("Name=x"), "", []string{"e plugin.property-unknown:7"}},
		"twice":                  {goodDescriptor + "name=other\n", "", []string{"w plugin.property-repeated:7"}},
		"bad escape":             {with("description=\\u12"), "", []string{"e plugin.descriptor:6"}},
		"trailing blank":         {with("opensearch.version=3.8.0 "), "", []string{"e plugin.property-value:6"}},
		"snapshot":               {with("opensearch.version=3.8.0-SNAPSHOT"), "", []string{"e plugin.property-value:6"}},
		"wildcard":               {with("opensearch.version=3.x"), "", []string{"e plugin.property-value:6"}},
		"candidate":              {with("opensearch.version=3.8.0-rc1"), "", []string{"e plugin.engine-version:6"}},
		"another version":        {with("opensearch.version=2.19.0"), "", []string{"e plugin.engine-version:6"}},
		"any patch":              {with("opensearch.version=3.8.4"), "", nil},
		"a range":                {with("opensearch.version", `dependencies={ "opensearch" : "[3.0.0 , 4.0.0)" }`), "", nil},
		"no range in OpenSearch 2": {with("opensearch.version", `dependencies={ "opensearch" : "[2.0.0,3.0.0)" }`, "java.version=11"), "2.19",
			[]string{"e plugin.property-value:5"}},
		"no JSON":              {with("opensearch.version", "dependencies=3.8.0"), "", []string{"e plugin.property-value:6"}},
		"two dependencies":     {with("opensearch.version", `dependencies={opensearch:"3.8.0",java:"21"}`), "", []string{"e plugin.property-value:6"}},
		"another dependency":   {with("opensearch.version", `dependencies={elasticsearch:"3.8.0"}`), "", []string{"e plugin.property-value:6"}},
		"two ranges":           {with("opensearch.version", `dependencies={opensearch:"3.8.0,3.8.1"}`), "", []string{"e plugin.property-value:6"}},
		"Java 1.8":             {with("java.version=1.8"), "", nil},
		"Java is no number":    {with("java.version=21.0"), "", []string{"e plugin.property-value:6"}},
		"Java 25":              {with("java.version=25"), "", []string{"w plugin.java-newer:6"}},
		"Java 25 for 2":        {with("java.version=25", "opensearch.version=2.19.0"), "2.19", []string{"e plugin.java-version:5"}},
		"controller":           {with("has.native.controller=true"), "", []string{"e plugin.native-controller:7"}},
		"no controller":        {with("has.native.controller=false"), "", nil},
		"perhaps":              {with("has.native.controller=False"), "", []string{"e plugin.property-value:7"}},
		"an empty one":         {with("has.native.controller="), "", []string{"e plugin.property-value:7"}},
		"outside":              {with("custom.foldername=../modules/x"), "", []string{"e plugin.folder-name:7"}},
		"hidden":               {with("name=.removing-x"), "", []string{"e plugin.folder-name:6"}},
		"a long name":          {with("name=" + strings.Repeat("x", 250)), "", []string{"e plugin.folder-name:6"}},
		"control":              {with("name=a\\nb"), "", []string{"e plugin.folder-name:6"}},
		"lib":                  {with("name=lib"), "", []string{"e plugin.folder-name:6"}},
		"lib in 2":             {with("name=lib", "opensearch.version=2.19.0", "java.version=11"), "2.19", nil},
		"no folder of its own": {with("custom.foldername="), "", nil},
		"extends":              {with("extended.plugins=jobs"), "", []string{"n plugin.extends:7"}},
		"extends itself":       {with("extended.plugins=lemmas"), "", []string{"e plugin.extends-missing:7"}},
		"extends blank":        {with("extended.plugins=jobs, more"), "", []string{"e plugin.extends-missing:7", "n plugin.extends:7"}},
		"extends nothing":      {with("extended.plugins=jobs,"), "", []string{"e plugin.extends-missing:7", "n plugin.extends:7"}},
		"extends none":         {with("extended.plugins="), "", nil},
		"optional":             {with("extended.plugins=jobs;optional=true"), "", nil},
		"optional?":            {with("extended.plugins=jobs;optional = true"), "", []string{"n plugin.extends:7", "w plugin.extends-option:7"}},
		"optional in 2.18":     {with("extended.plugins=jobs;optional=true", "opensearch.version=2.18.0", "java.version=11"), "2.18", []string{"n plugin.extends:5"}},
	} {
		if c.version == "" {
			c.version = "3.8"
		}
		var out rule.Tally
		look(t, c.text, forVersion(t, c.version), &out)
		if got := found(&out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDescriptorMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zip         *archive.Archive
		rule, words string
	}{
		"none":        {zipOf(t, "lemmas.jar", ""), "plugin.descriptor", "no plugin-descriptor.properties at its root"},
		"in a folder": {zipOf(t, "lemmas/"+DescriptorName, goodDescriptor), "plugin.descriptor", "one in the folder lemmas"},
		"a folder":    {zipOf(t, DescriptorName+"/x", goodDescriptor), "plugin.descriptor", "no plugin-descriptor.properties"},
		"too large":   {zipOf(t, DescriptorName, strings.Repeat("#", MaxDescriptor+1)), "archive.file-size", "more than 65536 bytes"},
	} {
		var out rule.Tally
		d, err := readDescriptor(c.zip, forVersion(t, "3.8"), &out)
		if d != nil || err != nil || !says(&out, c.rule, c.words) || out.Errors() != 1 {
			t.Errorf("%s: %+v, %+v, %v", name, d, out.Findings(), err)
		}
	}
}

// AWS demands patch 0, a node its own version.
func TestVersionDemands(t *testing.T) {
	t.Parallel()
	aws, node, unknown := forVersion(t, "3.8"), forVersion(t, "3.8.1"), Options{}
	aws.AWS, node.Target.Exact = true, true
	other, awsUnknown := Options{EngineVersion: "Elasticsearch_7.10"}, Options{AWS: true}
	for text, want := range map[string][5]bool{
		"opensearch.version=3.8.0":                  {true, false, true, false, true},
		"opensearch.version=3.8.1":                  {false, true, true, false, false},
		"opensearch.version=~3.8.0":                 {true, true, true, false, true},
		"opensearch.version=~3.8.1":                 {false, true, true, false, false},
		"opensearch.version=2.19.0":                 {false, false, true, false, true},
		`dependencies={opensearch:"^3.1.0"}`:        {true, true, true, false, true},
		`dependencies={opensearch:"(3.8.0,4.0.0]"}`: {false, true, true, false, false},
	} {
		for i, o := range []Options{aws, node, unknown, other, awsUnknown} {
			lines := []string{"java.version=11", text}
			if strings.HasPrefix(text, "dependencies") {
				lines = append(lines, "opensearch.version")
			}
			var out rule.Tally
			look(t, with(lines...), o, &out)
			if got := out.Errors() == 0; got != want[i] {
				t.Errorf("%s, %d: %v", text, i, found(&out))
			}
		}
	}
	var out rule.Tally
	look(t, with("opensearch.version=3.8.2"), aws, &out)
	if !says(&out, EngineVersion, "the opensearch.version 3.8.2 of plugin-descriptor.properties doesn't matches with the provided EngineVersion OpenSearch_3.8: it must be 3.8.0") {
		t.Errorf("AWS's rule is not explained: %+v", out.Findings())
	}
	out = rule.Tally{}
	look(t, with("opensearch.version=3.7.1"), awsUnknown, &out)
	if !says(&out, EngineVersion, "the provided EngineVersion OpenSearch_3.7: it must be 3.7.0") {
		t.Errorf("AWS's rule is not explained without a version: %+v", out.Findings())
	}
}

func TestNamesOfTheTarget(t *testing.T) {
	t.Parallel()
	no := false
	o := forVersion(t, "3.8")
	o.Target.Modules = []target.Module{{Name: "reindex", Extensible: &no}, {Name: "lang-painless"}}
	o.Target.Plugins = []string{"jobs"}
	for text, want := range map[string][]string{
		with("name=reindex"):                         {"e plugin.name-of-module:6"},
		with("extended.plugins=reindex"):             {"e plugin.extends-fixed:7"},
		with("extended.plugins=lang-painless,jobs"):  nil,
		with("extended.plugins=other"):               {"e plugin.extends-missing:7"},
		with("extended.plugins=other;optional=true"): nil,
	} {
		var out rule.Tally
		look(t, text, o, &out)
		if got := found(&out); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzDescriptor(f *testing.F) {
	f.Add([]byte(goodDescriptor))
	f.Add([]byte(with("opensearch.version", `dependencies={ opensearch : "[3.0.0,4.0.0)" }`, "extended.plugins=a;b,c", "has.native.controller=x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out rule.Tally
		facts := look(t, string(b), forVersion(t, "3.8"), &out)
		if facts == nil && out.Errors() == 0 {
			t.Error("nothing was read and nothing said")
		}
		if facts != nil && out.Errors() == 0 && (facts.Name == "" || facts.ClassName == "" || facts.Java == 0 || facts.Folder == "") {
			t.Errorf("%+v", facts)
		}
	})
}
