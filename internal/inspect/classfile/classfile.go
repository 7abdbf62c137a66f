// Package classfile reads what a Java class file says of its class: the release of Java that it was
// compiled for, its name and flags, what it extends and implements, and its constructors. It mirrors
// chapter 4 of the Java Virtual Machine Specification. Code, fields and attributes are passed over
// and not judged, so that nothing is refused here that a virtual machine would load; memory is bounded
// by the length of the file.
package classfile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxSize bounds a class file, in bytes. No method may have more than 64 KiB of code, and there may
// be no more than 65,535 constants; real ones have less than 1 MiB.
const MaxSize = 16 << 20

// Access flags of a class and of a method (JVMS 4.1, 4.6).
const (
	Public    = 0x0001
	Private   = 0x0002
	Interface = 0x0200
	Abstract  = 0x0400
	Module    = 0x8000 // module-info.class, which is no class
)

// Class is what a class file says of its class. Names are as the file has them: org/example/A.
type Class struct {
	// Major is the version of the format: 55 for Java 11, 65 for Java 21.
	Major      int
	Flags      uint16
	Name       string
	Super      string // "" = none: java/lang/Object, a module
	Interfaces []string
	// Constructors are those that the class has, in the order of the file.
	Constructors []Constructor
}

// Constructor is a method <init>.
type Constructor struct {
	Flags      uint16
	Descriptor string // of its parameters: "(Lorg/opensearch/common/settings/Settings;)V"
}

// Release is the release of Java that has the version of the format: 21 for 65.
func (c *Class) Release() int { return c.Major - 44 }

// headerLen is what comes before the constants: magic, minor, major and their count.
const headerLen = 10

// Release reads the release of Java alone, from the first bytes of a class file.
func Release(head []byte) (int, error) {
	if len(head) < 8 || binary.BigEndian.Uint32(head) != 0xCAFEBABE {
		return 0, errors.New("it does not begin as a class file does")
	}
	major := int(binary.BigEndian.Uint16(head[6:]))
	if major < 45 {
		return 0, fmt.Errorf("its format has the version %d, which no Java has", major)
	}
	return major - 44, nil
}

// Parse reads a class file, of at most MaxSize bytes.
func Parse(b []byte) (*Class, error) {
	release, err := Release(b)
	switch {
	case err != nil:
		return nil, err
	case len(b) > MaxSize:
		return nil, fmt.Errorf("it has more than %d bytes", MaxSize)
	case len(b) < headerLen:
		return nil, errEnds
	}
	p := &parser{rest: b[headerLen:]}
	p.constants(int(binary.BigEndian.Uint16(b[8:])))
	c := &Class{Major: release + 44, Flags: p.u2(), Name: p.class(p.u2())}
	if super := p.u2(); super != 0 {
		c.Super = p.class(super)
	}
	for range p.count(2) {
		c.Interfaces = append(c.Interfaces, p.class(p.u2()))
	}
	p.members(func(uint16, string, string) {}) // fields
	p.members(func(flags uint16, name, descriptor string) {
		if name == "<init>" {
			c.Constructors = append(c.Constructors, Constructor{flags, descriptor})
		}
	})
	p.attributes()
	if p.err == nil && len(p.rest) > 0 {
		p.err = fmt.Errorf("%d bytes stand behind its end", len(p.rest))
	}
	if p.err != nil {
		return nil, p.err
	}
	return c, nil
}

var errEnds = errors.New("it ends too early")

