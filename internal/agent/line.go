package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/preflight"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// maxAhead is how many plugins for other versions of OpenSearch are fetched before anybody needs them:
// those that the server prefers. A plugin may have a gigabyte.
const maxAhead = 4

// installed is the version of OpenSearch in the node's home; "" = not known.
func (p *pluginer) installed() string {
	if p.cfg == nil || p.cfg.NoNode {
		return ""
	}
	v, err := preflight.HomeVersion(p.cfg.Home)
	if err != nil {
		return ""
	}
	return v.String()
}

// another reports whether the OpenSearch in the home is another than when this was asked last.
func (p *pluginer) another(openSearch string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.found
	p.found = openSearch
	return was != "" && was != openSearch
}

// fitted is the order with, of each plugin, the version for the OpenSearch that lies in the node's home:
// the one ordered if it is made for that, else the first alternative that is. The server cannot know what
// a package manager has done since the last report. Where nothing fits the plugin stays as ordered: see
// unfit.
func (p *pluginer) fitted(o *searchpack.Order) (*searchpack.Order, error) {
	if p.cfg.NoNode || !slices.ContainsFunc(o.Plugins, func(x searchpack.PluginOrder) bool { return x.OpenSearch != "" }) {
		return o, nil
	}
	v, err := preflight.HomeVersion(p.cfg.Home)
	if err != nil {
		return nil, err
	}
	fitted := *o
	fitted.Plugins = slices.Clone(o.Plugins)
	for i, x := range fitted.Plugins {
		if fits(x, v.String()) {
			continue
		}
		at := slices.IndexFunc(o.Alternatives, func(a searchpack.PluginOrder) bool {
			return a.PackageID == x.PackageID && a.Name == x.Name && fits(a, v.String())
		})
		if at >= 0 {
			fitted.Plugins[i] = o.Alternatives[at]
			fitted.Alternatives = append(slices.Clone(fitted.Alternatives), x)
		}
	}
	return &fitted, nil
}

// fits: as far as its descriptor says, a node of that OpenSearch takes what is ordered.
func fits(x searchpack.PluginOrder, openSearch string) bool {
	return x.State != searchpack.PluginInstalled || x.OpenSearch == "" || plugin.Fits(x.OpenSearch, openSearch)
}

// unfit says which plugins of a fitted order are made for another OpenSearch: with them the node would not
// start, and without them it must not.
func (p *pluginer) unfit(o *searchpack.Order) error {
	openSearch := p.installed()
	if openSearch == "" {
		return nil
	}
	var texts []string
	for _, x := range o.Plugins {
		if fits(x, openSearch) {
			continue
		}
		others := ""
		for _, a := range o.Alternatives {
			if a.PackageID == x.PackageID {
				others += fmt.Sprintf(", v%d for %.40q", a.Version, a.OpenSearch)
			}
		}
		texts = append(texts, fmt.Sprintf("of the plugin %s no version is known that is made for OpenSearch %s, which is installed in %s (v%d is for %.40q%s)",
			x.Name, openSearch, p.cfg.Home, x.Version, x.OpenSearch, others))
	}
	if len(texts) == 0 {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrConflict, "%s. OpenSearch would not start with it, and the node is not to serve without it: "+
		"push the plugin's build for OpenSearch %s (searchpack push), or install the former OpenSearch again", strings.Join(texts, "; "), openSearch)
}

// choose is fitted where everything fits: else ErrConflict, which says what does not.
func (p *pluginer) choose(o *searchpack.Order) (*searchpack.Order, error) {
	fitted, err := p.fitted(o)
	if err == nil {
		err = p.unfit(fitted)
	}
	return fitted, err
}

// nothingFits: with the order as it is the node would not start.
func (p *pluginer) nothingFits(o *searchpack.Order) bool {
	if p.cfg == nil {
		return false
	}
	_, err := p.choose(o)
	return searchpack.ErrorCode(err) == searchpack.ErrConflict
}

// missing says which plugins of a fitted order neither lie under plugins/ nor are staged. Those with which
// the node did not start are not wanted.
func (p *pluginer) missing(ctx context.Context, o *searchpack.Order, failed map[searchpack.Digest]string) error {
	absent, err := p.absent(ctx, o, failed)
	if err != nil || len(absent) == 0 {
		return err
	}
	var texts []string
	for _, x := range absent {
		text := fmt.Sprintf("%s v%d", x.Part.Called(x.Name), x.Version)
		if x.OpenSearch != "" {
			text += ", made for OpenSearch " + x.OpenSearch
		}
		texts = append(texts, text)
	}
	return searchpack.Errorf(searchpack.ErrNotFound, "these plugins are not ready on this machine, and the node must not start without them: %s. "+
		"The log says why; if the server could not be asked, start the node again when it can", strings.Join(texts, "; "))
}

