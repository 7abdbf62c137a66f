package policy

import (
	"regexp"
	"strings"
)

// parser reads one policy, as the parser of the target does. Like it, it ends at the first thing that
// does not fit.
type parser struct {
	scanner
	tok    token // the one that comes next
	config Config
	out    tally
	found  []Permission
}

func (p *parser) advance() token {
	t := p.tok
	p.tok = p.next()
	return t
}

// took takes the next token if it is that word or symbol.
func (p *parser) took(text string) bool {
	if !p.sees(text) {
		return false
	}
	p.advance()
	return true
}

// sees reports whether the next token is that word or symbol. 3.x compares texts only, so a quoted
// "grant" is one; the JVM looks at the kind, too.
func (p *parser) sees(text string) bool {
	return p.tok.is(text) && (!p.config.classic() || p.tok.kind != quoted)
}

// wants takes the word or symbol, or gives up.
func (p *parser) wants(text string) bool {
	if p.took(text) {
		return true
	}
	return p.unexpected(text)
}

// unexpected gives up.
func (p *parser) unexpected(wanted string) bool {
	p.refuse(syntax, p.tok.line, p.lineText(p.tok.at), wanted, p.tok.shown())
	return false
}

// file reads grants up to the end.
func (p *parser) file() bool {
	for p.tok.kind != end {
		switch {
		case p.sees("grant"):
			if !p.grant() {
				return false
			}
		case !p.config.classic():
			p.refuse(outside, p.tok.line, p.lineText(p.tok.at), p.tok.shown())
			return false
		case p.sees("keystore") || p.sees("keystorePasswordURL"):
			p.advance()
			for p.tok.kind == quoted || p.sees(",") {
				p.advance()
			}
		default:
			return p.unexpected("a grant block")
		}
		// The JVM demands the semicolon behind a block, 3.x does not.
		if !p.took(";") && p.config.classic() {
			return p.unexpected(";")
		}
	}
	return true
}

// grant reads one block.
func (p *parser) grant() bool {
	p.advance()
	base, named := "", false
	for !p.sees("{") {
		var ok bool
		switch {
		case p.took("codeBase"):
			if named {
				return p.unexpected("one codeBase")
			}
			named = true
			at := p.tok
			if base, ok = p.value(); !ok {
				return false
			}
			if p.leavesOut(at, base) {
				return p.skip()
			}
		case p.config.classic() && p.took("signedBy"):
			_, ok = p.value()
		case p.config.classic() && p.took("principal"):
			ok = p.principal()
		default:
			return p.unexpected("codeBase or {")
		}
		if !ok {
			return false
		}
		p.took(",")
	}
	p.advance()
	for !p.took("}") {
		if !p.sees("permission") {
			return p.unexpected("permission or }")
		}
		if !p.permission(base) || !p.wants(";") {
			return false
		}
	}
	return true
}

// value takes a text: quoted, for 3.x also a word, or a word or symbol of its grammar.
func (p *parser) value() (string, bool) {
	if p.config.classic() {
		if p.tok.kind != quoted || p.tok.mark != '"' {
			return "", p.unexpected("a quoted text")
		}
		return p.advance().text, true
	}
	if p.tok.kind == end || p.tok.kind == symbol && !strings.Contains("{};,", p.tok.text) {
		return "", p.unexpected("a text")
	}
	return p.advance().text, true
}

// principal takes what the JVM knows behind the word: a class, if it likes, and a quoted name.
func (p *parser) principal() bool {
	if p.tok.kind == word || p.sees("*") {
		p.advance()
	}
	if p.took("*") {
		return true
	}
	_, ok := p.value()
	return ok
}

var (
	property = regexp.MustCompile(`\$\{([^{}]*)\}`)
	absolute = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	// versioned is what Security.readPolicy takes off a jar's name for its short one.
	versioned = regexp.MustCompile(`-\d+\.\d+.*\.jar`)
)

const codeBaseProperty = "codebase."

// leavesOut reports, and says in a finding, that the grant is left out for its codeBase.
func (p *parser) leavesOut(at token, base string) bool {
	for _, m := range property.FindAllStringSubmatch(base, -1) {
		if name, ok := strings.CutPrefix(m[1], codeBaseProperty); ok && !p.hasJar(name) {
			noCodeBase.Report(p.out, p.place(at), m[0])
			return true
		}
	}
	if !strings.Contains(base, "${") && !absolute.MatchString(base) {
		p.refuse(badCodeBase, at.line, p.lineText(at.at), base)
		return true
	}
	return false
}

// hasJar reports that the plugin may have a jar of that name, with or without its version.
func (p *parser) hasJar(name string) bool {
	if p.config.Jars == nil {
		return true
	}
	for _, jar := range p.config.Jars {
		// Newer versions have further short names for jars with a classifier: all are beginnings.
		if jar == name || versioned.ReplaceAllString(jar, "") == name || name != "" && strings.HasPrefix(jar, name+"-") {
			return true
		}
	}
	return false
}

// skip passes a grant that is left out, by its braces.
func (p *parser) skip() bool {
	for p.tok.kind != end && p.tok.text != "{" {
		p.advance()
	}
	p.advance()
	for depth := 1; depth > 0 && p.tok.kind != end; p.advance() {
		switch p.tok.text {
		case "{":
			depth++
		case "}":
			depth--
		}
	}
	return true
}

// permission reads one entry up to its semicolon.
func (p *parser) permission(base string) bool {
	at := p.advance()
	f := Permission{Line: at.line, CodeBase: base}
	var named, acted, ok bool
	if p.config.classic() {
		if p.tok.kind != word && (p.tok.kind != quoted || p.tok.mark != '"') {
			return p.unexpected("the class of a permission")
		}
		f.Class = p.advance().text
	} else if f.Class, ok = p.value(); !ok {
		return false
	}
	if p.quotedNext() {
		f.Target, named = p.advance().text, true
	}
	comma := p.took(",")
	if p.quotedNext() && (comma || !p.config.classic()) {
		f.Actions, acted = p.advance().text, true
	}
	if p.config.classic() && (p.took(",") || comma && !acted) && p.took("signedBy") {
		if _, ok = p.value(); !ok {
			return false
		}
	}
	p.keep(at, f, named, acted)
	return true
}

func (p *parser) quotedNext() bool {
	return p.tok.kind == quoted && (p.tok.mark == '"' || !p.config.classic())
}
