package agent

import (
	"errors"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
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
	var all []searchpack.Digest // the same bytes may be for two plugins
	for _, w := range wantedPlugins(p.book.order()) {
		if w.candidate && w.digest == r.Digest {
			all = append(all, w.id())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Ready = len(all) > 0
	for _, id := range all {
		s := p.status[id]
		if s != nil && s.refused != "" {
			r.Refused = s.refused
		}
		if s != nil && s.err != "" {
			r.Error = s.err
		}
		r.Ready = r.Ready && (s != nil && s.staged && s.fits || p.lies(id))
	}
}

// reports says what the node has of every plugin that is ordered, or that Searchpack placed for an
// order before.
func (p *pluginer) reports(o *searchpack.Order) []searchpack.PluginReport {
	failed, names := p.book.failed(), p.book.names()
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
		r := searchpack.PluginReport{PackageID: x.PackageID, Part: x.Part, Name: x.Name}
		if p.cfg == nil {
			r.Error = noPlugins
			out = append(out, r)
			continue
		}
		at := placedFor(p.placed, x)
		if at < 0 {
			for _, q := range renamed(o, p.placed, x, names) {
				r.Installed, r.Started = q.Zip, p.started(q)
			}
		}
		if at >= 0 && !taken(o, x) {
			r.Installed, r.Started, r.Error = p.placed[at].Zip, p.started(p.placed[at]), p.drift[p.placed[at].Key()]
		}
		if s := p.status[stageID(x)]; s != nil && x.State == searchpack.PluginInstalled {
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
		if x.State != searchpack.PluginInstalled || p.lies(stageID(x)) {
			continue
		}
		switch s := p.status[stageID(x)]; {
		case s == nil:
			return fmt.Errorf("%s, v%d, is not here yet", x.Part.Called(x.Name), x.Version)
		case s.refused != "":
			return errors.New(s.refused)
		case !s.staged:
			return fmt.Errorf("%s, v%d, is not here yet: %s", x.Part.Called(x.Name), x.Version, s.err)
		}
	}
	return nil
}
