package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// FindingsCmd shows findings.
type FindingsCmd struct {
	Package string `arg:"" help:"Name or id."`
	Version string `arg:"" optional:"" help:"Version, as v3 or 3; without it, the newest import."`
	Of      string `name:"version" env:"-" placeholder:"VERSION" help:"The same, as a flag."`
	inDomain
}

// Help stands below the flags.
func (*FindingsCmd) Help() string {
	return "Examples:\n  searchpack findings synonyms\n  searchpack findings synonyms v3\n  searchpack findings synonyms --version 3"
}

// version is the one that is named, in either form; "" = none is.
func (f *FindingsCmd) version() (string, error) {
	if f.Version != "" && f.Of != "" {
		return "", usagef("two versions are named, %s and %s: findings are those of one", f.Version, f.Of)
	}
	return cmp.Or(f.Version, f.Of), nil
}

// versionNumber reads "v3" and "3"; "" is 0, the newest import.
func versionNumber(version string) (int, error) {
	if version == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(version, "v"), 10, 31)
	if err != nil || n < 1 {
		return 0, usagef("%q is no version: write it as v3 or 3", version)
	}
	return int(n), nil
}

// ofVersion is where the extension API says something of a version of a package.
func (c *Context) ofVersion(nameOrID, domain, version, what string) (*client, string, error) {
	number, err := versionNumber(version)
	if err != nil {
		return nil, "", err
	}
	cl, err := c.client()
	if err != nil {
		return nil, "", err
	}
	id, err := cl.packageID(c, nameOrID, domain)
	if err != nil {
		return nil, "", err
	}
	path := "/packages/" + url.PathEscape(id) + "/" + what
	if number > 0 {
		path += fmt.Sprintf("?version=%d", number)
	}
	return cl, path, nil
}

// Run shows findings.
func (f *FindingsCmd) Run(c *Context) error {
	version, err := f.version()
	if err != nil {
		return err
	}
	cl, path, err := c.ofVersion(f.Package, f.Domain, version, "findings")
	if err != nil {
		return err
	}
	var answer findingsLine
	document, err := cl.call(c, "GET", path, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		p.line("version: %s", answer.Version.says(c))
		if answer.Count == 0 {
			p.line("nothing found")
		}
		answer.show(p)
	})
}

// says which version it is, and how far it came: one that failed has no number.
func (v versionLine) says(c *Context) string {
	if v.Version != "" {
		return v.Version + ", " + v.Status
	}
	return strings.TrimSpace("none, " + v.Status + ": the newest import, " + c.ago(v.CreatedAt))
}

// findingsLine is what is shown of the findings of the extension API.
type findingsLine struct {
	Version  versionLine          `json:"version"`
	Count    int                  `json:"count"`
	Findings []searchpack.Finding `json:"findings"`
}

func (answer *findingsLine) show(p *page) {
	if v := answer.Version; v.Kind != "" {
		p.line("kind: %s", kindLine(v.Kind, v.KindSource, v.Confidence))
	}
	if answer.Count == 0 {
		return
	}
	head := []string{"LINE", "COLUMN", "SEVERITY", "RULE", "TEXT", "MESSAGE"}
	inside := slices.ContainsFunc(answer.Findings, func(x searchpack.Finding) bool { return x.Path != "" })
	if inside { // a package of several files
		head = append([]string{"FILE"}, head...)
	}
	t := newTable(head...)
	for _, x := range answer.Findings {
		message := x.Message
		if x.Remedy != "" {
			message += ". To mend it: " + x.Remedy
		}
		row := []any{line(x), place(x.Column), x.Severity, x.Rule, x.Text, message}
		if inside {
			row = append([]any{x.Path}, row...)
		}
		t.row(row...)
	}
	p.table(t)
	if slices.ContainsFunc(answer.Findings, func(x searchpack.Finding) bool { return x.OpenSearchLine > 0 }) {
		p.line("A line in parentheses is the number that OpenSearch's own messages give to it: they leave blank lines out.")
	}
	if answer.Count > len(answer.Findings) {
		p.line("and %d more", answer.Count-len(answer.Findings))
	}
}

// bySeverity says how many there are of each, the gravest first, as far as they were kept.
func bySeverity(found map[searchpack.Severity]int, count int) string {
	var parts []string
	kept := 0
	for _, s := range []searchpack.Severity{searchpack.SeverityError, searchpack.SeverityMostly, searchpack.SeverityWarning, searchpack.SeverityNote} {
		if n := found[s]; n > 0 {
			parts, kept = append(parts, fmt.Sprintf("%d %s", n, s)), kept+n
		}
	}
	if more := count - kept; more > 0 {
		parts = append(parts, fmt.Sprintf("%d that were not kept", more))
	}
	return strings.Join(parts, ", ")
}

// severities counts the findings that were kept.
func (answer *findingsLine) severities() string {
	n := map[searchpack.Severity]int{}
	for _, f := range answer.Findings {
		n[f.Severity]++
	}
	return bySeverity(n, answer.Count)
}

// grave leaves the notes out.
func (answer *findingsLine) grave() *findingsLine {
	out := *answer
	out.Findings = slices.DeleteFunc(slices.Clone(answer.Findings), func(f searchpack.Finding) bool { return f.Severity == searchpack.SeverityNote })
	out.Count -= len(answer.Findings) - len(out.Findings)
	return &out
}

// place is a line or column number; 0 means the whole file or line.
func place(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// line is the number of the line, and OpenSearch's own number for it if that is another.
func line(f searchpack.Finding) string {
	if f.OpenSearchLine > 0 {
		return fmt.Sprintf("%d (%d)", f.Line, f.OpenSearchLine)
	}
	return place(f.Line)
}
