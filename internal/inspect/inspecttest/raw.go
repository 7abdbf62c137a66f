package inspecttest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
)

// Raw is a zip of which every field can be changed before it is written: what no honest tool makes.
type Raw struct {
	Entries []*RawEntry
	Prefix  []byte // before the first entry
	Gap     []byte // between the last entry and the directory
	Hidden  []byte // between the directory and the end record
	Comment string
	Suffix  []byte // behind the end record and its comment
	Disk    uint16 // of the end record
	Extra   int    // entries that the end record claims and that are not there
	// Offset is added to where the end record says that the directory is.
	Offset int64
}

// RawEntry is one entry: its local header, content and data descriptor, and what the directory says.
type RawEntry struct {
	Before     []byte // bytes before the local header
	Local      RawHeader
	Packed     []byte
	Descriptor []byte // behind the content
	Central    RawHeader
	Comment    string
	Attributes uint32
	Offset     int64 // added to where the directory says that the local header is
	Absent     bool  // not in the directory
	Shared     bool  // only in the directory: its offset is that of the entry before
}

// RawHeader is what both headers of an entry say.
type RawHeader struct {
	Name          string
	Flags, Method uint16
	CRC           uint32
	Packed, Size  uint32
	Extra         []byte
}

// NewRaw makes the zip of the files, packed with deflate, as an honest tool does.
func NewRaw(files []File) *Raw {
	z := &Raw{}
	for _, f := range files {
		z.Entries = append(z.Entries, NewRawEntry(f.Name, f.Data))
	}
	return z
}

// NewRawEntry makes an entry.
func NewRawEntry(name string, data []byte) *RawEntry {
	h := RawHeader{
		Name: name, Method: 8, Flags: 1 << 11, CRC: crc32.ChecksumIEEE(data),
		Size: uint32(len(data)), //nolint:gosec // of a test
	}
	var b bytes.Buffer
	if len(data) > 0 {
		w, _ := flate.NewWriter(&b, flate.DefaultCompression) // a level that there is
		_, _ = w.Write(data)                                  // a buffer takes everything
		_ = w.Close()
	} else {
		h.Method = 0
	}
	h.Packed = uint32(b.Len()) //nolint:gosec // of a test
	return &RawEntry{Local: h, Central: h, Packed: b.Bytes()}
}

// Both are the two headers of the entry.
func (e *RawEntry) Both() []*RawHeader { return []*RawHeader{&e.Local, &e.Central} }

// Store takes the packing off.
func (e *RawEntry) Store(data []byte) {
	e.Packed = data
	for _, h := range e.Both() {
		h.Method, h.Packed = 0, uint32(len(data)) //nolint:gosec // of a test
	}
}

// Describe puts sizes and checksum behind the content, as tools do that write to a stream.
func (e *RawEntry) Describe(signed bool) {
	var b []byte
	if signed {
		b = append(b, "PK\x07\x08"...)
	}
	for _, v := range []uint32{e.Central.CRC, e.Central.Packed, e.Central.Size} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	e.Descriptor = b
	e.Local.CRC, e.Local.Packed, e.Local.Size = 0, 0, 0
	for _, h := range e.Both() {
		h.Flags |= 1 << 3
	}
}

// ExtraField makes an extra field of a header.
func ExtraField(id uint16, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data))) //nolint:gosec // of a test
	return append(b, data...)
}

// UnicodePath is the extra field 0x7075 that gives the entry a second name.
func UnicodePath(name, second string) []byte {
	b := []byte{1}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(name)))
	return ExtraField(0x7075, append(b, second...))
}

// Bytes writes the zip.
func (z *Raw) Bytes() []byte {
	var b, directory bytes.Buffer
	put := func(to *bytes.Buffer, values ...any) {
		for _, v := range values {
			if s, ok := v.(string); ok {
				v = []byte(s)
			}
			_ = binary.Write(to, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	b.Write(z.Prefix)
	count, offset := z.Extra, 0
	for _, e := range z.Entries {
		if !e.Shared {
			b.Write(e.Before)
			offset = b.Len()
			h := e.Local
			put(&b, "PK\x03\x04", uint16(20), h.Flags, h.Method, uint32(0), h.CRC, h.Packed, h.Size, //nolint:gosec // of a test
				uint16(len(h.Name)), uint16(len(h.Extra)), h.Name, h.Extra, e.Packed, e.Descriptor) //nolint:gosec // of a test
		}
		if h := e.Central; !e.Absent {
			count++
			put(&directory, "PK\x01\x02", uint16(0x0314), uint16(20), h.Flags, h.Method, uint32(0), h.CRC, h.Packed, h.Size,
				uint16(len(h.Name)), uint16(len(h.Extra)), uint16(len(e.Comment)), uint16(0), uint16(0), e.Attributes, //nolint:gosec // of a test
				uint32(int64(offset)+e.Offset), h.Name, h.Extra, e.Comment) //nolint:gosec // of a test
		}
	}
	b.Write(z.Gap)
	at := int64(b.Len()) + z.Offset
	b.Write(directory.Bytes())
	b.Write(z.Hidden)
	put(&b, "PK\x05\x06", z.Disk, uint16(0), uint16(count), uint16(count), uint32(directory.Len()), uint32(at), //nolint:gosec // of a test
		uint16(len(z.Comment)), z.Comment, z.Suffix) //nolint:gosec // of a test
	return b.Bytes()
}
