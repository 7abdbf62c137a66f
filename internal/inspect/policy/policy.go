// Package policy reads a plugin's plugin-security.policy, says where OpenSearch would refuse it, and
// explains each permission in words, the most dangerous first. It mirrors two parsers: the JVM's own
// (sun.security.provider.PolicyParser), which OpenSearch 2.x asks, and org.opensearch.secure_sm.policy
// (PolicyParser, PolicyFile) of 3.x. It only reads text that it is given; what the plugin's classes
// really do is not looked at.
//
// What a permission is worth differs: 2.x runs under Java's security manager and checks every one.
// 3.x has a Java agent instead that checks reading, writing and deleting of files and outgoing
// connections; it lets no plugin end the node, and everything else is open to every plugin.
package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Name is where a plugin has its policy, in its root folder.
const Name = "plugin-security.policy"

// Grade says how much a permission allows.
type Grade int

// The grades, the most dangerous first.
const (
	Total     Grade = iota // whoever has it can give itself everything else
	Dangerous              // can harm the node, its data or its secrets
	Notable                // touches what is not the plugin's own
	Unknown                // a class that is not known here
	Minor                  // harms nobody
)

// String names the grade.
func (g Grade) String() string {
	return [...]string{"total", "dangerous", "notable", "unknown", "minor"}[g]
}

// Permission is one permission that the plugin asks for.
type Permission struct {
	Line     int64
	CodeBase string // of the grant, as written; "" = every jar of the plugin
	Class    string // "java.io.FilePermission"
	Target   string // "<<ALL FILES>>"; "" = none
	Actions  string // "read,write"; "" = none
	Grade    Grade
	Meaning  string // what the plugin may do with it: "may read every file"
	// Checked: the version of OpenSearch looks at the permission. Else asking for it changes nothing:
	// any plugin may use reflection, and none may end the node.
	Checked bool
}

// String writes the permission as the policy has it.
func (p Permission) String() string {
	s := p.Class
	if p.Target != "" {
		s += ` "` + p.Target + `"`
	}
	if p.Actions != "" {
		s += `, "` + p.Actions + `"`
	}
	return s
}

// Config is what the policy is held against.
type Config struct {
	OpenSearch target.Version // that runs the plugin; zero = every version served
	Jars       []string       // file names of the plugin's jars; nil = not known
}

// classic reports that the JVM's own parser and security manager are at work.
func (c Config) classic() bool { return c.OpenSearch != target.Version{} && c.OpenSearch.Before(3, 0) }

// certain reports that what the parser of 3.x refuses keeps the plugin from being installed.
func (c Config) certain() bool { return !c.OpenSearch.Before(3, 0) }

// MaxSize is how long a policy may be to be looked into, in bytes. Those of real plugins have some
// thousands.
const MaxSize = 256 << 10

// Policy reads a policy, reports what is wrong with it and what it
// grants, and returns the permissions, the most dangerous first. They are nil if the parser gives up.
func Policy(text []byte, c Config, out *rule.Tally) []Permission {
	if len(text) > MaxSize {
		TooLong(out)
		return nil
	}
	p := &parser{scanner: scanner{text: text, line: 1}, config: c, out: out}
	p.advance()
	if !p.file() {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Permission) int { return cmp.Compare(a.Grade, b.Grade) })
	for _, f := range p.found {
		p.explain(f)
	}
	return p.found
}

// TooLong reports a policy that is longer than MaxSize, for one who has not read it.
func TooLong(out *rule.Tally) { tooLong.Report(out, rule.Place{Path: Name}) }

// explain reports one permission by its grade.
func (p *parser) explain(f Permission) {
	r := graded[f.Grade]
	if !f.Checked {
		r = unchecked
	}
	where := "the plugin"
	if f.CodeBase != "" {
		where = "the jar " + rule.Shown([]byte(f.CodeBase))
	}
	place := rule.Place{Path: Name, Line: f.Line, Counted: f.Line, Text: []byte("permission " + f.String())}
	r.Report(p.out, place, where, f.Meaning)
}

// refuse reports what the parser of the target does not take.
func (p *parser) refuse(r *rule.Rule, line int64, text []byte, args ...any) {
	f := r.At(rule.Place{Path: Name, Line: line, Counted: line, Text: text}, args...)
	if !p.config.certain() {
		soften(&f)
	}
	p.out.Add(f)
}

// lineText is the line of the file at the byte.
func (p *parser) lineText(at int) []byte {
	text := string(p.text)
	from := strings.LastIndexAny(text[:at], "\r\n") + 1
	if n := strings.IndexAny(text[at:], "\r\n"); n >= 0 {
		return p.text[from : at+n]
	}
	return p.text[from:]
}
