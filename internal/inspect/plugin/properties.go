package plugin

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// property is a key with its value, both resolved.
type property struct {
	key, value string
	line       int64 // where it begins
}

// parseProperties reads what java.util.Properties.load(InputStream) reads, which is what OpenSearch
// (PluginInfo.readFromProperties) reads a descriptor with: ISO-8859-1, comments with # or !, keys
// that end at =, : or white space, lines that go on behind a backslash, \uXXXX. All properties come
// in their order, also those whose key comes again: of these Java takes the last. The line is where
// the error is.
//
// The libraries that read this format say neither in which line a property stands nor that a key
// came twice, and findings need both.
func parseProperties(b []byte) (found []property, line int64, err error) {
	text := make([]rune, len(b))
	for i, c := range b {
		text[i] = rune(c)
	}
	for _, l := range logicalLines(text) {
		key, rest := cutKey(l.text)
		p := property{line: l.line}
		if p.key, err = unescape(key); err != nil {
			return nil, l.line, err
		}
		if p.value, err = unescape(rest); err != nil {
			return nil, l.line, err
		}
		found = append(found, p)
	}
	return found, 0, nil
}

func whiteSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\f' }

// logicalLine is a line with those it goes on in.
type logicalLine struct {
	text []rune
	line int64
}

// logicalLines joins lines that go on and leaves out blank ones and comments. A comment does not go
// on, and inside a line that goes on there is none.
func logicalLines(text []rune) []logicalLine {
	var out []logicalLine
	var line logicalLine
	goesOn := false
	for n := int64(1); len(text) > 0; n++ {
		var natural []rune
		natural, text = cutLine(text)
		for len(natural) > 0 && whiteSpace(natural[0]) {
			natural = natural[1:]
		}
		if !goesOn {
			if len(natural) == 0 || natural[0] == '#' || natural[0] == '!' {
				continue
			}
			line = logicalLine{line: n}
		}
		slashes := 0
		for slashes < len(natural) && natural[len(natural)-1-slashes] == '\\' {
			slashes++
		}
		if goesOn = slashes%2 == 1; goesOn {
			line.text = append(line.text, natural[:len(natural)-1]...)
			continue
		}
		line.text = append(line.text, natural...)
		out = append(out, line)
	}
	if goesOn && len(line.text) > 0 {
		out = append(out, line)
	}
	return out
}

// cutLine takes the first line, which ends at CR, LF or both.
func cutLine(text []rune) (line, rest []rune) {
	for i, r := range text {
		if r == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			return text[:i], text[i+2:]
		}
		if r == '\r' || r == '\n' {
			return text[:i], text[i+1:]
		}
	}
	return text, nil
}

// cutKey cuts a line at the first separator that is not escaped.
func cutKey(line []rune) (key, value []rune) {
	end := 0
	for end < len(line) && line[end] != '=' && line[end] != ':' && !whiteSpace(line[end]) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(line))
	value = line[end:]
	separated := false
	for len(value) > 0 && (whiteSpace(value[0]) || !separated && (value[0] == '=' || value[0] == ':')) {
		separated = separated || !whiteSpace(value[0])
		value = value[1:]
	}
	return line[:end], value
}

var escapes = map[rune]uint16{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f'}

// unescape resolves backslashes. Java's characters are UTF-16, so two escapes may be one.
func unescape(text []rune) (string, error) {
	var out []uint16
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, uint16(text[i])) //nolint:gosec // ISO-8859-1
			continue
		}
		if i++; i == len(text) {
			break // Java drops a backslash at the end
		}
		switch c, known := escapes[text[i]]; {
		case known:
			out = append(out, c)
		case text[i] == 'u':
			digits := string(text[i+1 : min(i+5, len(text))])
			n, err := strconv.ParseUint(digits, 16, 16)
			if err != nil || len(digits) != 4 || strings.ContainsAny(digits, "+-_") {
				return "", fmt.Errorf(`malformed escape \u%s`, rule.Shown([]byte(digits)))
			}
			out = append(out, uint16(n))
			i += 4
		default:
			out = append(out, uint16(text[i])) //nolint:gosec // ISO-8859-1
		}
	}
	return string(utf16.Decode(out)), nil
}
