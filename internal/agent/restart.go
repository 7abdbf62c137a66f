package agent

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

var processStart = time.Now()

// NodeControl stops and starts the OpenSearch of this node, by means that the node's own configuration
// names. Orders say when, never how. Adapter: internal/nodecontrol.
type NodeControl interface {
	// Stop returns when no process of the node runs any more, or says that one still does.
	Stop(ctx context.Context) error
	// Start has the node started; it need not answer yet. Starting one that runs is fine.
	Start(ctx context.Context) error
	// Running reports whether a process of the node is there, whether or not it answers.
	Running(ctx context.Context) (bool, error)
	// Log returns the end of what the node wrote since then, for people; "" = not known.
	Log(ctx context.Context, since time.Time) string
}

// swapper changes plugins/ while the node is stopped.
type swapper interface {
	// ready says why the node cannot be given what is ordered; nil = all of it lies staged here.
	ready(o *searchpack.Order) error
	// apply makes plugins/ what is ordered.
	apply(ctx context.Context, o *searchpack.Order) error
	// restore puts back what was there before the last apply, and remembers with what the node did not
	// start.
	restore(ctx context.Context, why string) error
	// refresh has reports say what lies there now.
	refresh(ctx context.Context) error
}

// permits are the calls for permits (agentapi.Client).
type permits interface {
	BeginPermit(ctx context.Context, ask searchpack.PermitAsk) (searchpack.PermitGrant, error)
	EndPermit(ctx context.Context, end searchpack.PermitEnd) error
}

// restart is what the agent keeps on disk of a permit that it has: a crash at any instruction leaves a
// restart that is finished.
type restart struct {
	Permit    string       `json:"permit"`
	Stage     restartStage `json:"stage"`
	Ephemeral string       `json:"ephemeral"` // of the OpenSearch that is to stop
	StartedAt time.Time    `json:"started_at,omitzero"`
	// NotStarted is what the command said that was to start the node; the node itself says more.
	NotStarted string `json:"not_started,omitempty"`
	Failed     string `json:"failed,omitempty"`
	// Restoring is why the node gets its former plugins back, from before that is done.
	Restoring string `json:"restoring,omitempty"`
	// Lost is how often a node that is the agent's child was started with what was ordered, and ended
	// together with the agent.
	Lost int `json:"lost,omitempty"`
}

// restored: the node is to start with its former plugins, whatever its order says.
func (j *restart) restored() bool { return j != nil && j.Stage == restartRestored }

type restartStage string

const (
	restartBegun    restartStage = "begun"    // may be stopped, or may have been
	restartStopped  restartStage = "stopped"  // does not run
	restartStarted  restartStage = "started"  // with what was ordered
	restartRestored restartStage = "restored" // with what was there before
	restartBack     restartStage = "back"     // answers; the server is to hear of it
)

// Bounds of a restart.
const (
	stopTime  = 2 * time.Minute // OpenSearch closes its shards first
	startTime = time.Minute     // to start a process
	// startPatience is how long a node may take until it has joined its cluster. One with thousands of
	// shards takes minutes; one that throws ends at once, which is seen.
	startPatience = 10 * time.Minute
	restartPause  = 2 * time.Second
	// backPause is between two looks at a node that is starting: the next node waits for it, and it is asked
	// on this machine.
	backPause = 300 * time.Millisecond
	// stopShows is after how long a node that still answers was not told to stop: OpenSearch ends its
	// HTTP first (Node.stop), and commands may take a moment before they tell it.
	stopShows = 20 * time.Second
	// stopAgain is after how long a node that could not be stopped is tried again: it is mostly a right that
	// is missing, and each permit holds the cluster's allocation.
	stopAgain = time.Minute
)

