package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// fakeRestart is a node that restarters stop and start: OpenSearch, what starts it, the server that gives
// permits, and the plugins.
type fakeRestart struct {
	filesOnly
	t    *testing.T
	book *book
	r    *restarter

	at       time.Duration // since boot
	wall     time.Time
	process  int  // of OpenSearch; 0 = it does not run
	started  int  // processes so far
	answers  bool // it has joined its cluster
	plugins  string
	former   string
	bad      string // with these plugins OpenSearch ends at once
	open     string // permit that the server has begun
	ended    []searchpack.PermitEnd
	asked    []searchpack.Attempt
	happened []string

	refuse   error             // of the server
	noServer bool              // it is away
	slow     time.Duration     // that long an answer takes
	stopErr  error             // of the command
	startErr error             // of the command
	applyErr error             // of the swap
	notReady error             // of the swap
	control  bool              // the restarter has a control
	kill     func(step string) // panics to end the process
}

type killed struct{ step string }

func newFakeRestart(t *testing.T) *fakeRestart {
	t.Helper()
	tree, err := openTree(memoryDir(t), func(string) {}) // hundreds of restarts: a disk would take long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tree.close)
	b, _, err := openBook(tree, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeRestart{
		t: t, book: b, wall: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), at: time.Hour, control: true,
		process: 1, started: 1, answers: true, plugins: "old", kill: func(string) {},
	}
	if err := b.takeIn(&searchpack.Order{Schema: 1, Generation: 1, Restart: &searchpack.RestartOffer{ID: "r1/2"}}); err != nil {
		t.Fatal(err)
	}
	f.begin(1)
	return f
}

// begin starts an agent on the same state folder.
func (f *fakeRestart) begin(epoch int64) {
	f.t.Helper()
	b, _, err := openBook(f.book.tree, f.wall)
	if err != nil {
		f.t.Fatal(err)
	}
	f.book = b
	f.r = &restarter{
		log: slog.New(slog.DiscardHandler), node: f, swap: f, book: b, now: func() time.Time { return f.wall }, epoch: epoch,
		boot: func() time.Duration { return f.at }, rang: func() {}, fresh: func(*searchpack.NodeFacts) {},
		server: func() permits {
			if f.noServer {
				return nil
			}
			return f
		},
	}
	if f.control {
		f.r.control = f
	}
}

func (f *fakeRestart) did(format string, args ...any) {
	f.happened = append(f.happened, fmt.Sprintf(format, args...))
}

func (f *fakeRestart) says() string { return strings.Join(f.happened, ", ") }

func (f *fakeRestart) Facts(context.Context) (*searchpack.NodeFacts, error) {
	if f.process == 0 || !f.answers {
		return nil, errors.New("connection refused")
	}
	return &searchpack.NodeFacts{NodeID: "N1", Name: "n1", ManagerID: "N1", EphemeralID: fmt.Sprintf("e%d", f.process)}, nil
}

func (f *fakeRestart) Health(context.Context, string) (*searchpack.ClusterHealth, error) {
	return &searchpack.ClusterHealth{ClusterUUID: "U"}, nil
}

func (f *fakeRestart) Stop(context.Context) error {
	f.kill("before stop")
	if f.stopErr != nil {
		return f.stopErr
	}
	if f.process != 0 {
		f.did("stop")
	}
	f.process, f.answers = 0, false
	f.kill("after stop")
	return nil
}

func (f *fakeRestart) Start(context.Context) error {
	f.kill("before start")
	if f.startErr != nil {
		return f.startErr
	}
	if f.process == 0 {
		f.start()
	}
	f.kill("after start")
	return nil
}

func (f *fakeRestart) start() {
	f.started++
	f.did("start with %s", f.plugins)
	if f.plugins != f.bad {
		f.process, f.answers = f.started, true
	}
}

func (f *fakeRestart) Running(context.Context) (bool, error) { return f.process != 0, nil }
func (f *fakeRestart) Log(context.Context, time.Time) string { return "[ERROR] constructor throws\n" }
func (f *fakeRestart) ready(*searchpack.Order) error         { return f.notReady }
func (f *fakeRestart) refresh(context.Context) error         { return nil }

