package plugin

import (
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/target"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	three, two := target.Version{Major: 3, Minor: 8}, target.Version{Major: 2, Minor: 19}
	for _, c := range []struct {
		text   string
		reader target.Version
		holds  string // versions that it holds, and one that it does not
		not    string
	}{
		{"3.8.1", three, "3.8.1", "3.8.0"},
		{"=3.8.1", three, "3.8.1", "3.8.2"},
		{"+3.08.1", three, "3.8.1", "3.8.0"},
		{"3.8.1..", three, "3.8.1", "3.8.0"},
		{"3-8-1", three, "3.8.1", "3.8.0"},
		{"~3.8.1", three, "3.8.9", "3.8.0"},
		{"~3.8.1", three, "3.8.1", "3.9.0"},
		{"~3.8.1-rc1", three, "3.8.1", "3.8.0"},
		{"^3.1.2", three, "3.8.0", "3.1.1"},
		{"^3.1.2", three, "3.1.2", "4.0.0"},
		{"[3.1.0,3.8.2]", three, "3.8.2", "3.8.3"},
		{"[3.1.0, 3.8.2)", three, "3.8.1", "3.8.2"},
		{"(3.8.0 ,4.0.0)", three, "3.8.1", "3.8.0"},
		{"range3.8.0", three, "1.0.0", ""},
		{"2.19.0", two, "2.19.0", "2.19.1"},
		{"2.0.1900", two, "2.19.0", "2.0.0"}, // as OpenSearch 2 counts
	} {
		r, err := parseRange(c.text, c.reader)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		in, _ := target.Parse(c.holds)
		if !r.Holds(in) || !r.holdsAny(in) {
			t.Errorf("%s does not hold %s", c.text, in)
		}
		if out, err := target.Parse(c.not); err == nil && r.Holds(out) {
			t.Errorf("%s holds %s", c.text, out)
		}
	}
	for _, text := range []string{
		"", "~", "=", "3.8", "3.x", "3.8.x", "3.8.0.1", "3.8.0-SNAPSHOT", "3.8.0-M1", "3.8.0-rc", "v3.8.0", " 3.8.0", "3.8.0 ", "~ 3.8.0", ">=3.8.0",
		"[3.8.0]", "[3.8,3.9]", "[3.9.0,3.8.0]", "{3.8.0,3.9.0}", "3.100.0", "3.8.0-", "99999999999.0.0", "-3.8.0", "..", "range",
	} {
		if r, err := parseRange(text, three); err == nil && text != "3.8.0-" {
			t.Errorf("%q is taken: %+v", text, r)
		}
	}
	for _, text := range []string{"[2.0.0,3.0.0]", "range2.19.0"} {
		if _, err := parseRange(text, two); err == nil {
			t.Errorf("OpenSearch 2 does not read %s", text)
		}
	}
}

// A range is read as the node's own version reads it: OpenSearch 2 knows no intervals.
func TestFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, openSearch string
		want             bool
	}{
		{"2.19.0", "2.19.0", true}, {"2.19.0", "2.19.1", false}, {"~2.19.0", "2.19.1", true}, {"^3.7.0", "3.8.0", true}, {"^3.7.0", "4.0.0", false},
		{"[2.19.0,3.8.0]", "3.8.0", true}, {"[2.19.0,3.8.0]", "2.19.0", false},
		{"3.8.4", "3.8", true}, {"3.8.4", "3.7", false}, {"~3.8.0", "3.8", true}, {"^3.0.0", "3.8", true},
		{"", "3.8.0", false}, {"3.8.0", "", false}, {"3.8.0", "3.8.0-SNAPSHOT", false}, {"nonsense", "3.8.0", false},
	} {
		if got := Fits(c.text, c.openSearch); got != c.want {
			t.Errorf("%q fits %q: %v", c.text, c.openSearch, got)
		}
	}
}

func TestHoldsAny(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"3.8.0": true, "3.8.99": true, "3.7.99": false, "3.9.0": false, "3.8.0-rc1": false, "~3.8.5": true, "^3.9.0": false, "^3.0.0": true,
		"(3.8.0,3.8.1)": false, "(3.8.0,3.8.1]": true, "[3.7.0,3.8.0)": false, "[3.7.0,3.8.0]": true, "[3.8.0-rc1,3.8.0-rc2]": false,
		"(3.8.98,3.9.0)": true, "(3.8.99,3.9.0)": false,
	} {
		r, err := parseRange(text, target.Version{Major: 3, Minor: 8})
		if got := err == nil && r.holdsAny(target.Version{Major: 3, Minor: 8}); got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// The cases are what Java 17's own Runtime.Version.parse answered.
func TestJavaVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"21": 21, "1.8": 1, "21.0.3": 21, "21-ea": 21, "11.0.0.1": 11, "21+35": 21, "21-ea+3-x.y": 21, "21+-x": 21, "17.0.9+8-LTS": 17,
		"21.0": 0, "08": 0, "21+": 0, "21 ": 0, "0": 0, "21.00.3": 0, "99999999999": 0, "21-": 0, "21--x": 0, "1.08": 0, "21+035": 0, "": 0,
	} {
		got, err := parseJava(text)
		if (err == nil) != (want != 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{opensearch:"3.8.0"}`: "3.8.0", "{ \"opensearch\"\t:\n\"~3.8.0\" } and more": "~3.8.0", `{opensearch:"3",opensearch:"4"}`: "4",
		`{open\u0073earch:"3"}`: "!", `{"open\u0073earch":"3"}`: "3", `{opensearch:3.8}`: "3.8", `{opensearch:true}`: "true",
		`{}`: "", `{opensearch:null}`: "!", `{opensearch:{}}`: "!", `{opensearch "3"}`: "!", `{opensearch:"3"`: "!", `{opensearch:"3`: "!",
		`opensearch:"3"`: "!", `{,}`: "!", `{opensearch:"3",}`: "!", `["3"]`: "!", ``: "!", `{"a\`: "!", `{:"3"}`: "!", `{opensearch:'3'}`: "!",
	} {
		all, err := parseDependencies(text)
		got := all["opensearch"]
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"3.8.0", "~3.8.0", "^3.8.0", "[3.8.0,3.9.0)", "3.8.0-rc1", "range3.8.0"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, text, json string) {
		v := target.Version{Major: 3, Minor: 8, Patch: 1}
		if r, err := parseRange(text, v); err == nil && r.Holds(v) && !r.holdsAny(v) {
			t.Errorf("%q holds %s, and no patch of it", text, v)
		}
		if all, err := parseDependencies(json); err != nil && all != nil {
			t.Errorf("both %v and %v", all, err)
		}
		_, _ = parseJava(text)
	})
}
