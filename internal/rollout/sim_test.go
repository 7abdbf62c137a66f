package rollout

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestSimulator runs seed after seed until clusters of three to nine nodes have gone through so many
// steps: messages, things that processes do, faults, calls and decisions. SEARCHPACK_SIM_STEPS=N asks
// for N of them, SEARCHPACK_SIM_SEEDS=N for N seeds, SEARCHPACK_SIM_SEED=S for one with its whole trace.
func TestSimulator(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("SEARCHPACK_SIM_SEED"); text != "" {
		s := newSim(simOf(number(t, "SEARCHPACK_SIM_SEED", 0)))
		failure := s.run()
		t.Logf("%d nodes, %d steps, %d decisions\n%s", s.nodes, s.taken, s.server.decisions, s.tail(1<<20))
		if failure != "" {
			t.Fatal(failure)
		}
		return
	}
	const side = 4 // runs beside each other
	steps, seeds := number(t, "SEARCHPACK_SIM_STEPS", 200_000)/side, number(t, "SEARCHPACK_SIM_SEEDS", 0)
	for first := range uint64(side) {
		t.Run(strconv.FormatUint(first, 10), func(t *testing.T) {
			t.Parallel()
			taken, refused := uint64(0), 0
			for seed := first; seed < seeds || seeds == 0 && taken < steps; seed += side {
				s := newSim(simOf(seed))
				if failure := s.run(); failure != "" {
					t.Fatalf("seed %d (%d nodes): %s\n%s", seed, s.nodes, failure, s.tail(80))
				}
				refused += s.server.refused
				if s.nodes <= 9 {
					taken += s.taken
				}
			}
			t.Logf("%d steps, %d rollouts failed by a check", taken, refused)
		})
	}
}

// TestSimulatorLarge is one run of thousands of nodes. SEARCHPACK_SIM_NODES says how many.
func TestSimulatorLarge(t *testing.T) {
	t.Parallel()
	nodes := number(t, "SEARCHPACK_SIM_NODES", 1000)
	s := newSim(simConfig{seed: 4, nodes: int(nodes), faults: true, length: 90 * time.Second, rest: 8 * time.Minute})
	if failure := s.run(); failure != "" {
		t.Fatalf("%s\n%s", failure, s.tail(80))
	}
	if s.taken < 10_000 || len(s.server.rollouts) == 0 {
		t.Errorf("only %d steps and %d rollouts", s.taken, len(s.server.rollouts))
	}
	t.Logf("%d nodes, %d steps, %d decisions, %d rollouts", s.nodes, s.taken, s.server.decisions, len(s.server.rollouts))
}

// number reads an environment variable.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// simOf is the run that a seed stands for: mostly small clusters, some large.
func simOf(seed uint64) simConfig {
	cfg := simConfig{seed: seed, nodes: 3 + int(seed%7), faults: seed%10 != 9, length: 12 * time.Minute, rest: 50 * time.Minute}
	switch {
	case seed%80 == 39:
		cfg.nodes, cfg.length, cfg.rest = 300, 4*time.Minute, 40*time.Minute
	case seed%20 == 5:
		cfg.nodes = 30
	}
	return cfg
}

// TestSimulatorSeesBrokenRules takes one rule at a time out of Decide. The simulator must notice
// each, else it would not notice a mistake there either. (Not settled: what it guards against takes
// a message lost in a window of milliseconds; TestReportFromBeforeTheHide makes one.)
func TestSimulatorSeesBrokenRules(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]guards{
		"blockers":     {blockers: true},
		"verdicts":     {verdicts: true},
		"newcomers":    {newcomers: true},
		"first look":   {firstLook: true},
		"second look":  {secondLook: true},
		"rounds":       {rounds: true},
		"give back":    {giveBack: true},
		"latch":        {latch: true},
		"later call":   {laterCall: true},
		"keep serving": {keepServing: true},
		"reload":       {reload: true, witness: true}, // the witness alone has the rest reload, too
		"ask again":    {askAgain: true},
		"together":     {together: true},
		"witness":      {witness: true},
		"plugins":      {plugins: true},
		"parked":       {parked: true},
		"apart":        {apart: true},
		"pause":        {pause: true},
		"abort":        {abort: true},
		"texts":        {texts: true},
		"turned":       {turned: true},
		"one stops":    {oneStops: true},
		"gate":         {gate: true},
		"put back":     {putBack: true},
		"offers":       {offers: true},
		"lost":         {lost: true},
		"mend":         {mend: true},
		"verify":       {verify: true},
		"heal":         {heal: true},
		"preflight":    {preflight: true},
		"releases":     {releases: true},
		"needs":        {needs: true},
		"line":         {line: true},
		"move on":      {moveOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const most = 400
			for seed := range uint64(most) {
				cfg := simOf(seed)
				cfg.nodes, cfg.off = 3+int(seed%3), off
				if failure := newSim(cfg).run(); failure != "" {
					t.Logf("seed %d: %s", seed, failure)
					return
				}
			}
			t.Errorf("%d seeds noticed nothing", most)
		})
	}
}
