package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

var (
	old    = Config{OpenSearch: target.Version{Major: 2, Minor: 19}}
	newer  = Config{OpenSearch: target.Version{Major: 3, Minor: 8}}
	either = Config{}
)

// findings writes them as "line rule severity".
func findings(t *testing.T, text string, c Config) []string {
	t.Helper()
	var out rule.Tally
	Policy([]byte(text), c, &out)
	var got []string
	for _, f := range out.Findings() {
		if f.Path != Name {
			t.Errorf("%s is not said to be in the policy: %+v", f.Rule, f)
		}
		got = append(got, fmt.Sprintf("%d %s %s", f.Line, strings.TrimPrefix(f.Rule, family), f.Severity))
	}
	return got
}

// What each parser takes, by the sources of both.
func TestGrammar(t *testing.T) {
	t.Parallel()
	const file = `java.io.FilePermission "/a", "read"`
	none, refused, dropped := "", "error", "warning"
	for _, c := range []struct {
		text       string
		newer, old string // severity of the refusal
	}{
		{"", none, none},
		{"// nothing\n/* grant { */", none, none},
		{"grant { };", none, none},
		{"grant { }", none, dropped},
		{"GRANT { Permission " + file + "; };", none, none},
		{"grant { permission " + file + " };", refused, dropped},
		{"grant { permission " + file + ";", refused, dropped},
		{"grant { permission " + file, refused, dropped},
		{"grant {", refused, dropped},
		{"grant", refused, dropped},
		{"grant { " + file + "; };", refused, dropped},
		{"grant { permission java.lang.RuntimePermission 'getClassLoader'; };", none, dropped},
		{`grant { permission java.lang.RuntimePermission "getClassLoader" "x"; };`, none, dropped},
		{`grant { permission "java.lang.RuntimePermission" "getClassLoader"; };`, none, none},
		{`grant { permission java.lang.RuntimePermission "getClassLoader",; };`, none, none},
		{`grant { permission java.lang.RuntimePermission "getClassLoader", signedBy "me"; };`, refused, none},
		{`grant { permission java.lang.RuntimePermission "getClassLoader", "", signedBy "me"; };`, refused, none},
		{`grant signedBy "me" { };`, refused, none},
		{`grant signedBy "me", codeBase "file:/a" { };`, refused, none},
		{`grant principal javax.security.auth.x500.X500Principal "cn=Me" { };`, refused, none},
		{`grant principal * * { };`, refused, none},
		{`grant codeBase "file:/a" { };`, none, none},
		{`grant codeBase "file:/a", codeBase "file:/b" { };`, refused, dropped},
		{`grant codeBase file { };`, refused, dropped},
		{`keystore "k", "jks"; grant { };`, refused, none},
		{`grant { }; };`, refused, dropped},
		{`grant { }; other`, refused, dropped},
		{`grant { permission java.io.FilePermission "a; };`, refused, dropped},
		{"grant { permission java.io.FilePermission \"a\n\"read\"; };", none, dropped},
		{`grant { permission / "a"; };`, refused, dropped},
	} {
		for version, want := range map[string]string{"3.8": c.newer, "2.19": c.old} {
			config := newer
			if version == "2.19" {
				config = old
			}
			got := none
			for _, f := range findings(t, c.text, config) {
				if strings.Contains(f, "syntax") || strings.Contains(f, "outside") || strings.Contains(f, "code-base-url") {
					got = f[strings.LastIndexByte(f, ' ')+1:]
				}
			}
			if got != want {
				t.Errorf("%s, %q: %q, want %q; %v", version, c.text, got, want, findings(t, c.text, config))
			}
		}
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	jars := newer
	jars.Jars = []string{"rest-client-3.8.0.jar", "plain.jar"}
	for name, c := range map[string]struct {
		text   string
		config Config
		want   []string
	}{
		"outside":             {"grant { };\n\nfoo", newer, []string{"3 outside error"}},
		"outside, not sure":   {"grant { };\nfoo", either, []string{"2 outside warning"}},
		"class":               {"grant {\npermission com.example.P \"x\"; };", newer, []string{"2 class error"}},
		"class, 2.x":          {"grant {\npermission com.example.P \"x\"; };", old, []string{"2 unknown note"}},
		"class passed over":   {`grant { permission org.opensearch.SpecialPermission; };`, newer, []string{"1 unchecked note"}},
		"no actions":          {`grant { permission java.io.FilePermission "/a"; };`, newer, []string{"1 actions error"}},
		"no actions, 2.x":     {`grant { permission java.io.FilePermission "/a"; };`, old, []string{"1 actions warning"}},
		"wrong action":        {`grant { permission java.net.SocketPermission "h", "dial"; };`, newer, []string{"1 actions error"}},
		"comma at the end":    {`grant { permission java.io.FilePermission "/a", "read,"; };`, newer, []string{"1 actions error"}},
		"comma at the start":  {`grant { permission java.io.FilePermission "/a", " ,READ , write"; };`, newer, []string{"1 notable note"}},
		"no target":           {`grant { permission java.lang.RuntimePermission; };`, newer, []string{"1 actions error"}},
		"an empty target":     {`grant { permission java.lang.RuntimePermission ""; };`, newer, []string{"1 actions error"}},
		"no URL":              {`grant codeBase "plain.jar" { permission java.security.AllPermission; };`, newer, []string{"1 code-base-url error"}},
		"no jar":              {`grant codeBase "${codebase.nope}" { permission java.security.AllPermission; };`, jars, []string{"1 code-base warning"}},
		"short name":          {`grant codeBase "${codebase.rest-client}" { permission java.security.AllPermission; };`, jars, []string{"1 total warning"}},
		"whole name":          {`grant codeBase "${codebase.plain.jar}" { permission java.security.AllPermission; };`, jars, []string{"1 total warning"}},
		"left out, then read": {"grant codeBase \"${codebase.nope}\" { permission x.Y { } ; } grant {\npermission java.security.AllPermission; };", jars, []string{"1 code-base warning", "2 total warning"}},
		"too long":            {strings.Repeat(" ", MaxSize+1), newer, []string{"0 long warning"}},
		"lines": {
			"/* one\r\ntwo\rthree */ grant {\n// four\npermission java.lang.RuntimePermission \"exitVM.1\";\n};", old,
			[]string{"5 dangerous warning"},
		},
	} {
		if diff := cmp.Diff(c.want, findings(t, c.text, c.config)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	text := `grant {
  permission java.util.PropertyPermission "user.name", "read";
  permission java.lang.RuntimePermission "getClassLoader";
  permission com.example.Mine "x", "y";
  permission java.net.SocketPermission "*", "connect,resolve";
};
grant codeBase "${codebase.agent}" {
  permission java.security.AllPermission;
};`
	var out rule.Tally
	got := Policy([]byte(text), old, &out)
	want := []Permission{
		{Line: 8, CodeBase: "${codebase.agent}", Class: allClass, Grade: Total, Meaning: "may do everything that Java can", Checked: true},
		{Line: 5, Class: socketClass, Target: "*", Actions: "connect,resolve", Grade: Dangerous, Meaning: "may connect to any computer", Checked: true},
		{Line: 3, Class: runtimeClass, Target: "getClassLoader", Grade: Notable, Meaning: "may reach the class loaders of other code", Checked: true},
		{Line: 4, Class: "com.example.Mine", Target: "x", Actions: "y", Grade: Unknown, Meaning: `asks for "com.example.Mine "x", "y"", of which nothing is known here`, Checked: true},
		{Line: 2, Class: propertyClass, Target: "user.name", Actions: "read", Grade: Minor, Meaning: `may read the system property "user.name"`, Checked: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := got[1].String(); s != `java.net.SocketPermission "*", "connect,resolve"` {
		t.Error(s)
	}
	if len(out.Findings()) != len(want) || !slices.IsSortedFunc(got, func(a, b Permission) int { return int(a.Grade - b.Grade) }) {
		t.Errorf("%v", out.Findings())
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(`grant codeBase "${codebase.a}" { permission java.io.FilePermission "<<ALL FILES>>", "read"; };`, true)
	f.Add("/* grant", false)
	f.Add(`grant { permission a.B "\101\x\`, true)
	f.Fuzz(func(t *testing.T, text string, classic bool) {
		c := newer
		if classic {
			c = old
		}
		c.Jars = []string{"a-1.0.jar"}
		var out rule.Tally
		found := Policy([]byte(text), c, &out)
		if out.Count() < len(found) || out.Errors() > 0 && classic {
			t.Errorf("%d permissions, %d findings, %d errors", len(found), out.Count(), out.Errors())
		}
		for _, p := range found {
			if p.Meaning == "" || p.Line < 1 {
				t.Errorf("%+v", p)
			}
		}
	})
}
