package e2e

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/oracle"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

var (
	oracleSeed  = flag.Uint64("oracle-seed", 0, "seed of the generated dictionaries; 0 = another one each day")
	oracleCases = flag.Int("oracle-cases", 0, "generated dictionaries of each kind; 0 = as many as the kind's share of the time allows")
)

// generated is how many cases of a kind are made: most kinds cost the product some 50 µs each, XML a
// few times that, a Hunspell dictionary, which is sorted on disk, milliseconds.
func generated(kind searchpack.Kind) int {
	switch {
	case *oracleCases > 0:
		return *oracleCases
	case kind == searchpack.KindHunspell:
		return 3_000
	}
	return 10_000
}

// TestDictionaries holds the readers of dictionaries against the product's own: what is refused, at
// which line, and what is understood. Hand-made cases and generated ones go through both.
func TestDictionaries(t *testing.T) {
	needsJVM(t)
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().Unix() / 86400) //nolint:gosec // a day
	}
	t.Logf("seed %d (again: go test ./e2e -run TestDictionaries -args -oracle-seed %d)", seed, seed)
	for _, version := range distro.Offered() {
		t.Run(version, func(t *testing.T) {
			o, err := oracle.Open(t.Context(), version, distro.Options{Log: func(s string) { t.Log(s) }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, kind := range searchpack.Kinds {
				if kind == searchpack.KindOpaque {
					continue // nobody reads it
				}
				d := newDifferential(t, o, version, kind)
				t.Run(string(kind), func(t *testing.T) {
					d.run(t, "hand-made", handMade(t, kind))
					if cases := published(t, o, kind); len(cases) > 0 {
						d.run(t, "real", cases)
					}
					d.run(t, "generated", newGenerator(kind, seed).cases(generated(kind)))
				})
			}
		})
	}
}

// differential compares one kind on one version.
type differential struct {
	o       *oracle.Oracle
	version target.Version
	kind    searchpack.Kind
}

func newDifferential(t *testing.T, o *oracle.Oracle, version string, kind searchpack.Kind) *differential {
	t.Helper()
	v, err := target.Parse(version)
	if err != nil {
		t.Fatal(err)
	}
	return &differential{o: o, version: v, kind: kind}
}

const (
	// mostShown is how many differences of one sort are shown in full, mostSorts how many sorts: making
	// them small takes time.
	mostShown = 2
	mostSorts = 8
)

// run asks about the cases and reports each sort of difference. The product answers some cases while
// we look at those before.
func (d *differential) run(t *testing.T, what string, cases []oracle.Case) {
	t.Helper()
	type batch struct {
		cases   []oracle.Case
		answers []oracle.Answer
		err     error
	}
	batches := make(chan batch, len(cases)/perBatch+1)
	go func() {
		defer close(batches)
		for part := range slices.Chunk(cases, perBatch) {
			answers, err := d.o.Ask(t.Context(), part)
			batches <- batch{part, answers, err}
			if err != nil {
				return
			}
		}
	}()
	refused, count, examples := 0, map[string]int{}, []example{}
	for b := range batches {
		if b.err != nil {
			t.Fatal(b.err)
		}
		for i, a := range b.answers {
			if !a.Accepted() {
				refused++
			}
			diff := d.compare(t, b.cases[i], a)
			if diff == (difference{}) {
				continue
			}
			if count[diff.sort]++; count[diff.sort] <= mostShown && len(count) <= mostSorts {
				examples = append(examples, example{b.cases[i], diff})
			}
		}
	}
	for _, x := range examples {
		small, diff := d.shrink(t, x.c, x.diff)
		t.Errorf("%s, %s on %s: %s\n\tadd to %s/%s.cases: %s", d.kind, what, d.version, diff, oracleDir, d.kind, cut(written(small), 1000))
	}
	for sort, n := range count {
		t.Errorf("%s, %s on %s: %d differences: %s", d.kind, what, d.version, n, sort)
	}
	t.Logf("%s: %d %s cases, %d refused", d.kind, len(cases), what, refused)
}

// perBatch is how many cases are asked about at a time.
const perBatch = 500

// example is a case with a difference, to be made smaller.
type example struct {
	c    oracle.Case
	diff difference
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s ... (%d bytes)", s[:most], len(s))
}

// difference between the product and us: of which sort, and in words.
type difference struct{ sort, detail string }

func (d difference) String() string { return d.sort + ": " + d.detail }

// verdict is what internal/inspect says of a case.
type verdict struct {
	result  inspect.Result
	entries []entry
}

type entry struct{ key, value string }

// inspected reads the case as the product's filter would be set.
func (d *differential) inspected(t *testing.T, c oracle.Case) verdict {
	t.Helper()
	var v verdict
	o := inspect.Options{
		Declared: d.kind, OpenSearch: d.version, NoExpand: c.NoExpand, Lenient: c.Lenient, Analyzer: analyzerNamed(c.Analyzer),
		Entry: func(e dict.Entry) { v.entries = append(v.entries, entry{string(e.Key), string(e.Value)}) },
	}
	var err error
	if v.result, err = read(c, o); err != nil {
		t.Fatalf("%s: %v", written(c), err)
	}
	return v
}

// first is the first finding of the severity; nil: none.
func first(r inspect.Result, s searchpack.Severity) *searchpack.Finding {
	i := slices.IndexFunc(r.Findings, func(f searchpack.Finding) bool { return f.Severity == s })
	if i < 0 {
		return nil
	}
	return &r.Findings[i]
}

func (d *differential) compare(t *testing.T, c oracle.Case, a oracle.Answer) difference {
	t.Helper()
	v := d.inspected(t, c)
	if slices.ContainsFunc(v.result.Findings, func(f searchpack.Finding) bool { return unread[f.Rule] }) {
		return difference{} // XML 1.1, JSON that is not strict: the finding says that we looked no further
	}
	fault := first(v.result, searchpack.SeverityError)
	mostly := first(v.result, searchpack.SeverityMostly)
	rules := func(f *searchpack.Finding) string {
		if f == nil {
			return "accepted"
		}
		return fmt.Sprintf("%s at line %d, counted %d", f.Rule, f.Line, counted(f))
	}
	switch {
	case a.Hung:
		return difference{"the product hangs", ""}
	case fault != nil && a.Accepted():
		return difference{"only we refuse, " + fault.Rule, rules(fault)}
	case fault == nil && mostly != nil && a.Accepted() && c.Analyzer == "standard":
		return difference{"only we refuse with the standard tokenizer, " + mostly.Rule, rules(mostly)}
	case fault == nil && mostly == nil && !a.Accepted():
		return difference{"only the product refuses, " + generalized(a.Causes[len(a.Causes)-1]), a.Why()}
	}
	if a.Accepted() {
		return d.compareMeaning(c, a, v)
	}
	if fault == nil {
		fault = mostly
	}
	return d.compareLine(a, v, fault)
}

// unread are rules that say of a file that it was not looked at.
var unread = map[string]bool{"hyphenation.unread": true, "hunspell.settings-unread": true}

// unnumbered are rules about what the product refuses after it has read all lines, so that its message
// names none, whatever other mistakes stand behind.
var unnumbered = map[string]bool{
	"mapping.duplicate": true, "mapping.nothing": true, "stemmer-override.long-word": true, "nori.long": true,
	"kuromoji.columns": true, "kuromoji.readings": true, "kuromoji.segments": true, "synonyms.long-term": true,
}

// compareLine compares the line that the product names with the first of ours that it could name.
func (d *differential) compareLine(a oracle.Answer, v verdict, fault *searchpack.Finding) difference {
	n := a.Line()
	if n == 0 {
		return difference{}
	}
	i := slices.IndexFunc(v.result.Findings, func(f searchpack.Finding) bool {
		return f.Severity == fault.Severity && !unnumbered[f.Rule]
	})
	if i < 0 {
		return difference{"only the product names a line, " + fault.Rule, a.Why()}
	}
	if f := v.result.Findings[i]; n != counted(&f) {
		return difference{"another line, " + f.Rule, fmt.Sprintf("the product names line %d (%s), we line %d, counted %d", n, a.Why(), f.Line, counted(&f))}
	}
	return difference{}
}

// counted is the line as the product counts.
func counted(f *searchpack.Finding) int {
	if f.OpenSearchLine > 0 {
		return f.OpenSearchLine
	}
	return f.Line
}

// generalized is the exception without what it says of the case at hand.
func generalized(c oracle.Cause) string {
	words := strings.Fields(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'n'
		}
		return r
	}, c.Message))
	return c.Class + ": " + strings.Join(words[:min(len(words), 2)], " ")
}