// restarter restarts the node by permits. While an offer stands it asks for one; with one in hand it
// stops, swaps, starts, and tells the end.
type restarter struct {
	log     *slog.Logger
	control NodeControl // nil: somebody else restarts the node
	node    OpenSearch
	swap    swapper
	book    *book
	server  func() permits // nil while there is no server
	now     func() time.Time
	boot    func() time.Duration // see bootTime: what is waited for does not hang on the time of day
	epoch   int64
	before  func(context.Context) error // is asked before the node is started; nil = others do that
	rang    func()                      // the report is another
	fresh   func(*searchpack.NodeFacts) // what the node says of itself now, for reports

	seq int64
	// since when this process waits in the stage that awaited names
	awaited string
	since   time.Duration
	looked  time.Duration // when it was last asked whether a node that starts runs

	stuck   error         // why this process could not stop the node; nil = it could, or has not tried
	stuckAt time.Duration // since boot

	mu   sync.Mutex
	said string // why it does not go on, for reports
}

// run takes the next step, and returns after which pause to come again; zero = when something changes.
func (r *restarter) run(ctx context.Context) time.Duration {
	j := r.book.restart()
	switch {
	case j == nil && r.control == nil:
		return 0
	case j == nil:
		return r.ask(ctx, r.book.order())
	}
	if err := r.step(ctx, j); err != nil && ctx.Err() == nil {
		r.say(err)
		if j.Stage == restartStarted && r.waited(j) < startPatience {
			return backPause
		}
		return restartPause
	}
	return time.Millisecond
}

// say keeps what hinders a restart, for reports.
func (r *restarter) say(err error) {
	text := ""
	if err != nil {
		text = cutText(explain(err), 500)
	}
	r.mu.Lock()
	changed := text != r.said
	r.said = text
	r.mu.Unlock()
	if changed {
		if text != "" {
			r.log.Info("the restart of the node waits", "reason", text)
		}
		r.rang()
	}
}

// trouble is what hinders a restart.
func (r *restarter) trouble() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said
}

// ask asks for the permit that is offered.
func (r *restarter) ask(ctx context.Context, o *searchpack.Order) time.Duration {
	if left := r.stuckAt + stopAgain - r.boot(); r.stuck != nil && left > 0 {
		r.say(r.stuck)
		return left
	}
	if o.Restart == nil {
		r.say(nil)
		return 0
	}
	if err := r.begin(ctx, o); err != nil && ctx.Err() == nil {
		r.say(err)
		return restartPause
	}
	r.say(nil)
	return time.Millisecond
}

// begin gets the permit and stops the node, if that can be done in time.
func (r *restarter) begin(ctx context.Context, o *searchpack.Order) error {
	server := r.server()
	if server == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server cannot be asked")
	}
	if err := r.swap.ready(o); err != nil {
		return err
	}
	f, err := r.node.Facts(ctx)
	if err != nil {
		return err
	}
	switch running, err := r.control.Running(ctx); {
	case err != nil:
		return err
	case !running:
		return searchpack.Errorf(searchpack.ErrInvalid,
			"the node answers, and what this agent was given to restart it says that it does not run: see the agent's option --restart")
	}
	asked := r.boot() // before anything that the permit rests on was read
	h, err := r.node.Health(ctx, f.NodeID)
	if err != nil {
		return err
	}
	r.seq++
	grant, err := server.BeginPermit(ctx, searchpack.PermitAsk{
		OfferID: o.Restart.ID, Attempt: searchpack.Attempt{Epoch: r.epoch, Seq: r.seq}, Health: *h,
	})
	if err != nil {
		return err
	}
	within := min(time.Duration(grant.StopWithin)*time.Second, searchpack.StopWithin)
	if r.boot()-asked >= within {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the permit came too late")
	}
	if err := r.book.setRestart(&restart{Permit: grant.PermitID, Stage: restartBegun, Ephemeral: f.EphemeralID}); err != nil {
		return fmt.Errorf("the state folder: %s", explain(err))
	}
	if r.boot()-asked >= within { // a disk that is slow
		return r.book.setRestart(&restart{Permit: grant.PermitID, Stage: restartBack})
	}
	r.log.Info("stopping the node by its permit", "permit", grant.PermitID)
	return r.stop(ctx, &restart{Permit: grant.PermitID, Ephemeral: f.EphemeralID})
}