func (f *fakeRestart) apply(context.Context, *searchpack.Order) error {
	f.kill("before apply")
	if f.process != 0 {
		f.t.Error("plugins are changed while the node runs")
	}
	if f.applyErr != nil {
		return f.applyErr
	}
	if f.plugins != "new" && len(f.book.failed()) == 0 {
		f.former, f.plugins = f.plugins, "new"
	}
	f.kill("after apply")
	return nil
}

func (f *fakeRestart) restore(_ context.Context, why string) error {
	f.kill("before restore")
	if f.process != 0 {
		f.t.Error("plugins are changed while the node runs")
	}
	if err := f.book.condemn(map[searchpack.Digest]string{"new": why}); err != nil {
		return err
	}
	if f.former != "" {
		f.plugins, f.former = f.former, ""
	}
	f.kill("after restore")
	return nil
}

func (f *fakeRestart) BeginPermit(_ context.Context, ask searchpack.PermitAsk) (searchpack.PermitGrant, error) {
	f.asked = append(f.asked, ask.Attempt)
	f.at += f.slow
	if f.refuse != nil {
		return searchpack.PermitGrant{}, f.refuse
	}
	f.open = ask.OfferID
	f.kill("after begin")
	return searchpack.PermitGrant{PermitID: ask.OfferID, StopWithin: 30}, nil
}

func (f *fakeRestart) EndPermit(_ context.Context, end searchpack.PermitEnd) error {
	f.kill("before end")
	if f.refuse != nil {
		return f.refuse
	}
	if f.process == 0 || !f.answers {
		f.t.Error("the end is told while the node does not answer")
	}
	f.ended, f.open = append(f.ended, end), ""
	if err := f.book.takeIn(&searchpack.Order{Schema: 1, Generation: 2}); err != nil { // the offer goes
		return err
	}
	f.kill("after end")
	return nil
}

// runs takes n steps, with some time between them.
func (f *fakeRestart) runs(n int) {
	f.t.Helper()
	for range n {
		f.r.run(f.t.Context())
		f.at += restartPause + time.Second
		f.wall = f.wall.Add(restartPause + time.Second)
	}
}

func TestRestartByPermit(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.runs(10)
	if f.says() != "stop, start with new" || len(f.ended) != 1 || f.ended[0] != (searchpack.PermitEnd{PermitID: "r1/2"}) || f.book.restart() != nil {
		t.Errorf("%s; ended %+v, in hand %+v", f.says(), f.ended, f.book.restart())
	}
	if f.r.trouble() != "" || f.book.started() != "e2" {
		t.Errorf("trouble %q, started %q", f.r.trouble(), f.book.started())
	}
}

// Nothing is stopped without a permit in time, and why is said.
func TestNotStopped(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*fakeRestart)
		want string
	}{
		"refused":              {func(f *fakeRestart) { f.refuse = searchpack.Errorf(searchpack.ErrConflict, "copies are unassigned") }, "copies are unassigned"},
		"server away":          {func(f *fakeRestart) { f.noServer = true }, "the server cannot be asked"},
		"no answer":            {func(f *fakeRestart) { f.refuse = errors.New("EOF") }, "EOF"},
		"late":                 {func(f *fakeRestart) { f.slow = searchpack.StopWithin }, "the permit came too late"},
		"not staged":           {func(f *fakeRestart) { f.notReady = errors.New("lemmas is not here yet") }, "lemmas is not here yet"},
		"node does not answer": {func(f *fakeRestart) { f.answers = false }, "connection refused"},
		"the command fails":    {func(f *fakeRestart) { f.stopErr = errors.New("no such unit") }, "the node cannot be stopped: no such unit"},
	} {
		f := newFakeRestart(t)
		tt.edit(f)
		f.runs(3)
		if f.says() != "" || f.process != 1 || !strings.Contains(f.r.trouble(), tt.want) {
			t.Errorf("%s: %s; says %q", name, f.says(), f.r.trouble())
		}
		if f.slow > 0 && f.book.restart() != nil {
			t.Errorf("%s: a permit that came too late is in hand", name)
		}
	}
}

