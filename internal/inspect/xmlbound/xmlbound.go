// Package xmlbound is what a decoder of XML reads a hostile document from: encoding/xml gathers a
// whole token in memory before it gives any, so that somebody must count while it does. It knows
// nothing of documents.
package xmlbound

import (
	"bufio"
	"fmt"
	"io"
)

const (
	// MaxDepth bounds how deep a document may be nested: each level costs memory while it is read.
	MaxDepth = 1000
	// MaxEquals bounds how many "=" one token may have: each attribute has one, costs memory of twenty
	// times its length, and the decoder gathers all of a tag before it gives any. Texts of licenses do
	// not come near.
	MaxEquals = 100_000
)

// ErrTooManyEquals and ErrTooLong are the errors of a Reader whose token exceeds a bound.
var (
	ErrTooManyEquals = fmt.Errorf("a tag, or a text, with more than %d equals signs", MaxEquals)
	ErrTooLong       = fmt.Errorf("a tag, or a text, that is too long")
)

// Reader gives a document byte by byte, and to a decoder never further than its token goes.
type Reader struct {
	*bufio.Reader
	// MaxToken bounds the bytes of a token; 0 = no bound.
	MaxToken     int
	equals, size int
	kept         []byte
	keep         int
	read         int64
}

// NewReader returns a Reader of r that keeps the first bytes of each token for Token.
func NewReader(r io.Reader, keep int) *Reader {
	return &Reader{Reader: bufio.NewReader(r), keep: keep}
}

// Begin says that a token begins at the offset, which is the decoder's: it may have read one byte of
// it already, the "<" that ended the text before.
func (b *Reader) Begin(offset int64) {
	b.equals, b.size, b.kept = 0, 0, b.kept[:0]
	if b.keep > 0 && offset < b.read {
		b.kept = append(b.kept, '<')
	}
}

// Token returns the first bytes of the token that began last and ends at the offset.
func (b *Reader) Token(begin, end int64) []byte {
	return b.kept[:min(int64(len(b.kept)), end-begin)]
}

// ReadByte implements io.ByteReader.
func (b *Reader) ReadByte() (byte, error) {
	c, err := b.Reader.ReadByte()
	if err != nil {
		return c, err
	}
	b.read++
	b.size++
	if b.MaxToken > 0 && b.size > b.MaxToken {
		return 0, ErrTooLong
	}
	if len(b.kept) < b.keep {
		b.kept = append(b.kept, c)
	}
	if c == '=' {
		if b.equals++; b.equals > MaxEquals {
			return 0, ErrTooManyEquals
		}
	}
	return c, nil
}
