package catalog

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// engineVersion is AWS's VersionString.
var engineVersion = regexp.MustCompile(`^(Elasticsearch_[0-9]\.[0-9]{1,2}|OpenSearch_[0-9]{1,2}\.[0-9]{1,2})$`)

// CreateDomain writes a domain. It is Processing until its nodes report. ErrAlreadyExists,
// ErrInvalid (engine version), ErrLimit (nodes).
func (c *Catalog) CreateDomain(ctx context.Context, who searchpack.Caller, in CreateDomainInput) (*DomainView, error) {
	version, err := c.engineVersion(in.EngineVersion)
	if err != nil {
		return nil, err
	}
	d := &searchpack.Domain{
		DomainKey: who.Key(in.Name), ID: who.Account + "/" + in.Name, EngineVersion: version,
		Request: in.Request, FilesOnly: c.limits.FilesOnly, CreatedAt: c.clock(),
	}
	if c.limits.MaxNodes > 0 { // a stack that starts the nodes itself: all of them make it ready
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

// engineVersion checks the version asked for against those offered; "" takes the first.
func (c *Catalog) engineVersion(asked string) (string, error) {
	offered := c.limits.EngineVersions
	if asked == "" && len(offered) > 0 {
		return offered[0], nil
	}
	if asked == "" {
		return c.limits.DefaultEngine, nil
	}
	if !engineVersion.MatchString(asked) {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "EngineVersion %s is none: write it as OpenSearch_3.8.", asked)
	}
	if len(offered) > 0 && !slices.Contains(offered, asked) {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "EngineVersion %s is not offered here. Offered: %s.", asked, strings.Join(offered, ", "))
	}
	return asked, nil
}

// checkNewDomain enforces the name's uniqueness and the node limit over all domains.
func (c *Catalog) checkNewDomain(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain) error {
	all, err := tx.Domains(ctx, "", "")
	if err != nil {
		return err
	}
	nodes := d.Nodes
	for _, other := range all {
		if other.DomainKey == d.DomainKey {
			return searchpack.Errorf(searchpack.ErrAlreadyExists, "Domain %s already exists.", d.Name)
		}
		nodes += other.Nodes
	}
	if limit := c.limits.MaxNodes; limit > 0 && nodes > limit {
		return searchpack.Errorf(searchpack.ErrLimit, "Domain %s would make %d nodes, the limit of this stack is %d (--max-nodes). Delete a domain or ask for fewer instances.", d.Name, nodes, limit)
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

// view adds what the nodes report. A domain is ready when as many nodes report as make it ready.
func (c *Catalog) view(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain) (*DomainView, error) {
	agents, err := tx.Agents(ctx, d.DomainKey)
	if err != nil {
		return nil, err
	}
	v := &DomainView{Domain: *d}
	now, joined := c.clock(), 0
	for _, a := range agents {
		if !a.RetiredAt.IsZero() || a.Report == nil {
			continue
		}
		if n := a.Report.Node; n != nil {
			joined++
			if v.Endpoint == "" {
				v.Endpoint = n.HTTPAddress
			}
			if v.EngineVersion == "" {
				v.EngineVersion = engineOf(n.Version)
			}
		}
		if now.Sub(a.ReportedAt) < freshFor {
			v.Nodes++
		}
	}
	if d.FilesOnly {
		v.Endpoint = d.Name + ".es.files-only.invalid"
	}
	v.Processing = joined < max(d.Nodes, 1)
	if v.Processing {
		v.Endpoint = ""
	}
	return v, nil
}

// engineOf turns "3.8.0" into "OpenSearch_3.8".
func engineOf(version string) string {
	p := strings.SplitN(version, ".", 3)
	if len(p) < 2 {
		return ""
	}
	return "OpenSearch_" + p[0] + "." + p[1]
}

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

// DescribeDomains returns those of the named domains that exist, in the order named. As AWS does,
// an unknown name is left out.
func (c *Catalog) DescribeDomains(ctx context.Context, who searchpack.Caller, names []string) ([]*DomainView, error) {
	vs := []*DomainView{}
	for _, name := range names {
		v, err := c.DescribeDomain(ctx, who, name)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
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