// stop stops the node. A process that ends meanwhile leaves the rest to the next.
func (r *restarter) stop(ctx context.Context, j *restart) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := r.control.Stop(ctx); err != nil {
		r.stuck, r.stuckAt = fmt.Errorf("the node cannot be stopped: %w", err), r.boot()
		return r.stuck
	}
	r.stuck = nil
	j.Stage = restartStopped
	return r.book.setRestart(j)
}

// step goes on with a permit in hand.
func (r *restarter) step(ctx context.Context, j *restart) error {
	if r.control == nil && j.Stage != restartBack {
		return r.byOthers(ctx, j)
	}
	switch j.Stage {
	case restartBegun:
		return r.afterBegin(ctx, j)
	case restartStopped:
		return r.start(ctx, j)
	case restartStarted, restartRestored:
		if r.lost(j) {
			return r.startLost(ctx, j)
		}
		return r.back(ctx, j)
	case restartBack:
		return r.end(ctx, j)
	}
	return fmt.Errorf("the restart's stage %q is not known to this agent: upgrade it", j.Stage)
}

// byOthers: this agent was told meanwhile that somebody else restarts the node.
func (r *restarter) byOthers(ctx context.Context, j *restart) error {
	f, err := r.node.Facts(ctx)
	if err != nil {
		return fmt.Errorf("the node was stopped to get other plugins, and this agent is not told any more how to start it: start it: %w", err)
	}
	return r.isBack(ctx, j, f)
}

// waited is for how long this process has waited in a stage.
func (r *restarter) waited(j *restart) time.Duration {
	if name := j.Permit + " " + string(j.Stage); r.awaited != name {
		r.awaited, r.since = name, r.boot()
	}
	return r.boot() - r.since
}

// afterBegin: an earlier process may have told the node to stop, or not. The permit's time may be over,
// so a node that runs is not stopped any more; but one that is stopping is started again.
func (r *restarter) afterBegin(ctx context.Context, j *restart) error {
	running, err := r.control.Running(ctx)
	if err != nil {
		return err
	}
	if !running {
		return r.start(ctx, j) // not noted before: with a full disk it starts all the same
	}
	f, err := r.node.Facts(ctx)
	if err != nil {
		return fmt.Errorf("the node runs and does not answer, it may be stopping: %w", err)
	}
	switch waits := f.EphemeralID == j.Ephemeral && r.waited(j) < stopShows; {
	case waits && r.stuck != nil: // the command has failed, and may have told the node all the same
		return r.stuck
	case waits:
		return searchpack.Errorf(searchpack.ErrUnavailable, "the agent was started anew and looks whether the node is stopping")
	}
	r.log.Info("the node was not stopped by its permit", "permit", j.Permit, "node", f.Name)
	return r.isBack(ctx, j, f)
}

// isBack notes that the node answers, once reports say what it has now.
func (r *restarter) isBack(ctx context.Context, j *restart, f *searchpack.NodeFacts) error {
	if err := r.swap.refresh(ctx); err != nil {
		return err
	}
	j.Stage = restartBack
	err := r.book.change(func(rec *record) {
		rec.Restart = j
		if f.EphemeralID != j.Ephemeral {
			rec.Started = f.EphemeralID
		}
	})
	r.fresh(f)
	r.rang()
	return err
}

// start swaps and starts. A swap that fails has changed nothing, and the node starts as it was. That it
// was started is noted after: one that is killed in between finds a node that runs, or starts it, and
// never blames the plugins for a node that nobody has started.
func (r *restarter) start(ctx context.Context, j *restart) error {
	running, err := r.control.Running(ctx)
	if err != nil {
		return err
	}
	j.Stage, j.StartedAt = restartStarted, r.now()
	if running { // somebody has started it, which is as good
		return r.book.setRestart(j)
	}
	if err := r.swap.apply(ctx, r.book.order()); err != nil {
		if ctx.Err() != nil {
			return err
		}
		j.Failed = cutText(err.Error(), searchpack.MaxPermitFailed)
		r.log.Error("the plugins cannot be changed; the node starts as it was", "error", err)
	}
	if err := r.startNode(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		j.NotStarted = cutText(err.Error(), searchpack.MaxPermitFailed)
		r.log.Error("the node was started, and that failed", "error", err)
	}
	return r.book.setRestart(j)
}

