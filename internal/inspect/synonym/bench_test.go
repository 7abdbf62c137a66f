package synonym_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// mixed writes n rules as files have them: groups of two to four terms, explicit rules, terms of
// several words, some of them in other scripts and in other rules again; comments.
func mixed(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"lap", "top", "note", "book", "desk", "com", "put", "er", "tele", "vis", "ion", "über", "日本", "stück"}
	var b bytes.Buffer
	for i := range n {
		if i%1000 == 0 {
			fmt.Fprintf(&b, "# part %d\n", i/1000)
		}
		term := func() {
			if r.IntN(10) == 0 { // one that is there already
				fmt.Fprintf(&b, "%s%d", words[i%len(words)], r.IntN(i+1))
				return
			}
			fmt.Fprintf(&b, "%s%s%d", words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(10*n))
			if r.IntN(4) == 0 {
				b.WriteString(" " + words[r.IntN(len(words))])
			}
		}
		term()
		if i%3 == 0 {
			b.WriteString(" => ")
			term()
		} else {
			for range 1 + r.IntN(2) {
				b.WriteString(", ")
				term()
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func benchmarkSolr(b *testing.B, n int) {
	content := mixed(n)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := synonym.Solr(bytes.NewReader(content), c); err != nil || c.Rules != int64(n) || c.Findings.Errors() > 0 {
			b.Fatal(c.Rules, c.Findings.Errors(), err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
}

// Lucene's parser takes 4 to 5 s for 100,000 such rules and 24 to 33 s for a million, with 96 and
// 544 MiB of heap.
func BenchmarkSolr10k(b *testing.B)  { benchmarkSolr(b, 10_000) }
func BenchmarkSolr100k(b *testing.B) { benchmarkSolr(b, 100_000) }
func BenchmarkSolr1M(b *testing.B)   { benchmarkSolr(b, 1_000_000) }

// TestMemory: a million rules stay within the bound, not only at once but in all that is ever
// allocated, and so do files made to be bad.
func TestMemory(t *testing.T) {
	group := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%x,", i)
		}
		return b.String() + "x\n"
	}
	files := map[string][]byte{
		"a million rules":    mixed(1_000_000),
		"more than fits":     bytes.Repeat([]byte("a"), 1), // below
		"one right side":     nil,
		"a chain":            nil,
		"short lines":        []byte(strings.Repeat("a,b\n", 1_000_000)),
		"enormous groups":    []byte(strings.Repeat(group(160_000), 2)),
		"a finding per term": []byte(strings.Repeat("A,a, a,\u00ad,- \n", 30_000)),
	}
	var more, one, chain bytes.Buffer
	for i := range 1_200_000 {
		fmt.Fprintf(&more, "a%d,b%d,c%d\n", i, i, i)
	}
	for i := range 200_000 {
		fmt.Fprintf(&one, "v%d => laptop\n", i)
		fmt.Fprintf(&chain, "v%d => v%d\n", i, i+1)
	}
	one.WriteString("laptop => v7\n")
	chain.WriteString("v200000 => v0\n")
	files["more than fits"], files["one right side"], files["a chain"] = more.Bytes(), one.Bytes(), chain.Bytes()
	for name, content := range files {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := synonym.Solr(bytes.NewReader(content), c); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(c)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes in all", name, used)
		if used > synonym.MaxMemory {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		full := false
		for _, f := range c.Findings.Findings() {
			full = full || f.Rule == "synonyms.not-compared" && strings.Contains(f.Message, "remembered")
		}
		if full != (name == "more than fits") {
			t.Errorf("%s: the table is said to be full: %v", name, full)
		}
	}
}
