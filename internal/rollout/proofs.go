package rollout

import (
	"github.com/searchpack/searchpack"
)

// provable reports whether the node has proven the version: the bytes in place, by its own report,
// and every probe of them answered without a refusal.
func (d *decider) provable(n *node, packageID string, v searchpack.Version) bool {
	if d.isPlugin(packageID) {
		return d.has(n, packageID, v) && d.settled(n)
	}
	return d.isLive(n, packageID, v.Digest) && d.passed(n, d.liveProbes(n, v))
}

// writeProof keeps what the node has proven. A proof that holds already keeps its time: it says
// since when.
func (d *decider) writeProof(n *node, packageID string, v searchpack.Version, shown seen) {
	key := proofKey{n.ID, packageID}
	if d.isPlugin(packageID) {
		v = d.fitting(v, d.runs(n))
	}
	level, words := d.proofWords(n, v)
	witness := ""
	if d.isPlugin(packageID) {
		level, words = d.pluginProof(v)
	} else if d.witnessLevel() && level == searchpack.LevelProbed {
		level, witness = searchpack.LevelLoaded, witnessWords(n, shown)
	}
	p := searchpack.Proof{
		Domain: d.Domain.DomainKey, AgentID: n.ID, NodeName: n.called(), PackageID: packageID,
		VersionID: v.ID, Version: v.Number, Level: level, Digest: v.Digest, Probe: words, Witness: witness, At: d.Now,
	}
	if old, ok := d.proofs[key]; ok && old.VersionID == v.ID && old.Digest == v.Digest {
		p.At = old.At
	}
	d.proofs[key] = p
}

// proofWords says what was probed. The level is probed only if at least one chain could tell.
func (d *decider) proofWords(n *node, v searchpack.Version) (searchpack.Level, string) {
	if d.Domain.FilesOnly {
		return searchpack.LevelPlaced, "no OpenSearch"
	}
	if d.Domain.Policy.Level == searchpack.LevelPlaced {
		return searchpack.LevelPlaced, "not asked: the domain's policy is level placed"
	}
	good := 0
	users := map[string]bool{}
	probes := d.liveProbes(n, v)
	for _, p := range probes {
		if n.verdict(p) == searchpack.VerdictGood {
			good++
		}
		if p.Index != "" {
			users[p.Index] = true
		}
	}
	switch {
	case len(probes) == 0:
		return searchpack.LevelPlaced, "digest only"
	case good == 0:
		return searchpack.LevelPlaced, "cannot be probed here"
	case len(users) == 0:
		return searchpack.LevelProbed, "generic chain"
	}
	words := count(len(probes), "chain", "chains") + " of " + d.usersCount(v.PackageID)
	if good < len(probes) {
		words += ", " + count(len(probes)-good, "cannot be probed here", "cannot be probed here")
	}
	return searchpack.LevelProbed, words
}

// usersCount writes "2 indices and 1 template".
func (d *decider) usersCount(packageID string) string {
	indices, templates := map[string]bool{}, map[string]bool{}
	for _, u := range d.uses(packageID) {
		if u.UserKind == searchpack.UserIndex {
			indices[u.Name] = true
		} else {
			templates[userName(u)] = true
		}
	}
	switch {
	case len(templates) == 0:
		return count(len(indices), "index", "indices")
	case len(indices) == 0:
		return count(len(templates), "template", "templates")
	}
	return count(len(indices), "index", "indices") + " and " + count(len(templates), "template", "templates")
}

// keepProofs drops proofs that stand for nothing any more and writes those that late nodes owed.
func (d *decider) keepProofs() {
	for k := range d.proofs {
		if a := d.associations[k.packageID]; a == nil || a.ServingID == "" || d.byID[k.agentID] == nil {
			delete(d.proofs, k)
		}
	}
	for _, id := range d.ids() {
		a := d.associations[id]
		v, ok := d.Versions[a.ServingID]
		if r, _ := d.step(id); !ok || v.Digest == "" || r != nil && placed(r.Phase) {
			continue
		}
		for _, n := range d.nodes {
			d.keepProof(n, a, v)
		}
	}
}

func (d *decider) keepProof(n *node, a *searchpack.Association, v searchpack.Version) {
	switch {
	case d.proves(n, a):
		if n.Report != nil && d.settled(n) && !d.has(n, a.PackageID, v) {
			delete(d.proofs, proofKey{n.ID, a.PackageID}) // changed behind our back: prove it anew
			return
		}
		d.turnedBack(n, a, v)
	case n.standing == MustProve && d.provable(n, a.PackageID, v):
		shown := d.servingWitness(n, a, v)
		if ok, _, _ := d.witnessed(n, shown); ok {
			d.writeProof(n, a.PackageID, v, shown)
		}
	}
}

// proves: the node's proof is of the version that serves; of a plugin, of the one for its OpenSearch.
func (d *decider) proves(n *node, a *searchpack.Association) bool {
	p, ok := d.proofs[proofKey{n.ID, a.PackageID}]
	if !ok {
		return false
	}
	v, id := d.Versions[a.ServingID], a.ServingID
	if d.isPlugin(a.PackageID) && v.ID != "" {
		v = d.fitting(v, d.runs(n))
		id = v.ID
	}
	return p.VersionID == id && p.Digest == v.Digest
}
