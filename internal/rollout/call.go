package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// Call is what a call that associates or dissociates packages finds when it begins, read in the
// transaction that will write the Change.
type Call struct {
	Domain searchpack.DomainKey
	// Associations are all of the domain's, by package id.
	Associations map[string]searchpack.Association
	// Packages are those asked for and those that are associated, by id.
	Packages map[string]searchpack.Package
	// Versions that plugins on the domain have, or are to have, by id: they say what those demand. Of the
	// newest ones their packages say it.
	Versions  map[string]searchpack.Version
	Open      []searchpack.Rollout // the domain's open rollouts, oldest first
	RolloutID string               // for the rollout that may be made
	Now       time.Time
}

// Call is what a call would find in the world. Of packages it knows those that the world has.
func (w World) Call(rolloutID string) Call {
	c := Call{
		Domain: w.Domain.DomainKey, Associations: map[string]searchpack.Association{}, Packages: w.Packages, Versions: w.Versions,
		Open: w.Rollouts, RolloutID: rolloutID, Now: w.Now,
	}
	for _, a := range w.Associations {
		c.Associations[a.PackageID] = a
	}
	return c
}

// Ask is one package that is to be associated.
type Ask struct {
	PackageID     string
	Prerequisites []string                   // ids; nil: as before
	KeyStore      *searchpack.KeyStoreAccess // nil: as before
	// Path at which the nodes have the file already, to be adopted there; "" = as before.
	Path string
	// VersionID is an AVAILABLE version of the package; "" = the newest.
	VersionID string
}

// Change is what the call writes, all in one transaction: one rollout for all its packages, which
// ends the same for each of them.
type Change struct {
	// Associations are new or changed: those asked for, in that order, then those taken along.
	Associations []searchpack.Association
	Rollout      searchpack.Rollout // to insert, queued
	// Replaced are open rollouts with new content: a queued step that this call makes pointless is
	// taken out, and a rollout that has no other step is aborted.
	Replaced []searchpack.Rollout
}

// errDesired is what AWS answers; clients look for this text.
var errDesired = searchpack.Errorf(searchpack.ErrConflict, "Package is already in desired state")

// Associate is the table of what becomes of an association (docs/packages.md, States) for
// AssociatePackage and AssociatePackages: of each package the newest available version is pinned now,
// and what one of them needs comes before it. The first error refuses the whole call. ErrInvalid: no
// version is available, a package is asked for twice, a prerequisite is missing or goes round in a
// circle, a license or configuration belongs to no plugin, or a plugin would lack one that it demands.
// ErrConflict: an association is as wanted already, or something is under way or in place that must end
// or go first.
func Associate(c Call, asks ...Ask) (Change, error) {
	var ids []string
	for _, ask := range asks {
		ids = append(ids, ask.PackageID)
	}
	if err := distinct(ids); err != nil {
		return Change{}, err
	}
	rows := c.copyOfAssociations()
	for _, ask := range asks {
		a, err := c.associate(ask, ids)
		if err != nil {
			return Change{}, err
		}
		rows[ask.PackageID] = a
	}
	if err := c.missing(rows, ids); err != nil {
		return Change{}, err
	}
	if err := c.belong(rows, ids); err != nil {
		return Change{}, err
	}
	order, err := inOrder(rows, ids)
	if err != nil {
		return Change{}, err
	}
	var steps []searchpack.RolloutStep
	for _, id := range order {
		steps = append(steps, searchpack.RolloutStep{PackageID: id, Action: searchpack.ActionAssociate, VersionID: rows[id].WantedID})
	}
	return c.change(rows, ids, steps, "a newer version was associated"), nil
}

// associate is the table's row for one of the packages asked for.
func (c Call) associate(ask Ask, asked []string) (searchpack.Association, error) {
	p := c.Packages[ask.PackageID]
	if p.AvailableID == "" {
		return searchpack.Association{}, searchpack.Errorf(searchpack.ErrInvalid,
			"Package %s is not available: its status is %s. Associate it when it is %s.", p.ID, p.Status, searchpack.PackageAvailable)
	}
	a, there := c.Associations[p.ID]
	if !there {
		a = searchpack.Association{Domain: c.Domain, PackageID: p.ID, CreatedAt: c.Now}
	}
	if err := pinned(a, ask); err != nil {
		return a, err
	}
	if err := c.ofALine(p, asked); err != nil {
		return a, err
	}
	if err := c.adopt(&a, ask); err != nil {
		return a, err
	}
	wanted := cmp.Or(ask.VersionID, p.AvailableID)
	switch a.Status {
	case searchpack.Active:
		if a.ServingID == wanted {
			return a, errDesired
		}
	case searchpack.Associating:
		if err := c.overtake(a, p.ID, wanted, asked); err != nil {
			return a, err
		}
	case searchpack.Dissociating:
		return a, searchpack.Errorf(searchpack.ErrConflict,
			"Package %s is being dissociated from domain %s. Wait until that has ended, then associate it.", p.ID, c.Domain.Name)
	}
	a.Status, a.WantedID, a.Error, a.Note, a.UpdatedAt = searchpack.Associating, wanted, nil, "", c.Now
	if ask.Prerequisites != nil {
		a.Prerequisites = once(ask.Prerequisites)
	}
	if ask.KeyStore != nil {
		a.KeyStore = ask.KeyStore
	}
	return a, nil
}