// A restart that was refused is asked for again, with a later attempt each time, while it is offered.
func TestAsksAgain(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.refuse = searchpack.Errorf(searchpack.ErrConflict, "not now")
	f.runs(2)
	f.begin(2)
	f.runs(1)
	if want := []searchpack.Attempt{{Epoch: 1, Seq: 1}, {Epoch: 1, Seq: 2}, {Epoch: 2, Seq: 1}}; !slices.Equal(f.asked, want) {
		t.Errorf("attempts %v", f.asked)
	}
	f.refuse = nil
	if err := f.book.takeIn(&searchpack.Order{Schema: 1, Generation: 2}); err != nil {
		t.Fatal(err)
	}
	f.runs(3)
	if len(f.asked) != 3 || f.says() != "" || f.r.trouble() != "" {
		t.Errorf("without an offer: %v, %s, %q", f.asked, f.says(), f.r.trouble())
	}
}

// A node that cannot be stopped is tried again after a minute, not at once: each permit holds the cluster's
// allocation. All the while the reason stands in reports.
func TestCannotBeStopped(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.stopErr = errors.New("authentication required")
	told := func(when string) {
		t.Helper()
		if got := f.r.trouble(); got != "the node cannot be stopped: authentication required" {
			t.Errorf("%s: %q", when, got)
		}
	}
	f.runs(2)
	told("while it is seen whether the node stops all the same")
	f.at += stopShows
	f.runs(3)
	told("then")
	if err := f.book.takeIn(&searchpack.Order{Schema: 1, Generation: 3, Restart: &searchpack.RestartOffer{ID: "r1/4"}}); err != nil {
		t.Fatal(err)
	}
	left := f.r.run(t.Context())
	told("when it is offered anew")
	if len(f.asked) != 1 || len(f.ended) != 1 || f.says() != "" || left <= 0 || left > stopAgain {
		t.Fatalf("asked %v, ended %+v, %s, to look again in %v", f.asked, f.ended, f.says(), left)
	}
	f.at += left
	f.stopErr = nil
	f.runs(10)
	if f.says() != "stop, start with new" || len(f.ended) != 2 || f.r.trouble() != "" {
		t.Errorf("%s; ended %+v, %q", f.says(), f.ended, f.r.trouble())
	}
}

// What is to restart the node must know it: else it would be stopped by nobody, or never started.
func TestControlKnowsTheNode(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.r.control = strangeControl{f}
	f.runs(3)
	if len(f.asked) != 0 || !strings.Contains(f.r.trouble(), "says that it does not run") {
		t.Errorf("asked %v; %q", f.asked, f.r.trouble())
	}
}

type strangeControl struct{ *fakeRestart }

func (strangeControl) Running(context.Context) (bool, error) { return false, nil }

// A node that does not start with its new plugins gets the former ones back, and the server hears why.
func TestRestored(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.bad = "new"
	f.runs(10)
	if f.says() != "stop, start with new, start with old" || len(f.ended) != 1 || f.ended[0].Failed != "it ended: [ERROR] constructor throws" {
		t.Errorf("%s; %+v", f.says(), f.ended)
	}
	if _, bad := f.book.failed()["new"]; !bad {
		t.Error("it would be tried again at the next start")
	}
}

// A command that starts the node, waits for it, and fails, is a start that failed.
func TestStartCommandFails(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.startErr = errors.New("the unit failed")
	f.runs(4)
	if f.plugins != "old" || f.book.restart() == nil || f.book.restart().Stage != restartRestored {
		t.Errorf("plugins %s, %+v", f.plugins, f.book.restart())
	}
	f.startErr = nil
	f.runs(5)
	if len(f.ended) != 1 || !strings.Contains(f.ended[0].Failed, "the unit failed") || !strings.Contains(f.ended[0].Failed, "constructor throws") || f.process == 0 {
		t.Errorf("%s; %+v", f.says(), f.ended)
	}
}

