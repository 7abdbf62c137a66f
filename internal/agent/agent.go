package agent

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

// Agent is one agent. Make it with New; Run or SyncOnce do the work.
type Agent struct {
	cfg Config
	log *slog.Logger
}

// New checks the configuration. It opens nothing and changes nothing.
func New(cfg Config) (*Agent, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Agent{cfg: cfg, log: cfg.Logger}, nil
}

// lockWait is how long a start waits for its folders: an agent that is ending gives them back.
const lockWait = time.Second

// Run works until ctx ends. It returns nil then, and an error only for what makes all work
// impossible: a state or configuration folder that is in use, or a state folder that cannot be used. The server and OpenSearch may be
// away and come back.
func (a *Agent) Run(ctx context.Context) error {
	state, err := openStateDir(ctx, a.cfg.StateDir, lockWait, a.cfg.step)
	if err != nil {
		return err
	}
	defer state.close()
	release, err := lockConfigDir(ctx, a.cfg.ConfigDir, lockWait, a.log)
	if err != nil {
		return err
	}
	defer release()
	r, err := a.newRun(state)
	if err != nil {
		return err
	}
	if r.epoch, err = r.book.newEpoch(a.cfg.now()); err != nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the state folder: %s", explain(err))
	}
	defer r.link.close()
	if r.cfg.Supervised != nil {
		return r.supervise(ctx)
	}
	if !r.link.enrolUntil(ctx) {
		return nil
	}
	r.begin()
	r.loops(ctx)
	return nil
}

// run is everything that lives while an agent runs.
type run struct {
	cfg   Config
	log   *slog.Logger
	epoch int64
	node  OpenSearch

	book     *book
	placer   *placer
	fetcher  *fetcher
	prober   *prober
	worker   *worker
	facts    *facts
	link     *link
	reporter *reporter
	pluginer *pluginer
	restarts *restarter
	needs    *needsTeller

	plugin, restart, place, candidates, live, probe, duty, report bell
}

// newRun reads what the state folder knows and puts the parts together. Nothing runs yet.
func (a *Agent) newRun(state *stateDir) (*run, error) {
	b, damaged, err := openBook(state.tree, a.cfg.now())
	if err != nil {
		return nil, err
	}
	if damaged != "" {
		a.log.Error("the agent's state was damaged; it is put aside and the order asked for again", "kept", damaged)
	}
	id, err := state.identity()
	if err != nil {
		return nil, err
	}
	r := &run{
		cfg: a.cfg, log: a.log, book: b,
		plugin: newBell(), restart: newBell(), place: newBell(), candidates: newBell(), live: newBell(), probe: newBell(), duty: newBell(), report: newBell(),
	}
	r.link = &link{cfg: a.cfg, log: a.log, state: state, book: b, id: id, renewal: newBell(), news: r.ordered, changed: r.report.ring}
	conf := newConfigDir(a.cfg.ConfigDir, a.cfg.step)
	conf.noExchange, conf.adopt = a.cfg.noExchange, a.cfg.Adopt
	store := &localStore{tree: state.tree}
	r.placer = &placer{
		conf: conf, state: state.tree, store: store, book: b, controls: !a.cfg.FilesOnly, folders: &folders{},
		log: a.log, now: a.cfg.now, rehash: a.cfg.Intervals.Rehash, recent: map[string]time.Time{},
	}
	for _, e := range b.entries() {
		r.placer.folders.add(e.Folder)
	}
	r.fetcher = newFetcher(r.placer.folders, conf, store, b, r.link.blobs, func() {
		for _, b := range []bell{r.place, r.probe, r.duty, r.report} {
			b.ring()
		}
	})
	r.pluginer = newPluginer(a.cfg.Plugins, a.cfg.ConfigDir, r.fetcher, b, a.log, r.report.ring)
	return r, nil
}

// begin adds the parts that need to know who the agent is.
func (r *run) begin() {
	r.node = r.cfg.OpenSearch
	if r.cfg.FilesOnly {
		r.node = &filesOnly{identity: *r.link.id}
	}
	once := newBuilds(r.placer.conf, r.node, r.book, func() string {
		if f, _ := r.facts.get(); f != nil {
			return f.EphemeralID
		}
		return ""
	})
	r.prober = newProber(r.placer.conf, r.node, r.book, once, r.cfg.now, r.report.ring)
	r.worker = newWorker(r.placer.conf, r.node, r.book, once, r.link.teller, r.cfg.now, r.report.ring, r.backoff)
	r.worker.fetch = r.fetcher.candidate
	r.worker.needs = r.pluginer.needs
	r.needs = &needsTeller{ask: r.pluginer.needs, node: r.node, book: r.book, now: r.cfg.now, rang: r.report.ring}
	r.pluginer.facts = func() *searchpack.NodeFacts { f, _ := r.facts.get(); return f }
	r.restarts = &restarter{
		log: r.log, control: r.cfg.Control, node: r.node, swap: r.pluginer, book: r.book, server: r.link.permits,
		now: r.cfg.now, boot: bootTime, epoch: r.epoch, rang: r.report.ring, fresh: func(f *searchpack.NodeFacts) { r.facts.set(f, nil) },
	}
	if r.cfg.Supervised != nil {
		r.restarts.before = r.ready
	}
	r.facts = &facts{node: r.node, every: r.cfg.Intervals.Facts, changed: r.report.ring, restarted: func() {
		r.prober.nodeRestarted()
		for _, b := range []bell{r.probe, r.duty, r.plugin, r.report} {
			b.ring()
		}
	}}
	r.reporter = &reporter{run: r}
}