// ofALine refuses a second package of one line: nodes get the version for their OpenSearch from either.
func (c Call) ofALine(p searchpack.Package, asked []string) error {
	if p.Type != searchpack.TypePlugin {
		return nil
	}
	var first searchpack.Package
	for id, q := range c.Packages {
		if id == p.ID || !Namesakes(p, q) || first.ID != "" && first.ID < id {
			continue
		}
		if _, associated := c.Associations[id]; associated || slices.Contains(asked, id) {
			first = q
		}
	}
	if first.ID == "" {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrConflict,
		"Package %s (%s, %s) has the name of package %s (%s), which domain %s has or is to have. Nodes take the version for their OpenSearch from either of them, "+
			"and the association becomes that of %s when every node runs %s. To have %s now, dissociate %s first.",
		p.ID, p.Name, p.EngineVersion, first.ID, first.EngineVersion, c.Domain.Name, p.ID, p.EngineVersion, p.ID, first.ID)
}

// Namesakes are packages of one line: plugins of one name and owner for several versions of OpenSearch.
func Namesakes(p, q searchpack.Package) bool {
	return p.Type == searchpack.TypePlugin && q.Type == searchpack.TypePlugin && p.Name == q.Name && p.Account == q.Account && p.Region == q.Region
}

// overtake checks whether an association that has not ended may be followed by another.
func (c Call) overtake(a searchpack.Association, id, wanted string, asked []string) error {
	if a.WantedID == wanted {
		return errDesired
	}
	for _, r := range c.Open {
		if !hasStep(r, id) {
			continue
		}
		if r.State.Begun() {
			return searchpack.Errorf(searchpack.ErrConflict,
				"Another version of package %s is being associated with domain %s. Wait until that has ended, then associate this one.", id, c.Domain.Name)
		}
		for _, s := range r.Steps { // taking this one out would have the other go first
			if slices.Contains(c.Associations[s.PackageID].Prerequisites, id) && !slices.Contains(asked, s.PackageID) {
				return searchpack.Errorf(searchpack.ErrConflict,
					"Package %s is being associated with domain %s together with %s, which needs it. Wait until that has ended, then associate this version.", id, c.Domain.Name, s.PackageID)
			}
		}
	}
	return nil
}

// Dissociate is the table for DissociatePackage and DissociatePackages. With a plugin go the
// licenses and configurations that name it as a prerequisite. The first error refuses the whole
// call. ErrInvalid: there is no such association, or one is asked for twice. ErrConflict: one is
// being dissociated already, or another package of the domain needs it, or a plugin that stays demands
// it. A running association is
// not stopped here: Decide aborts it if nothing was placed, else it ends first.
func Dissociate(c Call, asked ...string) (Change, error) {
	if err := distinct(asked); err != nil {
		return Change{}, err
	}
	ids := c.takenAlong(asked)
	rows := c.copyOfAssociations()
	for _, id := range ids {
		a, there := rows[id]
		if !there {
			return Change{}, searchpack.Errorf(searchpack.ErrInvalid, "Package is not associated to this domain")
		}
		if a.Status == searchpack.Dissociating {
			return Change{}, searchpack.Errorf(searchpack.ErrConflict,
				"Package %s is being dissociated from domain %s already.", id, c.Domain.Name)
		}
		a.Status, a.Error, a.Note, a.UpdatedAt = searchpack.Dissociating, nil, "", c.Now
		rows[id] = a
	}
	if err := c.needed(ids); err != nil {
		return Change{}, err
	}
	if err := c.kept(ids); err != nil {
		return Change{}, err
	}
	order, err := inOrder(rows, ids)
	if err != nil {
		return Change{}, err
	}
	var steps []searchpack.RolloutStep
	for _, id := range slices.Backward(order) {
		steps = append(steps, searchpack.RolloutStep{PackageID: id, Action: searchpack.ActionDissociate})
	}
	return c.change(rows, ids, steps, "the package is being dissociated"), nil
}

// change puts together what is written. why says what becomes of queued steps of the same packages.
func (c Call) change(rows map[string]searchpack.Association, ids []string, steps []searchpack.RolloutStep, why string) Change {
	ch := Change{Rollout: searchpack.Rollout{
		ID: c.RolloutID, Domain: c.Domain, State: searchpack.RolloutQueued, Steps: steps, CreatedAt: c.Now,
	}}
	for _, id := range ids {
		ch.Associations = append(ch.Associations, rows[id])
	}
	for _, r := range c.Open {
		if r.State != searchpack.RolloutQueued {
			continue
		}
		changed := false
		for _, id := range ids {
			next, dropped := without(r, id, c.Now, why)
			r, changed = next, changed || dropped
		}
		if changed {
			ch.Replaced = append(ch.Replaced, r)
		}
	}
	return ch
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
