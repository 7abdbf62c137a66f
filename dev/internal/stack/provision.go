package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// lookEvery is how often domain rows are looked at without a wake: reports, which say when a domain
// is ready, come without one.
const lookEvery = time.Second

// provisioner makes local clusters be what the domain rows say, whatever they were before.
type provisioner struct {
	store   searchpack.Store
	dir     string // of all domains
	home    searchpack.DomainKey
	deps    deps
	wake    chan struct{}                          // room for one
	publish func([]DomainEntry, map[string]string) // entries by name, and what each unready domain waits for

	mu      sync.Mutex
	domains map[searchpack.DomainKey]*localDomain
}

// poke makes the provisioner look at once.
func (p *provisioner) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends and every process of every domain has ended.
func (p *provisioner) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			p.deps.log.Error("the domains cannot be read", "error", err)
		}
		select {
		case <-p.wake:
		case <-tick.C:
		case <-ctx.Done():
			p.end()
			return nil
		}
	}
}

// seen is one consistent look at the store.
type seen struct {
	rows   []*searchpack.Domain
	agents map[searchpack.DomainKey][]*searchpack.AgentState
}

func (p *provisioner) read(ctx context.Context) (seen, error) {
	s := seen{agents: map[searchpack.DomainKey][]*searchpack.AgentState{}}
	err := p.store.View(ctx, func(tx searchpack.Tx) error {
		all, err := tx.Domains(ctx, "", "")
		if err != nil {
			return err
		}
		s.rows = s.rows[:0]
		for _, d := range all {
			// A domain without a number of nodes was made by a join token: its cluster is somebody else's.
			if d.Nodes == 0 || !d.DeletedAt.IsZero() {
				continue
			}
			s.rows = append(s.rows, d)
			if s.agents[d.DomainKey], err = tx.Agents(ctx, d.DomainKey); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

// look compares rows with what runs, begins and ends what differs, and publishes the result.
func (p *provisioner) look(ctx context.Context) error {
	s, err := p.read(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	rows := map[searchpack.DomainKey]*searchpack.Domain{}
	for _, r := range s.rows {
		rows[r.DomainKey] = r
	}
	for k, l := range p.domains {
		if r := rows[k]; r == nil || !r.CreatedAt.Equal(l.row.CreatedAt) {
			l.remove()
		}
		select {
		case <-l.done:
			delete(p.domains, k)
		default:
		}
	}
	for k, r := range rows {
		if p.domains[k] == nil {
			p.domains[k] = openDomain(ctx, *r, filepath.Join(p.dir, p.folder(k)), p.deps)
		}
		p.domains[k].poke()
	}
	p.mu.Unlock()
	entries, waiting := p.describe(s)
	p.publish(entries, waiting)
	return nil
}

// sweep removes the folders of domains that are gone: deleted while a kill -9 kept them from going.
func (p *provisioner) sweep(ctx context.Context) error {
	s, err := p.read(ctx)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, r := range s.rows {
		keep[p.folder(r.DomainKey)] = true
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := os.RemoveAll(filepath.Join(p.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// folder names a domain's folder: its name, or region.account.name outside the stack's own region
// and account. Domain names hold no dots.
func (p *provisioner) folder(k searchpack.DomainKey) string {
	if k.Account == p.home.Account && k.Region == p.home.Region {
		return k.Name
	}
	return k.Region + "." + k.Account + "." + k.Name
}

// describe writes down every domain, and for those that are not done what they wait for.
func (p *provisioner) describe(s seen) ([]DomainEntry, map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries, waiting := []DomainEntry{}, map[string]string{}
	for _, r := range s.rows {
		l := p.domains[r.DomainKey]
		if l == nil || !l.row.CreatedAt.Equal(r.CreatedAt) {
			waiting[r.Name] = "its predecessor is being removed"
			continue
		}
		nodes, up, failure := l.state()
		e := DomainEntry{Name: r.Name, EngineVersion: r.EngineVersion, Nodes: []NodeEntry{}}
		if r.FilesOnly {
			e.Endpoint = r.Name + ".es.files-only.invalid"
		}
		for _, n := range nodes {
			ne := n.entry()
			ne.NodeID = nodeID(s.agents[r.DomainKey], ne.Name)
			if e.Endpoint == "" && ne.PID != 0 {
				e.Endpoint = strings.TrimPrefix(ne.HTTP, "http://")
			}
			e.Nodes = append(e.Nodes, ne)
		}
		switch {
		case failure != nil:
			e.Error = failure.Error()
			waiting[r.Name] = e.Error
		case !up:
			waiting[r.Name] = "its nodes are starting"
		default:
			if w := unreported(r, s.agents[r.DomainKey], l.since); w != "" {
				waiting[r.Name] = w
			}
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b DomainEntry) int { return strings.Compare(a.Name, b.Name) })
	return entries, waiting
}

// inService returns the agent of a node.
func inService(agents []*searchpack.AgentState, node string) *searchpack.AgentState {
	for _, a := range slices.Backward(agents) { // the latest of a name
		if a.Name == node && a.RetiredAt.IsZero() {
			return a
		}
	}
	return nil
}

func nodeID(agents []*searchpack.AgentState, node string) string {
	a := inService(agents, node)
	if a == nil {
		return ""
	}
	if a.NodeID != "" {
		return a.NodeID
	}
	if a.Report != nil && a.Report.Node != nil {
		return a.Report.Node.NodeID
	}
	return ""
}

// unreported says which node of a domain keeps it from being done: every agent must have reported a
// node since then, and every node must see all the others.
func unreported(r *searchpack.Domain, agents []*searchpack.AgentState, since time.Time) string {
	for i := range r.Nodes {
		name := fmt.Sprintf("n%d", i+1)
		a := inService(agents, name)
		switch {
		case a == nil:
			return "the agent of " + name + " has not joined yet"
		case a.Report == nil || a.ReportedAt.Before(since):
			return "the agent of " + name + " has not reported yet"
		case a.Report.Node == nil:
			return strings.TrimSuffix(name+" does not answer its agent: "+a.Report.NodeError, ": ")
		case !r.FilesOnly && len(a.Report.Node.Members) < r.Nodes:
			return fmt.Sprintf("%s sees %d of %d nodes", name, len(a.Report.Node.Members), r.Nodes)
		}
	}
	return ""
}

// find returns a node by "domain/n2".
func (p *provisioner) find(domain, name string) (*node, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := []string{}
	for k, l := range p.domains {
		if k.Name == domain {
			if n, ok := l.node(name); ok {
				return n, nil
			}
			return nil, fmt.Errorf("domain %s has no node %s", domain, name)
		}
		known = append(known, k.Name)
	}
	slices.Sort(known)
	if len(known) == 0 {
		return nil, fmt.Errorf("there is no domain %s, or any other", domain)
	}
	return nil, fmt.Errorf("there is no domain %s; there is: %s", domain, strings.Join(known, ", "))
}

// end ends every domain, all at once.
func (p *provisioner) end() {
	p.mu.Lock()
	var all []*localDomain
	for _, l := range p.domains {
		all = append(all, l)
		l.cancel()
	}
	p.mu.Unlock()
	for _, l := range all {
		<-l.done
	}
}
