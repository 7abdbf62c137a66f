package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/proxy"
)

// story is what a rollout of a visit is about.
type story string

// The stories.
const (
	update story = "update" // a new version; it ends ACTIVE
	abort  story = "abort"  // a new version, aborted once it lies everywhere: the former one comes back
	bad    story = "bad"    // a version that no node can build a filter from: it is never seen
	remove story = "remove" // a dissociation
	keep   story = "keep"   // a dissociation, aborted once the file is hidden: it comes back
)

// asked is the moment right after the answer to the call, when no server may have begun.
const asked searchpack.Phase = "asked"

// moment is a phase of a story in which faults strike.
type moment struct {
	story story
	phase searchpack.Phase
}

// moments are all phases that there are, each in the story that goes through it.
var moments = []moment{
	{update, asked}, {update, searchpack.PhaseLook}, {update, searchpack.PhaseFetch}, {update, searchpack.PhaseProbe},
	{update, searchpack.PhasePlace}, {update, searchpack.PhaseReload}, {update, searchpack.PhaseProve},
	{abort, searchpack.PhaseReturn}, {abort, searchpack.PhaseReturnReload},
	{bad, searchpack.PhaseProbe},
	{remove, searchpack.PhaseLook}, {remove, searchpack.PhaseHide}, {remove, searchpack.PhaseLookAgain}, {remove, searchpack.PhaseRemove},
	{keep, searchpack.PhaseUnhide},
}

// fault is something that strikes at a moment and is mended after a while.
type fault struct {
	kind string
	who  int // index of the server or node; of no meaning for S3
	// atLeast is how long it must last to show anything; 0: any time.
	atLeast time.Duration
	cable   bool // it is what is wrong with that agent's cable meanwhile
	strike  func(f *fleet, who int)
	mend    func(f *fleet, who int) error
}

func (f fault) String() string {
	if f.who < 0 {
		return f.kind
	}
	return fmt.Sprintf("%s %d", f.kind, f.who+1)
}

// by makes a fault's kind of somebody.
func (f fault) by(who int) fault { f.who = who; return f }

func (f fault) ofCable() fault { f.cable = true; return f }

// The faults. Processes are killed as kill -9 does; a suspended one wakes after its lease (15 s) or
// after it has become silent (30 s).
var (
	killServer = fault{kind: "kill server", strike: func(f *fleet, i int) { f.servers[i].kill() },
		mend: func(f *fleet, i int) error { return f.servers[i].start() }}
	killServers = fault{kind: "kill both servers", who: -1, strike: func(f *fleet, _ int) { f.servers[0].kill(); f.servers[1].kill() },
		mend: func(f *fleet, _ int) error { return cmp.Or(f.servers[1].start(), f.servers[0].start()) }}
	killAgent9 = fault{kind: "kill agent", strike: func(f *fleet, i int) { f.nodes[i].killAgent() },
		mend: func(f *fleet, i int) error { return f.nodes[i].startAgent() }}
	killNode = fault{kind: "kill node", strike: func(f *fleet, i int) { f.nodes[i].killNode() },
		mend: func(f *fleet, i int) error { return f.nodes[i].startNode() }}
	killHost = fault{kind: "kill node and agent", strike: func(f *fleet, i int) { f.nodes[i].killNode(); f.nodes[i].killAgent() },
		mend: func(f *fleet, i int) error { return cmp.Or(f.nodes[i].startNode(), f.nodes[i].startAgent()) }}

	cutAgent   = gateFault("cut agent", proxy.Cut, agentGate).ofCable()
	stallAgent = gateFault("stall agent", proxy.Stall, agentGate).ofCable()
	resetAgent = fault{kind: "reset connections of agent", strike: func(f *fleet, i int) { f.nodes[i].cable.Reset() }, mend: func(*fleet, int) error { return nil }}
	slowAgent  = fault{kind: "slow agent", cable: true, strike: func(f *fleet, i int) {
		f.nodes[i].cable.Delay(200 * time.Millisecond)
		f.nodes[i].cable.Set(proxy.Open)
	},
		mend: func(f *fleet, i int) error { f.nodes[i].cable.Delay(0); return nil }}
	cutServer     = gateFault("cut agents from server", proxy.Cut, serverGate)
	stallServer   = gateFault("stall agents of server", proxy.Stall, serverGate)
	cutDatabase   = gateFault("cut database from server", proxy.Cut, databaseGate)
	stallDatabase = gateFault("stall database of server", proxy.Stall, databaseGate)
	cutS3         = gateFault("cut S3", proxy.Cut, s3Gate).by(-1)

	stopServer = processFault("suspend server", 20*time.Second, func(f *fleet, i int) int { return f.servers[i].process.PID() })
	stopAgent  = processFault("suspend agent", 35*time.Second, func(f *fleet, i int) int { return f.nodes[i].agent.PID() })
)

