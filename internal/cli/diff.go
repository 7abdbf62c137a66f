package cli

import (
	"fmt"
	"net/url"
	"strings"
)

// DiffCmd compares two versions.
type DiffCmd struct {
	Package string `arg:"" help:"Name or id."`
	From    string `arg:"" help:"The one version, as v1 or 1."`
	To      string `arg:"" help:"The other version."`
	inDomain
}

// Help stands below the flags.
func (*DiffCmd) Help() string {
	return `Dictionaries are compared by meaning, not by line: which words or left sides of rules are new (+),
gone (-), or stand for something else (~). Of plugins, the files and what the descriptor says.

Examples:
  searchpack diff synonyms v1 v2
  searchpack diff synonyms 1 2 --output json`
}

// changeLine is a change of the extension API.
type changeLine struct {
	Change   string   `json:"change"`
	Key      string   `json:"key"`
	Old      []string `json:"old"`
	New      []string `json:"new"`
	OldCount int      `json:"old_count"`
	NewCount int      `json:"new_count"`
	OldLine  int      `json:"old_line"`
	NewLine  int      `json:"new_line"`
}

// Run compares two versions.
func (d *DiffCmd) Run(c *Context) error {
	var numbers [2]int
	for i, version := range []string{d.From, d.To} {
		n, err := versionNumber(version)
		if err == nil && n == 0 {
			err = usagef("%q is no version: write it as v3 or 3", version)
		}
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, d.Package, d.Domain)
	if err != nil {
		return err
	}
	var answer struct {
		Way        string       `json:"way"`
		Note       string       `json:"note"`
		Added      int          `json:"added"`
		Removed    int          `json:"removed"`
		Changed    int          `json:"changed"`
		Same       int          `json:"same"`
		Changes    []changeLine `json:"changes"`
		Descriptor []changeLine `json:"descriptor"`
	}
	path := fmt.Sprintf("/packages/%s/diff?from=%d&to=%d", url.PathEscape(id), numbers[0], numbers[1])
	document, err := cl.call(c, "GET", path, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		if answer.Note != "" {
			p.line("%s", answer.Note)
		}
		for _, l := range answer.Descriptor {
			p.change(l, "descriptor: ")
		}
		for _, l := range answer.Changes {
			p.change(l, "")
		}
		if answer.Way != "bytes" {
			p.line("%s: %d added, %d removed, %d changed, %d the same", unit(answer.Way), answer.Added, answer.Removed, answer.Changed, answer.Same)
		}
		if hidden := answer.Added + answer.Removed + answer.Changed - len(answer.Changes); answer.Way != "bytes" && hidden > 0 {
			p.line("%d of them are not shown", hidden)
		}
	})
}

// unit is what was counted.
func unit(way string) string {
	switch way {
	case "lines", "files":
		return way
	}
	return "terms"
}

// marks are the sign and the colour of each sort of change.
var marks = map[string]struct{ sign, colour string }{
	"added": {"+", "32"}, "removed": {"-", "31"}, "changed": {"~", "33"},
}

// change writes one line for a change: "~ laptop => notebook, tablet (was: notebook)".
func (p *page) change(l changeLine, what string) {
	m, known := marks[l.Change]
	if !known {
		m.sign = "?"
	}
	text := m.sign + " " + what + l.Key
	now, was := values(l.New, l.NewCount), values(l.Old, l.OldCount)
	switch {
	case l.Change == "removed" && was != "":
		text += " => " + was
	case now != "":
		text += " => " + now
		if was != "" {
			text += " (was: " + was + ")"
		}
	case was != "":
		text += " (was: " + was + ")"
	}
	if text = OneLine(text); p.terminal.Colours && known {
		text = "\x1b[" + m.colour + "m" + text + "\x1b[0m"
	}
	p.text.WriteString(text + "\n")
}

// values writes those that came, and how many more there are.
func values(some []string, count int) string {
	s := strings.Join(some, ", ")
	if count > len(some) {
		s += fmt.Sprintf(" and %d more", count-len(some))
	}
	return s
}
