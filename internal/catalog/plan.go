package catalog

import (
	"context"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/runner"
)

// Difference is what two versions of a package do not have in common: of a dictionary in rules or whatever
// the kind counts, and the texts that are affected; of a plugin or configuration in files, and which ones.
type Difference struct {
	Added   int      `json:"added"`
	Removed int      `json:"removed"`
	Changed int      `json:"changed"`
	Texts   []string `json:"texts,omitempty"` // some of the affected, as many as a page shows
	Note    string   `json:"note,omitempty"`  // how it was found out, or why it was not
}

// Differences compares two versions of a package; former is nil if there was none. It may read both
// blobs. An *Error says why they cannot be compared.
type Differences func(ctx context.Context, former, version *searchpack.Version) (*Difference, error)

// PlanView is what would happen if a version were associated now.
type PlanView struct {
	rollout.Outlook
	Domain  string
	Package searchpack.Package
	// Adopted is the path of the package's file in the domain if it was adopted, else "".
	Adopted string
	// Version is what would be rolled out, nil if none is available; Former what serves, nil if nothing
	// does.
	Version, Former *searchpack.Version
	// Findings of the version that were kept, by severity. FindingCount is how many there were. Both
	// are the owner's to see: of a package that another account shares they are 0.
	Findings     map[searchpack.Severity]int
	FindingCount int
	// TurnTime is how long a node's turn took in former rollouts of plugins, FormerRestarts how many say so;
	// 0: not known.
	TurnTime       time.Duration
	FormerRestarts int
	UsageAt        time.Time // when a node told who uses the file; zero: never
	// Difference from Former; nil: not known here, or not the caller's to see.
	Difference *Difference
	// Names of packages and Versions that Before names, by id; those that are gone are left out.
	Names    map[string]string
	Versions map[string]*searchpack.Version
}

// Plan says what would happen if version number of a package (0: the one that AssociatePackage takes)
// were associated with a domain now; prerequisites as AssociatePackage takes them, nil = as before. It changes
// nothing. ErrNotFound (package, domain, version). What the call would be refused for is no error: it is part
// of the plan.
func (c *Catalog) Plan(ctx context.Context, who searchpack.Caller, domain, id string, number int, prerequisites []string) (*PlanView, error) {
	v := &PlanView{Domain: domain, Findings: map[searchpack.Severity]int{}}
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		p, err := visiblePackage(ctx, tx, who, id)
		if err != nil {
			return err
		}
		v.Package = *shown(p, who)
		world, err := runner.Load(ctx, tx, key, c.clock())
		if err != nil {
			return err
		}
		for _, a := range world.Associations {
			if a.PackageID == id {
				v.Adopted = a.Path
			}
		}
		ask := rollout.Ask{PackageID: id, Prerequisites: prerequisites}
		if v.Version, err = planned(ctx, tx, p, number); err != nil {
			return err
		}
		if number > 0 {
			ask.VersionID = v.Version.ID
		}
		world.Packages[id] = *p
		if v.Version != nil {
			world.Versions[v.Version.ID] = *v.Version
		}
		if err := runner.LoadLine(ctx, tx, &world, *p); err != nil {
			return err
		}
		if err := c.foresee(ctx, tx, world, ask, v); err != nil || v.Version == nil || p.Account != who.Account {
			return err
		}
		found, err := tx.Findings(ctx, v.Version.ID)
		for _, f := range found {
			v.Findings[f.Severity]++
		}
		v.FindingCount = v.Version.FindingCount
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, c.compareForPlan(ctx, who, v)
}

// planned is the version that would be rolled out; nil if none is available.
func planned(ctx context.Context, tx searchpack.Tx, p *searchpack.Package, number int) (*searchpack.Version, error) {
	if number > 0 {
		return numbered(ctx, tx, p.ID, number)
	}
	if p.AvailableID == "" {
		return nil, nil
	}
	return tx.Version(ctx, p.AvailableID)
}

// foresee asks the rules, and adds what their answer names by ids only.
func (c *Catalog) foresee(ctx context.Context, tx searchpack.Tx, world rollout.World, ask rollout.Ask, v *PlanView) error {
	room := c.checkRoomInDomain(world.Call(""), []AssociateInput{{PackageID: ask.PackageID}})
	v.Outlook = rollout.Plan(world, ask, room)
	if v.Restarts != nil {
		former, err := tx.EndedPermits(ctx, world.Domain.DomainKey, rollout.MaxFormerRestarts)
		if err != nil {
			return err
		}
		v.TurnTime, v.FormerRestarts = rollout.TurnTime(former)
	}
	for _, a := range world.Associations {
		if former, there := world.Versions[a.ServingID]; there && a.PackageID == ask.PackageID {
			v.Former = &former
		}
	}
	if world.Usage != nil {
		v.UsageAt = world.Usage.At
	}
	v.Names = map[string]string{}
	before := make([]*searchpack.Rollout, len(v.Before))
	for i := range v.Before {
		before[i] = &v.Before[i]
		for _, s := range v.Before[i].Steps {
			if p, there := world.Packages[s.PackageID]; there {
				v.Names[s.PackageID] = p.Name
			}
		}
	}
	var err error
	v.Versions, err = tx.VersionsByID(ctx, versionsOf(before))
	return err
}

// compareForPlan adds what the version changes. It quotes the file, which is its owner's to see. That
// versions cannot be compared is said in the plan.
func (c *Catalog) compareForPlan(ctx context.Context, who searchpack.Caller, v *PlanView) error {
	if v.Version == nil || v.Identical || v.Package.Account != who.Account {
		return nil
	}
	var err error
	switch {
	case v.Package.Type == searchpack.TypePlugin || v.Package.Type == searchpack.TypeConfig:
		v.Difference, err = c.unpackedForPlan(ctx, who, v)
	case c.differences != nil:
		v.Difference, err = c.differences(ctx, v.Former, v.Version)
	}
	if code := searchpack.ErrorCode(err); code != "" && code != searchpack.ErrInternal {
		v.Difference, err = &Difference{Note: searchpack.ErrorMessage(err)}, nil
	}
	return err
}
