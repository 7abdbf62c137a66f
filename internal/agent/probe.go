package agent

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// prober asks the node about files, one question at a time: the analyze pool of OpenSearch has one
// thread, and a big file takes seconds.
type prober struct {
	conf   *configDir
	node   OpenSearch
	book   *book
	builds *builds
	now    func() time.Time
	rang   func()

	mu      sync.Mutex
	results map[string]probed // by probe id
}

// probed is an answer and when to ask again.
type probed struct {
	searchpack.ProbeResult
	body  string // what was asked; another body under the same id is another question
	again time.Time
	tries int
}

// maxProbeWait is the longest pause before a probe that got no answer is repeated.
const maxProbeWait = 15 * time.Second

func newProber(conf *configDir, node OpenSearch, b *book, k *builds, now func() time.Time, rang func()) *prober {
	return &prober{conf: conf, node: node, book: b, builds: k, now: now, rang: rang, results: map[string]probed{}}
}

// run asks what is ordered and not answered, and returns when to come again; zero = when something
// changes.
func (p *prober) run(ctx context.Context) (next time.Time) {
	o := p.book.order()
	p.only(o)
	t, err := p.conf.open()
	if err != nil {
		return p.now().Add(time.Second) // the placer reports it
	}
	defer t.close()
	for _, q := range o.Probes {
		if ctx.Err() != nil {
			return next
		}
		at := p.one(ctx, t, o, q)
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
		if p.book.order().Generation != o.Generation {
			return p.now() // questions may be obsolete: begin with the new order
		}
	}
	return next
}

// only forgets answers to what is no longer asked.
func (p *prober) only(o *searchpack.Order) {
	asked := make(map[string]bool, len(o.Probes))
	for _, q := range o.Probes {
		asked[q.ID] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.results {
		if !asked[id] {
			delete(p.results, id)
		}
	}
}

// one asks one question if it can be asked now and has no answer.
func (p *prober) one(ctx context.Context, t *tree, o *searchpack.Order, q searchpack.Probe) (again time.Time) {
	before, err := p.conf.lookAt(ctx, t, q.PackageID, q.Path, time.Time{})
	if err != nil || before.digest != q.Digest {
		p.drop(q.ID) // not these bytes: no answer is about them
		return time.Time{}
	}
	p.mu.Lock()
	was, ok := p.results[q.ID]
	p.mu.Unlock()
	if ok && was.Digest == q.Digest && was.body == q.Body {
		if was.again.IsZero() || p.now().Before(was.again) {
			return was.again
		}
	}
	r := p.ask(ctx, o, q)
	if ctx.Err() != nil {
		return time.Time{}
	}
	after, err := p.conf.lookAt(ctx, t, q.PackageID, q.Path, time.Time{})
	if err != nil || after.digest != q.Digest || after.id.ino != before.id.ino || after.id.mtime != before.id.mtime {
		p.drop(q.ID) // changed while OpenSearch read it: whose answer was that?
		return p.now().Add(100 * time.Millisecond)
	}
	next := probed{ProbeResult: r, body: q.Body}
	if r.Verdict == searchpack.VerdictRetry {
		next.tries = was.tries + 1
		next.again = p.now().Add(min(maxProbeWait, 500*time.Millisecond<<min(was.tries, 10)))
	}
	p.mu.Lock()
	p.results[q.ID] = next
	p.mu.Unlock()
	if !ok || was.ProbeResult != r {
		p.rang()
	}
	return next.again
}

func (p *prober) drop(id string) {
	p.mu.Lock()
	_, had := p.results[id]
	delete(p.results, id)
	p.mu.Unlock()
	if had {
		p.rang()
	}
}

// ask sends the probe, and its control if the answer needs one. What a witness of the order has the node
// build anyway is not built twice.
func (p *prober) ask(ctx context.Context, o *searchpack.Order, q searchpack.Probe) searchpack.ProbeResult {
	if p.builds.built(ctx, o, q) {
		return searchpack.ProbeResult{ID: q.ID, Digest: q.Digest, Verdict: searchpack.VerdictGood, Status: http.StatusOK}
	}
	candidate := p.node.Analyze(ctx, q.Body)
	var control usage.Answer
	if candidate.NeedsControl() {
		control = p.node.Analyze(ctx, q.Control)
	}
	verdict, reason := usage.Judge(candidate, control)
	if reason != "" && verdict != searchpack.VerdictRetry && readsElsewhere(q.Body, p.book.ours) {
		reason = "OpenSearch answers " + candidate.Type + "; its words stay on the node, because the chain also reads files that Searchpack did not place"
	}
	return searchpack.ProbeResult{ID: q.ID, Digest: q.Digest, Verdict: verdict, Status: candidate.Status, Reason: reason}
}

// nodeRestarted forgets answers that another start of the node may change: a plugin may be there now.
func (p *prober) nodeRestarted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, r := range p.results {
		if r.Verdict == searchpack.VerdictNone || r.Verdict == searchpack.VerdictRetry {
			delete(p.results, id)
		}
	}
}

// answers returns the answers to what is ordered.
func (p *prober) answers(o *searchpack.Order) []searchpack.ProbeResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []searchpack.ProbeResult
	for _, q := range o.Probes {
		if r, ok := p.results[q.ID]; ok && r.Digest == q.Digest {
			out = append(out, r.ProbeResult)
		}
	}
	return out
}
