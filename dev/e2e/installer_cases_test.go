package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// installerCase is one zip: a plugin that is right, with edits.
type installerCase struct {
	name string
	// edits are lines: "key=value" sets a property of the descriptor, "-key" takes it away, "descriptor
	// TEXT" replaces it all, "add PATH TEXT" adds a file, "drop PATH" takes one away, "under FOLDER" puts
	// all into a folder. $V is the version of OpenSearch, $X its first two numbers.
	edits []string
	// changes are those of inspecttest.Raw.Change.
	changes []string
	// raw is the zip, if it is none of files.
	raw string
	// rule is the one by which the inspection refuses it; "" = any, or none.
	rule string
	// stricter says why the inspection refuses what the installer takes. sometimes: not with every
	// version.
	stricter  string
	sometimes bool
	// exact says what an import does not know and the agent, beside the node, does.
	exact string
}

const pluginClass = "class org/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin java 11"

func (c installerCase) zip(t *testing.T, version string) []byte {
	t.Helper()
	if c.raw != "" {
		return []byte(c.raw)
	}
	short := version[:strings.LastIndex(version, ".")]
	fill := strings.NewReplacer("$V", version, "$X", short)
	properties := [][2]string{
		{"name", "lemmas"}, {"description", "Lemmas"}, {"version", "1.0"}, {"opensearch.version", version}, {"java.version", "11"}, {"classname", "org.example.Lemmas"},
	}
	whole, folder := "", ""
	files := []inspecttest.File{{Name: "lemmas.jar!/org/example/Lemmas.class", Data: []byte(pluginClass)}}
	for _, edit := range c.edits {
		edit = fill.Replace(edit)
		verb, rest, _ := strings.Cut(edit, " ")
		path, text, _ := strings.Cut(rest, " ")
		switch key, value, set := strings.Cut(edit, "="); {
		case verb == "add":
			files = append(files, inspecttest.File{Name: path, Data: []byte(strings.ReplaceAll(text, `\n`, "\n"))})
		case verb == "drop":
			files = without(files, path)
		case verb == "under":
			folder = path + "/"
		case verb == "descriptor":
			whole = strings.ReplaceAll(rest, `\n`, "\n")
		case strings.HasPrefix(edit, "-"):
			properties = setProperty(properties, edit[1:], "", false)
		case set:
			properties = setProperty(properties, key, value, true)
		default:
			t.Fatalf("%s: what is %q?", c.name, edit)
		}
	}
	if whole == "" {
		for _, p := range properties {
			whole += fmt.Sprintf("%s=%s\n", p[0], p[1])
		}
	}
	if whole != "none" {
		files = append(files, inspecttest.File{Name: "plugin-descriptor.properties", Data: []byte(whole)})
	}
	for i := range files {
		files[i].Name = folder + files[i].Name
	}
	var b []byte
	var err error
	if len(c.changes) > 0 {
		b, _, err = inspecttest.Changed(files, c.changes...)
	} else {
		b, err = inspecttest.Zip(files)
	}
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return b
}

func without(files []inspecttest.File, path string) []inspecttest.File {
	var kept []inspecttest.File
	for _, f := range files {
		if f.Name != path {
			kept = append(kept, f)
		}
	}
	return kept
}

func setProperty(all [][2]string, key, value string, set bool) [][2]string {
	var kept [][2]string
	for _, p := range all {
		if p[0] != key {
			kept = append(kept, p)
		}
	}
	if set {
		kept = append(kept, [2]string{key, value})
	}
	return kept
}

const (
	classOfJar = "lemmas.jar!/org/example/Lemmas.class"
	fileOfZip  = "plugin-descriptor.properties"

	atStart   = "the installer does not look at it; the node would not start with it"
	ambiguous = "tools that read the zip in another way would see other files"
	elsewhere = "other tools, and other systems, write other files"
)

