package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/refreshplugin"
	"github.com/searchpack/searchpack/internal/inspect"
)

// realPlugin is a plugin that others made, or javac, and what the inspection must say of it: a finding
// that is not listed here would worry people for nothing.
type realPlugin struct {
	name string
	// zip is the artifact of the whole plugin; else jars and descriptor are what it is assembled of, as
	// OpenSearch's own build does.
	zip        string
	jars       []string
	descriptor string
	engine     string // the package's EngineVersion

	findings   []string // "severity rule path:line"
	aws        []string // the rules by which AWS refuses it
	properties searchpack.PluginProperties
	components []string // "purl licences"
}

var realPlugins = []realPlugin{
	{
		name: "job-scheduler", engine: "OpenSearch_2.19", zip: "org.opensearch.plugin:opensearch-job-scheduler:2.19.0.0:zip",
		// One of its libraries really is compiled for Java 17, and the descriptor promises 11.
		findings: []string{"warning plugin.class-java-newer google-java-format-1.25.2.jar", "note plugin.kinds plugin-descriptor.properties:40"},
		aws:      []string{"plugin.kind-aws"},
		properties: searchpack.PluginProperties{
			Name: "opensearch-job-scheduler", Description: "OpenSearch Job Scheduler plugin", Version: "2.19.0.0",
			ClassName: "org.opensearch.jobscheduler.JobSchedulerPlugin", UncompressedSize: 3712545, OpenSearch: "2.19.0",
		},
		components: []string{
			"pkg:maven/com.google.guava/failureaccess@1.0.2 Apache-2.0",
			"pkg:maven/com.google.googlejavaformat/google-java-format@1.25.2",
			"pkg:maven/com.google.guava/guava@32.1.3-jre Apache-2.0",
			"pkg:maven/org.opensearch/opensearch-job-scheduler@2.19.0.0 Apache-2.0",
			"pkg:maven/org.opensearch/opensearch-job-scheduler-spi@2.19.0.0",
		},
	},
	{
		name: "analysis-icu", engine: "OpenSearch_3.8",
		jars:       []string{"org.opensearch.plugin:analysis-icu-client:3.8.0", "org.apache.lucene:lucene-analysis-icu:10.5.0", "com.ibm.icu:icu4j:77.1"},
		descriptor: "name=analysis-icu\ndescription=The ICU Analysis plugin\nversion=3.8.0\nopensearch.version=3.8.0\njava.version=21\nclassname=org.opensearch.plugin.analysis.icu.AnalysisICUPlugin\nextended.plugins=\nhas.native.controller=false\n",
		properties: searchpack.PluginProperties{
			Name: "analysis-icu", Description: "The ICU Analysis plugin", Version: "3.8.0",
			ClassName: "org.opensearch.plugin.analysis.icu.AnalysisICUPlugin", UncompressedSize: 14791483, OpenSearch: "3.8.0",
		},
		components: []string{
			"pkg:maven/org.opensearch.plugin/analysis-icu-client@3.8.0 Apache-2.0",
			"pkg:maven/com.ibm.icu/icu4j@77.1 Unicode-3.0",
			"pkg:maven/org.apache.lucene/lucene-analysis-icu@10.5.0 Apache-2.0",
		},
	},
	{
		name: "analysis-phonetic", engine: "OpenSearch_3.8",
		jars:       []string{"org.opensearch.plugin:analysis-phonetic:3.8.0", "org.apache.lucene:lucene-analysis-phonetic:10.5.0", "commons-codec:commons-codec:1.18.0"},
		descriptor: "name=analysis-phonetic\ndescription=The Phonetic Analysis plugin\nversion=3.8.0\nopensearch.version=3.8.0\njava.version=21\nclassname=org.opensearch.plugin.analysis.AnalysisPhoneticPlugin\n",
		properties: searchpack.PluginProperties{
			Name: "analysis-phonetic", Description: "The Phonetic Analysis plugin", Version: "3.8.0",
			ClassName: "org.opensearch.plugin.analysis.AnalysisPhoneticPlugin", UncompressedSize: 419234, OpenSearch: "3.8.0",
		},
		components: []string{
			"pkg:maven/org.opensearch.plugin/analysis-phonetic@3.8.0 Apache-2.0",
			"pkg:maven/commons-codec/commons-codec@1.18.0 Apache-2.0",
			"pkg:maven/org.apache.lucene/lucene-analysis-phonetic@10.5.0 Apache-2.0",
		},
	},
}

