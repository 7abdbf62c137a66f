package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// PreviewCmd shows what a version makes of a text.
type PreviewCmd struct {
	Package  string `arg:"" help:"Name or id."`
	Domain   string `required:"" env:"-" placeholder:"DOMAIN" help:"In this domain."`
	Index    string `required:"" env:"-" placeholder:"INDEX" help:"Through an analyzer of this index."`
	Text     string `required:"" env:"-" placeholder:"TEXT" help:"The text to analyze."`
	Version  string `env:"-" placeholder:"V" help:"With this version, as v3 or 3; without it, with the one that AssociatePackage takes."`
	Analyzer string `env:"-" placeholder:"NAME" help:"Through this analyzer; needed if several of the index use the package."`
}

// Help stands below the flags.
func (*PreviewCmd) Help() string {
	return "A node of the domain analyzes the text twice, with the version that serves and with the other. Nothing that is\n" +
		"live changes. It takes some seconds: the node fetches the version first.\n\n" +
		"Example:\n  searchpack preview synonyms --domain products --version v3 --index shop --text \"cheap laptop\""
}

// previewLine is what is shown of a preview of the extension API.
type previewLine struct {
	Domain   string         `json:"domain"`
	Name     string         `json:"name"`
	Version  string         `json:"version"`
	Live     string         `json:"live"`
	Index    string         `json:"index"`
	Analyzer string         `json:"analyzer"`
	Partial  bool           `json:"partial"`
	Node     string         `json:"node"`
	Before   *previewTokens `json:"before"`
	After    previewTokens  `json:"after"`
}

type previewTokens struct {
	Tokens []previewToken `json:"tokens"`
	More   int            `json:"more"`
}

type previewToken struct {
	Token    string `json:"token"`
	Position int    `json:"position"`
	Length   int    `json:"length"`
	Type     string `json:"type"`
}

// Run shows the preview.
func (p *PreviewCmd) Run(c *Context) error {
	body := map[string]string{"index": p.Index, "text": p.Text}
	if p.Version != "" {
		name, err := versionName(p.Version)
		if err != nil {
			return err
		}
		body["version"] = name
	}
	if p.Analyzer != "" {
		body["analyzer"] = p.Analyzer
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, p.Package, p.Domain)
	if err != nil {
		return err
	}
	var x previewLine
	document, err := cl.call(c, "POST", "/domains/"+url.PathEscape(p.Domain)+"/packages/"+url.PathEscape(id)+"/preview", body, &x)
	if err != nil {
		return err
	}
	return c.print(document, x.show)
}

// show puts before beside after, a row for each position.
func (x *previewLine) show(p *page) {
	live, before := "nothing serves", "BEFORE"
	var old previewTokens
	if x.Before != nil {
		live, before, old = x.Live+" serves", "BEFORE ("+x.Live+")", *x.Before
	}
	p.line("%s in %s: %s, %s; index %s, analyzer %s, on %s", x.Name, x.Domain, x.Version, live, x.Index, x.Analyzer, x.Node)
	if x.Partial {
		p.line("shown as far as the filter that reads the file: what the analyzer does after it is left out")
	}
	same := true
	t := newTable("POSITION", before, "AFTER ("+x.Version+")", "CHANGE", "")
	for _, at := range positions(old.Tokens, x.After.Tokens) {
		was, is := old.at(at), x.After.at(at)
		change := ""
		switch {
		case was == is:
		case was == "":
			change = "new"
		case is == "":
			change = "gone"
		default:
			change = "other"
		}
		same = same && change == ""
		t.row(at, was, is, change)
	}
	if len(t.rows) == 0 {
		p.line("no token is left of the text, before and after")
		return
	}
	p.table(t)
	if old.More+x.After.More > 0 {
		p.line("left out: %d tokens before, %d after", old.More, x.After.More)
	} else if same && x.Before != nil {
		p.line("the text gives the same tokens before and after")
	}
}

// positions of all tokens, in their order.
func positions(all ...[]previewToken) []int {
	var out []int
	for _, t := range slices.Concat(all...) {
		out = append(out, t.Position)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// at lists the tokens of a position, sorted: filters give those of one position in no order that counts.
func (t previewTokens) at(position int) string {
	var out []string
	for _, x := range t.Tokens {
		if x.Position != position {
			continue
		}
		text := x.Token
		if x.Length > 1 {
			text += fmt.Sprintf(" (spans %d)", x.Length)
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
