package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// adoptionRefused is the ErrorDetails type of a file that is not on the nodes as it should be.
const adoptionRefused = "AdoptionRefused"

// adopt notes in the association where the file lies that is to be adopted. ErrInvalid: there no file can
// be adopted, or the package is no dictionary. ErrConflict: another package's file lies there, or this
// package is associated with another path.
func (c Call) adopt(a *searchpack.Association, ask Ask) error {
	if ask.Path == "" || ask.Path == a.Path {
		return nil
	}
	if err := searchpack.CheckFilePath(ask.Path); err != nil {
		return err
	}
	if p := c.Packages[a.PackageID]; p.Type != searchpack.TypeDictionary {
		return searchpack.Errorf(searchpack.ErrInvalid, "Package %s is a %s: only files of dictionaries are adopted.", a.PackageID, p.Type)
	}
	for id, other := range c.Associations {
		if id != a.PackageID && other.Path == ask.Path {
			return searchpack.Errorf(searchpack.ErrConflict, "%s in domain %s is the file of package %s already.", ask.Path, c.Domain.Name, id)
		}
	}
	failed := a.Status == searchpack.AssociationFailed && a.Path != "" && a.ServingID == ""
	if _, there := c.Associations[a.PackageID]; there && !failed {
		return searchpack.Errorf(searchpack.ErrConflict,
			"Package %s is associated with domain %s already; its file there is %s. Dissociate it first, then adopt %s.",
			a.PackageID, c.Domain.Name, a.FilePath(), ask.Path)
	}
	a.Path = ask.Path
	return nil
}

// adopted is the path at which the package's file was adopted in this domain; "" = it was not.
func (d *decider) adopted(packageID string) string {
	if a := d.associations[packageID]; a != nil {
		return a.Path
	}
	return ""
}

// filePath is where the package's file lies in this domain.
func (d *decider) filePath(packageID string) string {
	return searchpack.FilePath(packageID, d.adopted(packageID))
}

// adopting: the step takes over a file that lies on the nodes. Until it serves, no node writes to it.
func (d *decider) adopting(s searchpack.RolloutStep) bool {
	return s.Action == searchpack.ActionAssociate && s.FormerID == "" && d.adopted(s.PackageID) != "" && !d.off.preflight
}

// lookAt has a node look at a file that is to be adopted, unless it has another one of the package.
func (d *decider) lookAt(n *node, a *searchpack.Association, s searchpack.RolloutStep) (searchpack.FileOrder, bool) {
	v := d.Versions[s.VersionID]
	return searchpack.FileOrder{
		PackageID: a.PackageID, State: searchpack.FileAdopt, Path: a.Path, Digest: v.Digest, Size: v.Size,
	}, !hasPlaced(n.files[a.PackageID])
}

// hasPlaced: the node has the package's file from when it was associated without being adopted: it was
// away when that ended. Whether somebody names that file is not known while the package is adopted.
func hasPlaced(f searchpack.FileReport) bool {
	return f.Path == "" && (f.State == searchpack.FileLive || f.State == searchpack.FileHidden)
}

// release is what becomes of an adopted file that is dissociated: it serves until everything else of the
// rollout is out of sight, then it stays as it is.
func (d *decider) release(n *node, a *searchpack.Association, r *searchpack.Rollout) (searchpack.FileOrder, bool) {
	switch {
	case r.Phase != searchpack.PhaseRemove:
		return d.serving(n, a)
	case d.off.releases:
		return searchpack.FileOrder{PackageID: a.PackageID, State: searchpack.FileRemoved}, true
	}
	return released(a.PackageID, a.Path), true
}

func released(packageID, path string) searchpack.FileOrder {
	return searchpack.FileOrder{PackageID: packageID, State: searchpack.FileReleased, Path: path}
}

// allAdopted: a dissociation that releases files only. Nothing goes away, so it does not matter who uses
// them.
func (d *decider) allAdopted(r *searchpack.Rollout) bool {
	return !slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool { return d.adopted(s.PackageID) == "" })
}

// unseen names nodes that are down while a file is to be adopted: what lies there nobody knows, and once
// the file serves it would be replaced. "" if there are none.
func (d *decider) unseen(r *searchpack.Rollout) string {
	i := slices.IndexFunc(r.Steps, d.adopting)
	if i < 0 {
		return ""
	}
	var away []string
	for _, n := range d.nodes {
		if n.standing == Owed {
			away = append(away, n.called())
		}
	}
	if len(away) == 0 {
		return ""
	}
	slices.Sort(away)
	return fmt.Sprintf("waiting for %s to look at %s: a file is adopted once every node was seen to have it. Start the node, or retire it",
		list(away), d.filePath(r.Steps[i].PackageID))
}

// notAdopted says which nodes do not have the file that is to be adopted, or do not let it be; "" if none
// was seen to. A node that cannot look now says nothing.
func (d *decider) notAdopted(r *searchpack.Rollout) string {
	for _, s := range r.Steps {
		if !d.adopting(s) {
			continue
		}
		if parts, unlike := d.others(s); len(parts) > 0 {
			do := "" // the other parts say themselves what to do
			if unlike {
				do = " Give every node the same bytes, or adopt a copy of those that they have."
			}
			return fmt.Sprintf("%s cannot be adopted as %s: %s. The file was not touched on any node.%s%s",
				d.filePath(s.PackageID), d.versionText(s), strings.Join(parts, "; "), do, d.whatServes(r))
		}
	}
	return ""
}

// others lists what nodes have instead of the file that is to be adopted, those that have the same in one
// part. unlike: on some it is other bytes, or none.
func (d *decider) others(s searchpack.RolloutStep) (out []string, unlike bool) {
	v, path := d.Versions[s.VersionID], d.filePath(s.PackageID)
	who := map[string][]string{} // by what they have
	for _, n := range d.must() {
		f, o := n.files[s.PackageID], n.ordered(s.PackageID)
		what := ""
		switch {
		case hasPlaced(f):
			what = fmt.Sprintf("%s lies there from before: dissociate the package, and adopt it when that file is gone", searchpack.ReferencePath(s.PackageID))
		case o.State != searchpack.FileAdopt || o.Digest != v.Digest || o.Path != path || !d.settled(n) || f.State != searchpack.FileAdopt || f.Path != path:
		case f.Refused:
			what = strings.TrimSuffix(quote(f.Error), ".")
		case f.Error != "" || f.Digest == v.Digest:
		case f.Digest == "":
			what, unlike = "no such file", true
		default:
			what, unlike = fmt.Sprintf("other bytes (SHA-256 %s, not %s)", f.Digest.Short(), v.Digest.Short()), true
		}
		if what != "" {
			who[what] = append(who[what], n.called())
		}
	}
	for what, names := range who {
		slices.Sort(names)
		more := ""
		if len(names) > maxNamed {
			more = fmt.Sprintf(" and %d more nodes", len(names)-maxNamed)
		}
		out = append(out, strings.Join(names[:min(len(names), maxNamed)], ", ")+more+": "+what)
	}
	slices.Sort(out)
	return out, unlike
}

// folderAtPath refuses a version that is a folder where a file was adopted.
func (d *decider) folderAtPath(r *searchpack.Rollout) string {
	for _, s := range r.Steps {
		if path := d.adopted(s.PackageID); path != "" && d.Versions[s.VersionID].Tree {
			return fmt.Sprintf("%s is a folder, and the package was adopted as the file %s: only files take its place. %s", d.versionText(s), path, d.nothingPlaced(r))
		}
	}
	return ""
}
