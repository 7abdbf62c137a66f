package sbom

import (
	"bytes"
	"strings"
)

// properties reads a pom.properties, which Maven writes with one plain key=value on each line.
func properties(b []byte) map[string]string {
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if ok && !strings.HasPrefix(key, "#") {
			out[strings.TrimSpace(key)] = clean(value)
		}
	}
	return out
}

// manifest reads the main section of a MANIFEST.MF: the other sections are about single entries. A line
// that begins with a blank goes on.
func manifest(b []byte) map[string]string {
	out := map[string]string{}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
	text, _, _ = strings.Cut("\n"+text, "\n\n")
	text = strings.ReplaceAll(text, "\n ", "") // at once: line by line takes the square of the time
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[name] = clean(value)
		}
	}
	return out
}

// maxText bounds what a jar says of itself, in bytes: a name, a version, a licence.
const maxText = 512

// clean makes a text of a jar fit for a document.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD")
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
