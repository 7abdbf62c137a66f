package archive

import (
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
)

// content reads what is in one entry, and proves at its end that it is what the archive says.
type content struct {
	s      *source
	h      *header
	next   int64 // where the entry ends
	from   io.Reader
	packed io.ReadCloser // flate's, kept for the next entry
	crc    uint32
	size   int64
	err    error
}

// begin reads the header of the entry at the source, which must stop where the entry ends.
func (c *content) begin(s *source, h *header) error {
	c.s, c.h, c.next, c.crc, c.size, c.err = s, h, s.stop, 0, 0, nil
	if err := h.local(s); err != nil {
		return err
	}
	if s.at()+h.packed > c.next {
		return overlap.fault(h.name)
	}
	s.limit(s.at() + h.packed)
	c.from = s
	if h.method == deflated {
		c.from = c.inflater(s)
	}
	return nil
}

func (c *content) inflater(s *source) io.Reader {
	if c.packed == nil {
		c.packed = flate.NewReader(s)
	} else if err := c.packed.(flate.Resetter).Reset(s, nil); err != nil {
		panic(err) // it has none
	}
	return c.packed
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if most := c.h.size - c.size + 1; int64(len(p)) > most {
		p = p[:most] // one byte too many is enough to know
	}
	n, err := c.from.Read(p)
	c.size += int64(n)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	switch {
	case c.size > c.h.size:
		c.err = badContent.fault(c.h.name, fmt.Sprintf("it has more than the %d bytes that the directory says", c.h.size))
		return 0, c.err
	case err == io.EOF:
		c.err = c.ended()
	case c.s.err != nil:
		c.err = c.s.err
	case err != nil:
		c.err = badContent.fault(c.h.name, "it cannot be unpacked ("+err.Error()+")")
	}
	return n, c.err
}

// ended proves the entry; io.EOF if all is well.
func (c *content) ended() error {
	switch left := c.s.stop - c.s.at(); {
	case c.size != c.h.size:
		return badContent.fault(c.h.name, fmt.Sprintf("it has %d bytes, the directory says %d", c.size, c.h.size))
	case left != 0:
		return badContent.fault(c.h.name, fmt.Sprintf("%d bytes stand behind its packed content", left))
	case c.crc != c.h.crc:
		return badContent.fault(c.h.name, "its checksum is another one than the directory says")
	}
	c.s.limit(c.next)
	if err := c.h.trailer(c.s); err != nil {
		return err
	}
	return io.EOF
}
