package linelist

import "bytes"

// parseCSV splits a line as Lucene's CSVUtil.parse does, into columns with their places in the line;
// nil if quotes do not balance. The last column keeps its quotes.
func parseCSV(text []byte) (columns [][]byte, at []int) {
	quoted, quotes, from := false, 0, 0
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
			quotes++
		case c == ',' && !quoted:
			columns, at = append(columns, unquote(text[from:i])), append(at, from)
			from = i + 1
		}
	}
	if quotes%2 != 0 {
		return nil, nil
	}
	return append(columns, text[from:]), append(at, from)
}

// unquote takes quotes from around a text that holds no other, and makes one quote of two.
func unquote(s []byte) []byte {
	if bytes.IndexByte(s, '"') < 0 {
		return s
	}
	if n := len(s); n > 2 && s[0] == '"' && s[n-1] == '"' && bytes.IndexByte(s[1:n-1], '"') < 0 {
		s = s[1 : n-1]
	}
	return bytes.ReplaceAll(s, []byte(`""`), []byte(`"`))
}

// splitSpaces mirrors Java's split at the pattern " +": pieces at the end that are empty are left out,
// one at the beginning is not, and a text without a space is one piece even if it is empty.
func splitSpaces(s []byte) (pieces [][]byte) {
	if bytes.IndexByte(s, ' ') < 0 {
		return [][]byte{s}
	}
	for from := 0; from <= len(s); {
		i := bytes.IndexByte(s[from:], ' ')
		if i < 0 {
			i = len(s) - from
		}
		pieces = append(pieces, s[from:from+i])
		from += i + 1
		for from < len(s) && s[from] == ' ' {
			from++
		}
	}
	for len(pieces) > 0 && len(pieces[len(pieces)-1]) == 0 {
		pieces = pieces[:len(pieces)-1]
	}
	return pieces
}

// withoutSpaces takes out what \s matches.
func withoutSpaces(s []byte) []byte {
	if !bytes.ContainsAny(s, javaSpaces) {
		return s
	}
	return bytes.Join(bytes.FieldsFunc(s, isJavaSpace), nil)
}

func isJavaSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }
