package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

// Bounds of SyncOnce: a node that starts must not hang on a server that is away.
const (
	syncServer = 5 * time.Second  // to hear from the server
	syncFetch  = 10 * time.Minute // to fetch what is live, once the server has answered
	syncOther  = 15 * time.Second // for the agent that holds the state folder to mend
	// syncWait for a server without which the node must not start: a little less than the units and
	// manifests give the start, so that the reason is this program's, not theirs.
	syncWait = 14 * time.Minute
)

// SyncOnce makes the node's files what the server says, or, when it cannot be asked, what it said
// last: live, hidden and removed ones, never candidates. It is run before OpenSearch starts. An
// error means that something live is not in place.
//
// When another agent runs on the same state folder, that one does the work, and SyncOnce only
// waits until the files are in place.
func (a *Agent) SyncOnce(ctx context.Context) error {
	state, err := openStateDir(ctx, a.cfg.StateDir, lockWait, a.cfg.step)
	if errors.Is(err, errLocked) {
		return a.watchOther(ctx, err)
	}
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
	defer r.link.close()
	asked, err := r.hear(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(r.syncFiles(ctx, asked), r.syncPlugins(ctx, asked))
	if err == nil {
		r.noteSync()
	}
	return err
}

// hear takes in the newest order. asked says why the server could not be asked, and the last order is to
// be used; err that the node must not start with that.
func (r *run) hear(ctx context.Context) (asked, err error) {
	asked = r.askServer(ctx)
	if asked != nil && r.cfg.WaitForServer {
		asked = untilHeard(ctx, r.cfg, asked, r.askServer)
		if asked != nil && !agentapi.IsGone(asked) {
			return asked, notHeard(asked)
		}
	}
	if asked != nil {
		r.log.Warn("the server cannot be asked; using the last order", "error", asked, "generation", r.book.order().Generation)
	}
	return asked, nil
}

// noteSync keeps when a sync succeeded. That it cannot be kept, on a full disk, is no failure of it.
func (r *run) noteSync() { noteSync(r.cfg, r.link.state.tree) }

func noteSync(cfg Config, state *tree) {
	if err := state.writeBytes(syncedName, []byte(cfg.now().Format(time.RFC3339)+"\n")); err != nil {
		cfg.Logger.Info("the time of this sync cannot be kept", "error", err)
	}
}

// untilHeard asks until the server answers, which may be that it has no use for this agent any more,
// for as long as the node's start may take. It returns the last error.
func untilHeard(ctx context.Context, cfg Config, err error, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, syncWait)
	defer cancel()
	wait := &backoff{min: cfg.Intervals.RetryMin, max: cfg.Intervals.RetryMax}
	cfg.Logger.Warn("the server cannot be asked, and this node does not start without it (start-without-server: wait); asking again", "error", err)
	for err != nil && !agentapi.IsGone(err) && pause(ctx, wait.next()) {
		err = ask(ctx)
	}
	return err
}

func notHeard(err error) error {
	return searchpack.Errorf(searchpack.ErrUnavailable, "the server cannot be asked, and this node does not start without it "+
		"(start-without-server: wait; write last to start with what was ordered last): %s", err)
}

// askServer enrols if need be and takes in the newest order.
func (r *run) askServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncServer)
	defer cancel()
	first := r.link.id == nil
	if err := r.link.connect(ctx); err != nil {
		return err
	}
	if !r.cfg.now().Before(r.link.expires) {
		if err := r.link.renew(ctx); err != nil {
			return err
		}
	}
	wait := time.Duration(0)
	if first || r.pluginer.nothingFits(r.book.order()) { // the order takes a moment to be made: see swapBeside
		wait = syncServer / 2
	}
	o, err := r.link.get().Order(ctx, r.book.order().Generation, wait)
	if err != nil || o == nil {
		return err
	}
	return r.link.takeIn(o)
}

