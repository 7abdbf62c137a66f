// Package cli holds the client commands of searchpack: what a person asks a server, and Lint, which
// asks none. They use the
// AWS API and the extension API only, so everything they do a script can do too. They print tables
// for people and, with --output json, documents for programs; they keep no state. What a server
// says is cleaned before it reaches a terminal.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Commands are the client commands. Embed it in the program's command line.
type Commands struct {
	Packages PackagesCmd `cmd:"" group:"client" help:"List packages."`
	Versions VersionsCmd `cmd:"" group:"client" help:"List the versions of a package, failed imports too."`
	Findings FindingsCmd `cmd:"" group:"client" help:"Show what the inspection of a version found."`
	Diff     DiffCmd     `cmd:"" group:"client" help:"Show what differs between two versions, by meaning."`
	SBOM     SBOMCmd     `cmd:"" name:"sbom" group:"client" help:"Print what a plugin consists of, as a CycloneDX document."`
	Domains  DomainsCmd  `cmd:"" group:"client" help:"List domains and what is associated with them."`
	Nodes    NodesCmd    `cmd:"" group:"client" help:"Show each node of a domain: what is proven, owed, wrong."`
	Rollouts RolloutsCmd `cmd:"" group:"client" help:"Show the rollouts of a domain; of one, the steps and the proof per node."`
	Rollout  RolloutCmd  `cmd:"" group:"client" help:"Pause, resume or abort a rollout."`
	Plan     PlanCmd     `cmd:"" group:"client" help:"Show what associating a version would do, and change nothing."`
	Preview  PreviewCmd  `cmd:"" group:"client" help:"Show what a version makes of a text, on a real node, and change nothing."`
	Push     PushCmd     `cmd:"" group:"client" help:"Make a file the newest version of a package, and roll it out."`
	Adopt    AdoptCmd    `cmd:"" group:"client" help:"Make a file that is on the nodes already a package's, where it lies."`
	Rollback RollbackCmd `cmd:"" group:"client" help:"Go back to an older version of a package."`
	Pin      PinCmd      `cmd:"" group:"client" help:"Pin a domain to a version of a package, or let it follow the latest."`
	Usage    UsageCmd    `cmd:"" group:"client" help:"Show which indices and templates use a package."`
	Events   EventsCmd   `cmd:"" group:"client" help:"Show the audit log."`
	Token    TokenCmd    `cmd:"" group:"client" help:"Make, list and revoke join tokens for agents."`

	Lint LintCmd `cmd:"" group:"check" help:"Inspect files here as a server would, without one."`
	Sign SignCmd `cmd:"" group:"check" help:"Sign plugins, so that nodes accept them."`

	Credential CredentialCmd `cmd:"" group:"client" help:"Manage accounts, users, their keys and what these may do."`
}

// Globals are the flags that all client commands share.
type Globals struct {
	EndpointURL string `name:"endpoint-url" env:"AWS_ENDPOINT_URL_OPENSEARCH,AWS_ENDPOINT_URL" placeholder:"URL" help:"The server's address."`
	Region      string `env:"AWS_REGION,AWS_DEFAULT_REGION" placeholder:"REGION" help:"The region to ask for (else the AWS configuration's, else us-east-1)."`
	Output      string `default:"table" env:"SEARCHPACK_OUTPUT" help:"table or json; of lint sarif, too."`
}

// AfterApply refuses an output that the command does not have, before it does anything.
func (g *Globals) AfterApply(k *kong.Context) error {
	node := k.Selected()
	lint := node != nil && node.Name == "lint"
	switch {
	case g.Output == "table" || g.Output == "json" || g.Output == "sarif" && lint:
		return nil
	case g.Output == "sarif" && node != nil:
		return fmt.Errorf("--output sarif is for searchpack lint: %s has table and json", node.FullPath())
	case lint:
		return fmt.Errorf("--output must be one of table, json, sarif, and not %q", g.Output)
	}
	return fmt.Errorf("--output must be one of table, json, and not %q", g.Output)
}

// Context is what a command runs with.
type Context struct {
	context.Context
	Globals *Globals
	In      io.Reader // what a file named "-" is
	Out     io.Writer
	Notes   io.Writer // what is said besides, where Out is for programs; nil = nowhere
	Now     func() time.Time
	Version string // of the program
	// Terminal describes Out; the zero value is no terminal.
	Terminal Terminal
}

// Terminal is what tables are shown on.
type Terminal struct {
	Is      bool // Out is a terminal: long texts stand below their rows, not in a column
	Columns int  // its width; 0 = unknown
	Colours bool
}

// ErrUsage marks errors that the caller must mend on the command line or in the environment: exit
// status 2.
var ErrUsage = errors.New("usage")

// usage is an ErrUsage that does not say so in its text.
type usage struct{ error }

func (usage) Is(target error) bool { return target == ErrUsage }
func (u usage) Unwrap() error      { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// note says something that is no result.
func (c *Context) note(format string, args ...any) {
	if c.Notes != nil {
		_, _ = fmt.Fprintln(c.Notes, "searchpack: "+OneLine(fmt.Sprintf(format, args...)))
	}
}

// print writes the document as JSON, or what show puts on a page.
func (c *Context) print(document any, show func(p *page)) error {
	if c.Globals.Output == "json" {
		return c.printJSON(document)
	}
	p := &page{terminal: c.Terminal}
	show(p)
	_, err := io.WriteString(c.Out, p.text.String())
	return err
}

// printJSON writes a document of ours, or one that a server sent, with nothing in it that could
// steer a terminal.
func (c *Context) printJSON(document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(c.Out, escapeJSON(b.String()))
	return err
}

// escapeJSON writes characters that a terminal may obey as JSON escapes. In valid JSON they stand
// inside strings only.
func escapeJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != '\n' && unprintable(r) {
			if r > 0xffff { // format characters beyond the first plane, for example tags
				r -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
				continue
			}
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ago writes how long ago t was, in the largest unit that fits.
func (c *Context) ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := c.Now().Sub(t)
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return fmt.Sprintf("%dd ago", int(d.Hours()/24))
}
