package synonym_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

func TestAcross(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, want string }{
		// the same rule again
		{"a, b\n\n# x\nb,a", "4:1 duplicate"},
		{"a, b\na, b, b", "2:1 duplicate; 2:7 repeated"},
		{"a  x, b\nb, a\tx", "2:1 duplicate"},
		{`a=>b` + "\n" + `a => \b`, "2:1 duplicate"},
		{"a, b => c\nb, a => c", "2:1 duplicate"},
		{"a, b\na, b => b, a", "2:1 group-and-arrow; 2:4 group-and-arrow"},
		{"a, b\nb, c", ""},
		{"a, b\nA, B", "2:1 case-elsewhere; 2:4 case-elsewhere"},
		{"a, , b\na, , b\na, b", "1:3 blank!; 2:3 blank!"}, // to be changed anyway
		{"word\nword", "1:1 alone; 2:1 alone"},
		// left sides
		{"a => b\na => c", "2:1 merged"},
		{"a => b\na => c\na => d, e", "2:1 merged; 3:1 merged"},
		{"a => b\nb => c", ""},
		{"a => x\nb => x\nc => x", ""},
		// arrow and group
		{"a => b\na, c", "2:1 group-and-arrow"},
		{"a, c\nb => x\nx, y\na => b", "4:1 group-and-arrow"},
		{"a, c\na => b\na, d\na => e", "2:1 group-and-arrow; 4:1 merged"},
		{"a => b\nb, c", ""},
		{"x => b\nb, c\nb => d", "3:1 group-and-arrow"},
		// spellings
		{"a, b\nc, A\nA, d", "2:4 case-elsewhere"},
		{"a, b\nA => b", "2:1 case-elsewhere"},
		{"caf\u00e9, b\nc, cafe\u0301", "2:4 form"},
		{"Straße, b\nstraße, c", "2:1 case-elsewhere"},
		// circles
		{"a => b\nb => a", "2:1 circle"},
		{"a => b\nb => c\n\nx, y\nc => a", "5:1 circle"},
		{"a, x => b\nb => a", "2:1 circle"},
		{"a => b\nb => c\nc => b", "3:1 circle"},
		{"a => b\nb => a\nc => d\nd => c", "2:1 circle; 4:1 circle"},
		{"a => x\nb => x\nx => b", "3:1 circle"},
		{"x => p\nx => b\nb => x", "2:1 merged; 3:1 circle"},
		{"a => a, b\nb => a, b", ""},
		{"a, b => b\nb, c => c", "2:1 merged"},
		{"a => b\nb, a", "2:4 group-and-arrow"},
		{"a => b\nb => c\nd => b\ne => c", ""},
		{"a => b, c\nb => d\nc => d", ""},
		{"q => a\na => b\nb => a\nb => z", "3:1 circle; 4:1 merged"},
	} {
		check(t, synonym.Solr, c.content, dict.Config{}, c.want)
	}
}

// TestOtherLine: messages name the other line, and findings have the text.
func TestOtherLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, message string }{
		{"# x\na, b\nb, a", "line 2 says"},
		{"# x\na => b\na => c", `"a" is on the left in line 2`},
		{"# x\na => b\na, c", `"a" is on the left of an arrow in one line and in a group in the other, line 2`},
		{"# x\na, b\nA, c", `"A" stands in other upper and lower case in line 2`},
		{"a => b\nb => c\nc => a", "lines 1, 2 and 3 go"},
		{"# x\na, b\nlap\u00adtop, c", "U+00AD in the rule: a soft hyphen"},
	} {
		got := read(t, synonym.Solr, c.content, dict.Config{}).Findings()
		if len(got) != 1 || !strings.Contains(got[0].Message, c.message) {
			t.Errorf("%q: %+v, want %q", c.content, got, c.message)
			continue
		}
		if last := c.content[strings.LastIndex(c.content, "\n")+1:]; got[0].Text != last || got[0].Line != 3 || got[0].Remedy == "" {
			t.Errorf("%q: %+v", c.content, got[0])
		}
	}
}

