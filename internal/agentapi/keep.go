package agentapi

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// maxTogether bounds the reports of one transaction: a database with one writer is not held for
	// longer than some ten milliseconds.
	maxTogether = 100
	// keepTime bounds one transaction; an agent waits for callTime.
	keepTime = 20 * time.Second
)

// reportKeeper writes reports. What comes while a transaction is being committed goes into the next
// one together: when thousands of agents answer an order, each would else wait for the disk in turn,
// for longer than it waits for an answer. Its zero value is ready.
type reportKeeper struct {
	mu      sync.Mutex
	waiting []*keptReport
	busy    bool // somebody writes, and looks for more when done
	told    told
}

// keptReport is a report to be written.
type keptReport struct {
	agent  *searchpack.AgentState
	in     *searchpack.Report
	at     time.Time
	silent bool
	refuse error      // why it was not written; the others of the transaction were
	done   chan error // has room for one
}

// keep writes the report, its new incidents and the wish for a reconcile in one transaction, and
// returns when that is committed. It may be committed although ctx ended before.
func (k *reportKeeper) keep(ctx context.Context, store searchpack.Store, r *keptReport) error {
	r.done = make(chan error, 1)
	k.mu.Lock()
	k.waiting = append(k.waiting, r)
	begin := !k.busy
	k.busy = true
	k.mu.Unlock()
	if begin {
		go k.write(context.WithoutCancel(ctx), store)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		k.forget(r)
		return ctx.Err()
	}
}

// forget takes out a report that nobody waits for any longer, unless it is being written: its agent sends
// another. While a database hangs, what an agent may have under way would else bound nothing.
func (k *reportKeeper) forget(r *keptReport) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.Index(k.waiting, r); i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	}
}

// write writes until nothing waits.
func (k *reportKeeper) write(ctx context.Context, store searchpack.Store) {
	for {
		k.mu.Lock()
		n := min(len(k.waiting), maxTogether)
		batch := k.waiting[:n:n]
		k.waiting = k.waiting[n:]
		k.busy = n > 0
		k.mu.Unlock()
		if n == 0 {
			return
		}
		k.writeReports(ctx, store, batch)
	}
}

// writeReports writes reports in one transaction; if that fails, each alone: one that the database does
// not take is its own agent's business.
func (k *reportKeeper) writeReports(ctx context.Context, store searchpack.Store, batch []*keptReport) {
	err := k.writeTogether(ctx, store, batch)
	if err != nil && len(batch) > 1 {
		for _, r := range batch {
			k.writeReports(ctx, store, []*keptReport{r})
		}
		return
	}
	for _, r := range batch {
		if err != nil { // it was alone
			r.refuse = err
		}
		r.done <- r.refuse
	}
}

func (k *reportKeeper) writeTogether(ctx context.Context, store searchpack.Store, batch []*keptReport) (err error) {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	defer func() { // as in a handler, a panic over a hostile report ends no program
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while reports are written: %v", p)
		}
	}()
	return store.Update(ctx, func(tx searchpack.Tx) error {
		for _, r := range batch {
			var err error
			if r.refuse, err = r.write(ctx, tx, &k.told); err != nil {
				return err
			}
		}
		return nil
	})
}

// write writes one report. refuse: it is not to be written, and nothing of it was.
func (r *keptReport) write(ctx context.Context, tx searchpack.Tx, t *told) (refuse, err error) {
	k := r.agent.Domain
	// Read again: another server may have taken a later one since.
	cur, err := tx.Agent(ctx, r.agent.ID)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return gone(err, "The agent was forgotten."), nil
	}
	if err != nil {
		return nil, err
	}
	if !cur.RetiredAt.IsZero() {
		return retired(cur.Name), nil
	}
	if !r.in.Later(cur.Report) {
		return nil, nil
	}
	if refuse, err = checkFilesOnly(ctx, tx, k, r.in); refuse != nil || err != nil {
		return refuse, err
	}
	what := news(cur.Report, r.in)
	if err := tx.PutReport(ctx, r.agent.ID, r.in, r.at); err != nil {
		return nil, err
	}
	for _, i := range newIncidents(cur.Report, r.in) {
		if err := t.keep(ctx, tx, r.agent, i, r.at); err != nil {
			return nil, err
		}
	}
	if what == newsChange || r.silent {
		return nil, tx.Enqueue(ctx, searchpack.WorkReconcile, k.String(), time.Time{})
	}
	return nil, nil
}

// checkFilesOnly refuses a node without an OpenSearch where the domain was not made for such nodes:
// nothing could be probed there, and the proof would say less than the domain demands.
func checkFilesOnly(ctx context.Context, tx searchpack.Tx, k searchpack.DomainKey, in *searchpack.Report) (refuse, err error) {
	if in.Node == nil || !in.Node.FilesOnly {
		return nil, nil
	}
	d, err := tx.Domain(ctx, k)
	switch {
	case searchpack.ErrorCode(err) == searchpack.ErrNotFound:
		return gone(err, "The domain was deleted."), nil
	case err != nil:
		return nil, err
	case !d.FilesOnly:
		return searchpack.Errorf(searchpack.ErrInvalid, "Domain %s has real nodes: an agent without an OpenSearch cannot join it.", k.Name), nil
	}
	return nil, nil
}
