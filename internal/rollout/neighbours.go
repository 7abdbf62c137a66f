package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// neighbourProbes ask the node about the files of other packages, as they lie there, in the indices that
// the step will have reloaded: a refresh rebuilds every analyzer of an index, so one that cannot be built
// for the sake of another package's file would end the rollout after something was placed.
func (d *decider) neighbourProbes(n *node, s searchpack.RolloutStep) []searchpack.Probe {
	v := d.Versions[s.VersionID]
	if d.Domain.FilesOnly || d.Versions[s.FormerID].Digest == v.Digest { // nothing is reloaded
		return nil
	}
	r, _ := d.step(s.PackageID)
	reloaded := map[string]bool{}
	for _, u := range d.uses(s.PackageID) {
		if d.refreshReaches(u) {
			reloaded[u.Name] = true
		}
	}
	var out []searchpack.Probe
	for _, id := range d.ids() {
		serving := d.Versions[d.associations[id].ServingID]
		if id == s.PackageID || len(reloaded) == 0 || r != nil && hasStep(*r, id) || !d.shows(n, id, serving.Digest) {
			continue
		}
		qs := d.questionsTo(n.openSearch(), serving)
		out = append(out, d.asProbes(slices.DeleteFunc(qs, func(q question) bool { return !q.hot || !reloaded[q.user] }),
			serving, d.filePath(id), searchpack.ControlPath, "neighbour")...)
	}
	return out[:min(len(out), maxProbes)]
}

// refusesNeighbour is the reason of a rollout that another package's file ends.
func (d *decider) refusesNeighbour(n *node, s searchpack.RolloutStep, p searchpack.Probe) string {
	serving := searchpack.RolloutStep{PackageID: p.PackageID, VersionID: d.associations[p.PackageID].ServingID}
	return fmt.Sprintf("Node %s cannot build %s with %s, which serves, so no reload of the index would succeed: OpenSearch says: %s. Mend that first, then associate %s again.",
		n.called(), where(p), d.versionText(serving), strings.TrimSuffix(quote(n.probes[p.ID].Reason), "."), d.packageText(s.PackageID))
}
