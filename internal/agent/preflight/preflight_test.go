package preflight

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

var v380 = target.Version{Major: 3, Minor: 8}

// bundle makes one from a line: "name version=3.8.0 java=21 folder=f extends=a,b;optional=true jar=J:A,B".
func bundle(t *testing.T, line string) Bundle {
	t.Helper()
	words := strings.Fields(line)
	text := map[string]string{"version": "3.8.0", "java": "11", "extends": ""}
	b := Bundle{Name: words[0], Folder: words[0]}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "folder":
			b.Folder = value
		case "module":
			b.Module = true
		case "jar":
			path, classes, _ := strings.Cut(value, ":")
			b.Jars = append(b.Jars, Jar{Path: path, Classes: strings.Split(classes, ",")})
		default:
			text[key] = value
		}
	}
	var out rule.Tally
	f := plugin.Descriptor(fmt.Appendf(nil, "name=%s\ndescription=d\nversion=1\nopensearch.version=%s\njava.version=%s\nclassname=c\nextended.plugins=%s\n",
		b.Name, text["version"], text["java"], text["extends"]), plugin.Options{Target: plugin.TargetOf(v380)}, &out)
	if f == nil {
		t.Fatal(out.Findings())
	}
	b.Version, b.Java, b.Extends = f.OpenSearch, f.Java, f.Extends
	return b
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		installed, place []string
		remove           []string
		foreign          map[string]string
		old              bool     // a node of 2.19.0
		want             []string // begins of refusals
	}{
		"nothing":         {},
		"as it should be": {installed: []string{"lang module", "p java=25"}, place: []string{"q version=~3.8.0 extends=lang,p"}},
		"update":          {installed: []string{"p version=3.7.0"}, place: []string{"p"}},
		"version": {place: []string{"p version=3.7.0"}, want: []string{
			"Plugin [p] was built for OpenSearch version 3.7.0 but version 3.8.0 is running; install the plugin's build for 3.8.0"}},
		"version of another": {installed: []string{"o version=3.7.0"}, place: []string{"p"}, want: []string{"Plugin [o] was built for"}},
		"which goes":         {installed: []string{"o version=3.7.0"}, place: []string{"p"}, remove: []string{"o"}},
		"java":               {place: []string{"p java=99"}, want: []string{"p requires Java 99:, your system: 25"}},
		"module":             {installed: []string{"lang module"}, place: []string{"lang"}, want: []string{"plugin 'lang' cannot be installed as a plugin, it is a system module"}},
		"elsewhere": {installed: []string{"p folder=zz"}, place: []string{"p"}, want: []string{
			"plugin directory [plugins/zz] already exists; if you need to update the plugin, uninstall it first using command 'remove p'"}},
		"elsewhere, which goes": {installed: []string{"p folder=zz"}, place: []string{"p"}, remove: []string{"zz"}},
		"both there":            {installed: []string{"p folder=a", "p folder=b"}, want: []string{"duplicate plugin: p, in plugins/a and plugins/b"}},
		"the folder of another": {installed: []string{"o folder=p"}, place: []string{"p"}, want: []string{"plugins/p is the folder of the plugin o already"}},
		"one folder for two":    {place: []string{"p folder=f", "q folder=f"}, want: []string{"two plugins want the folder plugins/f", "two plugins want"}},
		"missing":               {place: []string{"p extends=nope"}, want: []string{"Missing plugin [nope], dependency of [p]"}},
		"missing, optional":     {place: []string{"p extends=nope;optional=true"}},
		"together":              {place: []string{"p extends=q", "q"}},
		"still extended": {installed: []string{"o", "p extends=o"}, remove: []string{"o"}, want: []string{
			"plugin [o] cannot be removed because it is extended by other plugins: [p]; remove those first"}},
		"both removed":           {installed: []string{"o", "p extends=o"}, remove: []string{"o", "p"}},
		"optionally":             {installed: []string{"o", "p extends=o;optional=true"}, remove: []string{"o"}},
		"nobody removed":         {remove: []string{"o"}},
		"cycle":                  {installed: []string{"o extends=p"}, place: []string{"p extends=o"}, want: []string{"Cycle found in plugin dependencies: o -> p -> o"}},
		"strangers":              {installed: []string{"o jar=o.jar:a.A"}, place: []string{"p jar=p.jar:a.A"}},
		"hell with parent":       {installed: []string{"o jar=o.jar:a.A,a.B"}, place: []string{"p extends=o jar=p.jar:a.B"}, want: []string{"failed to load plugin p due to jar hell: class: a.B jar1: o.jar jar2: p.jar"}},
		"hell above":             {installed: []string{"lang module jar=l.jar:a.A", "o extends=lang jar=o.jar:o.O"}, place: []string{"p extends=o jar=p.jar:a.A"}, want: []string{"failed to load plugin p due to jar hell: class: a.A jar1: l.jar jar2: p.jar"}},
		"hell with child":        {installed: []string{"o jar=o.jar:a.A", "c extends=o jar=c.jar:a.C"}, place: []string{"o jar=o.jar:a.C"}, want: []string{"failed to load plugin c due to jar hell: class: a.C"}},
		"hell of parents":        {installed: []string{"m jar=m.jar:a.A", "n jar=n.jar:a.A"}, place: []string{"p extends=m,n jar=p.jar:p.P"}, want: []string{"failed to load plugin p due to jar hell: class: a.A jar1: m.jar jar2: n.jar"}},
		"twice the parent":       {installed: []string{"m jar=m.jar:a.A", "n extends=m"}, place: []string{"p extends=m,n jar=p.jar:p.P"}},
		"twice the parent, 2.19": {old: true, installed: []string{"m jar=m.jar:a.A", "n extends=m"}, place: []string{"p extends=m,n"}, want: []string{"failed to load plugin p due to jar hell: jar hell! extended plugins [m, n] have duplicate codebases with each other: [m.jar]"}},
		"module-info":            {installed: []string{"o jar=o.jar:module-info"}, place: []string{"p extends=o jar=p.jar:module-info"}},
		"hell optional":          {installed: []string{"o jar=o.jar:a.A"}, place: []string{"p extends=o;optional=true jar=p.jar:a.A"}},
		"hell optional, 2.19":    {old: true, installed: []string{"o jar=o.jar:a.A"}, place: []string{"p extends=o;optional=true jar=p.jar:a.A"}, want: []string{"failed to load plugin p due to jar hell"}},
		"strays":                 {foreign: map[string]string{"b": "Bad b", "a": "Bad a"}, place: []string{"p"}, want: []string{"Bad a; the node does not start beside it, move plugins/a away", "Bad b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := Node{Version: v380, Java: 25, Foreign: c.foreign}
			version := ""
			if c.old {
				n.Version, version = target.Version{Major: 2, Minor: 19}, " version=2.19.0"
			}
			for _, line := range c.installed {
				n.Bundles = append(n.Bundles, bundle(t, line+version))
			}
			change := Change{Remove: c.remove}
			for _, line := range c.place {
				change.Place = append(change.Place, bundle(t, line+version))
			}
			got := Check(n, change)
			matches := slices.EqualFunc(got, c.want, func(r Refusal, want string) bool { return strings.HasPrefix(r.String(), want) })
			if !matches {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

// pluginZip makes the zip of a plugin for 3.8.0, with lines of its descriptor instead of the usual ones
// and with more files.
func pluginZip(t *testing.T, lines string, files ...inspecttest.File) []byte {
	t.Helper()
	text := "name=lemmas\ndescription=d\nversion=1\nopensearch.version=3.8.0\njava.version=21\nclassname=org.example.Lemmas\n"
	for line := range strings.Lines(lines) {
		key, _, _ := strings.Cut(line, "=")
		kept := ""
		for l := range strings.Lines(text) {
			if !strings.HasPrefix(l, key+"=") {
				kept += l
			}
		}
		text = kept + line
	}
	all := []inspecttest.File{
		{Name: plugin.DescriptorName, Data: []byte(text)},
		{Name: "lemmas.jar!/org/example/Lemmas.class", Data: []byte("class org/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin java 21")},
	}
	zip, err := inspecttest.Zip(append(all, files...))
	if err != nil {
		t.Fatal(err)
	}
	return zip
}

func TestInspect(t *testing.T) {
	t.Parallel()
	node := Node{Version: v380, Java: 25, Lib: Lib{"org.lib.A": "lib-1.jar", "org.opensearch.plugins.Plugin": "opensearch-3.8.0.jar"},
		Bundles: []Bundle{{Name: "lang-own", Folder: "lang-own", Module: true}}}
	file := func(name, text string) inspecttest.File { return inspecttest.File{Name: name, Data: []byte(text)} }
	for name, c := range map[string]struct {
		lines   string
		files   []inspecttest.File
		refused string // what the node would refuse by itself
		checked string // what Check adds
	}{
		"as it should be":            {},
		"version":                    {lines: "opensearch.version=3.7.0\n", checked: "Plugin [lemmas] was built for OpenSearch version 3.7.0 but version 3.8.0 is running"},
		"a range":                    {lines: "opensearch.version=~3.8.0\n"},
		"java":                       {lines: "java.version=99\n", checked: "lemmas requires Java 99:, your system: 25"},
		"a module":                   {lines: "name=lang-own\n", refused: "it is a system module", checked: "it is a system module"},
		"a module that is not there": {lines: "name=lang-painless\n", refused: "it is a system module"},
		"hell with lib":              {files: []inspecttest.File{file("x.jar!/org/lib/A.class", "class org/lib/A")}, refused: "lib/lib-1.jar of OpenSearch 3.8.0"},
		"hell inside":                {files: []inspecttest.File{file("x.jar!/org/example/Lemmas.class", "class org/example/Lemmas")}, refused: "jar hell!"},
		"no class":                   {lines: "classname=org.example.Nope\n", refused: "Unable to load plugin class"},
		"shared":                     {files: []inspecttest.File{file("shared/x.jar!/org/example/X.class", "class org/example/X")}, refused: "copies to plugins/lib"},
		"missing":                    {lines: "extended.plugins=nope\n", checked: "Missing plugin [nope], dependency of [lemmas]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zip := pluginZip(t, c.lines, c.files...)
			got, refused, err := Inspect(bytes.NewReader(zip), int64(len(zip)), node)
			if err != nil || got == nil {
				t.Fatal(refused, err)
			}
			if text := fmt.Sprint(refused); (c.refused == "") != (len(refused) == 0) || !strings.Contains(text, c.refused) {
				t.Errorf("refused: %s; want %q", text, c.refused)
			}
			checked := Check(node, Change{Place: []Bundle{got.Bundle}})
			if text := fmt.Sprint(checked); (c.checked == "") != (len(checked) == 0) || !strings.Contains(text, c.checked) {
				t.Errorf("checked: %s; want %q", text, c.checked)
			}
		})
	}
	for name, zip := range map[string][]byte{"no zip": []byte("no"), "no descriptor": must(inspecttest.Zip([]inspecttest.File{file("a", "a")}))} {
		if got, refused, err := Inspect(bytes.NewReader(zip), int64(len(zip)), node); got != nil || len(refused) == 0 || err != nil {
			t.Errorf("%s: %+v %v %v", name, got, refused, err)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy string
		opaque bool
		want   int
	}{
		"two":      {"grant {\npermission java.io.FilePermission \"<<ALL FILES>>\", \"read\";\npermission java.net.SocketPermission \"*\", \"connect\";\n};", false, 2},
		"nonsense": {"grant { nonsense", true, 0},
		"long":     {"grant {};" + strings.Repeat(" ", 300<<10), true, 0},
	} {
		zip := pluginZip(t, "", inspecttest.File{Name: "plugin-security.policy", Data: []byte(c.policy)})
		got, _, err := Inspect(bytes.NewReader(zip), int64(len(zip)), Node{Version: v380, Java: 25})
		if err != nil || got == nil || got.Opaque != c.opaque || len(got.Permissions) != c.want {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}