func (r *run) backoff() *backoff {
	return &backoff{min: r.cfg.Intervals.RetryMin, max: r.cfg.Intervals.RetryMax}
}

// ordered is called when a new order has been taken in.
func (r *run) ordered() {
	for _, b := range []bell{r.place, r.candidates, r.live, r.probe, r.duty, r.report, r.plugin, r.restart} {
		b.ring()
	}
}

// loops runs all parts until ctx ends.
func (r *run) loops(ctx context.Context) {
	var wg sync.WaitGroup
	for _, loop := range []func(context.Context){
		r.placeLoop, r.pluginLoop, r.restartLoop, r.candidateLoop, r.liveLoop, r.probeLoop, r.dutyLoop, r.speakLoop,
		r.facts.loop, r.reporter.loop, r.link.orderLoop, r.link.renewLoop,
	} {
		wg.Go(func() { loop(ctx) })
	}
	r.ordered() // what was ordered before is looked after from the start
	wg.Wait()
}

// placeLoop makes and keeps the files as ordered: on news, and every Watch whatever happens.
func (r *run) placeLoop(ctx context.Context) {
	tick := time.NewTicker(r.cfg.Intervals.Watch)
	defer tick.Stop()
	var last outcome
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.place:
		case <-tick.C:
			r.candidates.ring() // one stat each, to see that they are still there
		}
		out := r.placer.pass(ctx)
		if ctx.Err() != nil {
			return
		}
		if len(out.missing) > 0 {
			r.live.ring()
		}
		if !reflect.DeepEqual(out, last) {
			for _, p := range out.problems {
				r.log.Warn("a person must mend this", "problem", p)
			}
			last = out
			r.report.ring()
			r.probe.ring()
		}
	}
}

// candidateLoop fetches candidates and tries again what failed.
func (r *run) candidateLoop(ctx context.Context) {
	wait := r.backoff()
	r.until(ctx, r.candidates, func() time.Duration {
		done := r.fetcher.candidates(ctx)
		if err := r.fetcher.tidy(); err != nil && ctx.Err() == nil {
			r.log.Warn("cannot tidy the local store", "error", err)
		}
		if done {
			wait.reset()
			return 0
		}
		return wait.next()
	})
}

// liveLoop keeps a copy of whatever is live in the local store.
func (r *run) liveLoop(ctx context.Context) {
	wait := r.backoff()
	r.until(ctx, r.live, func() time.Duration {
		done, err := r.fetcher.live(ctx, r.book.order())
		if done && r.cfg.Plugins != nil {
			done, err = r.fetcher.ahead(ctx, r.book.order())
		}
		if done {
			wait.reset()
			return 0
		}
		if ctx.Err() == nil {
			r.log.Info("bytes that the node needs, or may need at its next start, are not here yet", "error", err)
			r.report.ring()
		}
		return wait.next()
	})
}

// pluginLoop checks and stages plugins on news, and looks after those that lie there now and then.
func (r *run) pluginLoop(ctx context.Context) {
	wait := r.backoff()
	r.until(ctx, r.plugin, func() time.Duration {
		if !r.pluginer.pass(ctx) {
			return wait.next()
		}
		wait.reset()
		r.restart.ring()
		return r.cfg.Intervals.Rehash
	})
}

func (r *run) restartLoop(ctx context.Context) {
	r.until(ctx, r.restart, func() time.Duration { return r.restarts.run(ctx) })
}

func (r *run) probeLoop(ctx context.Context) {
	r.until(ctx, r.probe, func() time.Duration { return r.untilTime(r.prober.run(ctx)) })
}

func (r *run) dutyLoop(ctx context.Context) {
	r.until(ctx, r.duty, func() time.Duration { return r.untilTime(r.worker.run(ctx)) })
}

func (r *run) speakLoop(ctx context.Context) {
	tick := time.NewTicker(r.cfg.Intervals.Facts)
	defer tick.Stop()
	for {
		if err := r.worker.speak(ctx); err != nil && ctx.Err() == nil {
			r.log.Info("cannot tell the usage of the domain; trying again", "error", err)
		}
		if err := r.needs.turn(ctx); err != nil && ctx.Err() == nil {
			r.log.Info("cannot tell who needs the plugins; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// untilTime turns a time into a pause; the zero time into none.
func (r *run) untilTime(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(r.cfg.now()), 10*time.Millisecond)
}

// until calls f when the bell rings, and again after the pause that f returned, if any.
func (r *run) until(ctx context.Context, b bell, f func() time.Duration) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-b:
		case <-again:
		}
		again = nil
		if d := f(); d > 0 {
			again = time.After(d)
		}
	}
}

var (
	_ blobSource = (*agentapi.Client)(nil)
	_ teller     = (*agentapi.Client)(nil)
)
