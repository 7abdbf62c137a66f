// Package inspecttest makes the files that tests of the inspection and examples of its rules are
// about: zips and jars from a list of texts, and class files from one line each. Only tests use it.
package inspecttest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var classLine = regexp.MustCompile(`^(?:(abstract|hidden) )?(class|interface|module) (\S+?)(?: extends (\S+))?(?: implements (.+?))?(?: new (.+?))?(?: says (.+?))?(?: java (\d+))?$`)

// Class assembles a class file without code from a line like
//
//	class org/example/P extends org/opensearch/plugins/Plugin implements a/B, a/C new (La/D;)V, private ()V says tag, my.key java 21
//
// Without extends it is java/lang/Object, without new it is one public constructor without parameters
// ("new none": there is no constructor), without java it is 11. A hidden class is not public.
// What it says are constant strings; "\1" in them is the character of that code.
// "module module-info" is a module's description. In front of all, "cut " takes the last byte away and
// "broken " changes the first.
func Class(line string) ([]byte, error) {
	if rest, cut := strings.CutPrefix(line, "cut "); cut {
		b, err := Class(rest)
		return b[:max(len(b)-1, 0)], err
	}
	if rest, broken := strings.CutPrefix(line, "broken "); broken {
		b, err := Class(rest)
		if err == nil {
			b[0] = 0
		}
		return b, err
	}
	m := classLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return nil, fmt.Errorf("%q describes no class", line)
	}
	super, release := "java/lang/Object", 11
	if m[4] != "" {
		super = m[4]
	}
	if m[8] != "" {
		release, _ = strconv.Atoi(m[8])
	}
	flags := uint16(0x0021) // public, super
	switch {
	case m[2] == "module":
		flags, super = 0x8000, ""
	case m[2] == "interface":
		flags = 0x0601
	case m[1] == "abstract":
		flags |= 0x0400
	case m[1] == "hidden":
		flags &^= 0x0001
	}
	var f classFile
	for _, s := range list(m[7]) {
		f.constant(8, strings.ReplaceAll(s, `\1`, "\x01"))
	}
	f.put(flags, f.class(m[3]), f.class(super))
	interfaces := list(m[5])
	f.put(uint16(len(interfaces))) //nolint:gosec // small numbers of a test
	for _, name := range interfaces {
		f.put(f.class(name))
	}
	constructors := list(m[6])
	switch {
	case m[6] == "none" || flags&0x8200 != 0: // modules and interfaces have none
		constructors = nil
	case m[6] == "":
		constructors = []string{"()V"}
	}
	f.put(uint16(0), uint16(len(constructors))) //nolint:gosec // as above
	for _, c := range constructors {
		access := uint16(0x0001)
		if descriptor, private := strings.CutPrefix(c, "private "); private {
			c, access = descriptor, 0x0002
		}
		f.put(access, f.text("<init>"), f.text(c), uint16(0))
	}
	f.put(uint16(0)) // attributes

	var head bytes.Buffer
	for _, v := range []any{uint32(0xCAFEBABE), uint16(0), uint16(44 + release), f.constants + 1} { //nolint:gosec // as above
		_ = binary.Write(&head, binary.BigEndian, v) // a buffer takes everything
	}
	return append(append(head.Bytes(), f.pool.Bytes()...), f.body.Bytes()...), nil
}

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// classFile is a class file that is being assembled: its constants, and what comes behind them.
type classFile struct {
	pool, body bytes.Buffer
	constants  uint16
}

func (f *classFile) put(values ...uint16) {
	for _, v := range values {
		_ = binary.Write(&f.body, binary.BigEndian, v) // a buffer takes everything
	}
}

// text adds a constant of the kind Utf8 and returns its number.
func (f *classFile) text(s string) uint16 {
	f.pool.WriteByte(1)
	_ = binary.Write(&f.pool, binary.BigEndian, uint16(len(s))) //nolint:gosec // a short text of a test
	f.pool.WriteString(s)
	f.constants++
	return f.constants
}

// class adds a constant of the kind Class and returns its number; 0 for none.
func (f *classFile) class(name string) uint16 {
	if name == "" {
		return 0
	}
	return f.constant(7, name)
}

// constant adds one that has a text: of the kind Class, 7, or String, 8.
func (f *classFile) constant(tag byte, s string) uint16 {
	text := f.text(s)
	f.pool.WriteByte(tag)
	_ = binary.Write(&f.pool, binary.BigEndian, text) // as above
	f.constants++
	return f.constants
}
