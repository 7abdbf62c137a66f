package vuln

import (
	"fmt"
	"testing"
)

// The order of Maven's versions as its documentation has it (POM reference, Version Order
// Specification), and as the tests of ComparableVersion do. Each list ascends. Where releases of
// Maven differ from each other (2.0.a and 2-1), nothing is said.
func TestMavenOrder(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{
		{"1", "1.1"},
		{"1-snapshot", "1", "1-sp"},
		{"1-foo2", "1-foo10"},
		{"1-foo", "1-1", "1.1"},
		{"1-a1", "1-b1", "1-m1", "1-rc1", "1-SNAPSHOT", "1", "1-sp", "1-x", "1-1", "1.1"},
		{"1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11", "1-rc", "1-cr2", "1-rc123", "1-SNAPSHOT", "1", "1-sp", "1-sp2", "1-sp123", "1-abc", "1-def", "1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123"},
		{"2.0", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1", "2.1.0.1", "2.2", "2.123", "11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11", "11", "11.a", "11b", "11c", "11m"},
		{"2.0.7", "2.0.7.1", "2.0.10"},
		{"2.12.0", "2.12.1", "2.15.0", "2.17.1"},
		{"33.4.8", "33.4.8-jre", "33.4.9"},
		{"4.1.99.Final", "4.1.100.Final"},
	} {
		for i := 1; i < len(list); i++ {
			if got := order(t, list[i-1], list[i]); got >= 0 {
				t.Errorf("%s is not before %s: %d", list[i-1], list[i], got)
			}
		}
	}
	for _, same := range [][]string{
		{"1", "1.0", "1.0.0", "1-0", "1.0-0", "1ga", "1-ga", "1.ga", "1final", "1.release"},
		{"1a1", "1-a1", "1-alpha-1"}, {"1b1", "1-beta-1"}, {"1m1", "1-milestone-1"}, {"1rc", "1cr"}, {"1.0X1", "1x1"},
	} {
		for _, v := range same[1:] {
			if got := order(t, same[0], v); got != 0 {
				t.Errorf("%s and %s differ: %d", same[0], v, got)
			}
		}
	}
}

func order(t *testing.T, a, b string) int {
	t.Helper()
	v, ok := parse(a)
	w, ok2 := parse(b)
	if !ok || !ok2 {
		t.Errorf("%s or %s cannot be read", a, b)
		return 0
	}
	if back := w.Compare(v); back != -v.Compare(w) {
		t.Errorf("%s and %s: %d, the other way %d", a, b, v.Compare(w), back)
	}
	return v.Compare(w)
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0-alpha-1", "1-a2.∞")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, ok := parse(a)
		w, ok2 := parse(b)
		if ok && ok2 {
			_ = fmt.Sprint(v.Compare(w))
		}
	})
}
