package hunspell

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// flagKind is how flags are written (Dictionary.FlagParsingStrategy).
type flagKind int

const (
	flagsSimple flagKind = iota // one UTF-16 unit each
	flagsUTF8                   // the bytes of a Latin-1 file, read as UTF-8
	flagsNum                    // numbers between commas
	flagsLong                   // two characters each, both below U+0100
)

// firstReserved is the first number that is no flag (Dictionary.DEFAULT_FLAGS).
const firstReserved = 65510

// parseFlagKind is Dictionary.getFlagParsingStrategy; line is the whole line.
func parseFlagKind(line, charsetName string) (flagKind, error) {
	parts := fields(line)
	if len(parts) != 2 {
		return 0, errors.New("FLAG has one word behind it, and nothing else, no comment either")
	}
	switch parts[1] {
	case "num":
		return flagsNum, nil
	case "long":
		return flagsLong, nil
	case "UTF-8":
		if charsetName == latin1.name {
			return flagsUTF8, nil
		}
		return flagsSimple, nil
	}
	return 0, fmt.Errorf("FLAG %s is no kind of flags", parts[1])
}

// parse reads flags. The error says what Lucene fails at.
func (k flagKind) parse(text string) ([]uint16, error) {
	switch k {
	case flagsNum:
		return parseNumbers(text)
	case flagsLong:
		units := utf16.Encode([]rune(text))
		out := make([]uint16, len(units)/2)
		for i := range out {
			a, b := units[2*i], units[2*i+1]
			if a >= 256 || b >= 256 {
				return nil, errors.New("a flag of FLAG long is two characters below U+0100")
			}
			out[i] = a<<8 | b
		}
		return out, nil
	case flagsUTF8:
		raw := make([]byte, 0, len(text))
		for _, r := range text {
			if r > 255 {
				r = '?' // String.getBytes
			}
			raw = append(raw, byte(r)) //nolint:gosec // below 256
		}
		text = string(raw)
	}
	return utf16.Encode([]rune(text)), nil
}

// parseNumbers is NumFlagParsingStrategy: whatever is neither a digit nor a comma is passed over.
func parseNumbers(text string) ([]uint16, error) {
	var out []uint16
	for group := range strings.SplitSeq(text, ",") {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, group)
		if digits == "" {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n >= firstReserved {
			return nil, fmt.Errorf("a flag of FLAG num is a number below %d", firstReserved)
		}
		out = append(out, uint16(n)) //nolint:gosec // below 65510
	}
	return out, nil
}

// one reads a flag where one belongs; Lucene takes the first of several.
func (k flagKind) one(text string) (flag uint16, several bool, err error) {
	flags, err := k.parse(text)
	if err == nil && len(flags) == 0 {
		err = errors.New("there is no flag in it")
	}
	if err != nil {
		return 0, false, err
	}
	return flags[0], len(flags) > 1 || k == flagsLong && len(utf16.Encode([]rune(text))) != 2, nil
}

// show writes a flag as the file does.
func (k flagKind) show(f uint16) string {
	switch k {
	case flagsNum:
		return strconv.Itoa(int(f))
	case flagsLong:
		return string([]rune{rune(f >> 8), rune(f & 0xff)})
	}
	return string(utf16.Decode([]uint16{f}))
}

// flagSet is a set of flags; all of them fit.
type flagSet [1 << 16 / 64]uint64

func (s *flagSet) add(f uint16)      { s[f/64] |= 1 << (f % 64) }
func (s *flagSet) has(f uint16) bool { return s[f/64]>>(f%64)&1 == 1 }
