package synonym

// Almost every line of almost every file is a rule without anything to say about it. plainRule
// tells such lines apart in one pass over their bytes; all others take the long way through
// synonymLine, which alone knows the grammar. It may say false of a good rule, never true of one
// that has a finding (TestPlainIsPlain).

// classes of bytes as plainRule sees them.
const (
	inTerm   = iota
	startsIt // an ASCII letter or digit: a term that begins with it is no blank and has a word
	blank
	ends // what may end a term or needs the long way
)

var class = func() (c [256]byte) {
	for b := range c {
		switch {
		case b == 0 || b == ',' || b == '=' || b == '\\':
			c[b] = ends
		case b <= ' ':
			c[b] = blank
		case '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z':
			c[b] = startsIt
		}
	}
	return c
}()

// plainRule reports whether the line is surely a rule without findings: terms that begin with a
// letter or digit between commas, with one arrow at most and something on both sides of it. The
// text is valid UTF-8.
func plainRule(text []byte) bool {
	if len(text) > maxTerm {
		return false
	}
	terms, arrows := 0, 0
	for at := 0; ; {
		for at < len(text) && class[text[at]] == blank {
			at++
		}
		if at == len(text) || class[text[at]] != startsIt {
			return false
		}
		terms++
	term:
		for at < len(text) && class[text[at]] != ends {
			at++
		}
		switch {
		case at == len(text):
			return arrows == 1 || terms > 1
		case text[at] == ',':
			at++
		case text[at] != '=':
			return false
		case at+1 < len(text) && text[at+1] == '>':
			if arrows++; arrows > 1 {
				return false
			}
			at += len(arrow)
		default:
			at++
			goto term
		}
	}
}