func (r *restarter) startNode(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if r.before != nil {
		if err := r.before(ctx); err != nil {
			return err
		}
	}
	if err := r.control.Start(ctx); err != nil {
		return fmt.Errorf("the node cannot be started: %w", err)
	}
	return nil
}

// back waits until the node has joined its cluster. One that ends instead, or takes too long, gets back
// what it had.
func (r *restarter) back(ctx context.Context, j *restart) error {
	late := r.waited(j) // from before anything is asked
	f, err := r.node.Facts(ctx)
	if err == nil && f.ManagerID != "" && f.EphemeralID != j.Ephemeral {
		return r.isBack(ctx, j, f)
	}
	var waiting error = searchpack.Errorf(searchpack.ErrUnavailable, "waiting for the node to join its cluster")
	if err != nil {
		waiting = fmt.Errorf("waiting for the node: %w", err)
	}
	if r.boot()-r.looked < restartPause && late < startPatience { // commands cost more than a question to the node
		return waiting
	}
	r.looked = r.boot()
	running, problem := r.control.Running(ctx)
	if problem != nil {
		return problem
	}
	var why string
	switch {
	case !running && late > restartPause:
		why = "it ended"
	case late >= startPatience:
		why = fmt.Sprintf("it did not join its cluster within %d min", int(startPatience.Minutes()))
	default:
		return waiting
	}
	if j.Stage == restartRestored || j.Failed != "" { // with what it had: nothing is left to take back
		if !running {
			_ = r.startNode(ctx)
		}
		return searchpack.Errorf(searchpack.ErrUnavailable, "the node does not start with its former plugins either: see its log")
	}
	return r.restore(ctx, j, why)
}

// restore gives the node its former plugins back, and starts it.
func (r *restarter) restore(ctx context.Context, j *restart, why string) error {
	for _, text := range []string{j.NotStarted, strings.TrimSpace(r.control.Log(ctx, j.StartedAt))} {
		if text != "" {
			why += ": " + text
		}
	}
	j.Restoring = cutText(why, searchpack.MaxPermitFailed)
	r.log.Error("the node does not start with its new plugins; it gets the former ones back", "reason", j.Restoring)
	if err := r.book.setRestart(j); err != nil {
		return err
	}
	return r.giveBack(ctx, j)
}

// giveBack does what restore has noted.
func (r *restarter) giveBack(ctx context.Context, j *restart) error {
	stopCtx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := r.control.Stop(stopCtx); err != nil {
		return fmt.Errorf("the node cannot be stopped: %w", err)
	}
	if err := r.swap.restore(ctx, j.Restoring); err != nil {
		return fmt.Errorf("the former plugins: %w", err)
	}
	j.Stage, j.Failed, j.StartedAt, j.NotStarted, j.Restoring = restartRestored, j.Restoring, r.now(), "", ""
	if err := r.book.setRestart(j); err != nil {
		return err
	}
	return r.startNode(ctx)
}

// end tells the server that the node is back. One that does not know the permit any more needs no
// telling.
func (r *restarter) end(ctx context.Context, j *restart) error {
	server := r.server()
	if server == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server cannot be told that the node is back")
	}
	err := server.EndPermit(ctx, searchpack.PermitEnd{PermitID: j.Permit, Failed: j.Failed})
	if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		return err
	}
	if err := r.book.setRestart(nil); err != nil {
		return err
	}
	r.say(nil)
	r.rang()
	return nil
}

// restart returns the restart under way; nil if there is none.
func (b *book) restart() *restart {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rec.Restart == nil {
		return nil
	}
	j := *b.rec.Restart
	return &j
}

// started is the OpenSearch that the last restart has brought up.
func (b *book) started() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rec.Started
}

func (b *book) setRestart(j *restart) error { return b.change(func(r *record) { r.Restart = j }) }
