package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

// CreateDomain writes a domain. It is Processing until its nodes report. ErrAlreadyExists,
// ErrInvalid (engine version, tags), ErrLimit (nodes, tags).
func (c *Catalog) CreateDomain(ctx context.Context, who searchpack.Caller, in CreateDomainInput) (*DomainView, error) {
	version, err := c.chooseEngine(in.EngineVersion)
	if err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	d := &searchpack.Domain{
		DomainKey: who.Key(in.Name), ID: who.Account + "/" + in.Name, EngineVersion: version,
		Options: in.Options, Tags: tags, FilesOnly: c.limits.FilesOnly, CreatedAt: c.clock(),
	}
	if c.limits.LocalClusters || c.limits.MaxNodes > 0 { // whoever starts the nodes: all of them make it ready
		d.Nodes = max(in.InstanceCount, 1)
	}
	err = c.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := c.checkNewDomain(ctx, tx, d); err != nil {
			return err
		}
		if err := tx.PutDomain(ctx, d); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "CreateDomain", d.Name, version)
	})
	if err != nil {
		return nil, err
	}
	c.changed()
	return &DomainView{Domain: *d, Processing: true}, nil
}

// checkNewDomain enforces the name's uniqueness and the node limit.
func (c *Catalog) checkNewDomain(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain) error {
	switch _, err := tx.Domain(ctx, d.DomainKey); searchpack.ErrorCode(err) {
	case "":
		return searchpack.Errorf(searchpack.ErrAlreadyExists, "Domain %s already exists.", d.Name)
	case searchpack.ErrNotFound:
		return c.checkRoom(ctx, tx, d.DomainKey, d.Nodes)
	default:
		return err
	}
}

// checkRoom enforces the node limit over all domains, if the one has so many nodes.
func (c *Catalog) checkRoom(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, nodes int) error {
	limit := c.limits.MaxNodes
	if limit == 0 {
		return nil
	}
	all, err := tx.Domains(ctx, "", "")
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.DomainKey != key {
			nodes += other.Nodes
		}
	}
	if nodes > limit {
		return searchpack.Errorf(searchpack.ErrLimit, "Domain %s would make %d nodes, the limit of this stack is %d (--max-nodes). Delete a domain or ask for fewer instances.", key.Name, nodes, limit)
	}
	return nil
}

// domainOf returns the caller's domain.
func domainOf(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, name string) (*searchpack.Domain, error) {
	d, err := tx.Domain(ctx, who.Key(name))
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Domain not found: %s", name)
	}
	return d, err
}

// view adds what the nodes report. A domain is ready when as many nodes report as make it ready, and
// keeps its endpoint while a change is open: none begins before it is ready.
func (c *Catalog) view(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain) (*DomainView, error) {
	agents, err := tx.Agents(ctx, d.DomainKey)
	if err != nil {
		return nil, err
	}
	v := &DomainView{Domain: *d}
	if v.Change, err = newestChange(ctx, tx, d.DomainKey); err != nil {
		return nil, err
	}
	now, joined := c.clock(), 0
	var reported []string
	for _, a := range agents {
		if !a.RetiredAt.IsZero() || a.Report == nil {
			continue
		}
		if n := a.Report.Node; n != nil {
			joined++
			if v.Endpoint == "" {
				v.Endpoint = n.HTTPAddress
			}
			reported = append(reported, engineOf(n.Version))
		}
		if now.Sub(a.ReportedAt) < freshFor {
			v.Nodes++
		}
	}
	if len(reported) > 0 && (v.EngineVersion == "" || !c.local(d)) {
		// Who else runs the cluster upgrades it: until the last node is done, it is of the old version.
		v.EngineVersion = slices.MinFunc(reported, compareEngines)
	}
	if d.FilesOnly {
		v.Endpoint = d.Name + ".es.files-only.invalid"
	}
	v.Processing = joined < max(d.Nodes, 1) || v.Changing()
	if v.Processing && !v.Changing() {
		v.Endpoint = ""
	}
	return v, nil
}

// Changing reports whether a change is open.
func (v *DomainView) Changing() bool { return v.Change != nil && v.Change.Status.Open() }

// DescribeDomain returns the caller's domain. ErrNotFound.
func (c *Catalog) DescribeDomain(ctx context.Context, who searchpack.Caller, name string) (*DomainView, error) {
	var v *DomainView
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, name)
		if err != nil {
			return err
		}
		v, err = c.view(ctx, tx, d)
		return err
	})
	return v, err
}

// maxDescribed bounds the options of the domains that one answer describes, in bytes. A domain has up
// to 1 MiB of them, and is named in a few.
const maxDescribed = 16 << 20

// DescribeDomains returns those of the named domains that exist, each once, in the order named. As
// AWS does, an unknown name is left out. ErrInvalid: it is too much for one answer.
func (c *Catalog) DescribeDomains(ctx context.Context, who searchpack.Caller, names []string) ([]*DomainView, error) {
	vs := []*DomainView{}
	asked, size := map[string]bool{}, 0
	for _, name := range names {
		if asked[name] {
			continue
		}
		asked[name] = true
		v, err := c.DescribeDomain(ctx, who, name)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if size += len(v.Options); size > maxDescribed {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "The options of these domains have more than %d bytes together. Name fewer domains in a call.", maxDescribed)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// ListDomainNames returns all domains of the caller's account and region, by name.
func (c *Catalog) ListDomainNames(ctx context.Context, who searchpack.Caller) ([]*DomainView, error) {
	vs := []*DomainView{}
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		ds, err := tx.Domains(ctx, who.Account, who.Region)
		if err != nil {
			return err
		}
		for _, d := range ds {
			v, err := c.view(ctx, tx, d)
			if err != nil {
				return err
			}
			vs = append(vs, v)
		}
		return nil
	})
	return vs, err
}

// DeleteDomain ends the domain's associations and retires its agents: their next contact says so.
// What lies on the nodes stays there.
func (c *Catalog) DeleteDomain(ctx context.Context, who searchpack.Caller, name string) (*DomainView, error) {
	var v *DomainView
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, name)
		if err != nil {
			return err
		}
		if v, err = c.view(ctx, tx, d); err != nil {
			return err
		}
		if d.Saved != nil && v.Nodes > 0 && !c.limits.LocalClusters { // nobody would know any more what they were
			return searchpack.Errorf(searchpack.ErrInvalid, "Domain %s cannot be deleted now: a rollout restarts its nodes, and has the cluster's allocation held, "+
				"which is put back first. Wait until the rollout has ended, or abort it.", name)
		}
		if err := tx.DeleteDomain(ctx, d.DomainKey); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "DeleteDomain", name, "")
	})
	if err != nil {
		return nil, err
	}
	v.Deleted, v.Processing = true, true
	c.changed()
	return v, nil
}
