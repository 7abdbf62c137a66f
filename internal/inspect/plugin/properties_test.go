package plugin

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// propertiesOf is what Java makes of the file: a key that comes again replaces the first.
func propertiesOf(b []byte) (map[string]string, error) {
	list, _, err := parseProperties(b)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range list {
		out[p.key] = p.value
	}
	return out, nil
}

func TestPropertyLines(t *testing.T) {
	t.Parallel()
	list, _, err := parseProperties([]byte("# c\n\na=1\r\nb=\\\n\\\n  2\r\rc\na=3"))
	if err != nil {
		t.Fatal(err)
	}
	want := []property{{"a", "1", 3}, {"b", "2", 4}, {"c", "", 8}, {"a", "3", 9}}
	if !slices.Equal(list, want) {
		t.Errorf("%v, want %v", list, want)
	}
	if _, line, err := parseProperties([]byte("a=b\n\nc=\\u12")); err == nil || line != 3 {
		t.Errorf("line %d, %v", line, err)
	}
}

// The cases are those of the documentation of java.util.Properties.load.
func TestProperties(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":                                   {},
		"a=b":                                {"a": "b"},
		"Truth = Beauty\n Truth:Beauty2":     {"Truth": "Beauty2"},
		"Truth\t\t\t:Beauty":                 {"Truth": "Beauty"},
		"fruits  apple, banana, \\\r\n\t x,": {"fruits": "apple, banana, x,"},
		"cheeses":                            {"cheeses": ""},
		"# a=b\n  ! c=d\n\n \t\f\ne=f":       {"e": "f"},
		"a=b\\\n# not a comment":             {"a": "b# not a comment"},
		"a=b\\\\\nc=d":                       {"a": "b\\", "c": "d"},
		"a=b\\":                              {"a": "b"},
		"\\:\\= \\ = :x":                     {":=": " = :x"},
		"a\\ b=c":                            {"a b": "c"},
		"a==b":                               {"a": "=b"},
		"a = : b":                            {"a": ": b"},
		"a=\\t\\n\\r\\f\\q\\\"":              {"a": "\t\n\r\fq\""},
		"a=\\u00e4\\uD83E\\uDD50":            {"a": "ä🥐"},
		"a=\\uD83E":                          {"a": "\uFFFD"},
		"a=\xe4":                             {"a": "ä"},
		"=b":                                 {"": "b"},
		"a=b\rc=d":                           {"a": "b", "c": "d"},
		"a=b \t":                             {"a": "b \t"},
		"key\\":                              {"key": ""},
	} {
		got, err := propertiesOf([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{`a=\u12`, `a=\u12g4`, `\u+123=b`, `a=\u`, "a=\\u00\\\ne4x"} {
		if got, err := propertiesOf([]byte(text)); err == nil && text != "a=\\u00\\\ne4x" {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}

// What Properties.store writes is read back.
func TestPropertiesRoundTrip(t *testing.T) {
	t.Parallel()
	escape := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			if strings.ContainsRune(" \t\f=:#!\\", r) {
				b.WriteByte('\\')
			}
			switch r {
			case '\n':
				b.WriteString("\\n")
			case '\r':
				b.WriteString("\\r")
			case '\t':
				b.WriteString("t")
			case '\f':
				b.WriteString("f")
			default:
				b.WriteRune(r)
			}
		}
		return b.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab =:#!\\\t\n\r\f.")))
		want := rapid.MapOf(text, text).Draw(t, "properties")
		var b strings.Builder
		for k, v := range want {
			b.WriteString(escape(k) + "=" + escape(v) + "\n")
		}
		got, err := propertiesOf([]byte(b.String()))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%q: %v (-want +got):\n%s", b.String(), err, diff)
		}
	})
}

func FuzzProperties(f *testing.F) {
	f.Add([]byte(goodDescriptor))
	f.Add([]byte("a\\\n\\u00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := propertiesOf(b)
		if err != nil && got != nil {
			t.Errorf("both %q and %v", got, err)
		}
		for k, v := range got {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				t.Errorf("%q = %q is not UTF-8", k, v)
			}
		}
	})
}
