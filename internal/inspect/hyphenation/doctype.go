package hyphenation

import (
	"encoding/xml"
	"regexp"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

var (
	// doctypes is a DOCTYPE: its name, the DTD that it names, and declarations of its own.
	doctypes = regexp.MustCompile(`^DOCTYPE[ \t\r\n]+([^ \t\r\n"'<>\[\]]+)([ \t\r\n]+(?:SYSTEM|PUBLIC[ \t\r\n]+(?:"([^"]*)"|'([^']*)'))[ \t\r\n]+(?:"([^"]*)"|'([^']*)'))?[ \t\r\n]*(\[(?s:.*))?$`)
	// entity is the declaration of one that stands for plain text.
	entity = regexp.MustCompile(`^<!ENTITY[ \t\r\n]+([A-Za-z_][A-Za-z0-9_.-]*)[ \t\r\n]+(?:"([^"&%<]*)"|'([^'&%<]*)')[ \t\r\n]*>`)
)

// knownDTD is what PatternParser.resolveEntity looks for in the name of a DTD, to give its own.
var knownDTD = regexp.MustCompile(`(?i)^.*\bhyphenation.dtd\b.*$`)

// directive checks what begins with "<!" and is no comment; comments in it are blanks here.
func (c *checks) directive(t xml.Directive, at rule.Place) error {
	text := string(t)
	switch {
	case !strings.HasPrefix(text, "DOCTYPE"):
		return malformedAt(at, "<!%.20s is neither a comment nor a DOCTYPE", text)
	case c.roots > 0 || c.doctype:
		return malformedAt(at, "a DOCTYPE stands elsewhere than before the root element, or twice")
	}
	c.doctype = true
	m := doctypes.FindStringSubmatch(text)
	if m == nil || !isName(m[1]) {
		return malformedAt(at, `the DOCTYPE is not like <!DOCTYPE hyphenation-info SYSTEM "hyphenation.dtd">`)
	}
	if m[2] != "" {
		c.declares = true
		if public, system := m[3]+m[4], m[5]+m[6]; public != "hyphenation-info" && !knownDTD.MatchString(system) {
			c.dtd = &problem{otherDTD, at, []any{rule.Shown([]byte(system))}}
		}
	}
	if m[7] == "" {
		return nil
	}
	return c.subset(m[7], at)
}

// predefined are the entities that every file has. What may be declared of them is a matter of its own.
var predefined = map[string]bool{"lt": true, "gt": true, "amp": true, "apos": true, "quot": true}

// subset takes up the entities that a DOCTYPE declares between brackets. Other declarations are rare in
// files of patterns, and a parser of DTDs would be needed for them.
func (c *checks) subset(text string, at rule.Place) error {
	unknown := &problem{unread, at, []any{"what the DOCTYPE declares is more than entities of plain text"}}
	if strings.Contains(text, "<?") {
		return unknown // the directive may not even end here
	}
	text = strings.TrimRight(text, blanks)
	inside, ok := strings.CutSuffix(text, "]")
	if !ok {
		return malformedAt(at, "what the DOCTYPE declares does not end with a bracket")
	}
	c.entities = map[string]string{}
	for inside = strings.Trim(inside[1:], blanks); inside != ""; inside = strings.TrimLeft(inside, blanks) {
		m := entity.FindStringSubmatch(inside)
		if m == nil || predefined[m[1]] || len(m[0]) > maxEntity {
			return unknown
		}
		if _, known := c.entities[m[1]]; !known { // the first declaration counts
			c.entities[m[1]] = m[2] + m[3]
		}
		inside = inside[len(m[0]):]
	}
	return nil
}

// isName reports whether the text is a name: the decoder, which has the table, reads it as one.
func isName(name string) bool {
	token, err := xml.NewDecoder(strings.NewReader("<" + strings.ReplaceAll(name, ":", "_") + "/>")).RawToken()
	start, ok := token.(xml.StartElement)
	return err == nil && ok && len(start.Name.Local) == len(name)
}
