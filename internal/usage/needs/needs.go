// Package needs finds out who needs a plugin. OpenSearch has no call that tells which plugin supplies
// an analyzer, a field type or a processor. So the names that are in use (Names: read from the cluster's
// metadata, or the keys of a node's configuration) are held against the string constants of class files
// (Constants): a name that stands in the plugin's, and neither in OpenSearch's own nor in those of
// another plugin, is taken for one that the plugin supplies.
//
// What is put together at run time is not seen so; what is in doubt counts as not needed, since a
// removal that was wrong is undone after the first node. A name counts only for kinds that the jars can
// supply at all, because they mention the interface for it: a plugin that implements AnalysisPlugin
// alone supplies no field type, whatever words are in it.
//
// It is pure: JSON and bytes in, values out. Both come from a node and its disk, and are bounded.
package needs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// Name is a name of a kind.
type Name struct {
	Kind Kind
	Text string
}

// Bounds of what is kept of a cluster's metadata.
const (
	// maxNames that differ. A cluster has some hundreds; every index setting's key is one.
	maxNames = 100_000
	// maxUsers of one name; the rest is counted.
	maxUsers = searchpack.MaxNeeds
	// maxText is the longest name in bytes; longer ones are nobody's constant.
	maxText = 1 << 10
)

// users are who uses a name.
type users struct {
	named []string
	more  int
}

// Names are the names in use, and by whom.
type Names struct {
	all map[Name]*users
	// Truncated: there were more than maxNames.
	Truncated bool
}

// NewNames returns an empty set.
func NewNames() *Names { return &Names{all: map[Name]*users{}} }

// Add notes that user uses the name. The same again changes nothing.
func (n *Names) Add(kind Kind, text, user string) {
	if text == "" || len(text) > maxText {
		return
	}
	name := Name{kind, text}
	u := n.all[name]
	if u == nil {
		if len(n.all) >= maxNames {
			n.Truncated = true
			return
		}
		u = &users{}
		n.all[name] = u
	}
	switch {
	case len(u.named) > 0 && u.named[len(u.named)-1] == user: // users come one after the other
	case len(u.named) < maxUsers:
		u.named = append(u.named, user)
	default:
		u.more++
	}
}

// Candidate is a name in use that stands in a plugin's class files.
type Candidate struct {
	Name
	users *users
	// match is the constant: the name itself, or of a setting the longest that begins its key.
	match string
}

// Candidates are the names in use that the plugin may supply, by kind, then name.
func (n *Names) Candidates(plugin *Constants) []Candidate {
	var out []Candidate
	for name, u := range n.all {
		if match := plugin.match(name); match != "" {
			out = append(out, Candidate{name, u, match})
		}
	}
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(kindAt(a.Kind), kindAt(b.Kind)), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// Wanted returns what is to be looked for in other class files: constants that could mean that
// somebody else supplies a candidate.
func Wanted(all []Candidate) func(text string) bool {
	texts := map[string]bool{}
	var keys []string
	for _, c := range all {
		texts[strings.ToLower(c.Text)] = true
		if c.Kind.setting() {
			keys = append(keys, strings.ToLower(c.Text))
		}
	}
	return func(text string) bool {
		return texts[text] || strings.HasSuffix(text, ".") &&
			slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, text) })
	}
}

// Judge tells needs from doubts. core are the constants of OpenSearch's own jars, of lib/ and of each
// module; others those of the plugins that stay, by name. Both need only have what Wanted wants.
func Judge(all []Candidate, core []*Constants, others map[string]*Constants) searchpack.NeedsReport {
	var r searchpack.NeedsReport
	names := make([]string, 0, len(others))
	for name := range others {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, c := range all {
		if slices.ContainsFunc(core, func(x *Constants) bool { return x.supplies(c, true) }) {
			continue
		}
		other := ""
		if i := slices.IndexFunc(names, func(name string) bool { return others[name].supplies(c, false) }); i >= 0 {
			other = names[i]
		}
		for _, u := range c.users.named {
			need := searchpack.Need{User: cut(u), Kind: string(c.Kind), Name: cut(c.Text), Other: cut(other)}
			if other != "" || c.Kind == ClusterSetting {
				r.Doubts, r.MoreDoubts = add(r.Doubts, r.MoreDoubts, need)
			} else {
				r.Needs, r.MoreNeeds = add(r.Needs, r.MoreNeeds, need)
			}
		}
		if other != "" || c.Kind == ClusterSetting {
			r.MoreDoubts += c.users.more
		} else {
			r.MoreNeeds += c.users.more
		}
	}
	return r
}

func add(list []searchpack.Need, more int, n searchpack.Need) ([]searchpack.Need, int) {
	if len(list) >= searchpack.MaxNeeds {
		return list, more + 1
	}
	return append(list, n), more
}

func cut(s string) string {
	const dots = "..."
	if len(s) <= searchpack.MaxNeedWord {
		return s
	}
	return strings.ToValidUTF8(s[:searchpack.MaxNeedWord-len(dots)], "") + dots
}
