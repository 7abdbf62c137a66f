// Package vuln compares what a plugin consists of with a database of known vulnerabilities that the
// operator supplies: records in OSV's format for the ecosystem Maven, as a JSON array or one after the
// other (JSON lines). It asks nobody and knows nothing that is not in the file. A library is compared
// by its Maven coordinates; where a jar does not state its group, by its name alone, which is no more
// than a suspicion.
package vuln

import (
	"slices"
	"strings"

	"deps.dev/util/semver"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/sbom"
)

// Match is a vulnerability of a library of the plugin.
type Match struct {
	Path      string // of the jar
	Component sbom.Component
	ID        string   // of the record
	Names     []string // as people know it: its CVE ids, or else ID
	Summary   string
	Fixed     []string // versions that have it no more, as far as the record says
	Suspected bool     // only the name fits: the jar does not state its group
}

// Match compares the components, and what is packed into them, in their order.
func (d *Database) Match(components []sbom.Component) []Match {
	var out []Match
	for _, c := range components {
		for _, part := range append([]sbom.Component{c}, c.Bundled...) {
			out = append(out, d.one(c.Path, part)...)
		}
	}
	return out
}

func (d *Database) one(path string, c sbom.Component) []Match {
	if c.Version == "" {
		return nil
	}
	found := d.byName[c.Group+":"+c.Name]
	if c.Group == "" {
		found = d.byArtifact[c.Name]
	}
	var out []Match
	for _, a := range found {
		if !a.covers(c.Version) || slices.ContainsFunc(out, func(m Match) bool { return m.ID == a.record.id }) {
			continue
		}
		out = append(out, Match{
			Path: path, Component: c, ID: a.record.id, Names: a.record.names, Summary: a.record.summary,
			Fixed: a.fixed(), Suspected: c.Group == "",
		})
	}
	slices.SortFunc(out, func(a, b Match) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// covers reports whether the version is affected: listed, or within a range.
func (a *affected) covers(version string) bool {
	if slices.Contains(a.versions, version) {
		return true
	}
	v, ok := parse(version)
	if !ok {
		return false
	}
	return slices.ContainsFunc(a.ranges, func(r []event) bool { return within(r, v) })
}

// within reports whether v is in a range, whose events are in the order of their versions.
func within(events []event, v *semver.Version) bool {
	in := false
	for _, e := range events {
		c := v.Compare(e.version)
		switch {
		case e.kind == introduced && (e.text == first || c >= 0):
			in = true
		case e.kind == fixed && c >= 0, e.kind == lastAffected && c > 0:
			in = false
		}
	}
	return in
}

// first is what introduced says of a vulnerability that was always there.
const first = "0"

// fixed lists the versions that end ranges.
func (a *affected) fixed() []string {
	var out []string
	for _, r := range a.ranges {
		for _, e := range r {
			if e.kind == fixed && !slices.Contains(out, e.text) {
				out = append(out, e.text)
			}
		}
	}
	return out
}

// maxVersion bounds a version, in bytes: comparing them takes time that grows with its square.
const maxVersion = 128

// parse reads a version of Maven (org.apache.maven.artifact.versioning.ComparableVersion).
func parse(version string) (*semver.Version, bool) {
	if version == "" || len(version) > maxVersion {
		return nil, false
	}
	v, err := semver.Maven.Parse(version)
	return v, err == nil
}

// RuleVulnerable is the rule of a library with a known vulnerability.
const RuleVulnerable = "dependency.vulnerable"

// Rules are the rules of this package.
func Rules() []*rule.Rule { return []*rule.Rule{vulnerable, suspected} }

var (
	vulnerable = &rule.Rule{
		ID: RuleVulnerable, Severity: searchpack.SeverityError, Title: "a library with a known vulnerability",
		Message: "%s has the vulnerability %s by the server's database%s. OpenSearch would take the plugin; the server refuses it, or warns with --vulnerable-plugins warn",
		Remedy:  "build the plugin with a version of the library that does not have it",
	}
	suspected = &rule.Rule{
		ID: "dependency.suspected", Severity: searchpack.SeverityWarning, Title: "a library that may have a known vulnerability",
		Message: "%s may have the vulnerability %s by the server's database%s: name and version fit, but the jar does not state its Maven group",
		Remedy:  "see whether it is that library, and build the plugin with a newer version if it is",
	}
)

// Report makes a finding of each match. warn: a plugin is not refused for them.
func Report(matches []Match, warn bool, out *rule.Tally) {
	for _, m := range matches {
		r := vulnerable
		if m.Suspected {
			r = suspected
		}
		about := ""
		if m.Summary != "" {
			about = " (" + rule.Shown([]byte(m.Summary)) + ")"
		}
		if len(m.Fixed) > 0 {
			about += ", mended in " + rule.Shown([]byte(strings.Join(m.Fixed, ", ")))
		}
		purl := sbom.PackageURL(m.Component)
		f := r.At(rule.Place{Path: m.Path, Text: []byte(purl)}, rule.Shown([]byte(name(m.Component))), rule.Shown([]byte(strings.Join(m.Names, ", "))), about)
		if warn && f.Severity == searchpack.SeverityError {
			f.Severity = searchpack.SeverityWarning
		}
		out.Add(f)
	}
}

func name(c sbom.Component) string {
	s := c.Name + " " + c.Version
	if c.Group != "" {
		s = c.Group + ":" + s
	}
	return s
}

// Names are the vulnerabilities for which a plugin is refused, as people know them, sorted, each once.
func Names(matches []Match) []string {
	var out []string
	for _, m := range matches {
		if !m.Suspected {
			out = append(out, m.Names...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
