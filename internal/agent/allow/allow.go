// Package allow is a node's own word on plugins: a file on the node that says which may become code of
// its OpenSearch. No order changes it, and without it no plugin is accepted. Read opens and checks the
// file; Decide is a pure function of what it says and what is known of a plugin.
package allow

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/signature"
)

// File is what an allow file says. The zero value allows nothing.
type File struct {
	Plugins []Entry
	Keys    []Key
	// Permissions is the ceiling for entries without one of their own.
	Permissions Ceiling
}

// Entry allows plugins of some names.
type Entry struct {
	Line        int      // in the file
	Name        string   // as descriptors have it; * and ? stand for any characters and for one
	SHA256      []string // of zips; none = any
	SignedBy    []string // names of keys, one of which must have signed the zip; none = unsigned ones too
	Permissions Ceiling
}

// Key is a public key with the name that entries call it by.
type Key struct {
	Name string
	Key  signature.Public
}

// Ceiling is the most dangerous grade of permission that a plugin may ask for.
type Ceiling int

// The ceilings. What is not known here counts as dangerous: it may be.
const (
	CeilingUnset Ceiling = iota
	CeilingNone          // no permission that OpenSearch looks at
	CeilingMinor
	CeilingNotable
	CeilingDangerous
	CeilingTotal // everything; also a policy that cannot be looked into
)

// DefaultCeiling is that of a file that says none: permissions that harm nobody.
const DefaultCeiling = CeilingMinor

var ceilings = map[string]Ceiling{
	"none": CeilingNone, "minor": CeilingMinor, "notable": CeilingNotable, "dangerous": CeilingDangerous, "total": CeilingTotal,
}

// String is the word of the file.
func (c Ceiling) String() string {
	for word, is := range ceilings {
		if is == c {
			return word
		}
	}
	return ""
}

// needs is the lowest ceiling under which a permission of the grade is allowed.
func needs(g policy.Grade) Ceiling {
	switch g {
	case policy.Minor:
		return CeilingMinor
	case policy.Notable:
		return CeilingNotable
	case policy.Dangerous, policy.Unknown:
		return CeilingDangerous
	}
	return CeilingTotal
}

// Plugin is what is known of a plugin that is to be installed.
type Plugin struct {
	Name      string // of its descriptor
	Zip       searchpack.Digest
	Signature string // what came with it; "" = none
	// Permissions are those that its policy asks for, explained for the node's version of OpenSearch.
	Permissions []policy.Permission
	// Opaque: there is a policy, and it was not understood, so that Permissions say nothing.
	Opaque bool
}

// Decision is the answer, with a reason that people are shown.
type Decision struct {
	Allowed bool
	Reason  string
}

// Decide says whether the node accepts the plugin. One entry that allows it is enough; the reason for a
// refusal is that of the entry that came nearest.
func (f *File) Decide(p Plugin) Decision {
	name := rule.Shown([]byte(p.Name))
	var best reason
	for _, e := range f.Plugins {
		if !e.names(p.Name) {
			continue
		}
		r := f.judge(e, p)
		if r.text == "" {
			return Decision{true, fmt.Sprintf("line %d of the node's allow file allows the plugin %s", e.Line, name) + r.signed}
		}
		if r.text = fmt.Sprintf("line %d of the node's allow file names the plugin %s, but %s", e.Line, name, r.text); r.came > best.came || best.text == "" {
			best = r
		}
	}
	switch {
	case best.text != "":
		return Decision{false, best.text}
	case len(f.Plugins) == 0:
		return Decision{false, "this node accepts no plugins: its allow file names none"}
	}
	return Decision{false, fmt.Sprintf("the node's allow file does not name the plugin %s", name)}
}

// reason is why an entry does not allow a plugin; came says how many of its demands were met before.
type reason struct {
	text   string
	came   int
	signed string // of one that does
}

// judge holds a plugin against an entry that names it.
func (f *File) judge(e Entry, p Plugin) reason {
	if len(e.SHA256) > 0 && !slices.Contains(e.SHA256, string(p.Zip)) {
		return reason{text: fmt.Sprintf("not the zip with the SHA-256 %s", p.Zip), came: 1}
	}
	signed, why := f.signed(e, p)
	if why != "" {
		return reason{text: why, came: 2}
	}
	if why := f.ceiling(e).allows(p); why != "" {
		return reason{text: why, came: 3}
	}
	return reason{signed: signed}
}

func (e Entry) names(name string) bool {
	match, err := path.Match(e.Name, name)
	return err == nil && match
}

// signed looks for a key of the entry that has signed the zip.
func (f *File) signed(e Entry, p Plugin) (by, why string) {
	if len(e.SignedBy) == 0 {
		return "", ""
	}
	who := strings.Join(e.SignedBy, " or ")
	if p.Signature == "" {
		return "", fmt.Sprintf("only signed by %s, and the package has no signature (sign it with searchpack sign, and upload it with the metadata %s)", who, searchpack.MetadataSignature)
	}
	s, err := signature.Parse(p.Signature)
	if err != nil {
		return "", fmt.Sprintf("only signed by %s, and the package's signature cannot be read: %s", who, err)
	}
	for _, k := range f.Keys {
		if slices.Contains(e.SignedBy, k.Name) && s.By(k.Key, p.Zip) {
			return ", signed by " + k.Name, ""
		}
	}
	return "", fmt.Sprintf("only signed by %s, and the package's signature is not theirs, or of another zip (it names the key %s)", who, s.KeyID)
}

func (f *File) ceiling(e Entry) Ceiling {
	for _, c := range []Ceiling{e.Permissions, f.Permissions} {
		if c != CeilingUnset {
			return c
		}
	}
	return DefaultCeiling
}

// allows says which permission is beyond the ceiling; "" = none. Those that the node's OpenSearch does
// not look at give nothing that every plugin does not have.
func (c Ceiling) allows(p Plugin) string {
	if p.Opaque && c < CeilingTotal {
		return fmt.Sprintf("with permissions up to %q, and its policy cannot be looked into", c)
	}
	for _, asked := range p.Permissions {
		if asked.Checked && needs(asked.Grade) > c {
			return fmt.Sprintf("with permissions up to %q, and it %s (%s in line %d of its policy, a permission that needs %q)",
				c, asked.Meaning, rule.Shown([]byte(asked.String())), asked.Line, needs(asked.Grade))
		}
	}
	return ""
}
