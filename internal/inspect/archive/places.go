package archive

import (
	"fmt"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// checkSizes holds what the directory says of sizes against the limits.
func (a *Archive) checkSizes(l Limits, size int64, out *rule.Tally) {
	for i := range a.headers {
		h := &a.headers[i]
		switch {
		case h.size > l.Unpacked-a.unpacked:
			allTooLarge.report(out, "", l.Unpacked)
			return
		case h.size > l.Entry:
			tooLarge.report(out, h.name, l.Entry)
			return
		}
		a.unpacked += h.size
	}
	if a.unpacked > freeRatio && a.unpacked/l.Ratio >= size {
		tooDense.report(out, "", a.unpacked, size)
	}
}

// checkPlaces looks for entries that overlap, and for bytes before the first one. Bytes between two
// of them are found when local headers are read, whose length is not known before.
func (a *Archive) checkPlaces(out *rule.Tally) {
	at := int64(0)
	for i := range a.headers {
		h := &a.headers[i]
		if h.offset < at {
			overlap.report(out, h.name)
			return
		}
		if i == 0 && h.offset > 0 {
			gap.report(out, "", h.offset, "before the first entry")
			return
		}
		at = h.offset + localLen + h.packed // at least
	}
	if at > a.end.offset {
		overlap.report(out, a.headers[len(a.headers)-1].name)
	}
	if len(a.headers) == 0 && a.end.offset > 0 {
		gap.report(out, "", a.end.offset, "before the directory")
	}
}

// local reads the local header at the source and compares it with the directory's.
func (h *header) local(s *source) error {
	b, err := s.take(localLen)
	if err != nil {
		return err
	}
	if b == nil || string(b[:4]) != localMark {
		return badHeader.fault(h.name, "is not where the directory says")
	}
	fixed := [localLen]byte(b) // b is valid until the next read
	n, x := int(le.Uint16(fixed[26:])), int(le.Uint16(fixed[28:]))
	name, err := s.take(n)
	if err != nil {
		return err
	}
	if differs := h.differs(fixed[:], name); differs != "" {
		return badHeader.fault(h.name, "has "+differs+" than the directory")
	}
	extra, err := s.take(x)
	if err != nil {
		return err
	}
	if extra == nil && x > 0 {
		return overlap.fault(h.name)
	}
	if f := faultyExtra(h.name, extra); f != nil {
		return f
	}
	return nil
}

// differs says in what a local header differs from the directory's; "" if in nothing that counts.
func (h *header) differs(b, name []byte) string {
	crc, packed, size := le.Uint32(b[14:]), int64(le.Uint32(b[18:])), int64(le.Uint32(b[22:]))
	switch later := h.flags&flagDescriptor != 0 && crc == 0 && packed == 0 && size == 0; {
	case name == nil && h.name != "" || string(name) != h.name:
		return "another name"
	case le.Uint16(b[6:]) != h.flags:
		return "other flags"
	case le.Uint16(b[8:]) != h.method:
		return "another method"
	case !later && (packed != h.packed || size != h.size):
		return "other sizes"
	case !later && crc != h.crc:
		return "another checksum"
	}
	return ""
}

// trailer reads the data descriptor behind the content, if there is one: it must fill the room up to
// the next entry, with its signature or without.
func (h *header) trailer(s *source) error {
	room := s.stop - s.at()
	if h.flags&flagDescriptor == 0 {
		if room != 0 {
			return gap.fault(h.name, room, "behind this entry")
		}
		return nil
	}
	if room != 12 && room != 16 {
		return badDescriptor.fault(h.name, fmt.Sprintf("it would have %d bytes", room))
	}
	b, err := s.take(int(room))
	if err != nil {
		return err
	}
	marked := string(b[:4]) == descriptorMark
	if marked != (room == 16) { // without a mark, and a checksum that looks like one: readers guess
		return badDescriptor.fault(h.name, "readers cannot tell where it begins")
	}
	if marked {
		b = b[4:]
	}
	if le.Uint32(b) != h.crc || int64(le.Uint32(b[4:])) != h.packed || int64(le.Uint32(b[8:])) != h.size {
		return badDescriptor.fault(h.name, "it says otherwise than the directory")
	}
	return nil
}
