package rollout

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// owedNote says of a package that serves which nodes have not proven it: "proven 2/3, owed n3", and which
// of them serve another version meanwhile; "" if all have proven it.
func (d *decider) owedNote(a *searchpack.Association) string {
	serving, ok := d.Versions[a.ServingID]
	if d.isPlugin(a.PackageID) {
		return d.withoutVersion(a)
	}
	if !ok || serving.Digest == "" || !d.onNodes(a.PackageID) {
		return ""
	}
	var owed, behind []string
	for _, n := range d.nodes {
		if d.proves(n, a) {
			continue
		}
		owed = append(owed, n.called())
		if d.isBehind(n, a.PackageID, serving.Digest) {
			behind = append(behind, n.called())
		}
	}
	if len(owed) == 0 {
		return ""
	}
	slices.Sort(owed)
	text := fmt.Sprintf("proven %d/%d, owed %s", len(d.nodes)-len(owed), len(d.nodes), list(owed))
	if len(behind) > 0 {
		slices.Sort(behind)
		text += "; behind, with another version: " + list(behind)
	}
	return text
}

// isBehind reports whether the node serves another version than the domain: OpenSearch has started there
// with what its agent was told last, out of reach of the server, and the agent has not been heard since.
// One that is heard has the newest order a moment later.
func (d *decider) isBehind(n *node, packageID string, serving searchpack.Digest) bool {
	f := n.files[packageID]
	return n.member && !n.fresh && f.State == searchpack.FileLive && f.Digest != serving && n.ordered(packageID).Digest == serving && !d.settled(n)
}