// Constants calls text for each constant string of a class file, and class for the name of each class
// that it mentions. Both get bytes of the file, in its modified UTF-8. What comes behind the constants
// is not looked at.
func Constants(b []byte, text, class func([]byte)) error {
	if _, err := Release(b); err != nil {
		return err
	}
	if len(b) < headerLen || len(b) > MaxSize {
		return errEnds
	}
	p := &parser{rest: b[headerLen:]}
	p.constants(int(binary.BigEndian.Uint16(b[8:])))
	for _, c := range p.pool {
		if p.err != nil {
			break
		}
		if c == nil || c[0] != tagString && c[0] != tagClass {
			continue
		}
		at := int(binary.BigEndian.Uint16(c[1:]))
		if at >= len(p.pool) || p.pool[at] == nil || p.pool[at][0] != tagText {
			p.fail("its constant %d is no text", at)
			break
		}
		if c[0] == tagString {
			text(p.pool[at][3:])
		} else {
			class(p.pool[at][3:])
		}
	}
	return p.err
}

// parser takes a class file apart. After its first error it reads zeros.
type parser struct {
	rest []byte
	pool [][]byte // the constants, each with its tag; nil = there is none of that number
	// texts are the constants of the kind Utf8 that were asked for: a file may name one 65,535 times.
	texts map[uint16]string
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// take returns the next n bytes; nil if there are not as many.
func (p *parser) take(n int) []byte {
	if p.err != nil || n > len(p.rest) {
		if p.err == nil {
			p.err = errEnds
		}
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) u2() uint16 {
	if b := p.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// count reads how many things of at least size bytes follow. A count that cannot be is not believed.
func (p *parser) count(size int) int {
	n := int(p.u2())
	if n*size > len(p.rest) {
		p.take(len(p.rest) + 1)
		return 0
	}
	return n
}

// Tags of constants (JVMS 4.4).
const (
	tagText, tagLong, tagDouble, tagClass, tagString = 1, 5, 6, 7, 8
	lastTag                                          = 20
)

// lengths of constants behind their tag, in bytes; 0 = no constant has that tag.
var lengths = [lastTag + 1]int{3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}

func (p *parser) constants(n int) {
	if n > len(p.rest) { // each has a byte at least
		p.err = errEnds
		return
	}
	p.pool = make([][]byte, n)
	for i := 1; i < n && p.err == nil; i++ {
		whole := p.rest
		head := p.take(1)
		if head == nil {
			return
		}
		tag := head[0]
		switch {
		case tag == tagText:
			p.take(int(p.u2()))
		case tag <= lastTag && lengths[tag] > 0:
			p.take(lengths[tag])
		default:
			p.fail("it has a constant of the unknown kind %d", tag)
			return
		}
		p.pool[i] = whole[:len(whole)-len(p.rest)]
		if tag == tagLong || tag == tagDouble {
			i++ // counts as two
		}
	}
}

// text is a constant of the kind Utf8. Its modified UTF-8 is kept as it is.
func (p *parser) text(i uint16) string {
	if int(i) >= len(p.pool) || p.pool[i] == nil || p.pool[i][0] != tagText {
		p.fail("its constant %d is no text", i)
		return ""
	}
	text, known := p.texts[i]
	if !known {
		if p.texts == nil {
			p.texts = map[uint16]string{}
		}
		text = string(p.pool[i][3:]) // behind the tag and the length
		p.texts[i] = text
	}
	return text
}

// class is the name of a constant of the kind Class.
func (p *parser) class(i uint16) string {
	if int(i) >= len(p.pool) || p.pool[i] == nil || p.pool[i][0] != tagClass {
		p.fail("its constant %d is no class", i)
		return ""
	}
	return p.text(binary.BigEndian.Uint16(p.pool[i][1:]))
}

// members reads fields or methods.
func (p *parser) members(f func(flags uint16, name, descriptor string)) {
	for range p.count(8) {
		flags, name, descriptor := p.u2(), p.u2(), p.u2()
		if p.err == nil {
			f(flags, p.text(name), p.text(descriptor))
		}
		p.attributes()
	}
}

func (p *parser) attributes() {
	for range p.count(6) {
		p.u2()
		if b := p.take(4); b != nil {
			p.take(int(binary.BigEndian.Uint32(b)))
		}
	}
}
