package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/oracle"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/hunspell"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// analyzerNamed is the analyzer of that name; nil: none was named.
func analyzerNamed(name string) dict.Analyzer {
	if name == "" {
		return nil
	}
	return analyzer.Named(name)
}

// read inspects the case.
func read(c oracle.Case, o inspect.Options) (inspect.Result, error) {
	if o.Declared != searchpack.KindHunspell {
		return inspect.Dictionary(bytes.NewReader(c.Files[0].Content), o)
	}
	// As inspect.Folder does, without the zip.
	const dir = hunspell.Dir + "/xx_XX/"
	files := map[string][]byte{}
	for _, f := range c.Files {
		files[dir+f.Name] = f.Content
	}
	var out rule.Tally
	folder := hunspell.Layout(slices.Collect(maps.Keys(files)), &out)
	config := &dict.Config{Findings: &out, OpenSearch: o.OpenSearch}
	open := func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files[name])), nil }
	if folder != nil {
		for _, l := range folder.Locales {
			if err := hunspell.Read(l, open, config); err != nil {
				return inspect.Result{}, err
			}
		}
	}
	return inspect.Result{Kind: o.Declared, Findings: out.Findings(), ErrorCount: out.Errors(), FindingCount: out.Count()}, nil
}

// meanings are, by key, what it stands for, written so that both sides write the same.
type meanings map[string]string

// compareMeaning compares what an accepted file means.
func (d *differential) compareMeaning(_ oracle.Case, a oracle.Answer, v verdict) difference {
	theirs, ours := meanings{}, meanings{}
	switch d.kind {
	case searchpack.KindWords, searchpack.KindStemmer, searchpack.KindMapping, searchpack.KindTypeTable, searchpack.KindKuromoji, searchpack.KindNori:
		for _, m := range a.Meanings {
			theirs[m.Key] = strings.Join(m.Values, ",")
		}
		for _, e := range v.entries {
			d.mean(ours, e)
		}
	default:
		return difference{}
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		return difference{"another meaning", fmt.Sprintf("-the product +we:\n%s", cut(diff, 1000))}
	}
	return difference{}
}

// typeBytes are WordDelimiterIterator's.
var typeBytes = map[string]string{"LOWER": "1", "UPPER": "2", "ALPHA": "3", "DIGIT": "4", "ALPHANUM": "7", "SUBWORD_DELIM": "8"}

// mean takes an entry of ours as the product takes it: of several for one key it takes the first, of
// a type table the last.
func (d *differential) mean(m meanings, e entry) {
	_, known := m[e.key]
	switch d.kind {
	case searchpack.KindTypeTable:
		m[e.key] = typeBytes[e.value]
	case searchpack.KindKuromoji:
		if fields := strings.Split(e.value, ","); len(fields) >= 3 && !known {
			m[e.key] = lengths(singleSpaces(fields[0])) + "," + singleSpaces(fields[1]) + "," + fields[2]
		}
	case searchpack.KindNori:
		if !known {
			m[e.key] = lengths(e.value)
		}
	default:
		if !known {
			m[e.key] = e.value
		}
	}
}

// lengths are those of the words between spaces, in UTF-16 units.
func lengths(s string) string {
	if s == "" {
		return ""
	}
	var out []string
	for w := range strings.SplitSeq(s, " ") {
		out = append(out, strconv.Itoa(len(utf16.Encode([]rune(w)))))
	}
	return strings.Join(out, " ")
}

func singleSpaces(s string) string {
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return strings.TrimRight(s, " ")
}
