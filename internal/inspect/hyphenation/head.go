package hyphenation

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// maxHead bounds the XML declaration.
const maxHead = 1024

// head is what stands before the document: a byte order mark and the XML declaration, which decide
// how the bytes are read.
type head struct {
	end rule.Place // where the document goes on
}

var (
	declaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"<&]*)"|'([^'<&]*)')` +
		`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"<&]*)"|'([^'<&]*)'))?` +
		`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(yes|no)"|'(yes|no)'))?[ \t\r\n]*\?>`)
	encodingName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
)

// read reads the head and returns what follows as UTF-8, as far as the encoding can tell.
func (h *head) read(r io.Reader) (io.Reader, error) {
	h.end = rule.Place{Line: 1, Column: 1}
	in := bufio.NewReaderSize(r, maxHead)
	first, _ := in.Peek(4) // an error comes again
	wide := utf16Of(first)
	if wide != nil {
		in = bufio.NewReaderSize(wide.NewDecoder().Reader(in), maxHead)
	}
	if mark, _ := in.Peek(3); string(mark) == "\uFEFF" { // peeked at: an error comes again
		_, _ = in.Discard(len(mark)) // as above
	}
	text, _ := in.Peek(maxHead) // as above
	if err := h.begins(text); err != nil {
		return nil, err
	}
	name, version, size := h.declared(text)
	if size < 0 {
		return nil, malformedAt(h.end, `the XML declaration is not like <?xml version="1.0" encoding="UTF-8"?>`)
	}
	_, _ = in.Discard(size) // peeked at
	start := h.end
	h.end = behind(start, text[:size])
	switch {
	case version == "1.0", size == 0:
	case version == "1.1":
		return nil, &problem{unread, start, []any{"it is XML 1.1"}}
	default:
		return nil, malformedAt(start, "there is no XML %q", version)
	}
	return encoded(in, name, wide != nil, start)
}

// utf16Of returns the encoding that the first bytes show; nil if it is none of UTF-16.
func utf16Of(first []byte) encoding.Encoding {
	for _, order := range []struct {
		mark, bare string
		endian     unicode.Endianness
	}{{"\xFE\xFF", "\x00<\x00?", unicode.BigEndian}, {"\xFF\xFE", "<\x00?\x00", unicode.LittleEndian}} {
		if strings.HasPrefix(string(first), order.mark) || string(first) == order.bare {
			return unicode.UTF16(order.endian, unicode.IgnoreBOM)
		}
	}
	return nil
}

// begins says what a file that cannot be XML is.
func (h *head) begins(text []byte) error {
	bare := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(bare) == 0 || bare[0] != '<':
		return &problem{rule: notXML, place: rule.Place{Line: behind(h.end, text[:len(text)-len(bare)]).Line, Text: firstLine(bare)}}
	case len(bare) < len(text) && isDeclaration(bare):
		return &problem{rule: blankHead, place: h.end}
	}
	return nil
}

func firstLine(text []byte) []byte {
	if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
		return text[:i]
	}
	return text
}

func isDeclaration(text []byte) bool {
	return bytes.HasPrefix(text, []byte("<?xml")) && len(text) > 5 && bytes.IndexByte([]byte(" \t\r\n"), text[5]) >= 0
}

// declared reads the XML declaration; size is -1 if it is malformed, and 0 if there is none.
func (h *head) declared(text []byte) (name, version string, size int) {
	if !isDeclaration(text) {
		return "", "", 0
	}
	m := declaration.FindSubmatch(text)
	if m == nil {
		return "", "", -1
	}
	name = string(m[3]) + string(m[4])
	if len(m[3])+len(m[4]) > 0 && !encodingName.MatchString(name) || bytes.Contains(m[0], []byte("encoding")) && name == "" {
		return "", "", -1
	}
	return name, string(m[1]) + string(m[2]), len(m[0])
}

// behind is the place behind the text.
func behind(at rule.Place, text []byte) rule.Place {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if n := bytes.Count(text, []byte("\n")); n > 0 {
		at.Line += int64(n)
		text = text[bytes.LastIndexByte(text, '\n')+1:]
		at.Column = 1
	}
	at.Column += utf8.RuneCount(text)
	return at
}

// encoded makes UTF-8 of what follows a head that names the encoding.
func encoded(in io.Reader, name string, wide bool, at rule.Place) (io.Reader, error) {
	upper := strings.ToUpper(name)
	is16 := strings.HasPrefix(upper, "UTF-16") || upper == "ISO-10646-UCS-2"
	switch {
	case name == "" || wide && is16:
		return in, nil
	case wide || is16:
		return nil, &problem{otherEncoding, at, []any{name}}
	case upper == "UTF-8":
		return in, nil
	case upper == "US-ASCII" || upper == "ASCII":
		return &sevenBits{in}, nil
	}
	e, err := ianaindex.IANA.Encoding(name)
	switch {
	case err != nil:
		return nil, &problem{unknownEncoding, at, []any{name}}
	case e == nil:
		return nil, &problem{unread, at, []any{"the encoding " + name + " is not known here"}}
	}
	return e.NewDecoder().Reader(in), nil
}

// sevenBits makes of bytes that are not ASCII what is no character.
type sevenBits struct{ r io.Reader }

// Read implements io.Reader.
func (s *sevenBits) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for i, c := range p[:n] {
		if c >= utf8.RuneSelf {
			p[i] = 0xFF
		}
	}
	return n, err
}

// characters passes on what is a character of XML 1.0 in UTF-8, and stops before anything else.
type characters struct {
	r    io.Reader
	at   rule.Place
	rest []byte // a character cut off
	err  error
	buf  [4096]byte
}

// Read implements io.Reader. p is never small: a bufio.Reader reads.
func (c *characters) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n := copy(c.buf[:], c.rest)
	read, err := c.r.Read(c.buf[n:min(len(p), len(c.buf))])
	text := c.buf[:n+read]
	c.err = err
	good := 0
	for good < len(text) {
		r, size := utf8.DecodeRune(text[good:])
		if r == utf8.RuneError && size <= 1 {
			if err == nil && !utf8.FullRune(text[good:]) {
				break
			}
			c.stop(encodingFault, text[:good])
			break
		}
		if !isCharacter(r) {
			c.stop(controlCharacter, text[:good], r)
			break
		}
		good += size
	}
	c.at = behind(c.at, text[:good])
	if n = copy(p, text[:good]); c.err == nil || errors.Is(c.err, io.EOF) {
		c.rest = append(c.rest[:0], text[good:]...)
	}
	return n, c.err
}

func (c *characters) stop(r *rule.Rule, before []byte, args ...any) {
	c.err = &problem{r, behind(c.at, before), args}
}

// isCharacter is Char of XML 1.0.
func isCharacter(r rune) bool {
	return r >= ' ' && r != 0xFFFE && r != 0xFFFF || r == '\t' || r == '\n' || r == '\r'
}
