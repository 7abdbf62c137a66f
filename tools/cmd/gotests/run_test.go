package main

import (
	"strings"
	"testing"
)

func TestReadCountsAndShowsFailures(t *testing.T) {
	t.Parallel()
	stream := strings.Join([]string{
		`{"Action":"output","Package":"github.com/searchpack/searchpack/a","Test":"TestGood","Output":"quiet\n"}`,
		`{"Action":"pass","Package":"github.com/searchpack/searchpack/a","Test":"TestGood","Elapsed":0.1}`,
		`{"Action":"output","Package":"github.com/searchpack/searchpack/a","Test":"TestBad","Output":"    a_test.go:7: loud\n"}`,
		`{"Action":"fail","Package":"github.com/searchpack/searchpack/a","Test":"TestBad","Elapsed":0.2}`,
		`{"Action":"output","Package":"github.com/searchpack/searchpack/a","Test":"TestLater","Output":"    a_test.go:9: needs a JVM\n"}`,
		`{"Action":"skip","Package":"github.com/searchpack/searchpack/a","Test":"TestLater"}`,
		`{"Action":"fail","Package":"github.com/searchpack/searchpack/a","Elapsed":0.4}`,
	}, "\n")
	var out strings.Builder
	got := read(strings.NewReader(stream), &out)
	if want := (tally{passed: 1, failed: 1, skipped: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for _, want := range []string{"--- FAIL", "loud", "skip a TestLater: needs a JVM", "FAIL a "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("output of a passed test is shown:\n%s", out.String())
	}
}

// A package that does not build names no test, and must count all the same.
func TestReadCountsBrokenPackage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	got := read(strings.NewReader(`{"Action":"build-output","ImportPath":"x","Output":"no such thing\n"}
{"Action":"fail","Package":"github.com/searchpack/searchpack/x","Elapsed":0}`), &out)
	if got.failed != 1 || !strings.Contains(out.String(), "no such thing") {
		t.Errorf("counted %+v, printed %q", got, out.String())
	}
}

func TestReadNamesSlowTests(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	read(strings.NewReader(`{"Action":"pass","Package":"x","Test":"TestLong","Elapsed":40}
{"Action":"pass","Package":"x","Test":"TestLonger/part","Elapsed":70}
{"Action":"pass","Package":"x","Test":"TestLonger","Elapsed":70}
{"Action":"pass","Package":"x","Test":"TestShort","Elapsed":29}
{"Action":"pass","Package":"x","Elapsed":139}`), &out)
	if got := strings.Join(strings.Fields(out.String()), " "); got != "ok x 139.0s TestLonger 70.0s TestLong 40.0s" {
		t.Error(got)
	}
}