func TestNeverJoins(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.runs(1)
	f.runs(1)
	for f.plugins == "new" {
		f.answers = false // it runs, and has not joined
		f.r.run(t.Context())
		if f.at += time.Minute; f.at > 2*time.Hour {
			t.Fatalf("never given up: %q", f.r.trouble())
		}
	}
	f.runs(5)
	if f.says() != "stop, start with new, stop, start with old" || !strings.Contains(f.ended[0].Failed, "did not join its cluster within 10 min") {
		t.Errorf("%s; %+v", f.says(), f.ended)
	}
}

// A node that starts is looked at often: the next one waits for it. Everything else has time.
func TestLooksOftenWhileANodeStarts(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.refuse = errors.New("not now")
	if d := f.r.run(t.Context()); d != restartPause {
		t.Errorf("refused: again after %s", d)
	}
	f.refuse = nil
	f.runs(2)
	if j := f.book.restart(); j == nil || j.Stage != restartStarted {
		t.Fatalf("%+v", j)
	}
	f.answers = false
	if d := f.r.run(t.Context()); d != backPause {
		t.Errorf("while the node starts: again after %s", d)
	}
}

// The time of day says nothing about how long a node takes.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.runs(2)
	f.answers = false
	f.r.run(t.Context())
	f.wall = f.wall.Add(24 * time.Hour)
	f.r.run(t.Context())
	if f.plugins != "new" {
		t.Errorf("given up after seconds: %s", f.says())
	}
	f.process, f.wall = 0, f.wall.Add(-48*time.Hour)
	f.runs(3)
	if f.plugins != "old" {
		t.Errorf("a node that ended is waited for: %q", f.r.trouble())
	}
}

// The node starts as it was when the swap fails, and the server hears why.
func TestSwapFails(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.applyErr = errors.New("no space left")
	f.runs(10)
	if f.says() != "stop, start with old" || len(f.ended) != 1 || f.ended[0].Failed != "no space left" {
		t.Errorf("%s; %+v", f.says(), f.ended)
	}
}

// A node that starts with neither is said so, and the permit is not ended.
func TestStartsWithNeither(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.bad = "new"
	f.kill = func(step string) {
		if step == "after restore" {
			f.bad = "old"
		}
	}
	f.runs(10)
	if len(f.ended) != 0 || !strings.Contains(f.r.trouble(), "does not start with its former plugins either") {
		t.Errorf("%+v; %q", f.ended, f.r.trouble())
	}
	f.bad = ""
	f.runs(5)
	if len(f.ended) != 1 || f.ended[0].Failed == "" {
		t.Errorf("mended by a person: %+v", f.ended)
	}
}

// The end is told until it was heard; a server that does not know the permit any more has nothing to hear.
func TestEndIsTold(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	f.runs(1)
	f.noServer = true
	f.runs(5)
	if f.book.restart() == nil || !strings.Contains(f.r.trouble(), "cannot be told that the node is back") {
		t.Errorf("%+v, %q", f.book.restart(), f.r.trouble())
	}
	f.noServer, f.refuse = false, searchpack.Errorf(searchpack.ErrUnavailable, "busy")
	f.runs(2)
	if f.book.restart() == nil {
		t.Error("an end that was not heard is forgotten")
	}
	f.refuse = searchpack.Errorf(searchpack.ErrNotFound, "no such permit")
	if f.runs(1); f.book.restart() != nil {
		t.Error("an end that nobody waits for is told for ever")
	}
}

// crash runs until the step, where the process is killed; false: the step does not come.
func (f *fakeRestart) crash(step string, times int) (came bool) {
	f.kill = func(at string) {
		if at == step {
			if times--; times == 0 {
				panic(killed{step})
			}
		}
	}
	defer func() {
		f.kill = func(string) {}
		if p := recover(); p != nil {
			if _, ours := p.(killed); !ours {
				panic(p)
			}
			came = true
		}
	}()
	f.runs(12)
	return false
}