// syncFiles places what is here, fetches what is not, and places that.
func (r *run) syncFiles(ctx context.Context, asked error) error {
	out := r.placer.pass(ctx)
	if len(out.missing) > 0 && asked == nil {
		fetch, cancel := context.WithTimeout(ctx, syncFetch)
		defer cancel()
		wait := r.backoff()
		for n := 0; n < 5; n++ {
			done, err := r.fetcher.live(fetch, r.book.order())
			out = r.placer.pass(ctx)
			if done && len(out.missing) == 0 {
				break
			}
			r.log.Info("fetching what is live", "error", err)
			if !pause(fetch, wait.next()) {
				break
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return failures(r.book.order(), out)
}

// failures says which live files are not in place, and why.
func failures(o *searchpack.Order, out outcome) error {
	var texts []string
	for _, f := range o.Files {
		if f.State != searchpack.FileLive {
			continue
		}
		for _, r := range out.files {
			if r.PackageID == f.PackageID && (r.State != searchpack.FileLive || r.Digest != f.Digest) {
				why := r.Error
				if why == "" {
					why = errMissing.Error()
				}
				texts = append(texts, fmt.Sprintf("%s v%d: %s", f.PackageID, f.Version, why))
			}
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "these files are not in place: %s", strings.Join(texts, "; "))
}

// watchOther waits until the agent that holds the state folder has everything live in place.
func (a *Agent) watchOther(ctx context.Context, locked error) error {
	a.log.Info("another agent runs here; waiting until it has placed what is live", "lock", locked)
	state, err := openTree(a.cfg.StateDir, a.cfg.step)
	if err != nil {
		return fmt.Errorf("the state folder: %s", explain(err))
	}
	defer state.close()
	newest := int64(0)
	if a.cfg.WaitForServer {
		ask := func(ctx context.Context) (err error) { newest, err = a.newest(ctx, state); return err }
		err := ask(ctx)
		if err != nil {
			err = untilHeard(ctx, a.cfg, err, ask)
		}
		if err != nil && !agentapi.IsGone(err) {
			return errors.Join(notHeard(err), locked)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, syncOther)
	defer cancel()
	conf := newConfigDir(a.cfg.ConfigDir, a.cfg.step)
	conf.adopt = a.cfg.Adopt
	for {
		err := inPlace(ctx, state, conf, newest)
		if err == nil {
			noteSync(a.cfg, state)
			return a.swapBeside(ctx, state)
		}
		if !pause(ctx, 100*time.Millisecond) {
			return errors.Join(err, locked)
		}
	}
}

// swapBeside changes plugins/ for the agent that holds the state folder, which has made them ready: this
// process runs while the node is stopped, that one may not know that it is.
func (a *Agent) swapBeside(ctx context.Context, state *tree) error {
	rec, err := readRecord(state)
	if err != nil || a.cfg.Plugins == nil || len(rec.Order.Plugins) == 0 || rec.Restart.restored() {
		return err
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, syncOther)
	defer cancel()
	store := &localStore{tree: state}
	p := newPluginer(a.cfg.Plugins, a.cfg.ConfigDir, newFetcher(nil, nil, store, nil, func() blobSource { return nil }, func() {}), nil, a.log, func() {})
	if err := p.stopped(); err != nil {
		a.log.Info("the plugins stay as they are", "reason", err)
		return nil
	}
	o, err := p.choose(&rec.Order)
	// What fits may have been pushed a moment ago, so that the agent that runs has yet to hear of it.
	for searchpack.ErrorCode(err) == searchpack.ErrConflict && pause(ctx, 100*time.Millisecond) {
		if rec, err = readRecord(state); err == nil {
			o, err = p.choose(&rec.Order)
		}
	}
	if err != nil {
		return err
	}
	order := rec.Order
	if o, err = p.orNext(whole, &order, o, rec.Failed, func(o *searchpack.Order) error { return p.await(whole, o, rec.Failed) }); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(whole, syncOther) // what was waited for may have taken it all
	defer cancel()
	changed := p.changed(ctx, o)
	if err := p.stageOffline(ctx, o, false, changed); err != nil { // the agent that runs may not know yet that they are changed
		return err
	}
	if err := p.applyBut(ctx, o, rec.Failed, rec.names()); err != nil {
		return err
	}
	return p.mend(ctx, changed)
}

// newest asks the server which order is the newest of the agent that holds the state folder.
func (a *Agent) newest(ctx context.Context, state *tree) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, syncServer)
	defer cancel()
	rec, err := readRecord(state)
	if err != nil {
		return 0, err
	}
	cert, authority, err := readCertificate(state)
	if err != nil {
		return 0, err
	}
	client, err := agentapi.NewClient(a.cfg.Server, authority, cert, a.cfg.Now)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	o, err := client.Order(ctx, rec.Order.Generation, 0)
	if err != nil || o == nil {
		return rec.Order.Generation, err
	}
	return o.Generation, nil
}

// inPlace compares the disk with the last order, which must be the newest or a later one, and changes
// nothing.
func inPlace(ctx context.Context, state *tree, conf *configDir, newest int64) error {
	rec, err := readRecord(state)
	if err != nil {
		return err
	}
	if rec.Order.Generation < newest {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the agent here has not taken in the newest order yet (%d, it has %d)", newest, rec.Order.Generation)
	}
	t, err := conf.open()
	if err != nil {
		return fmt.Errorf("the configuration folder: %s", explain(err))
	}
	defer t.close()
	out := outcome{}
	for _, f := range rec.Order.Files {
		have, err := conf.lookAt(ctx, t, f.PackageID, f.Path, time.Time{})
		r := searchpack.FileReport{PackageID: f.PackageID, State: searchpack.FileLive, Digest: have.digest}
		if id := rec.Placed[f.PackageID].Folder; have.folder && have.digest == id.Content {
			r.Digest = id.Zip
		}
		if err != nil {
			r.Error = explain(err)
		}
		out.files = append(out.files, r)
	}
	return failures(&rec.Order, out)
}
