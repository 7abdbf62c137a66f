package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// UpdateDomainConfig lays the options asked for over those that are there and returns the domain as
// it is then, with the change; nil if nothing differs. Where the clusters are local, a change of the
// instance count stays open until EndChange; every other change has ended when it is returned, as
// the option is kept and shown and has no other effect. Elsewhere a change is refused by name, since
// nobody here can carry it out; the same values again are not a change.
//
// A dry run writes nothing: the change returned is the one that would begin. While another is open
// it cannot be told; then the view's Change is the open one. ErrNotFound, ErrInvalid (a change is
// open), ErrUnsupported (not local), ErrLimit (nodes).
func (c *Catalog) UpdateDomainConfig(ctx context.Context, who searchpack.Caller, in UpdateDomainInput) (*DomainView, *searchpack.DomainChange, error) {
	asked, err := ParseOptions(in.Options)
	if err != nil {
		return nil, nil, fmt.Errorf("the options of UpdateDomainConfig: %w", err)
	}
	defaults, err := ParseOptions(in.Defaults)
	if err != nil {
		return nil, nil, fmt.Errorf("the default options of domains: %w", err)
	}
	var v *DomainView
	var ch *searchpack.DomainChange
	run := c.store.Update
	if in.DryRun {
		run = c.store.View
	}
	err = run(ctx, func(tx searchpack.Tx) error {
		ch = nil
		d, err := domainOf(ctx, tx, who, in.Name)
		if err != nil {
			return err
		}
		if v, err = c.idle(ctx, tx, d); err != nil {
			if in.DryRun && v != nil && v.Processing {
				return nil
			}
			return err
		}
		if ch, err = c.planConfig(ctx, tx, v, asked, defaults); err != nil || in.DryRun {
			return err
		}
		if ch != nil {
			if err := applyConfig(d, ch, asked); err != nil {
				return err
			}
			if err := tx.PutDomain(ctx, d); err != nil {
				return err
			}
			if err := tx.PutChange(ctx, ch); err != nil {
				return err
			}
		}
		if err := c.audit(ctx, tx, who, "UpdateDomainConfig", in.Name, describe(ch)); err != nil {
			return err
		}
		v, err = c.view(ctx, tx, d)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if ch != nil && ch.Status.Open() && !in.DryRun {
		c.changed()
	}
	return v, ch, nil
}

// planConfig says what asked would change; nil if nothing.
func (c *Catalog) planConfig(ctx context.Context, tx searchpack.Tx, v *DomainView, asked, defaults map[string]any) (*searchpack.DomainChange, error) {
	now, err := CurrentOptions(v, defaults)
	if err != nil {
		return nil, err
	}
	changed := differences(now, asked)
	if len(changed) == 0 {
		return nil, nil
	}
	ch := newChange(v.DomainKey, searchpack.ChangeConfig, c.clock())
	ch.Properties = changed
	if !c.local(&v.Domain) {
		return nil, searchpack.Errorf(searchpack.ErrUnsupported,
			"UpdateDomainConfig cannot change %s of domain %s: Searchpack does not run this cluster, only its owner can change it. Send the values that DescribeDomainConfig shows, or leave them out.",
			describe(ch), v.Name)
	}
	nodes := instancesAfter(ch)
	if nodes > 0 {
		if err := c.checkRoom(ctx, tx, v.DomainKey, nodes); err != nil {
			return nil, err
		}
		return ch, nil
	}
	endChange(ch, ch.StartedAt, "")
	return ch, nil
}

// instancesAfter is the instance count that a change asks for; 0 if it does not touch it.
func instancesAfter(ch *searchpack.DomainChange) int {
	for _, p := range ch.Properties {
		if p.Name == instanceCount {
			n, _ := strconv.Atoi(p.To) // the edge has checked that it is a whole number
			return n
		}
	}
	return 0
}

// applyConfig writes what a change asks for into the domain.
func applyConfig(d *searchpack.Domain, ch *searchpack.DomainChange, asked map[string]any) error {
	options, err := ParseOptions(d.Options)
	if err != nil {
		return fmt.Errorf("the stored options of domain %s: %w", d.DomainKey, err)
	}
	touched := touchedOptions(ch)
	for _, option := range touched {
		options[option] = MergeOptions(options[option], asked[option])
		touch(d, option, ch.StartedAt)
	}
	if n := instancesAfter(ch); n > 0 {
		d.Nodes = n
	}
	d.Options = jsonText(options)
	return nil
}

// revert sets back what a change had set. The members of options that others have not touched since
// are all of them: no other change began meanwhile.
func revert(d *searchpack.Domain, ch *searchpack.DomainChange, now time.Time) error {
	options, err := ParseOptions(d.Options)
	if err != nil {
		return fmt.Errorf("the stored options of domain %s: %w", d.DomainKey, err)
	}
	for _, p := range ch.Properties {
		holder, name := options, p.Name
		if option, member, ok := strings.Cut(p.Name, "."); ok {
			inner, _ := options[option].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			options[option] = inner
			holder, name = inner, member
		}
		if p.From == "" {
			delete(holder, name)
			continue
		}
		var was any
		dec := json.NewDecoder(strings.NewReader(p.From))
		dec.UseNumber()
		if err := dec.Decode(&was); err != nil {
			return fmt.Errorf("the value of %s before change %s: %w", p.Name, ch.ID, err)
		}
		holder[name] = was
		if p.Name == instanceCount {
			if d.Nodes, err = strconv.Atoi(p.From); err != nil {
				return fmt.Errorf("the value of %s before change %s: %w", p.Name, ch.ID, err)
			}
		}
	}
	for _, option := range touchedOptions(ch) {
		touch(d, option, now)
	}
	d.Options = jsonText(options)
	return nil
}

// touchedOptions are the options that a change touches, each once.
func touchedOptions(ch *searchpack.DomainChange) []string {
	var out []string
	for _, p := range ch.Properties {
		option, _, _ := strings.Cut(p.Name, ".")
		if !slices.Contains(out, option) {
			out = append(out, option)
		}
	}
	return out
}

// describe names what a change touches, for people; never values, which may be long.
func describe(ch *searchpack.DomainChange) string {
	if ch == nil {
		return "nothing differs"
	}
	names := make([]string, len(ch.Properties))
	for i, p := range ch.Properties {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}
