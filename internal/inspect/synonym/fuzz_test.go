package synonym_test

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// FuzzSynonyms: no bytes make a reader panic, findings are within the file, and how the stream is
// chopped changes nothing. Seeds of hashes differ, so equal findings also mean that none depends on
// them.
func FuzzSynonyms(f *testing.F) {
	for _, s := range []string{
		"", "a, b\nc => d\nb,a\n", "a => b => c", "a=>b\nb=>a", "---, foo", "A, a\u00ad, \n  # x", "\xff\xfea\x00", "\ufeff# x\r\ny\\", "a\\=>b,\\ ,c=>\x00",
		"s(100000001,1,'a',n,1,0).\ns(100000001,2,'b''',n,1,0).\n", "s(1,1,'', n", "😀😀😀😀😀😀'x'", "\n",
	} {
		f.Add([]byte(s), byte(0))
		f.Add([]byte(s), byte(7))
	}
	f.Fuzz(func(t *testing.T, content []byte, how byte) {
		read := synonym.Solr
		if how&1 != 0 {
			read = synonym.WordNet
		}
		run := func(chopped bool) ([]searchpack.Finding, int, int64) {
			c := &dict.Config{Findings: &rule.Tally{}, NoExpand: how&2 != 0, Lenient: how&4 != 0, Entry: func(e dict.Entry) {
				if len(e.Key) == 0 || len(e.Value) == 0 || e.Line < 1 {
					t.Errorf("entry %+v", e)
				}
			}}
			if how&8 != 0 {
				c.Analyzer = inspecttest.Analyzer("letters")
			}
			r := iotest.OneByteReader(bytes.NewReader(content))
			if !chopped {
				r = bytes.NewReader(content)
			}
			n, err := read(r, c)
			if err != nil {
				t.Fatal(err)
			}
			return c.Findings.Findings(), c.Findings.Count(), n
		}
		whole, count, n := run(false)
		for _, f := range whole {
			if f.Message == "" || f.Remedy == "" || f.Line < 0 || int64(f.Line) > n || f.Column < 0 {
				t.Errorf("odd finding %+v in %d lines", f, n)
			}
		}
		chopped, again, _ := run(true)
		if diff := cmp.Diff(whole, chopped); diff != "" || count != again {
			t.Errorf("%d and %d findings (-whole +one byte at a time):\n%s", count, again, diff)
		}
	})
}