// absent are those that are missing.
func (p *pluginer) absent(ctx context.Context, o *searchpack.Order, failed map[searchpack.Digest]string) (out []searchpack.PluginOrder, err error) {
	d, err := p.openSoon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	placed, err := d.Placed()
	if err != nil {
		return nil, err
	}
	staged, err := d.Staged()
	if err != nil {
		return nil, err
	}
	for _, x := range o.Plugins {
		at := placedFor(placed, x)
		if x.State != searchpack.PluginInstalled || at >= 0 && placed[at].ID() == stageID(x) {
			continue
		}
		if isBad(o, x, failed) { // what lies there stays
			if at >= 0 && p.unfitThere(o, placed[at].Zip) {
				return nil, searchpack.Errorf(searchpack.ErrConflict, "the node did not start with the plugin %s v%d, and what lies there is made for another OpenSearch than is installed: "+
					"push a build that starts, or install the former OpenSearch again", x.Name, x.Version)
			}
			continue
		}
		if !slices.Contains(staged, stageID(x)) {
			out = append(out, x)
		}
	}
	return out, nil
}

// orNext makes ready what fits, and what fits next where an alternative that was chosen is not here and cannot be
// had: its package may have been deleted, which this node has yet to hear. It returns what the node is to start
// with. What is ordered itself is never passed over.
func (p *pluginer) orNext(ctx context.Context, o, chosen *searchpack.Order, failed map[searchpack.Digest]string, ready func(*searchpack.Order) error) (*searchpack.Order, error) {
	for {
		missing := ready(chosen)
		if searchpack.ErrorCode(missing) != searchpack.ErrNotFound {
			return chosen, missing
		}
		absent, err := p.absent(ctx, chosen, failed)
		if err != nil {
			return nil, err
		}
		rest := *o
		rest.Alternatives = slices.DeleteFunc(slices.Clone(o.Alternatives), func(x searchpack.PluginOrder) bool { return slices.Contains(absent, x) })
		if chosen, err = p.choose(&rest); err != nil || len(rest.Alternatives) == len(o.Alternatives) {
			return nil, missing
		}
		p.log.Warn("a version of a plugin for the OpenSearch that is installed is not here and cannot be had; the next that fits is tried", "missing", missing)
		o = &rest
	}
}

// unfitThere: the zip is known to be made for another OpenSearch than lies in the home.
func (p *pluginer) unfitThere(o *searchpack.Order, zip searchpack.Digest) bool {
	openSearch := p.installed()
	return openSearch != "" && slices.ContainsFunc(slices.Concat(o.Plugins, o.Alternatives), func(x searchpack.PluginOrder) bool {
		return x.Digest == zip && !fits(x, openSearch)
	})
}

// await waits until what the node is to start with is staged: by the agent that holds the state folder,
// which may just be fetching it, or here, of bytes that it has fetched.
func (p *pluginer) await(ctx context.Context, o *searchpack.Order, failed map[searchpack.Digest]string) error {
	ctx, cancel := context.WithTimeout(ctx, syncOther)
	defer cancel()
	tried := map[searchpack.Digest]bool{}
	for {
		err := p.missing(ctx, o, failed)
		if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			return err
		}
		here := searchpack.Order{}
		for _, x := range o.Plugins {
			if x.State == searchpack.PluginInstalled && !tried[x.Digest] && p.store.has(x.Digest, x.Size) {
				tried[x.Digest] = true
				here.Plugins = append(here.Plugins, x)
			}
		}
		if len(here.Plugins) > 0 {
			if err := p.stageOffline(ctx, &here, false, nil); err != nil {
				return err
			}
			continue
		}
		if !pause(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// ahead gets into the local store what the next start of the node may need while the server is away: the
// plugins ordered, whose bytes went when a rollout that failed brought others, and those for other versions of
// OpenSearch, which its package manager may bring. It returns false if some are not there.
func (f *fetcher) ahead(ctx context.Context, o *searchpack.Order) (done bool, err error) {
	done = true
	for _, x := range slices.Concat(o.Plugins, o.Alternatives[:min(len(o.Alternatives), maxAhead)]) {
		if x.State != searchpack.PluginInstalled || x.Size > maxPlugin {
			continue
		}
		if one := f.blob(ctx, x.Digest, x.Size, func(int64) {}); one != nil {
			done, err = false, errors.Join(err, one)
		}
	}
	return done, err
}
