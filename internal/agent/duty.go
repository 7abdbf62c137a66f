package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// teller sends usage (agentapi.Client).
type teller interface {
	Usage(ctx context.Context, u *searchpack.UsageReport) error
}

// worker carries out duties and speaks for the domain. Results are in memory only: after a restart
// a duty is done again, which does no harm.
type worker struct {
	conf   *configDir
	node   OpenSearch
	book   *book
	builds *builds
	fetch  func(context.Context, searchpack.Candidate) error
	server func() teller // nil while there is no server
	now    func() time.Time
	rang   func()
	retry  func() *backoff
	// needs answers DutyNeeds: the plugins' business.
	needs func(context.Context, OpenSearch, *searchpack.NeedsTask) (*searchpack.NeedsReport, error)

	mu      sync.Mutex
	results map[string]searchpack.DutyResult
	tries   map[string]*attempt

	before earlier // used by run alone
	spoken spoken  // used by speak alone
}

type attempt struct {
	pause *backoff
	again time.Time
}

// spoken is what the speaker sent last.
type spoken struct {
	on            bool
	uuid          string
	term, version int64             // looked at
	hash          searchpack.Digest // of the state sent
	quietUntil    time.Time
}

func newWorker(conf *configDir, node OpenSearch, b *book, k *builds, server func() teller, now func() time.Time, rang func(), retry func() *backoff) *worker {
	return &worker{
		conf: conf, node: node, book: b, builds: k, server: server, now: now, rang: rang, retry: retry,
		results: map[string]searchpack.DutyResult{}, tries: map[string]*attempt{}, before: earlier{},
	}
}

