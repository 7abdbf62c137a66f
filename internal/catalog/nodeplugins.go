package catalog

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// addPlugins adds the node's plugins, who restarts it for them, and the permit that it has.
func addPlugins(n *NodeView, a searchpack.AgentState, w rollout.World, s rollout.RestartStanding, numbers versionNumbers) {
	if s.Permit != nil {
		n.Permit = &NodePermit{ID: s.Permit.ID, RolloutID: s.Permit.RolloutID, Since: s.Permit.BegunAt, Do: s.Do}
		if s.Do == "" { // it is away because its agent restarts it, and nobody is to do anything yet
			n.Do = ""
		}
	}
	for _, p := range s.Plugins {
		version, wanted := numbers[versionKey{p.PackageID, p.Digest}], numbers[versionKey{p.PackageID, p.Wanted}]
		x := NodePlugin{
			PackageID: p.PackageID, Name: p.Name, Part: p.Part, State: p.State, Digest: p.Digest, Staged: p.Staged, Why: p.Why, Do: p.Do,
			Version: version.number, VersionOf: version.of, Wanted: wanted.number, WantedOf: wanted.of,
		}
		if p.Part == searchpack.PartPlugin {
			x.Loaded = loaded(a.Report, p.Name)
		}
		for _, proof := range w.Proofs {
			if proof.AgentID == a.ID && proof.PackageID == p.PackageID && proof.Digest == p.Digest {
				x.Proof = &proof
			}
		}
		n.Plugins = append(n.Plugins, x)
	}
	if len(s.Plugins) == 0 || a.Report == nil || w.Domain.FilesOnly {
		return
	}
	n.Restart = RestartsExternal
	if a.Report.RestartMode == searchpack.RestartOwn {
		n.Restart = RestartsOwn
	}
}

// loaded is the plugin's own version in the node's own list; "" if it is not there.
func loaded(r *searchpack.Report, name string) string {
	if r == nil || r.Node == nil || name == "" {
		return ""
	}
	for _, l := range r.Node.Plugins {
		if l.Name == name {
			return l.Version
		}
	}
	return ""
}
