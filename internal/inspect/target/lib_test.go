package target

import (
	"strings"
	"testing"
)

func TestLib(t *testing.T) {
	t.Parallel()
	for _, served := range Served {
		l := served.Lib()
		if l == nil || !l.Is(served) {
			t.Fatalf("%s has no table of its own: make it with dev/cmd/libtable", served)
		}
		jar, found := l.Jar("org.opensearch.Version")
		if !found || !strings.HasPrefix(jar, "opensearch-core-") {
			t.Errorf("%s: org.opensearch.Version in %q, %v", served, jar, found)
		}
		for _, name := range []string{"org.opensearch.NoSuchClass", "module-info", "", "org/opensearch/Version"} {
			if jar, found := l.Jar(name); found {
				t.Errorf("%s: %s is in %s", served, name, jar)
			}
		}
		if _, found := l.Plugins[PluginPackage+"AnalysisPlugin"]; !found || len(l.Modules) < 20 || l.Classes < 10_000 {
			t.Errorf("%s: %d modules, %d classes, plugins %v", served, len(l.Modules), l.Classes, l.Plugins)
		}
	}
	if l := (Version{3, 8, 4}).Lib(); l == nil || l.Version != "3.8.0" || l.Is(Version{3, 8, 4}) {
		t.Errorf("3.8.4: %+v", l)
	}
	if l := (Version{3, 5, 0}).Lib(); l != nil {
		t.Errorf("3.5.0: %s", l.Version)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	yes := true
	h := Header{Version: "9.9.0", Jars: []string{"a.jar", "b.jar"}, Modules: []Module{{Name: "m", Extensible: &yes}, {Name: "n"}}, Plugins: map[string][]string{"p/A": {"p/B"}}}
	b, err := Encode(h, []Class{{"p/A.class", 0}, {"p/B.class", 1}, {"META-INF/versions/9/p/A.class", 1}, {"module-info.class", 0}, {"META-INF/versions/9/module-info.class", 0}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Decode(b)
	if err != nil || l.Classes != 3 || !*l.Modules[0].Extensible || l.Modules[1].Extensible != nil || l.Plugins["p/A"][0] != "p/B" {
		t.Fatalf("%+v, %v", l, err)
	}
	for name, want := range map[string]string{"p.A": "a.jar", "p.B": "b.jar", "META-INF.versions.9.p.A": "b.jar", "p.C": ""} {
		if jar, found := l.Jar(name); jar != want || found != (want != "") {
			t.Errorf("%s: %s, %v", name, jar, found)
		}
	}
	for name, damaged := range map[string]string{
		"cut": string(b[:len(b)-1]), "no line": "{}", "no JSON": "x\n", "no such jar": strings.Replace(string(b), `"a.jar",`, "", 1), "empty": "",
	} {
		if l, err := Decode([]byte(damaged)); err == nil {
			t.Errorf("%s: %+v", name, l.Header)
		}
	}
	if _, err := Encode(h, []Class{{"p/A.class", 2}}); err == nil {
		t.Error("a class of no jar is written")
	}
	if _, err := Encode(Header{Jars: make([]string, 257)}, nil); err == nil {
		t.Error("257 jars are written")
	}
}

func TestWhatVersionsDo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		java      string
		shared    bool
		all, some bool
		three     bool
	}{
		"2.18.0": {"11 to 23", false, false, false, false},
		"2.19.0": {"11 to 23", false, false, true, false},
		"2.19.4": {"11 to 23", false, true, true, false},
		"3.2.0":  {"21 or newer", false, false, false, true},
		"3.3.0":  {"21 or newer", false, true, true, true},
		"3.7.0":  {"21 or newer", true, true, true, true},
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all, some := v.ConfigFolders()
		if v.Java().String() != want.java || v.SharedFolder() != want.shared || all != want.all || some != want.some || v.Before(3, 0) == want.three {
			t.Errorf("%s: Java %s, shared %v, config %v %v", text, v.Java(), v.SharedFolder(), all, some)
		}
	}
	for _, v := range Served {
		if old := v.Major == 2; v.OptionalParents() != old || v.CommonAncestors() == old {
			t.Errorf("%s: optional parents %v, common ancestors %v", v, v.OptionalParents(), v.CommonAncestors())
		}
	}
	if s := (Java{Min: 21, Max: 21}).String(); s != "21" {
		t.Errorf("Java %s", s)
	}
	for s, want := range map[string]bool{"3.8.0": true, "3.8": false, "OpenSearch_3.8.0": false, "core-3.8.0": false} {
		if IsRelease(s) != want {
			t.Errorf("IsRelease(%q) = %v", s, !want)
		}
	}
}