// TestRealPlugins inspects plugins as they are in the world, by the rules of a cluster of one's own
// and by those of AWS.
func TestRealPlugins(t *testing.T) {
	t.Parallel()
	needsJVM(t)
	for _, p := range realPlugins {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, p.fetch(t))
		})
	}
}

// TestCompiledPlugins does so with a plugin of ours that javac has just compiled.
func TestCompiledPlugins(t *testing.T) {
	t.Parallel()
	needsJVM(t)
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range distro.Offered() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			home, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
			if err != nil {
				t.Fatal(err)
			}
			dir, err := refreshplugin.Build(t.Context(), cache, home)
			if err != nil {
				t.Fatal(err)
			}
			z := zipFolder(t, dir, "")
			size := int64(0)
			for _, f := range unzipped(t, z) {
				size += int64(f.UncompressedSize64) //nolint:gosec // of a plugin of ours
			}
			realPlugin{
				engine:   "OpenSearch_" + version[:strings.LastIndex(version, ".")],
				findings: []string{"note plugin.kinds plugin-descriptor.properties:6"},
				aws:      []string{"plugin.kind-aws"}, // an ActionPlugin
				properties: searchpack.PluginProperties{
					Name: refreshplugin.Name, Description: "Refreshes search analyzers in Searchpack's development clusters", Version: "1.0.0",
					ClassName: "searchpack.refresh.RefreshPlugin", UncompressedSize: size, OpenSearch: version,
				},
				components: []string{"pkg:generic/" + refreshplugin.Name + "@1.0.0"},
			}.check(t, z)
		})
	}
}

func unzipped(t *testing.T, z []byte) []*zip.File {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(z), int64(len(z)))
	if err != nil {
		t.Fatal(err)
	}
	return r.File
}

// fetch returns the plugin's zip.
func (p realPlugin) fetch(t *testing.T) []byte {
	t.Helper()
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	artifacts := p.jars
	if p.zip != "" {
		artifacts = []string{p.zip}
	}
	dir, err := distro.Jars(t.Context(), cache, "plugin-"+p.name+"-"+p.engine, artifacts, distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	if p.zip == "" {
		return zipFolder(t, dir, p.descriptor)
	}
	zips, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil || len(zips) != 1 {
		t.Fatal(zips, err)
	}
	b, err := os.ReadFile(zips[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zipFolder zips the files of a folder, and a descriptor if one is given.
func zipFolder(t *testing.T, dir, descriptor string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if descriptor != "" {
		w, err := z.Create("plugin-descriptor.properties")
		if err == nil {
			_, err = w.Write([]byte(descriptor))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p realPlugin) check(t *testing.T, z []byte) {
	t.Helper()
	inspected := func(aws bool) (*searchpack.PluginProperties, inspect.Result) {
		t.Helper()
		got, res, err := inspect.Plugin(bytes.NewReader(z), int64(len(z)), inspect.PluginRules{EngineVersion: p.engine, MaxUnpacked: 64 << 20, AWS: aws})
		if err != nil {
			t.Fatal(err)
		}
		return got, res
	}
	got, res := inspected(false)
	if got == nil {
		t.Fatalf("refused: %+v", res.Findings)
	}
	var findings []string
	for _, f := range res.Findings {
		findings = append(findings, strings.TrimSuffix(fmt.Sprintf("%s %s %s:%d", f.Severity, f.Rule, f.Path, f.Line), ":0"))
	}
	if diff := cmp.Diff(p.findings, findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p.properties, *got); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p.components, componentsOf(t, res.SBOM)); diff != "" {
		t.Errorf("bill of materials (-want +got):\n%s\n%s", diff, res.SBOM)
	}
	_, res = inspected(true)
	var refused []string
	for _, f := range res.Findings {
		if f.Severity == searchpack.SeverityError {
			refused = append(refused, f.Rule)
		}
	}
	if !slices.Equal(p.aws, refused) {
		t.Errorf("by the rules of AWS it is refused by %q, want %q", refused, p.aws)
	}
}

// componentsOf lists what a bill of materials has: "purl licences".
func componentsOf(t *testing.T, sbom []byte) []string {
	t.Helper()
	var doc struct {
		Components []struct {
			Name, Version, Purl string
			Licenses            []struct {
				License    struct{ ID, Name string }
				Expression string
			}
		}
	}
	if err := json.Unmarshal(sbom, &doc); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range doc.Components {
		line := c.Purl
		if line == "" {
			line = c.Name + " " + c.Version
		}
		for _, l := range c.Licenses {
			line += " " + l.License.ID + l.License.Name + l.Expression
		}
		out = append(out, line)
	}
	return out
}
