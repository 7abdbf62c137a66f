package oracle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Case is a file, or the files of a folder, and how the filter that reads it is set.
type Case struct {
	Kind     string // "solr-synonyms": the names of searchpack.Kinds
	Analyzer string // of synonyms: whitespace, standard or keyword
	NoExpand bool
	Lenient  bool
	Files    []File
}

// File is one file; its name matters for kind hunspell only.
type File struct {
	Name    string
	Content []byte
}

// One is a case of a single file.
func One(kind string, content []byte) Case {
	return Case{Kind: kind, Files: []File{{Name: "F1", Content: content}}}
}

// Answer is what became of a case.
type Answer struct {
	// Causes are the exceptions that refused it, the outermost first; none: it was accepted. A cause
	// that the product only logs is among them.
	Causes   []Cause
	Meanings []Meaning
	Hung     bool // no answer came in time: neither accepted nor refused
}

// Cause is one exception.
type Cause struct {
	Class, Message string
	Offset         int // of a ParseException; else -1
}

// Meaning is one key and what it stands for. Flag, of synonyms: the key itself stays.
type Meaning struct {
	Key    string
	Flag   bool
	Values []string
}

// Accepted reports whether the product took the file.
func (a Answer) Accepted() bool { return len(a.Causes) == 0 && !a.Hung }

// Why is what the exceptions say, in one line.
func (a Answer) Why() string {
	if a.Hung {
		return "no answer came in time"
	}
	if a.Accepted() {
		return "accepted"
	}
	var said []string
	for _, c := range a.Causes {
		said = append(said, c.Class[strings.LastIndexByte(c.Class, '.')+1:]+": "+c.Message)
	}
	return strings.Join(said, "; ")
}

var namedLine = regexp.MustCompile(`^(?:Line \[(\d+)\]|Invalid synonym rule at line (\d+))`)

// Line is the line that the product names; 0: none.
func (a Answer) Line() int {
	for _, c := range a.Causes {
		if m := namedLine.FindStringSubmatch(c.Message); m != nil {
			n, err := strconv.Atoi(m[1] + m[2])
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// Offset is the place of the innermost ParseException that has one, for hunspell the line; else -1.
func (a Answer) Offset() int {
	at := -1
	for _, c := range a.Causes {
		if c.Offset >= 0 {
			at = c.Offset
		}
	}
	return at
}

// The protocol: numbers are 32 bits, big-endian; texts and bytes follow their length.

const (
	flagNoExpand = 1
	flagLenient  = 2
	// mostBytes bounds one text of an answer, mostItems one list: beyond it the stream is out of step.
	mostBytes = 64 << 20
	mostItems = 64 << 20
)

func (c Case) write(w *bufio.Writer) {
	putText(w, c.Kind)
	putText(w, c.Analyzer)
	flags := 0
	if c.NoExpand {
		flags |= flagNoExpand
	}
	if c.Lenient {
		flags |= flagLenient
	}
	putInt(w, flags)
	putInt(w, len(c.Files))
	for _, f := range c.Files {
		putText(w, f.Name)
		putText(w, string(f.Content))
	}
}

// bufio.Writer keeps the first error until Flush.
func putInt(w *bufio.Writer, n int) {
	_, _ = w.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) //nolint:gosec // lengths of what is in memory
}

func putText(w *bufio.Writer, s string) {
	putInt(w, len(s))
	_, _ = w.WriteString(s)
}

// decoder reads answers and keeps the first error.
type decoder struct {
	r   *bufio.Reader
	err error
}

var errOutOfStep = errors.New("the oracle's answer is no answer")

func (d *decoder) int() int {
	var b [4]byte
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b[:])
	}
	return int(int32(binary.BigEndian.Uint32(b[:]))) //nolint:gosec // signed on the other side too
}

func (d *decoder) count(most int) int {
	n := d.int()
	if d.err == nil && (n < 0 || n > most) {
		d.err = fmt.Errorf("%w: a count of %d", errOutOfStep, n)
	}
	if d.err != nil {
		return 0
	}
	return n
}

func (d *decoder) text() string {
	var b strings.Builder
	if n := d.count(mostBytes); d.err == nil {
		_, d.err = io.CopyN(&b, d.r, int64(n)) // grows with what comes, whatever was announced
	}
	return b.String()
}

func (d *decoder) answer() (Answer, error) {
	var a Answer
	for n := d.count(mostItems); n > 0 && d.err == nil; n-- {
		a.Causes = append(a.Causes, Cause{Class: d.text(), Message: d.text(), Offset: d.int()})
	}
	for n := d.count(mostItems); n > 0 && d.err == nil; n-- {
		m := Meaning{Key: d.text(), Flag: d.int() != 0}
		for n := d.count(mostItems); n > 0 && d.err == nil; n-- {
			m.Values = append(m.Values, d.text())
		}
		a.Meanings = append(a.Meanings, m)
	}
	return a, d.err
}
