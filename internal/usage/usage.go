// Package usage reads a filtered cluster state and says who uses which package file: indices,
// templates, their components and analyzers, how to ask a node about the file (chains), and what
// the refresh API would reload. It also judges what nodes answer.
//
// It is pure: JSON in, values out, no clock, no network, and it imports only the root package. The
// JSON comes from a node through the speaker's UsageReport, so it is hostile input: every size that
// could grow with it is bounded. The result is stored and read by internal/rollout.
package usage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// Bounds of what one report may become. A cluster state is bounded by MaxState; these bound what
// could be a multiple of it.
const (
	// maxDepth of nested settings and mappings. OpenSearch's own limit for mappings is 20.
	maxDepth = 64
	// maxChainBody is the longest body made of a real analyzer: long word lists inside settings are
	// left out of the question rather than copied into every order.
	maxChainBody = 64 << 10
	// maxChainBytes of all chains of a usage together. More: Truncated.
	maxChainBytes = 32 << 20
	// maxSteps of walking through analyzers. A cluster of 3,000 indices with 10 analyzers each takes
	// some 300,000; a state made to be walked for ever is Truncated.
	maxSteps = 4 << 20
	// maxFields named per use; the rest is counted ("and 12 more").
	maxFields = 200
)

// Parse reads the state of a report. adopted has the paths of files that do not lie at
// searchpack.ReferencePath, by package id; nil = there are none. The result is in a fixed order, whatever
// the order of the JSON. A report that was truncated gives a Usage that says so and has no uses. An error
// means that the state cannot be understood, and must never be taken for "nobody uses anything".
func Parse(r searchpack.UsageReport, adopted map[string]string, at time.Time) (searchpack.Usage, error) {
	u := searchpack.Usage{
		ClusterUUID: r.ClusterUUID, Term: r.Term, Version: r.Version,
		DutyID: r.DutyID, Truncated: r.Truncated, At: at,
	}
	if r.Schema > 1 {
		return u, fmt.Errorf("the usage report has schema %d, this program reads 1: update the server", r.Schema)
	}
	if r.Truncated {
		return u, nil
	}
	st, err := decode(r.State)
	if err != nil {
		return u, fmt.Errorf("cannot read the cluster state of version %d: %w", r.Version, err)
	}
	if st.ClusterUUID != "" && st.ClusterUUID != r.ClusterUUID {
		return u, fmt.Errorf("the report is about cluster %s, its state about cluster %s", r.ClusterUUID, st.ClusterUUID)
	}
	if st.Version != 0 && st.Version != r.Version {
		return u, fmt.Errorf("the report is about state version %d, its state has version %d", r.Version, st.Version)
	}
	files := newFiles(adopted)
	users, err := st.users(files)
	if err != nil {
		return u, fmt.Errorf("cannot read the cluster state of version %d: %w", r.Version, err)
	}
	left := budget{bytes: maxChainBytes, steps: maxSteps}
	for _, usr := range users {
		u.Uses = append(u.Uses, usr.uses(files, &left)...)
	}
	u.Truncated = left.spent()
	slices.SortFunc(u.Uses, func(a, b searchpack.Use) int {
		return cmp.Or(
			cmp.Compare(a.PackageID, b.PackageID), cmp.Compare(a.UserKind, b.UserKind),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Component, b.Component), cmp.Compare(a.Key, b.Key))
	})
	return u, nil
}

// Users returns the uses of one package, in the order of the usage. u may be nil.
func Users(u *searchpack.Usage, packageID string) []searchpack.Use {
	if u == nil {
		return nil
	}
	var out []searchpack.Use
	for _, use := range u.Uses {
		if use.PackageID == packageID {
			out = append(out, use)
		}
	}
	return out
}

// budget is the work and the output that are left.
type budget struct{ bytes, steps int }

func (b budget) spent() bool { return b.bytes < 0 || b.steps < 0 }

// state is the part of the answer of GET _cluster/state/metadata that StateQuery asks for.
type state struct {
	ClusterUUID string    `json:"cluster_uuid"`
	Version     int64     `json:"version"`
	Metadata    *metadata `json:"metadata"`
}

type metadata struct {
	Indices   map[string]indexState `json:"indices"`
	Templates map[string]template   `json:"templates"`
	Composed  struct {
		All map[string]composable `json:"index_template"`
	} `json:"index_template"`
	Components struct {
		All map[string]composable `json:"component_template"`
	} `json:"component_template"`
}

