package hyphenation

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/xmlbound"
)

// maxBindings bounds how many prefixes may be declared at one place.
const maxBindings = 10_000

const (
	blanks     = " \t\r\n"
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// checks is what encoding/xml lets pass in its raw tokens and Java's parser, which knows namespaces,
// does not.
type checks struct {
	open     []string
	bound    []binding
	byPrefix map[string][]string // the uris that each prefix is bound to, the one that holds last
	roots    int
	doctype  bool
	declares bool              // a DTD elsewhere may declare entities
	dtd      *problem          // with the DTD that the DOCTYPE names
	entities map[string]string // that the DOCTYPE declares
}

// binding is a prefix that is declared at a depth.
type binding struct {
	prefix, uri string
	depth       int
}

// token checks a token. raw is its text, up to maxTag.
func (c *checks) token(token xml.Token, raw []byte, size int64, at rule.Place) error {
	switch t := token.(type) {
	case xml.StartElement:
		if size > maxTag {
			return &problem{unread, at, []any{xmlbound.ErrTooLong.Error()}}
		}
		return c.start(t, raw, at)
	case xml.EndElement:
		return c.close(t, at)
	case xml.CharData:
		if err := references(raw, at); err != nil {
			return err
		}
		if len(c.open) == 0 && (len(bytes.Trim(t, blanks)) > 0 || bytes.HasPrefix(raw, []byte("<"))) {
			return malformedAt(at, "text outside of the root element")
		}
	case xml.ProcInst:
		if strings.EqualFold(t.Target, "xml") {
			return malformedAt(at, "<?xml stands elsewhere than at the beginning of the file")
		}
		behind := bytes.TrimPrefix(raw, []byte("<?"+t.Target))
		if len(behind) > 0 && len(behind) < len(raw) && strings.IndexByte(blanks, behind[0]) < 0 && !bytes.HasPrefix(behind, []byte("?>")) {
			return malformedAt(at, "no blank behind the name of a processing instruction")
		}
	case xml.Directive:
		return c.directive(t, at)
	}
	return nil
}

func (c *checks) start(t xml.StartElement, raw []byte, at rule.Place) error {
	if len(c.open) == 0 {
		if c.roots++; c.roots > 1 {
			return malformedAt(at, "more than one root element")
		}
	}
	if len(c.open) == xmlbound.MaxDepth {
		return &problem{unread, at, []any{"it is nested too deep"}}
	}
	if err := references(raw, at); err != nil {
		return err
	}
	if glued(raw) {
		return malformedAt(at, "no blank between two attributes")
	}
	c.open = append(c.open, qualified(t.Name))
	if err := c.declare(t, at); err != nil {
		return err
	}
	return c.names(t, at)
}

// declare takes up the prefixes that the tag declares.
func (c *checks) declare(t xml.StartElement, at rule.Place) error {
	for _, a := range t.Attr {
		b := binding{uri: a.Value, depth: len(c.open)}
		switch {
		case a.Name.Space == "xmlns":
			b.prefix = a.Name.Local
		case a.Name.Space != "" || a.Name.Local != "xmlns":
			continue
		}
		switch {
		case b.prefix == "xmlns", (b.prefix == "xml") != (b.uri == xmlSpace), b.uri == xmlnsSpace, b.prefix != "" && b.uri == "":
			return malformedAt(at, "the namespace %s=%q cannot be declared", qualified(a.Name), b.uri)
		}
		if c.byPrefix == nil {
			c.byPrefix = map[string][]string{}
		}
		c.bound = append(c.bound, b)
		c.byPrefix[b.prefix] = append(c.byPrefix[b.prefix], b.uri)
	}
	if len(c.bound) > maxBindings {
		return &problem{unread, at, []any{"it declares too many namespaces"}}
	}
	return nil
}

// names checks the names of a tag and of its attributes.
func (c *checks) names(t xml.StartElement, at rule.Place) error {
	if err := c.name(t.Name, at); err != nil {
		return err
	}
	seen := make(map[xml.Name]bool, 2*len(t.Attr))
	for _, a := range t.Attr {
		if err := c.name(a.Name, at); err != nil {
			return err
		}
		expanded := a.Name
		if a.Name.Space != "" && a.Name.Space != "xmlns" {
			expanded.Space, _ = c.lookup(a.Name.Space)
			expanded.Space = "uri " + expanded.Space // no prefix looks like that
		}
		if seen[a.Name] || seen[expanded] {
			return malformedAt(at, "the attribute %s stands twice in one tag", qualified(a.Name))
		}
		seen[a.Name], seen[expanded] = true, true
	}
	return nil
}

func (c *checks) name(n xml.Name, at rule.Place) error {
	if len(n.Space)+len(n.Local) > maxName && utf8.RuneCountInString(n.Space+n.Local) > maxName {
		return &problem{unread, at, []any{"a name has more than 1,000 characters"}}
	}
	if strings.Contains(strings.TrimPrefix(n.Local, ":"), ":") {
		return malformedAt(at, "the name %s is no name with a prefix", n.Local)
	}
	if n.Space == "" || n.Space == "xmlns" {
		return nil
	}
	if _, ok := c.lookup(n.Space); !ok {
		return malformedAt(at, "the prefix of %s is not declared", qualified(n))
	}
	return nil
}

func (c *checks) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	uris := c.byPrefix[prefix]
	if len(uris) == 0 {
		return "", false
	}
	return uris[len(uris)-1], true
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func (c *checks) close(t xml.EndElement, at rule.Place) error {
	last := len(c.open) - 1
	switch name := qualified(t.Name); {
	case last < 0:
		return malformedAt(at, "</%s> ends nothing", name)
	case c.open[last] != name:
		return malformedAt(at, "<%s> is ended by </%s>", c.open[last], name)
	}
	c.open = c.open[:last]
	for len(c.bound) > 0 && c.bound[len(c.bound)-1].depth > last {
		prefix := c.bound[len(c.bound)-1].prefix
		if uris := c.byPrefix[prefix]; len(uris) > 1 {
			c.byPrefix[prefix] = uris[:len(uris)-1]
		} else {
			delete(c.byPrefix, prefix)
		}
		c.bound = c.bound[:len(c.bound)-1]
	}
	return nil
}

// end checks that the document is whole.
func (c *checks) end(at rule.Place) error {
	switch {
	case len(c.open) > 0:
		return malformedAt(at, "the file ends before <%s> is ended", c.open[len(c.open)-1])
	case c.roots == 0:
		return malformedAt(at, "there is no element")
	}
	return nil
}

var reference = regexp.MustCompile(`&#(?:x([0-9A-Fa-f]+)|([0-9]+));`)

// references finds references to what is no character, half of a surrogate pair for example.
func references(raw []byte, at rule.Place) error {
	if !bytes.Contains(raw, []byte("&#")) || bytes.HasPrefix(raw, []byte("<![CDATA[")) {
		return nil
	}
	for _, m := range reference.FindAllSubmatch(raw, -1) {
		n, err := strconv.ParseInt(string(m[1]), 16, 32)
		if len(m[1]) == 0 {
			n, err = strconv.ParseInt(string(m[2]), 10, 32)
		}
		if err != nil || !isCharacter(rune(n)) || !utf8.ValidRune(rune(n)) {
			return malformedAt(at, "%s is no character", m[0])
		}
	}
	return nil
}

// glued reports attributes of a start tag without a blank between them.
func glued(raw []byte) bool {
	quote := byte(0)
	for i, c := range raw {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
			if i+1 < len(raw) && bytes.IndexByte([]byte(" \t\r\n/>"), raw[i+1]) < 0 {
				return true
			}
		}
	}
	return false
}

// isEntity reports the decoder's error about an entity that it does not know.
func isEntity(message string) bool { return strings.HasPrefix(message, "invalid character entity") }