// Killed anywhere: the node is started again with the new plugins, or was not stopped, and the permit
// is ended, once with one meaning.
func TestRestartKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "new"} {
		for _, step := range []string{"after begin", "before stop", "after stop", "before apply", "after apply", "before start", "after start", "before restore", "after restore", "before end", "after end"} {
			for times := 1; times <= 2; times++ {
				name := fmt.Sprintf("bad %q, %s, %d", bad, step, times)
				f := newFakeRestart(t)
				f.bad = bad
				came := f.crash(step, times)
				f.begin(2)
				f.at += 5 * time.Second // longer than a node that ended is waited for
				f.wall = f.wall.Add(5 * time.Second)
				f.runs(25)
				if f.process == 0 || !f.answers || f.book.restart() != nil || f.open != "" || len(f.ended) == 0 {
					t.Errorf("%s: %s; in hand %+v, open %q, says %q", name, f.says(), f.book.restart(), f.open, f.r.trouble())
					continue
				}
				last := f.ended[len(f.ended)-1]
				stopped := strings.Contains(f.says(), "stop")
				want := map[bool]string{true: "new", false: "old"}[stopped && bad == ""]
				if f.plugins != want || (last.Failed != "") != (stopped && bad != "") {
					t.Errorf("%s (came %v): %s; runs with %s, ended %+v", name, came, f.says(), f.plugins, f.ended)
				}
				if n := strings.Count(f.says(), "stop"); n > 1 {
					t.Errorf("%s: stopped %d times: %s", name, n, f.says())
				}
			}
		}
	}
}

// An agent that is killed after it told the node to stop finds one that still answers, and does not say
// that it is back: it ends in a moment.
func TestKilledWhileTheNodeStops(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	if !f.crash("before stop", 1) { // the command was begun, and goes on without the agent
		t.Fatal("not killed")
	}
	f.begin(2)
	f.runs(2)
	if len(f.ended) != 0 {
		t.Fatalf("told to be back while it stops: %+v", f.ended)
	}
	f.process, f.answers = 0, false
	f.runs(6)
	if f.says() != "start with new" || len(f.ended) != 1 || f.process == 0 {
		t.Errorf("%s; ended %+v", f.says(), f.ended)
	}
}

// Suspended between the answer and the stop: the permit's time is over when it wakes.
func TestWakesLate(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	if !f.crash("before stop", 1) {
		t.Fatal("not killed")
	}
	f.at += time.Hour
	f.begin(2)
	f.runs(10)
	if f.says() != "" || len(f.ended) != 1 || f.ended[0].Failed != "" {
		t.Errorf("%s; ended %+v", f.says(), f.ended)
	}
}

// Somebody starts the node before its plugins were changed: it is as it was, and the server hears of it.
func TestStartedBySomebody(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	if !f.crash("after stop", 1) {
		t.Fatal("not killed")
	}
	f.start()
	f.begin(2)
	f.runs(5)
	if f.says() != "stop, start with old" || len(f.ended) != 1 || f.ended[0].Failed != "" || f.book.restart() != nil {
		t.Errorf("%s; ended %+v", f.says(), f.ended)
	}
}

// Told meanwhile that somebody else restarts the node: the permit in hand is still ended.
func TestControlIsTakenAway(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	if !f.crash("after stop", 1) {
		t.Fatal("not killed")
	}
	f.control = false
	f.begin(2)
	f.runs(2)
	if len(f.ended) != 0 || !strings.Contains(f.r.trouble(), "start it") {
		t.Errorf("%+v; %q", f.ended, f.r.trouble())
	}
	f.start()
	f.runs(3)
	if len(f.ended) != 1 || f.book.restart() != nil {
		t.Errorf("%+v; %q", f.ended, f.r.trouble())
	}
	if f.r.run(t.Context()) != 0 || len(f.asked) != 1 {
		t.Error("one that restarts nothing asks for permits")
	}
}

// A stage of a newer agent is left alone.
func TestUnknownStage(t *testing.T) {
	t.Parallel()
	f := newFakeRestart(t)
	if err := f.book.setRestart(&restart{Permit: "p", Stage: "dancing"}); err != nil {
		t.Fatal(err)
	}
	f.runs(2)
	if f.says() != "" || !strings.Contains(f.r.trouble(), "upgrade it") {
		t.Errorf("%s; %q", f.says(), f.r.trouble())
	}
}
