package synonym_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// entries lists what a reader gives as "line key → value".
func entries(t *testing.T, r dict.Reader, content string, c dict.Config) []string {
	t.Helper()
	out := []string{}
	c.Entry = func(e dict.Entry) { out = append(out, fmt.Sprintf("%d %s → %s", e.Line, e.Key, e.Value)) }
	read(t, r, content, c)
	return out
}

func TestEntries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content string
		cfg     dict.Config
		want    string
	}{
		{"# x\na, b", dict.Config{}, "2 a → a; 2 a → b; 2 b → a; 2 b → b"},
		{"a => b\nb => a", dict.Config{}, "1 a → b; 2 b → a"}, // not what a group means
		{"a", dict.Config{}, ""},
		{"a, a", dict.Config{}, "1 a → a; 1 a → a; 1 a → a; 1 a → a"},
		{"a, b, c", dict.Config{NoExpand: true}, "1 a → a; 1 b → a; 1 c → a"},
		{"a, b => c, d", dict.Config{}, "1 a → c; 1 a → d; 1 b → c; 1 b → d"},
		{"a => a, b", dict.Config{NoExpand: true}, "1 a → a; 1 a → b"},
		{"  a \t x ,b\x00c", dict.Config{}, "1 a x → a x; 1 a x → b c; 1 b c → a x; 1 b c → b c"},
		{`a\,b, c\=>d`, dict.Config{}, "1 a,b → a,b; 1 a,b → c=>d; 1 c=>d → a,b; 1 c=>d → c=>d"},
		{"a\u3000 b, c", dict.Config{}, "1 a b → a b; 1 a b → c; 1 c → a b; 1 c → c"},
		{"Ab, é", dict.Config{}, "1 Ab → Ab; 1 Ab → é; 1 é → Ab; 1 é → é"}, // as it stands: an analyzer may know the difference
		{"a\n a =>\n=>\na => b => c\nd, e", dict.Config{}, "5 d → d; 5 d → e; 5 e → d; 5 e → e"},
		{"the, a, b", dict.Config{Lenient: true, Analyzer: inspecttest.Analyzer("stop:the")}, "1 a → a; 1 a → b; 1 b → a; 1 b → b"},
		{"the, a, b", dict.Config{Lenient: true, NoExpand: true, Analyzer: inspecttest.Analyzer("stop:the")}, ""},
	} {
		want := []string{}
		if c.want != "" {
			want = strings.Split(c.want, "; ")
		}
		if diff := cmp.Diff(want, entries(t, synonym.Solr, c.content, c.cfg)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.content, diff)
		}
	}
	got := entries(t, synonym.WordNet, s(1, "a")+s(1, "b  c")+s(2, "d"), dict.Config{})
	if diff := cmp.Diff([]string{"1 a → a", "1 a → b c", "2 b c → a", "2 b c → b c"}, got); diff != "" {
		t.Errorf("WordNet (-want +got):\n%s", diff)
	}
}

// TestEntriesOfLargeGroups: each key once, with a value that changes as soon as a term does, and not
// with their order.
func TestEntriesOfLargeGroups(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]func(string) string{
		"group":    func(terms string) string { return terms },
		"explicit": func(terms string) string { return terms + " => " + strings.Replace(terms, "t1,", "u,", 1) },
	} {
		for _, n := range []int{100, 70_000} {
			var terms []string
			for i := range n {
				terms = append(terms, fmt.Sprintf("t%d", i))
			}
			first := entries(t, synonym.Solr, line(strings.Join(terms, ",")), dict.Config{})
			if want := min(n, 1<<16); len(first) != want {
				t.Fatalf("%s of %d: %d entries, want %d", name, n, len(first), want)
			}
			again := entries(t, synonym.Solr, line(strings.Join(terms, ",")), dict.Config{})
			if !cmp.Equal(first, again) {
				t.Errorf("%s of %d: another run gives %s, not %s", name, n, again[0], first[0])
			}
			terms[99] = "other"
			changed := entries(t, synonym.Solr, line(strings.Join(terms, ",")), dict.Config{})
			if changed[0] == first[0] {
				t.Errorf("%s of %d: a term changed, and still %s", name, n, first[0])
			}
			if n > 1000 {
				continue
			}
			terms[99] = "t99"
			terms[5], terms[6] = terms[6], terms[5]
			if moved := entries(t, synonym.Solr, line(strings.Join(terms, ",")), dict.Config{}); moved[0] != first[0] {
				t.Errorf("%s of %d: terms changed places, %s became %s", name, n, first[0], moved[0])
			}
		}
	}
}

func TestEntriesOfLargeSets(t *testing.T) {
	t.Parallel()
	set := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(s(1, fmt.Sprintf("t%d", i)))
		}
		return b.String() + s(1, last)
	}
	for _, n := range []int{100, 70_000} {
		first := entries(t, synonym.WordNet, set(n, "x"), dict.Config{})
		if len(first) != min(n+1, 1<<16) {
			t.Errorf("%d entries of a set of %d", len(first), n+1)
		}
		if changed := entries(t, synonym.WordNet, set(n, "y"), dict.Config{}); changed[0] == first[0] {
			t.Errorf("a term of %d changed, and still %s", n, first[0])
		}
	}
}