var installerCases = []installerCase{
	{name: "as it should be"},
	{name: "with a script", edits: []string{"add bin/run #!/bin/sh"}},
	{name: "with a configuration", edits: []string{"add config/lemmas.yml a: b"}},
	{name: "with a note", edits: []string{"add README.md text", "add doc/a.txt text"}},
	{name: "a second jar", edits: []string{"add more.jar!/org/example/More.class class org/example/More"}},
	{name: "a range", edits: []string{"-opensearch.version", `dependencies={ opensearch: "~$V" }`}},
	{name: "a caret", edits: []string{"-opensearch.version", `dependencies={ opensearch: "^$X.0" }`}},
	{name: "exactly", edits: []string{"-opensearch.version", `dependencies={"opensearch":"=$V"}`}},
	{name: "a tilde in opensearch.version", edits: []string{"opensearch.version=~$V"}},
	{name: "a folder of its own", edits: []string{"custom.foldername=other"}},
	{name: "no native controller", edits: []string{"has.native.controller=false"}},
	{name: "an optional parent", edits: []string{"extended.plugins=nope;optional=true"}, exact: "which plugins are installed"},
	{name: "escapes", edits: []string{`descriptor name=lemmas\ndescription: L\u00e4mmas \\\n  and more\nversion 1.0\nopensearch.version=$V\njava.version=11\nclassname=org.example.Lemmas`}},
	{name: "a descriptor at the end", changes: []string{"lemmas.jar descriptor right"}},
	{name: "without signature", changes: []string{"lemmas.jar descriptor unsigned"}},
	{name: "an executable", edits: []string{"add bin/run #!/bin/sh"}, changes: []string{"bin/run mode 0100755"}},

	{name: "no zip", raw: "text", rule: "archive.unreadable"},
	{name: "nothing", raw: "PK\x05\x06" + strings.Repeat("\x00", 18)},
	{name: "no descriptor", edits: []string{"descriptor none"}, rule: "plugin.descriptor"},
	{name: "in a folder", edits: []string{"under lemmas"}, rule: "plugin.descriptor"},
	{name: "in a folder opensearch", edits: []string{"under opensearch"}},
	{name: "a file in opensearch/", edits: []string{"add opensearch/a text"}},
	{name: "an empty descriptor", edits: []string{"descriptor #"}},
	{name: "no name", edits: []string{"-name"}, rule: "plugin.property-missing"},
	{name: "an empty name", edits: []string{"name="}},
	{name: "no description", edits: []string{"-description"}, rule: "plugin.property-missing"},
	{name: "no version", edits: []string{"-version"}, rule: "plugin.property-missing"},
	{name: "no class name", edits: []string{"-classname"}, rule: "plugin.property-missing"},
	{name: "no Java version", edits: []string{"-java.version"}, rule: "plugin.property-missing"},
	{name: "no OpenSearch version", edits: []string{"-opensearch.version"}},
	{name: "an empty OpenSearch version", edits: []string{"opensearch.version="}},
	{name: "both versions", edits: []string{`dependencies={ opensearch: "$V" }`}, rule: "plugin.version-twice"},
	{name: "an unknown key", edits: []string{"bogus=1"}, rule: "plugin.property-unknown"},
	{name: "a key of Elasticsearch", edits: []string{"elasticsearch.version=7.10.0"}, rule: "plugin.property-unknown"},
	{name: "a bad escape", edits: []string{`descriptor name=\u12`}},
	{name: "a patch below", edits: []string{"opensearch.version=$X.99"}, exact: "the node's patch"},
	{name: "another minor", edits: []string{"opensearch.version=2.17.0"}, rule: "plugin.engine-version"},
	{name: "another major", edits: []string{"opensearch.version=1.3.0"}, rule: "plugin.engine-version"},
	{name: "no version at all", edits: []string{"opensearch.version=latest"}},
	{name: "two numbers", edits: []string{"opensearch.version=$X"}},
	{name: "an x", edits: []string{"opensearch.version=$X.x"}},
	{name: "a range of another minor", edits: []string{"-opensearch.version", `dependencies={ opensearch: "~2.11.0" }`}, rule: "plugin.engine-version"},
	{name: "dependencies that are no JSON", edits: []string{"-opensearch.version", "dependencies=opensearch"}},
	{name: "dependencies on something else", edits: []string{"-opensearch.version", `dependencies={ kafka: "1.0.0" }`}},
	{name: "two dependencies", edits: []string{"-opensearch.version", `dependencies={ opensearch: "$V", kafka: "1.0.0" }`}},
	{name: "an empty dependency", edits: []string{"-opensearch.version", `dependencies={ opensearch: "" }`}},
	{name: "Java 99", edits: []string{"java.version=99"}, rule: "plugin.java-version", exact: "the node's Java"},
	{name: "Java that is none", edits: []string{"java.version=eleven"}},
	{name: "Java 11.0", edits: []string{"java.version=11.0"}},
	{name: "an empty Java version", edits: []string{"java.version="}},
	{name: "a native controller", edits: []string{"has.native.controller=true"}, rule: "plugin.native-controller"},
	{name: "perhaps a native controller", edits: []string{"has.native.controller=yes"}},
	{name: "a module's name", edits: []string{"name=analysis-common"}, rule: "plugin.name-of-module"},
	{name: "a missing parent", edits: []string{"extended.plugins=nope"}, exact: "which plugins are installed"},
	{name: "a folder in bin", edits: []string{"add bin/sub/run text"}},
	{name: "a folder in config", edits: []string{"add config/sub/a.yml text"}, exact: "the node's patch"},
	{name: "bin is a file", edits: []string{"add bin text"}},
	{name: "config is a file", edits: []string{"add config text"}},
	{name: "a policy", edits: []string{`add plugin-security.policy grant { permission java.lang.RuntimePermission "getClassLoader"; };`}},
	{name: "a policy that is none", edits: []string{"add plugin-security.policy grant {"}},
	{name: "an empty policy", edits: []string{"add plugin-security.policy // nothing"}},
	{name: "a policy without semicolons", edits: []string{`add plugin-security.policy grant { permission java.lang.RuntimePermission "getClassLoader" };`}},
	{name: "a block without a semicolon", edits: []string{`add plugin-security.policy grant { permission java.lang.RuntimePermission "getClassLoader"; }`}},
	{name: "an unknown permission", edits: []string{`add plugin-security.policy grant { permission org.example.LemmaPermission "all"; };`}},
	{name: "a permission of OpenSearch", edits: []string{`add plugin-security.policy grant { permission org.opensearch.SpecialPermission; };`}},
	{name: "an unknown action", edits: []string{`add plugin-security.policy grant { permission java.io.FilePermission "/a", "eat"; };`}},
	{name: "a permission without its target", edits: []string{`add plugin-security.policy grant { permission java.lang.RuntimePermission; };`}},
	{name: "a jar that is there", edits: []string{`add plugin-security.policy grant codeBase "${codebase.lemmas}" { permission java.lang.RuntimePermission "getClassLoader"; };`}},
	{name: "a jar that is absent", edits: []string{`add plugin-security.policy grant codeBase "${codebase.nope}" { permission java.lang.RuntimePermission "getClassLoader"; };`}},
	{name: "a codeBase that is no URL", edits: []string{`add plugin-security.policy grant codeBase "lemmas.jar" { permission java.lang.RuntimePermission "getClassLoader"; };`}},
	{name: "a keystore", edits: []string{`add plugin-security.policy keystore "a"; grant { permission java.lang.RuntimePermission "getClassLoader"; };`}},
	{name: "jar hell inside", edits: []string{"add more.jar!/org/example/Lemmas.class " + pluginClass}},
	{name: "jar hell in one jar", edits: []string{"add lemmas.jar!/org/example/Lemmas.class " + pluginClass}},
	{name: "a module's class", edits: []string{"add more.jar!/org/opensearch/analysis/common/CommonAnalysisPlugin.class class org/opensearch/analysis/common/CommonAnalysisPlugin"}},
	{name: "shared is a file", edits: []string{"add shared text"}},
	{name: "a folder in shared", edits: []string{"add shared/sub/a.jar text"}},
	{name: "jar hell with lib", edits: []string{"add more.jar!/org/opensearch/Version.class class org/opensearch/Version"}},
	{name: "a jar that is none", edits: []string{"add more.jar text"}},
	{name: "a class for Java 99", edits: []string{"drop " + classOfJar, "add " + classOfJar + " " + strings.Replace(pluginClass, "java 11", "java 99", 1)}, stricter: atStart, exact: "the node's Java"},

	{name: "no jar", edits: []string{"drop " + classOfJar}, stricter: atStart},
	{name: "no such class", edits: []string{"classname=org.example.Nope"}, rule: "plugin.class-missing", stricter: atStart},
	{name: "a class that is no plugin", edits: []string{"drop " + classOfJar, "add " + classOfJar + " class org/example/Lemmas"}, stricter: atStart},
	{name: "an abstract class", edits: []string{"drop " + classOfJar, "add " + classOfJar + " abstract " + pluginClass}, stricter: atStart},

	{name: "traversal", edits: []string{"add ../evil.txt text"}, rule: "archive.path"},
	{name: "traversal inside", edits: []string{"add a/../b.txt text"}, rule: "archive.path"},
	{name: "absolute", edits: []string{"add /evil.txt text"}, rule: "archive.path"},
	{name: "a backslash", edits: []string{`add a\b.txt text`}, rule: "archive.path", stricter: elsewhere},
	{name: "a drive", edits: []string{"add C:a.txt text"}, rule: "archive.path", stricter: elsewhere},
	{name: "two of one name", edits: []string{"add a.txt one", "add a.txt two"}, rule: "archive.duplicate", stricter: ambiguous},
	{name: "two by case", edits: []string{"add a.txt one", "add A.txt two"}, rule: "archive.collision", stricter: elsewhere},
	{name: "a file and a folder", edits: []string{"add a one", "add a/b two"}, rule: "archive.file-and-folder"},
	{name: "a link", edits: []string{"add a.txt /etc/passwd"}, changes: []string{"a.txt mode 0120777"}, rule: "archive.link", stricter: elsewhere},
	{name: "a second name", edits: []string{"add a.txt text"}, changes: []string{"a.txt unmarked", "a.txt unicode-name evil.txt"}, rule: "archive.unicode-name", stricter: ambiguous},
	{name: "a second name for the descriptor", changes: []string{fileOfZip + " unmarked", fileOfZip + " unicode-name other.properties"}, rule: "archive.unicode-name"},
	{name: "another local name", edits: []string{"add a.txt text"}, changes: []string{"a.txt local-name evil.jar"}, rule: "archive.header", stricter: ambiguous},
	{name: "another local size", edits: []string{"add a.txt text"}, changes: []string{"a.txt local-size 9"}, rule: "archive.header", stricter: ambiguous},
	{name: "a gap", changes: []string{fileOfZip + " before PK"}, rule: "archive.gap", stricter: ambiguous},
	{name: "one content, two names", changes: []string{"lemmas.jar again evil.bin"}, rule: "archive.overlap", stricter: ambiguous},
	{name: "bytes behind", changes: []string{"* suffix text"}, rule: "archive.trailing", stricter: ambiguous},
	{name: "a comment", changes: []string{"* archive-comment text"}, rule: "archive.comment", stricter: ambiguous},
	{name: "an entry's comment", changes: []string{"lemmas.jar comment text"}, rule: "archive.comment", stricter: ambiguous},
	{name: "a wrong descriptor", changes: []string{"lemmas.jar descriptor wrong"}, rule: "archive.descriptor", stricter: ambiguous},
	{name: "a wrong checksum", edits: []string{"add a.txt text"}, changes: []string{"a.txt checksum 1"}, rule: "archive.content", stricter: "the installer of some versions does not look at checksums", sometimes: true},
	{name: "encrypted", changes: []string{"lemmas.jar flags 1"}, rule: "archive.encrypted"},
	{name: "an unknown method", changes: []string{"lemmas.jar method 97"}, rule: "archive.method"},
	{name: "zip64", changes: []string{"lemmas.jar extra 0x0001"}, rule: "archive.zip64", stricter: ambiguous, sometimes: true},
	{name: "an unknown field", changes: []string{"lemmas.jar extra 0x7777"}, rule: "archive.extra", stricter: ambiguous},
	{name: "a name not marked", edits: []string{"add ä.txt text"}, changes: []string{"ä.txt unmarked"}, rule: "archive.encoding", stricter: ambiguous},
}
