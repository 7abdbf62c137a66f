package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// Call is what AssociatePackage or DissociatePackage finds when it begins, read in the transaction
// that will write the Change.
type Call struct {
	Domain      searchpack.DomainKey
	Package     searchpack.Package
	Association *searchpack.Association // nil: there is none
	Open        []searchpack.Rollout    // the domain's open rollouts, oldest first
	RolloutID   string                  // for the rollout that may be made
	Now         time.Time
}

// Change is what the call writes, all in one transaction.
type Change struct {
	Association searchpack.Association // new or changed
	Rollout     searchpack.Rollout     // to insert, queued
	// Replaced are open rollouts with new content: a queued step that this call makes pointless is
	// taken out, and a rollout that has no other step is aborted.
	Replaced []searchpack.Rollout
}

// errDesired is what AWS answers; clients look for this text.
var errDesired = searchpack.Errorf(searchpack.ErrConflict, "Package is already in desired state")

// Associate is the table of rollout.md section 3 for AssociatePackage: the newest available version
// is pinned now. ErrInvalid: no version is available. ErrConflict: the association is as wanted
// already, or something is under way that must end first.
func Associate(c Call) (Change, error) {
	p := c.Package
	if p.AvailableID == "" {
		return Change{}, searchpack.Errorf(searchpack.ErrInvalid,
			"Package %s is not available: its status is %s. Associate it when it is %s.", p.ID, p.Status, searchpack.PackageAvailable)
	}
	a := searchpack.Association{Domain: c.Domain, PackageID: p.ID, CreatedAt: c.Now}
	if c.Association != nil {
		a = *c.Association
	}
	switch a.Status {
	case searchpack.Active:
		if a.ServingID == p.AvailableID {
			return Change{}, errDesired
		}
	case searchpack.Associating:
		if err := c.overtake(&a); err != nil {
			return Change{}, err
		}
	case searchpack.Dissociating:
		return Change{}, searchpack.Errorf(searchpack.ErrConflict,
			"Package %s is being dissociated from domain %s. Wait until that has ended, then associate it.", p.ID, c.Domain.Name)
	}
	a.Status, a.WantedID, a.Error, a.Note, a.UpdatedAt = searchpack.Associating, p.AvailableID, nil, "", c.Now
	step := searchpack.RolloutStep{PackageID: p.ID, Action: searchpack.ActionAssociate, VersionID: p.AvailableID}
	return Change{Association: a, Rollout: c.rollout(step), Replaced: c.replaced("a newer version was associated")}, nil
}

// overtake checks whether an AssociatePackage that has not ended may be followed by another.
func (c Call) overtake(a *searchpack.Association) error {
	if a.WantedID == c.Package.AvailableID {
		return errDesired
	}
	for _, r := range c.Open {
		if r.State == searchpack.RolloutRunning && hasStep(r, c.Package.ID) {
			return searchpack.Errorf(searchpack.ErrConflict,
				"Another version of package %s is being associated with domain %s. Wait until that has ended, then associate this one.", c.Package.ID, c.Domain.Name)
		}
	}
	return nil
}

// Dissociate is the table for DissociatePackage. ErrInvalid: there is no such association.
// ErrConflict: it is being dissociated already. A running association is not stopped here: Decide
// aborts it if nothing was placed, else it ends first.
func Dissociate(c Call) (Change, error) {
	if c.Association == nil {
		return Change{}, searchpack.Errorf(searchpack.ErrInvalid, "Package is not associated to this domain")
	}
	a := *c.Association
	if a.Status == searchpack.Dissociating {
		return Change{}, searchpack.Errorf(searchpack.ErrConflict,
			"Package %s is being dissociated from domain %s already.", c.Package.ID, c.Domain.Name)
	}
	a.Status, a.Error, a.Note, a.UpdatedAt = searchpack.Dissociating, nil, "", c.Now
	step := searchpack.RolloutStep{PackageID: a.PackageID, Action: searchpack.ActionDissociate}
	return Change{Association: a, Rollout: c.rollout(step), Replaced: c.replaced("the package is being dissociated")}, nil
}

func (c Call) rollout(s searchpack.RolloutStep) searchpack.Rollout {
	return searchpack.Rollout{
		ID: c.RolloutID, Domain: c.Domain, State: searchpack.RolloutQueued,
		Steps: []searchpack.RolloutStep{s}, CreatedAt: c.Now,
	}
}

// replaced takes the package's queued associate steps out of their rollouts.
func (c Call) replaced(why string) []searchpack.Rollout {
	var out []searchpack.Rollout
	for _, r := range c.Open {
		if r.State != searchpack.RolloutQueued {
			continue
		}
		if next, dropped := without(r, c.Package.ID, c.Now, why); dropped {
			out = append(out, next)
		}
	}
	return out
}

// without takes the package's associate step out of a rollout. A rollout of nothing else keeps it,
// so that it can be shown, and is aborted.
func without(r searchpack.Rollout, packageID string, now time.Time, why string) (searchpack.Rollout, bool) {
	drop := func(s searchpack.RolloutStep) bool {
		return s.PackageID == packageID && s.Action == searchpack.ActionAssociate
	}
	if !slices.ContainsFunc(r.Steps, drop) {
		return r, false
	}
	rest := slices.DeleteFunc(slices.Clone(r.Steps), drop)
	if len(rest) > 0 {
		r.Steps = rest
		return r, true
	}
	r.State, r.EndedAt, r.Waiting = searchpack.RolloutAborted, now, ""
	r.Reason = fmt.Sprintf("Not carried out: %s.", why)
	return r, true
}

func hasStep(r searchpack.Rollout, packageID string) bool {
	return slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool { return s.PackageID == packageID })
}
