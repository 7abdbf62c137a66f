package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

var le = binary.LittleEndian

const (
	endLen     = 22
	locatorLen = 20 // of zip64's end
	// maxComment is how far before the end of a zip the end record may stand.
	maxComment = 1<<16 - 1
)

const (
	endMark        = "PK\x05\x06"
	locatorMark    = "PK\x06\x07"
	centralMark    = "PK\x01\x02"
	localMark      = "PK\x03\x04"
	descriptorMark = "PK\x07\x08"
)

// end is what the end record of a zip says.
type end struct {
	entries      int
	size, offset int64 // of the directory, in bytes
}

// readAt fills p. A zip that is shorter than its size is a fault of the reader.
func readAt(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read the archive: %w", err)
	}
	return nil
}

// findEnd reads the end record, which must be the last bytes of the file: a reader that looks for it
// from behind then finds no other one.
func findEnd(r io.ReaderAt, size int64, l Limits) (end, error) {
	tail := make([]byte, min(size, endLen+locatorLen+maxComment))
	if err := readAt(r, tail, size-int64(len(tail))); err != nil {
		return end{}, err
	}
	at := len(tail) - endLen
	if at < 0 || string(tail[at:at+4]) != endMark || le.Uint16(tail[at+20:]) != 0 {
		return end{}, misplacedEnd(tail, at)
	}
	b := tail[at:]
	e := end{entries: int(le.Uint16(b[10:])), size: int64(le.Uint32(b[12:])), offset: int64(le.Uint32(b[16:]))}
	located := at >= locatorLen && string(tail[at-locatorLen:at-locatorLen+4]) == locatorMark
	if located || e.entries == 0xffff || e.size == 0xffffffff || e.offset == 0xffffffff {
		return end{}, zip64.fault("")
	}
	if disk, first, here := le.Uint16(b[4:]), le.Uint16(b[6:]), le.Uint16(b[8:]); disk != 0 || first != 0 || int(here) != e.entries {
		return end{}, split.fault("")
	}
	switch between := size - endLen - e.offset - e.size; {
	case between < 0:
		return end{}, unreadable.fault("", "its directory is said to lie behind its end")
	case between > 0:
		return end{}, gap.fault("", between, "before the end record")
	case e.entries > l.Entries || e.size > l.directory():
		return end{}, tooMany.fault("", l.Entries)
	}
	return e, nil
}

// misplacedEnd says why there is no end record at that place of the tail, where it must be.
func misplacedEnd(tail []byte, at int) *Fault {
	found := bytes.LastIndex(tail, []byte(endMark))
	switch {
	case found < 0 || found > at:
		return unreadable.fault("", "its end record is missing")
	case found == at || found+endLen+int(le.Uint16(tail[found+20:])) == len(tail):
		return commented.fault("")
	}
	return trailing.fault("", len(tail)-found-endLen)
}
