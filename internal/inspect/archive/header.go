package archive

import (
	"fmt"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	centralLen = 46
	localLen   = 30
)

// Methods of packing.
const (
	stored   = 0
	deflated = 8
)

// Flags of an entry.
const (
	flagEncrypted  = 1 << 0
	flagLevel      = 1<<1 | 1<<2 // how hard deflate tried
	flagDescriptor = 1 << 3      // sizes and checksum stand behind the content
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13 // the directory is encrypted
)

// header is what the directory says of an entry.
type header struct {
	name          string // as it stands there
	flags, method uint16
	crc           uint32
	packed, size  int64 // bytes
	offset        int64 // of the local header
	attributes    uint32
}

func (h *header) dir() bool    { return strings.HasSuffix(h.name, "/") }
func (h *header) path() string { return strings.TrimSuffix(h.name, "/") }

func (h *header) entry(at int) Entry {
	e := Entry{Path: h.path(), Dir: h.dir(), Size: h.size, Mode: 0o644, at: at}
	if e.Dir || h.attributes>>16&0o100 != 0 {
		e.Mode = 0o755
	}
	return e
}

// list reads the directory. A directory that cannot be followed is a fault; what is wrong with single
// entries goes to out.
func (a *Archive) list(b []byte, l Limits, out *rule.Tally) error {
	for len(b) > 0 {
		h, extra, note, rest, err := central(b)
		if err != nil {
			return err
		}
		b = rest
		if len(a.headers) == a.end.entries {
			return unreadable.fault("", "its directory has more entries than its end record says")
		}
		h.check(out)
		checkExtra(h, extra, out)
		if note > 0 {
			commented.report(out, h.name)
		}
		a.headers = append(a.headers, *h)
	}
	if len(a.headers) < a.end.entries {
		return unreadable.fault("", "its directory has fewer entries than its end record says")
	}
	return nil
}

// central reads one entry of a directory, with its extra fields and how long its comment is.
func central(b []byte) (h *header, extra []byte, note int, rest []byte, err error) {
	if len(b) < centralLen || string(b[:4]) != centralMark {
		return nil, nil, 0, nil, unreadable.fault("", "its directory is damaged")
	}
	n, x, c := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	if len(b) < centralLen+n+x+c {
		return nil, nil, 0, nil, unreadable.fault("", "its directory is damaged")
	}
	h = &header{
		name: string(b[centralLen : centralLen+n]), flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])), size: int64(le.Uint32(b[24:])), offset: int64(le.Uint32(b[42:])), attributes: le.Uint32(b[38:]),
	}
	if le.Uint16(b[34:]) != 0 {
		return nil, nil, 0, nil, split.fault("")
	}
	return h, b[centralLen+n : centralLen+n+x], c, b[centralLen+n+x+c:], nil
}

// check looks at what the directory says of one entry, its name and place apart.
func (h *header) check(out *rule.Tally) {
	const known = flagLevel | flagDescriptor | flagUTF8
	switch {
	case h.flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		encrypted.report(out, h.name)
	case h.flags&^known != 0:
		badMethod.report(out, h.name, fmt.Sprintf("has the flags 0x%04x", h.flags))
	case h.method != stored && h.method != deflated:
		badMethod.report(out, h.name, fmt.Sprintf("is packed by method %d", h.method))
	case h.packed == 0xffffffff || h.size == 0xffffffff || h.offset == 0xffffffff:
		zip64.report(out, h.name)
	case h.method == stored && h.packed != h.size:
		badContent.report(out, h.name, "its packed and unpacked sizes differ though it is not packed")
	case h.method == stored && h.flags&flagDescriptor != 0:
		badDescriptor.report(out, h.name, "it is not packed, and readers of streams cannot know where it ends")
	case h.dir() && h.size > 0:
		badContent.report(out, h.name, "it is a folder and has content")
	}
	if special(h) {
		link.report(out, h.name)
	}
}

// Attributes of an entry: those of MS-DOS, and those of Unix in the upper half.
const (
	dosVolume, dosFolder, dosDevice, dosReparse = 1 << 3, 1 << 4, 1 << 6, 1 << 10

	unixType, unixFile, unixFolder = 0o170000, 0o100000, 0o040000
	unixUnset                      = 0xffff // -1: what Plexus, Maven's archiver, writes of some folders
)

// special reports whether some tool takes the entry for something else than a file or a folder, or
// for the other one of the two. Whose attributes they are is not asked: tools differ in that.
func special(h *header) bool {
	kind := h.attributes >> 16 & unixType
	if h.attributes&(dosVolume|dosDevice|dosReparse) != 0 {
		return true
	}
	if h.dir() {
		return kind != 0 && kind != unixFolder && h.attributes>>16 != unixUnset
	}
	return kind != 0 && kind != unixFile || h.attributes&dosFolder != 0
}
