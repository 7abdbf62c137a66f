package hunspell

import (
	_ "embed"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is an encoding as Dictionary.getDecoder finds it by the name that SET gives.
type charset struct {
	name string // Java's; equal names are the same encoding to Lucene
	// enc decodes it; nil: Java knows the encoding, this program does not.
	enc encoding.Encoding
	// undefined are the bytes that stand for nothing. Lucene's decoder replaces malformed bytes but
	// fails at these.
	undefined string
}

// latin1 is what a file without SET is read as.
var latin1 = charset{name: "ISO-8859-1", enc: charmap.ISO8859_1}

//go:embed charsets.txt
var charsetsText string

// javaNames has the names and other names that Charset.forName takes, in lower case.
var javaNames = func() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(charsetsText) {
		if names := strings.Fields(line); len(names) > 0 && names[0] != "#" {
			for _, n := range names {
				out[strings.ToLower(n)] = names[0]
			}
		}
	}
	return out
}()

// findCharset is Dictionary.getDecoder; false for a name that it refuses.
func findCharset(name string) (charset, bool) {
	switch name {
	case "ISO8859-14": // Lucene has a decoder of its own for this one, which says that it is Latin-1
		return charset{name: latin1.name, enc: charmap.ISO8859_14}, true
	case "microsoft-cp1251":
		name = "windows-1251"
	case "TIS620-2533":
		name = "TIS-620"
	}
	java, ok := javaNames[strings.ToLower(name)]
	if !ok {
		return charset{}, false
	}
	c := decoders[java]
	c.name = java
	return c, true
}

// decoders of the encodings that dictionaries are written in, by Java's name. The undefined bytes
// are those of Java's tables.
var decoders = map[string]charset{
	"UTF-8":        {enc: unicode.UTF8},
	"US-ASCII":     {enc: ascii{}},
	"ISO-8859-1":   {enc: charmap.ISO8859_1},
	"ISO-8859-2":   {enc: charmap.ISO8859_2},
	"ISO-8859-3":   {enc: charmap.ISO8859_3, undefined: "\xa5\xae\xbe\xc3\xd0\xe3\xf0"},
	"ISO-8859-4":   {enc: charmap.ISO8859_4},
	"ISO-8859-5":   {enc: charmap.ISO8859_5},
	"ISO-8859-6":   {enc: charmap.ISO8859_6, undefined: "\xa1\xa2\xa3\xa5\xa6\xa7\xa8\xa9\xaa\xab\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbc\xbd\xbe\xc0\xdb\xdc\xdd\xde\xdf\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"},
	"ISO-8859-7":   {enc: charmap.ISO8859_7, undefined: "\xae\xd2\xff"},
	"ISO-8859-8":   {enc: charmap.ISO8859_8, undefined: "\xa1\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xfb\xfc\xff"},
	"ISO-8859-9":   {enc: charmap.ISO8859_9},
	"ISO-8859-13":  {enc: charmap.ISO8859_13},
	"ISO-8859-15":  {enc: charmap.ISO8859_15},
	"ISO-8859-16":  {enc: charmap.ISO8859_16},
	"windows-1250": {enc: charmap.Windows1250, undefined: "\x81\x83\x88\x90\x98"},
	"windows-1251": {enc: charmap.Windows1251, undefined: "\x98"},
	"windows-1252": {enc: charmap.Windows1252, undefined: "\x81\x8d\x8f\x90\x9d"},
	"windows-1253": {enc: charmap.Windows1253, undefined: "\x81\x88\x8a\x8c\x8d\x8e\x8f\x90\x98\x9a\x9c\x9d\x9e\x9f\xaa\xd2\xff"},
	"windows-1254": {enc: charmap.Windows1254, undefined: "\x81\x8d\x8e\x8f\x90\x9d\x9e"},
	"windows-1255": {enc: charmap.Windows1255, undefined: "\x81\x8a\x8c\x8d\x8e\x8f\x90\x9a\x9c\x9d\x9e\x9f\xca\xd9\xda\xdb\xdc\xdd\xde\xdf\xfb\xfc\xff"},
	"windows-1256": {enc: charmap.Windows1256},
	"windows-1257": {enc: charmap.Windows1257, undefined: "\x81\x83\x88\x8a\x8c\x90\x98\x9a\x9c\x9f\xa1\xa5"},
	"windows-1258": {enc: charmap.Windows1258, undefined: "\x81\x8a\x8d\x8e\x8f\x90\x9a\x9d\x9e"},
	"KOI8-R":       {enc: charmap.KOI8R},
	"KOI8-U":       {enc: charmap.KOI8U},
	"TIS-620":      {enc: charmap.Windows874, undefined: "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xdb\xdc\xdd\xde\xfc\xfd\xfe\xff"},
	"IBM437":       {enc: charmap.CodePage437},
	"IBM850":       {enc: charmap.CodePage850},
	"IBM852":       {enc: charmap.CodePage852},
	"IBM855":       {enc: charmap.CodePage855},
	"IBM00858":     {enc: charmap.CodePage858},
	"IBM862":       {enc: charmap.CodePage862},
	"IBM866":       {enc: charmap.CodePage866},
	"GBK":          {enc: simplifiedchinese.GBK},
	"GB18030":      {enc: simplifiedchinese.GB18030},
	"Big5":         {enc: traditionalchinese.Big5},
	"EUC-JP":       {enc: japanese.EUCJP},
	"Shift_JIS":    {enc: japanese.ShiftJIS},
	"EUC-KR":       {enc: korean.EUCKR},
}

// unmapped stands in decoded text for a byte that the encoding does not define. It is no character,
// and no table of one byte each holds it.
const unmapped = '\uFFFF'

// transformer decodes the encoding to UTF-8.
func (c charset) transformer() transform.Transformer {
	table, ok := c.enc.(*charmap.Charmap)
	if !ok {
		return c.enc.NewDecoder()
	}
	d := &oneByte{}
	for b := range d.table {
		r := table.DecodeByte(byte(b)) //nolint:gosec // b is one of 256
		switch {
		case strings.IndexByte(c.undefined, byte(b)) >= 0: //nolint:gosec // as above
			r = unmapped
		case r == utf8.RuneError: // Java has the control characters everywhere
			r = rune(b) //nolint:gosec // as above
		}
		d.table[b] = r
	}
	return d
}

// oneByte decodes encodings of one byte a character.
type oneByte struct {
	transform.NopResetter
	table [256]rune
}

// Transform implements transform.Transformer.
func (d *oneByte) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for _, b := range src {
		if len(dst)-nDst < utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], d.table[b])
		nSrc++
	}
	return nDst, nSrc, nil
}

// ascii is US-ASCII: Java takes bytes above 127 for malformed, so they are replaced.
type ascii struct{}

// NewDecoder implements encoding.Encoding.
func (ascii) NewDecoder() *encoding.Decoder {
	d := &oneByte{}
	for b := range d.table {
		if d.table[b] = rune(b); b > 127 { //nolint:gosec // b is one of 256
			d.table[b] = utf8.RuneError
		}
	}
	return &encoding.Decoder{Transformer: d}
}

// NewEncoder implements encoding.Encoding. Nothing is encoded here.
func (ascii) NewEncoder() *encoding.Encoder { return encoding.Nop.NewEncoder() }
