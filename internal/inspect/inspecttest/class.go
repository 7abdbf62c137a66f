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

var classLine = regexp.MustCompile(`^(?:(abstract) )?(class|interface) (\S+?)(?: extends (\S+))?(?: implements (.+?))?(?: java (\d+))?$`)

// Class assembles a class file without methods from a line like
//
//	class org/example/P extends org/opensearch/plugins/Plugin implements a/B, a/C java 21
//
// Without extends it is java/lang/Object, without java it is 11.
func Class(line string) ([]byte, error) {
	m := classLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return nil, fmt.Errorf("%q describes no class", line)
	}
	super, release := "java/lang/Object", 11
	if m[4] != "" {
		super = m[4]
	}
	if m[6] != "" {
		release, _ = strconv.Atoi(m[6])
	}
	flags := uint16(0x0021) // public, super
	if m[2] == "interface" {
		flags = 0x0601
	} else if m[1] != "" {
		flags |= 0x0400
	}
	var names []string
	if m[5] != "" {
		for name := range strings.SplitSeq(m[5], ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	all := append([]string{m[3], super}, names...)
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.BigEndian, v) // a buffer takes everything
		}
	}
	put(uint32(0xCAFEBABE), uint16(0), uint16(44+release), uint16(2*len(all)+1)) //nolint:gosec // small numbers of a test
	for i, name := range all {
		put(uint8(1), uint16(len(name)), []byte(name)) //nolint:gosec // as above
		put(uint8(7), uint16(2*i+1))                   //nolint:gosec // as above
	}
	put(flags, uint16(2), uint16(4), uint16(len(names))) //nolint:gosec // as above
	for i := range names {
		put(uint16(2 * (i + 3))) //nolint:gosec // as above
	}
	put(uint16(0), uint16(0), uint16(0)) // fields, methods, attributes
	return b.Bytes(), nil
}