func TestLongCircle(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const n = 50_000 // recursion would be deep
	for i := range n {
		fmt.Fprintf(&b, "v%d => v%d\n", i, (i+1)%n)
	}
	got := read(t, synonym.Solr, b.String(), dict.Config{}).Findings()
	if len(got) != 1 || got[0].Rule != "synonyms.circle" || got[0].Line != n {
		t.Fatalf("%+v", got)
	}
	if want := "1, 2, 3, 4, 5, 6, 7, 8 and 49992 others go"; !strings.Contains(got[0].Message, want) {
		t.Errorf("%q does not say %q", got[0].Message, want)
	}
}

// arrows is an explicit rule; a group has none.
type arrows struct{ left, right []string }

// circlesEnd returns the last line of each circle.
func circlesEnd(all []arrows) []string {
	leads := func(x, y arrows) bool {
		return slices.ContainsFunc(x.right, func(w string) bool {
			return slices.Contains(y.left, w) && !slices.Contains(x.left, w) && !slices.Contains(y.right, w)
		})
	}
	reach := make([][]bool, len(all))
	for i := range all {
		reach[i] = make([]bool, len(all))
		for j := range all {
			reach[i][j] = i != j && leads(all[i], all[j])
		}
	}
	for k := range all {
		for i := range all {
			for j := range all {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	var want []string
	for i := range all {
		last := reach[i][i]
		for j := i + 1; j < len(all); j++ {
			last = last && !(reach[i][j] && reach[j][i])
		}
		if last {
			want = append(want, fmt.Sprint(i+1))
		}
	}
	return want
}

// TestCirclesOfRandomRules compares with a search that follows every arrow.
func TestCirclesOfRandomRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})
		side := rapid.SliceOfNDistinct(word, 1, 2, rapid.ID[string])
		var all []arrows
		var text strings.Builder
		seen := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			a := arrows{side.Draw(t, "left"), side.Draw(t, "right")}
			slices.Sort(a.left)
			slices.Sort(a.right)
			if key := fmt.Sprint(a); !seen[key] && !(len(a.left) == 1 && slices.Equal(a.left, a.right)) { // those have rules of their own
				seen[key] = true
				all = append(all, a)
				text.WriteString(strings.Join(a.left, ",") + "=>" + strings.Join(a.right, ",") + "\n")
			}
			if rapid.IntRange(0, 3).Draw(t, "group") == 0 {
				all = append(all, arrows{})
				text.WriteString(fmt.Sprintf("%s, g%d\n", word.Draw(t, "member"), len(all)))
			}
		}
		want := circlesEnd(all)
		var got []string
		for _, f := range read(t, synonym.Solr, text.String(), dict.Config{}).Findings() {
			if f.Rule == "synonyms.circle" {
				got = append(got, fmt.Sprint(f.Line))
				if f.Text == "" {
					t.Errorf("the circle of line %d has no text", f.Line)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: circles end in the lines %v, want %v", text.String(), got, want)
		}
	})
}

// TestDuplicatesOfRandomRules compares with texts in a normal form.
func TestDuplicatesOfRandomRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c", "ä b", "日本", "D"})
		side := rapid.SliceOfN(word, 2, 20)
		noExpand := rapid.Bool().Draw(t, "no expand")
		normal := func(s []string) string {
			s = slices.Clone(s)
			slices.Sort(s)
			return strings.Join(slices.Compact(s), ",")
		}
		first := map[string]int{}
		var text strings.Builder
		want := 0
		for i := range rapid.IntRange(1, 12).Draw(t, "lines") {
			left := side.Draw(t, "left")
			key := normal(left)
			if noExpand {
				key = left[0] + ":" + key
			}
			text.WriteString(strings.Join(left, ", "))
			if rapid.Bool().Draw(t, "explicit") {
				right := side.Draw(t, "right")
				key = normal(left) + "=>" + normal(right)
				text.WriteString("=>" + strings.Join(right, ","))
			}
			text.WriteByte('\n')
			if _, ok := first[key]; ok {
				want++
			} else {
				first[key] = i + 1
			}
		}
		got := 0
		tally := read(t, synonym.Solr, text.String(), dict.Config{NoExpand: noExpand})
		for _, f := range tally.Findings() {
			if f.Rule == "synonyms.duplicate" && f.Severity == searchpack.SeverityWarning {
				got++
			}
		}
		if got != want && tally.Count() <= 100 {
			t.Errorf("%q: %d duplicates, want %d", text.String(), got, want)
		}
	})
}
