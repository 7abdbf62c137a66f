// Package diff says what differs between two versions of a package, by meaning rather than by line:
// which keys of a dictionary (left sides of rules, words) were added, removed, or stand for something
// else now. It reads through the kinds' own readers (internal/inspect), so moving lines or writing a
// group of synonyms otherwise is no difference. It is pure and streams: what is in memory is a table
// of numbers and the texts that are shown, however large the files are.
package diff

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// Bounds of what is shown; counts are exact without them.
const (
	MaxShown  = 300  // changes of each sort
	MaxValues = 10   // of a key, before and after
	maxText   = 1000 // bytes of a key or value
)

// Way is how two versions were compared.
type Way string

// The ways.
const (
	ByMeaning Way = "meaning" // keys and what they stand for
	ByLine    Way = "lines"   // the kind, or what its reader tells, allows no better
	ByFile    Way = "files"   // paths and digests of what was unpacked
	ByBytes   Way = "bytes"   // only that they are, or are not, the same
)

// Sort is what happened to a key.
type Sort string

// The sorts.
const (
	Added   Sort = "added"
	Removed Sort = "removed"
	Changed Sort = "changed"
)

// Change is one key that differs.
type Change struct {
	Sort Sort
	Key  string
	// Old and New are what it stood and stands for, the first MaxValues of OldCount and NewCount; empty
	// where keys stand for nothing but themselves.
	Old, New           []string
	OldCount, NewCount int
	// OldLine and NewLine are where the key first stands; 0: not there, or no lines.
	OldLine, NewLine int64
}

// Result is what differs. The counts are of keys, exact; Changes are the first MaxShown of each sort,
// in the order of the file.
type Result struct {
	Way                           Way
	Note                          string // what else must be said: why the way is not by meaning
	Added, Removed, Changed, Same int
	Changes                       []Change
	// Descriptor are the properties of a plugin that differ.
	Descriptor []Change
}

// Identical is the result of two versions with the same bytes.
func Identical() Result {
	return Result{Way: ByBytes, Note: "both versions have the same bytes"}
}

// Version is one of the two.
type Version struct {
	Bytes io.ReadSeeker
	Kind  searchpack.Kind
}

// Dictionaries compares two dictionaries of one file each. The options are those of the inspection;
// what they declare or have learnt does not count. The error is a reader's.
func Dictionaries(from, to Version, o inspect.Options) (Result, error) {
	return compare(from, to, func(kind searchpack.Kind) reading {
		o.Declared, o.Learnt = kind, ""
		return func(r io.Reader, entry func(dict.Entry)) error {
			o.Entry = entry
			_, err := inspect.Dictionary(r, o)
			return err
		}
	})
}

// reading calls entry for each meaning of a file.
type reading func(r io.Reader, entry func(dict.Entry)) error

// compare chooses the way. readerOf is of kinds that are known.
func compare(from, to Version, readerOf func(searchpack.Kind) reading) (Result, error) {
	if from.Kind == searchpack.KindOpaque || to.Kind == searchpack.KindOpaque {
		return Result{Way: ByBytes, Note: "the bytes differ; opaque files are not looked into"}, nil
	}
	var note string
	switch {
	case from.Kind != to.Kind:
		note = fmt.Sprintf("the kinds differ (%s, %s): compared line by line", named(from.Kind), named(to.Kind))
	case from.Kind == searchpack.KindUnknown:
		note = "the kind is not known: compared line by line"
	default:
		t := newTables(from.Bytes, to.Bytes, readerOf(from.Kind))
		res, err := t.run()
		if err != nil || t.entries > 0 {
			res.Way = ByMeaning
			if res.Added+res.Removed+res.Changed == 0 {
				res.Note = "the bytes differ, what they mean does not"
			}
			return res, err
		}
		note = "files of the kind " + string(from.Kind) + " are compared line by line"
	}
	for _, v := range []Version{from, to} {
		if binary, err := isBinary(v.Bytes); binary || err != nil {
			return Result{Way: ByBytes, Note: "the bytes differ; binary files are not looked into"}, err
		}
	}
	res, err := newTables(from.Bytes, to.Bytes, readLines).run()
	res.Way, res.Note = ByLine, note
	return res, err
}

func named(k searchpack.Kind) string {
	if k == searchpack.KindUnknown {
		return "not known"
	}
	return string(k)
}

// sniffed is how much of a file is looked at to tell text from other bytes.
const sniffed = 64 << 10

// isBinary reports NULs in what is no UTF-8.
func isBinary(r io.ReadSeeker) (bool, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	head := make([]byte, sniffed)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head = head[:n]
	if n == sniffed { // a character may be cut
		head = head[:bytes.LastIndexAny(head, "\r\n")+1]
	}
	return bytes.IndexByte(head, 0) >= 0 && !utf8.Valid(head), nil
}

// Witnesses are up to limit texts that the two versions treat differently: keys of every sort of
// change in turn, fit to be analyzed and printed.
func (r Result) Witnesses(limit int) []string {
	if r.Way != ByMeaning {
		return nil
	}
	bySort := map[Sort][]string{}
	for _, c := range r.Changes {
		if witness(c.Key) {
			bySort[c.Sort] = append(bySort[c.Sort], c.Key)
		}
	}
	var out []string
	for i := 0; len(out) < limit; i++ {
		before := len(out)
		for _, s := range []Sort{Changed, Added, Removed} {
			if i < len(bySort[s]) && len(out) < limit {
				out = append(out, bySort[s][i])
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}

// maxWitness is how long a witness may be, in characters: longer ones are cut by most tokenizers.
const maxWitness = 255

func witness(key string) bool {
	return strings.TrimSpace(key) != "" && len(key) < maxText && utf8.ValidString(key) &&
		utf8.RuneCountInString(key) <= maxWitness && strings.IndexFunc(key, unicode.IsControl) < 0
}

// order sorts changes by where they stand, those that are gone by where they stood.
func order(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(cmp.Or(a.NewLine, a.OldLine), cmp.Or(b.NewLine, b.OldLine)),
			cmp.Compare(b.Sort, a.Sort), // what is gone before what came
			cmp.Compare(a.Key, b.Key),
		)
	})
}
