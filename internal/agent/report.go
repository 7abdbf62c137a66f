package agent

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// reporter tells the server what the node is like: news at once, else a heartbeat.
type reporter struct {
	run  *run
	seq  int64
	sent *searchpack.Report // the last that arrived
	at   time.Time          // when
}

func (p *reporter) loop(ctx context.Context) {
	r := p.run
	beat := time.NewTicker(r.cfg.Intervals.Heartbeat / 2)
	defer beat.Stop()
	wait := r.backoff()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		case <-again:
		case <-r.report:
			if !p.gather(ctx) {
				return
			}
		}
		again = nil
		if err := p.send(ctx); err != nil && ctx.Err() == nil {
			r.link.failed("report", err)
			again = time.After(wait.next())
		} else {
			wait.reset()
		}
	}
}

// gather waits for the company of news, which rarely come alone: until everything that the order asks
// for is answered, but no longer than Coalesce. A rollout goes on when the last answer is there, so that
// one is not held back. false: ctx ended.
func (p *reporter) gather(ctx context.Context) bool {
	end := time.NewTimer(p.run.cfg.Intervals.Coalesce)
	defer end.Stop()
	for ctx.Err() == nil && !answered(p.run.book.order(), p.build()) {
		select {
		case <-ctx.Done():
		case <-p.run.report:
		case <-end.C:
			return true
		}
	}
	return ctx.Err() == nil
}

// answered reports whether the report says of everything in the order what came of it, good or bad.
func answered(o *searchpack.Order, r *searchpack.Report) bool {
	candidates := 0
	for _, c := range o.Candidates {
		if !c.Later {
			candidates++
		}
	}
	if r.Generation != o.Generation || len(r.Probes) < len(o.Probes) || len(r.Duties) < len(o.Duties) || len(r.Candidates) < candidates {
		return false
	}
	for _, c := range r.Candidates {
		if !c.Ready && c.Error == "" {
			return false
		}
	}
	for _, f := range o.Files {
		here := func(x searchpack.FileReport) bool {
			return x.PackageID == f.PackageID && (x.Error != "" || x.State == f.State && (f.State != searchpack.FileLive || x.Digest == f.Digest))
		}
		if !slices.ContainsFunc(r.Files, here) {
			return false
		}
	}
	return true
}

// send sends a report if there is news or a heartbeat is due.
func (p *reporter) send(ctx context.Context) error {
	r := p.run
	client := r.link.get()
	if client == nil {
		return nil
	}
	next := p.build()
	now := time.Now() // a heartbeat is about the time that passes, not about the time of day
	if p.sent != nil && reflect.DeepEqual(steady(next), steady(p.sent)) && now.Sub(p.at) < r.cfg.Intervals.Heartbeat*9/10 {
		return nil
	}
	p.seq++
	next.Seq = p.seq
	answer, err := client.Report(ctx, next)
	if err != nil {
		return err
	}
	p.sent, p.at = next, now
	if err := r.book.acknowledge(next.Incidents, answer.Incidents); err != nil {
		r.log.Warn("cannot note which incidents the server has", "error", err)
	}
	return nil
}

// build says what the node is like now.
func (p *reporter) build() *searchpack.Report {
	r := p.run
	out := r.placer.outcome()
	o := r.book.order()
	rep := &searchpack.Report{
		Schema: 1, Epoch: r.epoch, Version: r.cfg.Version,
		// What is said of files is said of this order, not of one that came in a moment ago.
		Generation: min(out.generation, o.Generation),
		Files:      slices.Clone(out.files),
		Candidates: r.fetcher.reports(o),
		Probes:     r.prober.answers(o),
		Duties:     r.worker.reports(o),
		Incidents:  r.book.incidents(),
		Problems:   slices.Concat(out.problems, r.link.problems()),
	}
	for _, m := range out.missing {
		for i := range rep.Files {
			if rep.Files[i].PackageID == m.PackageID && rep.Files[i].Error == "" {
				rep.Files[i].Error = r.fetcher.why(m.Digest)
			}
		}
	}
	rep.Node, rep.NodeError = r.facts.get()
	rep.Plugins = r.pluginer.reports(o)
	for i, x := range rep.Plugins {
		if x.Part == searchpack.PartPlugin {
			rep.Plugins[i].Needs = r.needs.of(x.Name)
		}
	}
	if rep.OpenSearch = r.pluginer.installed(); r.pluginer.another(rep.OpenSearch) {
		r.plugin.ring() // a package manager has been here
	}
	if r.cfg.Control != nil {
		rep.RestartMode = searchpack.RestartOwn
	}
	for i, c := range rep.Candidates {
		if slices.ContainsFunc(o.Candidates, func(x searchpack.Candidate) bool { return x.Digest == c.Digest && x.Plugin }) {
			r.pluginer.candidate(&rep.Candidates[i])
		}
	}
	if why := r.restarts.trouble(); why != "" && (o.Restart != nil || r.book.restart() != nil) {
		for i := range rep.Plugins {
			if rep.Plugins[i].Error == "" {
				rep.Plugins[i].Waits = why
			}
		}
	}
	rep.Problems = append(rep.Problems, r.pluginer.problems()...)
	rep.Problems = append(rep.Problems, diskProblems(rep)...)
	return rep
}

// diskProblems names a full disk once, however many files it stops.
func diskProblems(rep *searchpack.Report) []string {
	var texts []string
	for _, f := range rep.Files {
		texts = append(texts, f.Error)
	}
	for _, c := range rep.Candidates {
		texts = append(texts, c.Error)
	}
	if slices.Contains(texts, noSpaceText) {
		return []string{noSpaceText}
	}
	return nil
}

// steady is a report without what changes all the time and can wait for the next heartbeat.
func steady(r *searchpack.Report) searchpack.Report {
	c := *r
	c.Seq = 0
	c.Candidates = slices.Clone(r.Candidates)
	for i := range c.Candidates {
		c.Candidates[i].Fetched = 0
	}
	if c.Node != nil {
		n := *c.Node
		n.Term, n.StateVersion = 0, 0
		c.Node = &n
	}
	return c
}

// cutText bounds a text of n bytes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
