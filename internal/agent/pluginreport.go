package agent

import (
	"errors"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
)

// problems are what a person must mend.
func (p *pluginer) problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if p.said != "" {
		out = append(out, "the node's plugins: "+p.said)
	}
	for _, text := range p.drift {
		out = append(out, text+"; the node is to be given it anew by a restart")
	}
	slices.Sort(out)
	return out
}

// candidate says how far a plugin that may come has come.
func (p *pluginer) candidate(r *searchpack.CandidateReport) {
	if p.cfg == nil {
		r.Refused = noPlugins
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.status[r.Digest]; s != nil {
		r.Ready, r.Refused = s.staged, s.refused
		if s.err != "" {
			r.Error = s.err
		}
	}
	if p.lies(r.Digest) {
		r.Ready = true
	}
}

// reports says what the node has of every plugin that is ordered, or that Searchpack placed for an
// order before.
func (p *pluginer) reports(o *searchpack.Order) []searchpack.PluginReport {
	failed := p.book.failed()
	given := o
	if p.cfg != nil {
		if fitted, err := p.fitted(o); err == nil {
			given = fitted
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []searchpack.PluginReport
	for _, x := range given.Plugins {
		r := searchpack.PluginReport{PackageID: x.PackageID, Name: x.Name}
		if p.cfg == nil {
			r.Error = noPlugins
			out = append(out, r)
			continue
		}
		at := slices.IndexFunc(p.placed, func(q plugindir.Placed) bool { return q.Name == x.Name })
		if at >= 0 && !taken(o, x) {
			r.Installed, r.Started, r.Error = p.placed[at].Zip, p.started(p.placed[at]), p.drift[p.placed[at].Folder]
		}
		if s := p.status[x.Digest]; s != nil && x.State == searchpack.PluginInstalled {
			if s.staged {
				r.Staged = x.Digest
			}
			if r.Installed != x.Digest && r.Error == "" {
				r.Error = s.refused + s.err
			}
		}
		if why, bad := failed[x.Digest]; bad {
			r.Failed, r.FailedWhy = x.Digest, why
		}
		out = append(out, r)
	}
	return out
}

// ready says why the node cannot be given what is ordered: nil = all of it lies here.
func (p *pluginer) ready(o *searchpack.Order) error {
	if p.cfg == nil {
		return errors.New(noPlugins)
	}
	o, err := p.fitted(o)
	if err == nil {
		err = p.unfit(o)
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range o.Plugins {
		if x.State != searchpack.PluginInstalled || p.lies(x.Digest) {
			continue
		}
		switch s := p.status[x.Digest]; {
		case s == nil:
			return fmt.Errorf("%s v%d is not here yet", x.Name, x.Version)
		case s.refused != "":
			return errors.New(s.refused)
		case !s.staged:
			return fmt.Errorf("%s v%d is not here yet: %s", x.Name, x.Version, s.err)
		}
	}
	return nil
}
