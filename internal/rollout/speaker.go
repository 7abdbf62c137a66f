package rollout

import "github.com/searchpack/searchpack"

// chooseSpeaker picks the agent that reads the cluster state and carries out duties: the one that
// has it as long as it can, else the lowest agent id that can; while nobody can, it stays.
// Files-only nodes have no cluster state, so there is none.
func (d *decider) chooseSpeaker() {
	if d.Domain.FilesOnly {
		return
	}
	var former, able *node
	for _, n := range d.nodes {
		if n.Order.Speaker && n.conflict == "" && (former == nil || canSpeak(n) && !canSpeak(former)) {
			former = n
		}
		if able == nil && canSpeak(n) {
			able = n
		}
	}
	d.speaker = former
	if able != nil && (former == nil || !canSpeak(former)) {
		d.speaker = able
	}
}

// canSpeak: a member whose node answers and knows the elected manager, which it must ask.
func canSpeak(n *node) bool {
	f := n.facts()
	return n.standing == MustProve && f != nil && n.inside
}

// usage is who uses what, by the latest report about this cluster; nil if there is none.
func (d *decider) usage() *searchpack.Usage {
	u := d.Usage
	if u == nil || d.Domain.FilesOnly || d.who.ClusterUUID != "" && u.ClusterUUID != d.who.ClusterUUID {
		return nil
	}
	return u
}

// uses of one package, in the usage's order; nil before the first look.
func (d *decider) uses(packageID string) []searchpack.Use {
	u := d.usage()
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