// run does the ordered duties that are not done, looks at what will be compared with later, and returns
// when to come again; zero = when something changes.
func (w *worker) run(ctx context.Context) (next time.Time) {
	o := w.book.order()
	w.only(o)
	for _, d := range o.Duties {
		if ctx.Err() != nil {
			return next
		}
		again := w.one(ctx, d)
		if !again.IsZero() && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	w.lookBefore(ctx, o)
	return next
}

// only forgets the results of duties that are no longer ordered.
func (w *worker) only(o *searchpack.Order) {
	ordered := map[string]bool{}
	for _, d := range o.Duties {
		ordered[d.ID] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.results {
		if !ordered[id] {
			delete(w.results, id)
		}
	}
	for id := range w.tries {
		if !ordered[id] {
			delete(w.tries, id)
		}
	}
	w.before.only(o)
}

func (w *worker) one(ctx context.Context, d searchpack.Duty) (again time.Time) {
	w.mu.Lock()
	done := w.results[d.ID].Done
	try := w.tries[d.ID]
	w.mu.Unlock()
	if done {
		return time.Time{}
	}
	if try != nil && w.now().Before(try.again) {
		return try.again
	}
	r, err := w.do(ctx, d)
	if ctx.Err() != nil {
		return time.Time{}
	}
	r.ID, r.Done = d.ID, err == nil
	if err != nil {
		r.Error = err.Error()
		if try == nil {
			try = &attempt{pause: w.retry()}
		}
		try.again = w.now().Add(try.pause.next())
		again = try.again
	}
	w.mu.Lock()
	was, had := w.results[d.ID]
	w.results[d.ID] = r
	w.tries[d.ID] = try
	w.mu.Unlock()
	if !had || r.Done || was.Error != r.Error {
		w.rang()
	}
	return again
}

func (w *worker) do(ctx context.Context, d searchpack.Duty) (searchpack.DutyResult, error) {
	switch d.Kind {
	case searchpack.DutyLook:
		_, err := w.look(ctx, d.ID)
		return searchpack.DutyResult{}, err
	case searchpack.DutyRefresh:
		return w.refresh(ctx, d)
	case searchpack.DutyReroute:
		return searchpack.DutyResult{}, w.node.RerouteRetryFailed(ctx)
	case searchpack.DutyWitness:
		return w.witness(ctx, d.Witnesses)
	case searchpack.DutyHealth:
		h, err := w.health(ctx)
		return searchpack.DutyResult{Health: h}, err
	case searchpack.DutyAllocation:
		return searchpack.DutyResult{}, w.allocate(ctx, d)
	case searchpack.DutySettle:
		return w.settle(ctx, d)
	case searchpack.DutyPreview:
		return w.preview(ctx, d.Preview)
	case searchpack.DutyVerify:
		return w.verify(ctx, d.Verify)
	case searchpack.DutyNeeds:
		r, err := w.needs(ctx, w.node, d.Needs)
		return searchpack.DutyResult{Needs: r}, err
	}
	return searchpack.DutyResult{}, searchpack.Errorf(searchpack.ErrUnsupported, "this agent does not know the duty %q: upgrade it", d.Kind)
}

// refresh reloads each index, then clears their request caches: the other way round stale entries
// would come back.
func (w *worker) refresh(ctx context.Context, d searchpack.Duty) (searchpack.DutyResult, error) {
	var r searchpack.DutyResult
	var there []string
	for _, name := range d.Indices {
		one, noAPI, err := w.node.RefreshSearchAnalyzers(ctx, name, d.CachedResources)
		if err != nil {
			return searchpack.DutyResult{}, err
		}
		if noAPI {
			return searchpack.DutyResult{NoRefreshAPI: true}, nil
		}
		r.Refreshed = append(r.Refreshed, one)
		if !one.Gone {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		if err := w.node.ClearRequestCache(ctx, there); err != nil {
			return searchpack.DutyResult{}, err
		}
	}
	return r, nil
}

// look reads the cluster state now and sends it.
func (w *worker) look(ctx context.Context, dutyID string) (*searchpack.UsageReport, error) {
	u, err := w.read(ctx)
	if err != nil {
		return nil, err
	}
	u.DutyID = dutyID
	return u, w.tell(ctx, u)
}

func (w *worker) read(ctx context.Context) (*searchpack.UsageReport, error) {
	raw, uuid, term, version, truncated, err := w.node.State(ctx)
	if err != nil {
		return nil, err
	}
	u := &searchpack.UsageReport{Schema: 1, ClusterUUID: uuid, Term: term, Version: version, Truncated: truncated}
	if !truncated {
		u.State = raw
	}
	return u, nil
}

func (w *worker) tell(ctx context.Context, u *searchpack.UsageReport) error {
	server := w.server()
	if server == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "The server cannot be asked.")
	}
	return server.Usage(ctx, u)
}

// speak sends the usage of the domain if this agent is its speaker: at once, and then when what the
// filtered state says has changed. Asking whether there is a newer state costs little.
func (w *worker) speak(ctx context.Context) error {
	if !w.book.order().Speaker {
		w.spoken = spoken{}
		return nil
	}
	if w.now().Before(w.spoken.quietUntil) {
		return nil
	}
	uuid, term, version, err := w.node.StateVersion(ctx)
	if err != nil {
		return err
	}
	s := &w.spoken
	if s.on && s.uuid == uuid && s.term == term && s.version == version {
		return nil
	}
	began := w.now()
	u, err := w.read(ctx)
	if err != nil {
		return err
	}
	// A cluster whose state takes long to read is read less often.
	s.quietUntil = w.now().Add(10 * w.now().Sub(began))
	hash := stateHash(u)
	if !s.on || s.hash != hash || s.uuid != u.ClusterUUID {
		if err := w.tell(ctx, u); err != nil {
			return err
		}
	}
	*s = spoken{on: true, uuid: u.ClusterUUID, term: u.Term, version: u.Version, hash: hash, quietUntil: s.quietUntil}
	return nil
}

// stateHash is the hash of a filtered state without its version.
func stateHash(u *searchpack.UsageReport) searchpack.Digest {
	var m map[string]json.RawMessage
	if u.Truncated || json.Unmarshal(u.State, &m) != nil {
		return "truncated"
	}
	// metadata.cluster_coordination.term is in it too: a new term is sent, once.
	var b bytes.Buffer
	if json.Compact(&b, m["metadata"]) != nil {
		return searchpack.DigestOf(u.State)
	}
	return searchpack.DigestOf(b.Bytes())
}

// reports returns the results of the ordered duties.
func (w *worker) reports(o *searchpack.Order) []searchpack.DutyResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []searchpack.DutyResult
	for _, d := range o.Duties {
		if r, ok := w.results[d.ID]; ok {
			out = append(out, r)
		}
	}
	return out
}
