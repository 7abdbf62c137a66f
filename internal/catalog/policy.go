package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// PolicyChange is what of a domain's policy is to change; nil: as it is.
type PolicyChange struct {
	Level          *searchpack.Level // "" = the highest that the program offers
	UnmanagedNodes *string           // "" or searchpack.UnmanagedIgnore
	AbsentNodes    *string           // "" or searchpack.AbsentWait
	Restart        *string           // "" or searchpack.RestartAny
}

// DomainPolicy returns what the domain's owner decided about nodes and proofs.
func (c *Catalog) DomainPolicy(ctx context.Context, who searchpack.Caller, domain string) (*searchpack.DomainPolicy, error) {
	var p *searchpack.DomainPolicy
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err == nil {
			p = &d.Policy
		}
		return err
	})
	return p, err
}

// UpdateDomainPolicy changes it; open rollouts go by the new one from their next step on. ErrInvalid: a
// value is none, or nothing is to change.
func (c *Catalog) UpdateDomainPolicy(ctx context.Context, who searchpack.Caller, domain string, ch PolicyChange) (*searchpack.DomainPolicy, error) {
	var p *searchpack.DomainPolicy
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		detail, err := change(&d.Policy, ch)
		if err != nil {
			return err
		}
		if err := tx.PutDomain(ctx, d); err != nil {
			return err
		}
		p = &d.Policy
		if err := tx.Enqueue(ctx, searchpack.WorkReconcile, d.DomainKey.String(), c.clock()); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "UpdateDomainPolicy", domain, detail)
	})
	return p, err
}

// change applies the change and writes it for the audit log.
func change(p *searchpack.DomainPolicy, ch PolicyChange) (string, error) {
	var said []string
	set := func(name string, to *string, was *string, without string, known ...string) error {
		if to == nil {
			return nil
		}
		if *to != "" && !slices.Contains(known, *to) {
			return searchpack.Errorf(searchpack.ErrInvalid, "%s is none of %s, %s.", name, without, strings.Join(known, ", "))
		}
		*was = *to
		value := *to
		if value == "" {
			value = without
		}
		said = append(said, name+" "+value)
		return nil
	}
	level := string(p.Level)
	if err := set("level", (*string)(ch.Level), &level, "highest", string(searchpack.LevelPlaced), string(searchpack.LevelProbed), string(searchpack.LevelLoaded)); err != nil {
		return "", err
	}
	p.Level = searchpack.Level(level)
	if err := set("unmanaged_nodes", ch.UnmanagedNodes, &p.UnmanagedNodes, "block", searchpack.UnmanagedIgnore); err != nil {
		return "", err
	}
	if err := set("absent_nodes", ch.AbsentNodes, &p.AbsentNodes, "owe", searchpack.AbsentWait); err != nil {
		return "", err
	}
	if err := set("restart", ch.Restart, &p.Restart, "careful", searchpack.RestartAny); err != nil {
		return "", err
	}
	if len(said) == 0 {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "Say what of the policy is to change: level, unmanaged_nodes, absent_nodes or restart.")
	}
	return strings.Join(said, ", "), nil
}
