package rollout

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// lookForUsers refuses a dissociation while somebody names the file.
func (d *decider) lookForUsers(r *searchpack.Rollout) bool {
	if d.allAdopted(r) {
		return d.enter(r, searchpack.PhaseRemove)
	}
	next := searchpack.PhaseHide
	if len(d.plugins(r)) > 0 {
		next = searchpack.PhaseRestart
	}
	if d.off.firstLook || d.Domain.FilesOnly {
		return d.enter(r, next)
	}
	if ok, why := d.looked(r); !ok {
		return d.wait(r, why)
	}
	if errorType, reason := d.inUse(r); reason != "" {
		return d.fail(r, errorType, reason)
	}
	if ok, moved := d.unneeded(r, d.fail); !ok {
		return moved
	}
	return d.enter(r, next)
}

// hide waits until the files are out of sight everywhere: from then on OpenSearch itself refuses
// new use. If somebody has come to use them meanwhile, they go back at once.
func (d *decider) hide(r *searchpack.Rollout) bool {
	if errorType, reason := d.inUse(r); reason != "" {
		r.ErrorType, r.Reason = errorType, reason
		return d.enter(r, searchpack.PhaseUnhide)
	}
	ok := d.everyone(r, "to hide "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.isAway(n, s.PackageID, searchpack.FileHidden) {
				return false, n.files[s.PackageID].Error
			}
		}
		return true, ""
	})
	if !ok {
		return false
	}
	return d.enter(r, searchpack.PhaseLookAgain)
}

// lookAgain looks on a cluster state newer than the last hide. A node that joins meanwhile must
// hide first, and then the look is asked anew.
func (d *decider) lookAgain(r *searchpack.Rollout) bool {
	if d.Domain.FilesOnly || d.off.secondLook {
		return d.enter(r, searchpack.PhaseRemove)
	}
	known := d.everyone(r, "to hide "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if f := n.files[s.PackageID]; d.adopted(s.PackageID) == "" && (f.State == searchpack.FileLive || f.Error != "") {
				return false, f.Error
			}
		}
		return true, ""
	})
	if !known {
		return d.enter(r, searchpack.PhaseHide)
	}
	if !d.hideTakenIn(r) {
		return d.wait(r, "waiting for every node to confirm that "+d.stepsText(r)+" is hidden")
	}
	if ok, why := d.looked(r); !ok {
		return d.wait(r, why)
	}
	if d.Usage.Term != 0 && d.Usage.Term < d.who.Term {
		d.askAgain(r) // by a manager that is not elected any more
		return d.wait(r, d.askText())
	}
	if errorType, reason := d.inUse(r); reason != "" {
		r.ErrorType, r.Reason = errorType, reason
		return d.enter(r, searchpack.PhaseUnhide)
	}
	return d.enter(r, searchpack.PhaseRemove)
}

// hideTakenIn: a node without the file could still place it by an order from before the hide, until
// it says that it has the newer one.
func (d *decider) hideTakenIn(r *searchpack.Rollout) bool {
	for _, n := range d.must() {
		for _, s := range r.Steps {
			if _, listed := n.files[s.PackageID]; !listed && !d.settled(n) && d.adopted(s.PackageID) == "" {
				return false
			}
		}
	}
	return true
}

// remove waits until the files are gone everywhere, or released.
func (d *decider) remove(r *searchpack.Rollout) bool {
	ok := d.everyone(r, "to remove "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.isAway(n, s.PackageID, searchpack.FileRemoved) {
				return false, n.files[s.PackageID].Error
			}
		}
		return true, ""
	})
	if !ok {
		return false
	}
	return d.dissociated(r)
}

// unhide waits until the files are back everywhere, has unassigned copies tried again, and ends the
// dissociation.
func (d *decider) unhide(r *searchpack.Rollout) bool {
	if !d.everyone(r, "to put back "+d.stepsText(r), d.isRestored(r)) {
		return false
	}
	if ok, why := d.rerouted(r); !ok && d.Now.Sub(r.PhaseAt) < ReturnPatience {
		return d.wait(r, why)
	}
	return d.failBack(r, r.Reason)
}

// isRestored is the test of one node for unhide: it shows what it is to have again. Plugins were never hidden;
// they come back by restarts, after this.
func (d *decider) isRestored(r *searchpack.Rollout) func(*node) (bool, string) {
	return func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.onNodes(s.PackageID) {
				continue
			}
			want, listed := d.restored(n, s.PackageID)
			f := n.files[s.PackageID]
			if f.State == searchpack.FileHidden || f.Error != "" || listed && !d.shows(n, s.PackageID, want.Digest) {
				return false, f.Error
			}
		}
		return true, ""
	}
}

// restoredEverywhere: and no node can still hide by an older order, so copies may be tried again.
// Once that was ordered it stays so, although the speaker has then a new order to take in.
func (d *decider) restoredEverywhere(r *searchpack.Rollout) bool {
	id := d.reroute(r).ID
	restored := d.isRestored(r)
	for _, n := range d.nodes {
		if slices.ContainsFunc(n.Order.Duties, func(x searchpack.Duty) bool { return x.ID == id }) {
			return true
		}
	}
	for _, n := range d.must() {
		if ok, _ := restored(n); !ok || !d.settled(n) {
			return false
		}
	}
	return true
}

// inUse says who uses the packages of a dissociation; "" if nobody does.
func (d *decider) inUse(r *searchpack.Rollout) (errorType, reason string) {
	for _, s := range r.Steps {
		if d.adopted(s.PackageID) != "" {
			continue // it stays where it is, so whoever uses it goes on
		}
		if users := usersText(d.uses(s.PackageID)); users != "" {
			return "InUse", fmt.Sprintf("Package %s is in use by %s. Delete what uses it or take %s out of the analysis settings there, then dissociate again.",
				d.packageText(s.PackageID), users, searchpack.ReferencePath(s.PackageID))
		}
	}
	if u := d.usage(); u != nil && u.Truncated {
		return "UsageTruncated", "The cluster state is too large to see who uses the package, so it stays. Remove unused indices and templates, then dissociate again."
	}
	return "", ""
}

// usersText names indices, then templates, at most maxNamed, and counts the rest.
func usersText(uses []searchpack.Use) string {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, func(a, b searchpack.Use) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.UserKind, b.UserKind), cmp.Compare(a.Name, b.Name))
	})
	var names []string
	for _, u := range uses {
		name := string(u.UserKind) + " " + u.Name
		if u.Closed {
			name += " (closed)"
		}
		names = append(names, name)
	}
	return list(slices.Compact(names))
}

// rank puts indices first: they are what most people look for.
func rank(u searchpack.Use) int {
	if u.UserKind == searchpack.UserIndex {
		return 0
	}
	return 1
}
