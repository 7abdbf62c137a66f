package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

// runsOnNodes refuses to delete a plugin's package of which nodes have a version, or are to have one, because
// a namesake is associated: while they have another OpenSearch than the rest of their domain. A version that
// a node may only have to choose one day holds nobody up.
func runsOnNodes(ctx context.Context, tx searchpack.Tx, p *searchpack.Package, line []*searchpack.Package, used []*searchpack.Association) error {
	if p.Type != searchpack.TypePlugin || len(used) == 0 {
		return nil
	}
	own, ids, err := ownVersions(ctx, tx, p, line)
	if err != nil {
		return err
	}
	for _, a := range used {
		agents, err := tx.Agents(ctx, a.Domain)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(agents, func(agent *searchpack.AgentState) bool { return needs(agent, own, ids) }) {
			return searchpack.Errorf(searchpack.ErrConflict,
				"Package %s is used by nodes: package %s of the same name is associated with their domain, and they have the OpenSearch that this one is for. Dissociate %s first.",
				p.ID, a.PackageID, a.PackageID)
		}
	}
	return nil
}

// ownVersions are the zips of a plugin's package that no other package of its line has, and the ids of its
// versions.
func ownVersions(ctx context.Context, tx searchpack.Tx, p *searchpack.Package, line []*searchpack.Package) (own map[searchpack.Digest]bool, ids map[string]bool, err error) {
	own, ids = map[searchpack.Digest]bool{}, map[string]bool{}
	others := map[searchpack.Digest]bool{}
	for _, sibling := range line {
		versions, err := tx.Versions(ctx, sibling.ID)
		if err != nil {
			return nil, nil, err
		}
		for _, v := range versions {
			switch {
			case v.Digest == "" || v.Status != searchpack.PackageAvailable:
			case sibling.ID == p.ID:
				own[v.Digest], ids[v.ID] = true, true
			default:
				others[v.Digest] = true
			}
		}
	}
	for digest := range others {
		delete(own, digest)
	}
	return own, ids, nil
}

// needs: the node in service has a plugin of one of these zips, as it said last, or is told to have it, or to
// try whether it could.
func needs(a *searchpack.AgentState, zips map[searchpack.Digest]bool, versions map[string]bool) bool {
	if !a.RetiredAt.IsZero() {
		return false
	}
	return slices.ContainsFunc(a.Order.Plugins, func(o searchpack.PluginOrder) bool { return zips[o.Digest] || versions[o.VersionID] }) ||
		slices.ContainsFunc(a.Order.Candidates, func(c searchpack.Candidate) bool { return c.Plugin && zips[c.Digest] }) ||
		a.Report != nil && slices.ContainsFunc(a.Report.Plugins, func(r searchpack.PluginReport) bool { return zips[r.Installed] })
}
