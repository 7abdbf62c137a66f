package rollout

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// The simulator drives Decide with a model cluster, model agents and two model servers, in virtual
// time, from one seed. Everything that can go wrong between them does: messages are lost, repeated
// and late, agents and nodes stop at any step and come back, users call at any time. After every
// decision the rules of simcheck are checked; the same seed always gives the same run.

// simConfig says what a run is like.
type simConfig struct {
	seed   uint64
	nodes  int
	off    guards
	faults bool          // messages are lost, processes stop
	length time.Duration // of the part with faults and calls
	rest   time.Duration // within which everything must have ended then
	script []simCall     // calls made one after the other, each after the one before has ended; nil = random calls
}

type sim struct {
	simConfig
	rng     *rand.Rand
	now     time.Time
	events  eventHeap
	count   int
	taken   uint64 // steps
	calm    bool   // faults and calls are over
	trace   []string
	failure string

	cluster *simCluster
	agents  []*simAgent
	server  *simServer
	// upgrades are the chances of what nodes' owners do to their OpenSearch.
	upgrades *rand.Rand
	wanted   searchpack.Allocation        // what people left the cluster's settings at
	truth    map[searchpack.Digest]string // what is wrong with a version's bytes, "" = nothing
}

var simStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSim(cfg simConfig) *sim {
	s := &sim{simConfig: cfg, rng: rand.New(rand.NewPCG(cfg.seed, 42)), now: simStart, truth: map[searchpack.Digest]string{}, upgrades: newUpgrades(cfg.seed)}
	s.cluster = newSimCluster(s)
	s.server = newSimServer(s)
	for i := range cfg.nodes {
		n := s.cluster.addNode(fmt.Sprintf("n%d", i+1))
		a := newSimAgent(s, n)
		s.agents = append(s.agents, a)
		n.agent = a
		s.server.byID[a.id] = a
	}
	return s
}

// large clusters are up when a run begins.
const large = 1000

// run returns what rule was broken, "" if none.
func (s *sim) run() string {
	for _, a := range s.agents {
		if s.nodes >= large { // each start is a cluster state of its own, which all would report
			a.node.up, a.node.since = true, s.now
		}
		s.after(s.upTo(20*time.Second), a.node.start)
		s.after(s.upTo(20*time.Second), a.start)
	}
	if s.nodes >= large {
		s.cluster.elect(s.cluster.nodes[0])
	}
	if s.script != nil {
		s.after(time.Minute, s.nextCall)
	} else {
		s.planCalls()
		s.planPreviews()
	}
	s.restartExternal()
	if s.faults {
		s.planFaults()
		s.planUpgrades()
		s.planJumps(rand.New(rand.NewPCG(s.seed, 43)))
	}
	s.steps(simStart.Add(s.length))
	s.calmDown()
	s.steps(s.now.Add(s.rest))
	if s.failure == "" {
		s.checkEnd()
	}
	return s.failure
}

// steps runs events until t.
func (s *sim) steps(t time.Time) {
	for s.failure == "" && len(s.events) > 0 && !s.events[0].at.After(t) {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		s.taken++
		e.f()
	}
	if s.failure == "" {
		s.now = t
	}
}

func (s *sim) calmDown() {
	s.calm = true
	s.log("calm")
	s.settleEngines()
	for _, a := range s.agents {
		a.node.start()
		a.start()
	}
}

func (s *sim) log(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf("%10.3f ", s.now.Sub(simStart).Seconds())+fmt.Sprintf(format, args...))
}

func (s *sim) fail(format string, args ...any) {
	if s.failure == "" {
		s.failure = fmt.Sprintf(format, args...)
		s.log("BROKEN %s", s.failure)
	}
}

// tail is the end of the trace.
func (s *sim) tail(n int) string { return strings.Join(s.trace[max(0, len(s.trace)-n):], "\n") }

func (s *sim) after(d time.Duration, f func()) {
	s.count++
	heap.Push(&s.events, event{s.now.Add(d.Truncate(time.Microsecond)), s.count, f})
}

func (s *sim) upTo(d time.Duration) time.Duration { return time.Duration(s.rng.Int64N(int64(d))) }

func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }

// fault is chance, but only while things go wrong.
func (s *sim) fault(p float64) bool { return s.faults && !s.calm && s.chance(p) }

// net carries a message: late, never, or twice.
func (s *sim) net(f func()) {
	if s.fault(0.05) {
		return
	}
	if s.fault(0.05) {
		s.after(s.delay(), f)
	}
	s.after(s.delay(), f)
}

func (s *sim) delay() time.Duration {
	switch {
	case s.fault(0.01):
		return s.upTo(40 * time.Second)
	case s.fault(0.1):
		return s.upTo(3 * time.Second)
	}
	return 2*time.Millisecond + s.upTo(40*time.Millisecond)
}

type event struct {
	at  time.Time
	seq int
	f   func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
