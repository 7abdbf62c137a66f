package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// Versions differ in as many rules as a witness has texts, and the inspection takes them.
func TestVersionsOfADictionary(t *testing.T) {
	t.Parallel()
	one, two := (&trial{size: 1000, version: 1}).text(), (&trial{size: 1000, version: 2}).text()
	a, b := bytes.Split(one, []byte("\n")), bytes.Split(two, []byte("\n"))
	if len(a) != len(b) || len(a) < 900 {
		t.Fatalf("%d and %d lines", len(a), len(b))
	}
	differ := 0
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			differ++
		}
	}
	if differ != changedRules {
		t.Errorf("%d rules differ, want %d", differ, changedRules)
	}
	res, err := inspect.Dictionary(bytes.NewReader(one), inspect.Options{Declared: searchpack.KindSynonyms})
	if err != nil || res.Failed() {
		t.Errorf("%v %+v", err, res.Findings)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	times := []time.Duration{5, 1, 4}
	if got := median(times); got != 4 || !slices.Equal(times, []time.Duration{5, 1, 4}) {
		t.Errorf("%d of %v", got, times)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	var n []int
	if err := numbers(&n)("1,3,5"); err != nil || !slices.Equal(n, []int{1, 3, 5}) {
		t.Errorf("%v, %v", n, err)
	}
	for _, bad := range []string{"", "0", "1,", "x", "-3"} {
		if err := numbers(&n)(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, n)
		}
	}
}

func TestUnknownCase(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), "searchpack-dev", "rollouts", options{})
	if err == nil || !strings.Contains(err.Error(), "agents") {
		t.Errorf("%v does not say which cases there are", err)
	}
}
