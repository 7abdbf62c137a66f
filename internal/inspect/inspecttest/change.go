package inspecttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// change is one thing that no honest tool does to a zip.
type change struct {
	words string // for documents: with the entry's name and the value
	entry func(z *Raw, e *RawEntry, value string, number uint32)
	whole func(z *Raw, value string, number uint32) // instead of entry, for "*"
}

// changes are the verbs of Change.
var changes = map[string]change{
	"local-name": {words: "the local header of %s has the name %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) { e.Local.Name = v }},
	"local-size": {words: "the local header of %s has the size %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) { e.Local.Size = n }},
	"name": {words: "%s is written as %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) {
		for _, h := range e.Both() {
			h.Name = v
		}
	}},
	"unmarked": {words: "the name %s is not marked as UTF-8", entry: func(_ *Raw, e *RawEntry, _ string, _ uint32) {
		for _, h := range e.Both() {
			h.Flags &^= 1 << 11
		}
	}},
	"unicode-name": {words: "an extra field of %s has the second name %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) {
		e.Central.Extra = UnicodePath(e.Central.Name, v)
	}},
	"extra": {words: "%s has an extra field of the kind %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) {
		for _, h := range e.Both() {
			h.Extra = ExtraField(uint16(n), []byte("text")) //nolint:gosec // of a test
		}
	}},
	"flags": {words: "%s has the flags %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) {
		for _, h := range e.Both() {
			h.Flags = uint16(n) //nolint:gosec // of a test
		}
	}},
	"method": {words: "%s is packed by the method %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) {
		for _, h := range e.Both() {
			h.Method = uint16(n) //nolint:gosec // of a test
		}
	}},
	"mode":    {words: "%s has the Unix mode %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) { e.Attributes = n << 16 }},
	"comment": {words: "%s has the comment %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) { e.Comment = v }},
	"before":  {words: "before %s stands %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) { e.Before = []byte(v) }},
	"checksum": {words: "the checksum of %s is %s", entry: func(_ *Raw, e *RawEntry, _ string, n uint32) {
		for _, h := range e.Both() {
			h.CRC = n
		}
	}},
	"descriptor": {words: "the data descriptor of %s is %s", entry: func(_ *Raw, e *RawEntry, v string, _ uint32) {
		e.Describe(v != "unsigned")
		if v == "wrong" {
			e.Descriptor[len(e.Descriptor)-1] ^= 1
		}
	}},
	"again": {words: "the directory names the content of %s again as %s", entry: func(z *Raw, e *RawEntry, v string, _ uint32) {
		second := *e
		second.Shared, second.Central.Name = true, v
		z.Entries = slices.Insert(z.Entries, slices.Index(z.Entries, e)+1, &second)
	}},
	"archive-comment": {words: "the zip has the comment %s", whole: func(z *Raw, v string, _ uint32) { z.Comment = v }},
	"suffix":          {words: "behind the zip stands %s", whole: func(z *Raw, v string, _ uint32) { z.Suffix = []byte(v) }},
	"disk":            {words: "the zip says that it is part %s", whole: func(z *Raw, _ string, n uint32) { z.Disk = uint16(n) }}, //nolint:gosec // of a test
	"claims":          {words: "the end record counts %s files more", whole: func(z *Raw, _ string, n uint32) { z.Extra = int(n) }},
	"empty-files": {words: "there are %s more files", whole: func(z *Raw, _ string, n uint32) {
		for i := range n {
			z.Entries = append(z.Entries, NewRawEntry(fmt.Sprint("f", i), nil))
		}
	}},
}

// Change does to the zip what a line like "a.txt local-name b.txt" says, or "* suffix text" for the
// whole of it, and returns it in words. A value may be quoted as in Go..
func (z *Raw) Change(line string) (words string, err error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	verb, value, _ := strings.Cut(rest, " ")
	c, ok := changes[verb]
	if !ok || (name == "*") != (c.whole != nil) {
		return "", fmt.Errorf("%q is no change of a zip", line)
	}
	shown := []any{"`" + name + "`", value}
	if name == "*" {
		shown = shown[1:]
	}
	if unquoted, err := strconv.Unquote(value); err == nil {
		value = unquoted
	}
	number, _ := strconv.ParseUint(value, 0, 32) // of verbs that take one
	words = fmt.Sprintf(c.words, shown[:strings.Count(c.words, "%s")]...)
	if name == "*" {
		c.whole(z, value, uint32(number)) //nolint:gosec // 32 bits
		return words, nil
	}
	i := slices.IndexFunc(z.Entries, func(e *RawEntry) bool { return e.Central.Name == name })
	if i < 0 {
		return "", fmt.Errorf("%q: the zip has no %s", line, name)
	}
	c.entry(z, z.Entries[i], value, uint32(number)) //nolint:gosec // 32 bits
	return words, nil
}