type template struct {
	Settings any `json:"settings"`
	Mappings any `json:"mappings"`
}

type indexState struct {
	template
	State string `json:"state"`
}

type composable struct {
	Template   template `json:"template"`
	ComposedOf []string `json:"composed_of"`
}

// decode reads the JSON. Without "metadata" it is some other document, an error answer for example.
func decode(raw json.RawMessage) (*state, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var st state
	if err := d.Decode(&st); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is something after the JSON document")
	}
	if st.Metadata == nil {
		return nil, fmt.Errorf("it has no metadata")
	}
	return &st, nil
}

// user is one index or template.
type user struct {
	kind     searchpack.UserKind
	name     string
	closed   bool
	analysis *analysis
	fields   fieldIndex
}

func (st *state) users(f *files) ([]*user, error) {
	m, out := st.Metadata, []*user(nil)
	add := func(kind searchpack.UserKind, name, status string, parts ...template) error {
		a, named := newAnalysis(f), fields{}
		for _, p := range parts {
			if err := a.merge(p.Settings); err != nil {
				return fmt.Errorf("settings of %s %s: %w", kind, name, err)
			}
			named.merge(p.Mappings)
		}
		a.finish()
		out = append(out, &user{kind, name, status == "close", a, named.index()})
		return nil
	}
	for _, name := range settings.Sorted(m.Indices) {
		if err := add(searchpack.UserIndex, name, m.Indices[name].State, m.Indices[name].template); err != nil {
			return nil, err
		}
	}
	for _, name := range settings.Sorted(m.Templates) {
		if err := add(searchpack.UserLegacyTemplate, name, "", m.Templates[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range settings.Sorted(m.Components.All) {
		if err := add(searchpack.UserComponentTemplate, name, "", m.Components.All[name].Template); err != nil {
			return nil, err
		}
	}
	for _, name := range settings.Sorted(m.Composed.All) {
		if err := add(searchpack.UserTemplate, name, "", m.layers(name)...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// layers of a composable template: its components in composed_of order, then its own part, later
// ones over earlier ones (MetadataIndexTemplateService.collectSettings). A component that does not
// exist (ignore_missing_component_templates) adds nothing.
func (m *metadata) layers(name string) []template {
	t := m.Composed.All[name]
	var out []template
	for _, c := range t.ComposedOf {
		if part, ok := m.Components.All[c]; ok {
			out = append(out, part.Template)
		}
	}
	return append(out, t.Template)
}

// uses of all packages by one user. When the budget is spent what comes out is still every use,
// with less about it.
func (u *user) uses(f *files, left *budget) []searchpack.Use {
	u.analysis.trace(&left.steps)
	var out []searchpack.Use
	for _, c := range u.analysis.all() {
		for _, ref := range c.refs {
			use := searchpack.Use{
				PackageID: ref.packageID, Path: f.byID[ref.packageID], UserKind: u.kind, Name: u.name, Closed: u.closed,
				Component: c.String(), Key: ref.key, Type: c.get("type"),
				FileKind: fileKind(c, ref.key), Updateable: c.get("updateable") == "true",
			}
			if !left.spent() {
				u.describe(&use, c, ref, left)
			}
			out = append(out, use)
		}
	}
	return out
}

// describe fills in who holds the component and how to ask about it.
func (u *user) describe(use *searchpack.Use, c *component, ref reference, left *budget) {
	holders := u.analysis.holders(c)
	left.steps -= len(holders)
	for _, h := range holders {
		use.Analyzers = append(use.Analyzers, h.label())
	}
	use.Fields = u.fields.naming(use.Analyzers, &left.steps)
	if use.FileKind == searchpack.KindHunspell {
		use.HotReload = u.analysis.reloadsHunspell(c, holders, &left.steps)
	} else {
		use.HotReload = u.analysis.reloads(holders, "", &left.steps)
	}
	use.Chains = u.analysis.chains(c, ref, holders, &left.steps)
	for _, ch := range use.Chains {
		left.bytes -= len(ch.Body)
	}
	use.Witnesses = u.witnesses(c, ref, holders, &left.steps)
	for _, p := range use.Witnesses {
		left.bytes -= len(p.Body)
	}
}
