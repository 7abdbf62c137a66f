package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

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
func (d *differential) compareMeaning(c oracle.Case, a oracle.Answer, v verdict) difference {
	theirs, ours := meanings{}, meanings{}
	switch d.kind {
	case searchpack.KindSynonyms, searchpack.KindWordNet:
		if c.Analyzer == "standard" {
			return difference{} // it takes terms apart: its map has other words than the file
		}
		for _, m := range a.Meanings {
			if m.Flag {
				theirs.stands(m.Key, m.Key)
			}
			for _, value := range m.Values {
				theirs.stands(m.Key, value)
			}
		}
		for _, e := range v.entries {
			ours.stands(e.key, e.value)
		}
	case searchpack.KindHyphen:
		return compareLetters(a, v)
	case searchpack.KindWords, searchpack.KindStemmer, searchpack.KindMapping, searchpack.KindTypeTable, searchpack.KindKuromoji, searchpack.KindNori:
		for _, m := range a.Meanings {
			theirs[m.Key] = strings.Join(m.Values, ",")
		}
		for _, e := range v.entries {
			d.mean(ours, e)
		}
		for key, value := range theirs {
			if d.ambiguous(key, value) && ours[key] != "" {
				delete(theirs, key)
				delete(ours, key)
			}
		}
	default:
		return difference{}
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		return difference{"another meaning", fmt.Sprintf("-the product +we:\n%s", cut(diff, 1000))}
	}
	return difference{}
}

// stands says that a synonym is mapped to another. Words are told apart at blanks and NULs, as the
// tokenizer and SynonymMap do; those that the tokenizer cuts are left out.
func (m meanings) stands(key, value string) {
	key, value = spaced(key), spaced(value)
	if key == "" || value == "" {
		return
	}
	values := map[string]bool{value: true}
	for had := range strings.SplitSeq(m[key], " | ") {
		values[had] = true
	}
	delete(values, "")
	m[key] = strings.Join(slices.Sorted(maps.Keys(values)), " | ")
}

// mostUnits is where tokenizers cut a word.
const mostUnits = 255

// spaced has one space between words; "" if one of them is cut.
func spaced(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool {
		return r == 0 || unicode.IsSpace(r) && r != 0xA0 && r != 0x85 && r != 0x2007 && r != 0x202F || 0x1C <= r && r <= 0x1F
	})
	for _, w := range words {
		if len(utf16.Encode([]rune(w))) >= mostUnits {
			return ""
		}
	}
	return strings.Join(words, " ")
}

// ambiguous reports what the two sides cannot write alike: half a surrogate pair; columns with quotes,
// commas and the NULs at which UserDictionary parts them.
func (d *differential) ambiguous(key, value string) bool {
	if d.kind == searchpack.KindKuromoji {
		return strings.ContainsAny(key+value, "\",\x00") && (strings.Count(value, ",") != 2 || strings.ContainsAny(key+value, "\"\x00") || strings.Contains(key, ","))
	}
	return strings.ContainsRune(key, utf8.RuneError)
}

// compareLetters compares, in order, the letters of classes, exceptions and patterns.
func compareLetters(a oracle.Answer, v verdict) difference {
	var theirs, ours []string
	for _, m := range a.Meanings {
		sort, key, _ := strings.Cut(m.Key, " ")
		if sort != "class" {
			theirs = append(theirs, key)
			continue
		}
		for _, u := range utf16.Encode([]rune(key)) {
			theirs = append(theirs, string(rune(u)))
		}
	}
	for _, e := range v.entries {
		ours = append(ours, e.key)
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
			segments := lengths(singleSpaces(fields[0]))
			if segments == "" {
				segments = "0"
			}
			m[e.key] = segments + "," + singleSpaces(fields[1]) + "," + fields[2]
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