func agentGate(f *fleet, i int) *proxy.Gate    { return &f.nodes[i].cable }
func serverGate(f *fleet, i int) *proxy.Gate   { return &f.servers[i].toAgents }
func databaseGate(f *fleet, i int) *proxy.Gate { return &f.servers[i].toDB }
func s3Gate(f *fleet, _ int) *proxy.Gate       { return &f.toS3 }

func gateFault(kind string, s proxy.State, of func(*fleet, int) *proxy.Gate) fault {
	return fault{kind: kind, strike: func(f *fleet, i int) { of(f, i).Set(s) },
		mend: func(f *fleet, i int) error { of(f, i).Set(proxy.Open); return nil }}
}

// visit is one rollout and what strikes in it.
type visit struct {
	moment
	faults []fault
	// stopped: time stands still at the moment, for the agents' network is stalled, so that the
	// faults strike in that phase for certain. Else they strike while the phase is going on.
	stopped bool
	after   time.Duration // from the moment to the faults
	lasts   time.Duration // of the faults
}

func (v visit) String() string {
	var faults []string
	for _, f := range v.faults {
		faults = append(faults, f.String())
	}
	how := "while it moves"
	if v.stopped {
		how = "while it stands"
	}
	return fmt.Sprintf("%s/%s %s, after %v for %v: %s", v.story, v.phase, how, v.after, v.lasts, strings.Join(faults, " + "))
}

// killSeed chooses the schedule: SEARCHPACK_KILL_SEED replays one.
func killSeed(t *testing.T) uint64 {
	t.Helper()
	text := cmp.Or(os.Getenv("SEARCHPACK_KILL_SEED"), "1")
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEARCHPACK_KILL_SEED: %v", err)
	}
	return seed
}

// plan makes the schedule of a seed. The short one visits every moment once, with a server and an
// agent killed and something else wrong with the network at once; and kills a node in two. The
// long one strikes every moment with each fault alone, then with several.
func plan(seed uint64, long bool) []visit {
	r := rand.New(rand.NewPCG(seed, 0))
	if !long {
		return shortPlan(r)
	}
	var all []visit
	for _, m := range moments {
		for _, f := range []fault{killServer, killServers, killAgent9, killNode, killHost, cutAgent, stallAgent, resetAgent, slowAgent,
			cutServer, stallServer, cutDatabase, stallDatabase, cutS3} {
			all = append(all, chance(r, m, someone(r, f)))
		}
	}
	for _, f := range []fault{stopServer, stopAgent} { // each takes half a minute
		for _, i := range r.Perm(len(moments))[:4] {
			all = append(all, chance(r, moments[i], someone(r, f)))
		}
	}
	return append(all, shortPlan(r)...)
}

func shortPlan(r *rand.Rand) []visit {
	network := []fault{cutAgent, stallAgent, resetAgent, slowAgent, cutServer, stallServer, cutDatabase, stallDatabase, cutS3}
	var all []visit
	shuffled := r.Perm(len(network))
	for i, m := range moments {
		agent := r.IntN(3)
		n := network[shuffled[i%len(network)]]
		if n.who == 0 {
			n = n.by((agent + 1 + r.IntN(2)) % 3) // another than the one that is killed
		}
		server := r.IntN(2)
		if strings.HasSuffix(n.kind, "server") {
			n = n.by(1 - server)
		}
		v := chance(r, m, killServer.by(server), killAgent9.by(agent), n)
		v.stopped = i%2 == 0
		all = append(all, v)
		switch m {
		case moment{update, searchpack.PhaseProbe}, moment{remove, searchpack.PhaseLookAgain}: // a restart takes long; TestCluster has one while placing
			v := chance(r, m, someone(r, killNode))
			v.stopped = true
			all = append(all, v)
		}
	}
	return all
}

// someone chooses whom a fault strikes, unless it strikes no one in particular.
func someone(r *rand.Rand, f fault) fault {
	switch {
	case f.who < 0:
		return f
	case strings.HasSuffix(f.kind, "server"):
		return f.by(r.IntN(2))
	}
	return f.by(r.IntN(3))
}

// chance makes a visit whose times are left to chance.
func chance(r *rand.Rand, m moment, faults ...fault) visit {
	v := visit{moment: m, faults: faults, stopped: r.IntN(2) == 0,
		after: time.Duration(r.IntN(40)) * time.Millisecond, lasts: time.Duration(100+r.IntN(900)) * time.Millisecond}
	for _, f := range faults {
		v.lasts = max(v.lasts, f.atLeast)
	}
	return v
}

// processFault suspends a process, which then wakes and goes on with what it was about to do.
func processFault(kind string, atLeast time.Duration, pid func(*fleet, int) int) fault {
	return fault{kind: kind, atLeast: atLeast, strike: func(f *fleet, i int) { _ = syscall.Kill(pid(f, i), syscall.SIGSTOP) },
		mend: func(f *fleet, i int) error { return syscall.Kill(pid(f, i), syscall.SIGCONT) }}
}
