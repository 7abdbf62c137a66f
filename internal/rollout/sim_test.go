package rollout

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestSimulator runs many seeds. SEARCHPACK_SIM_SEEDS=N runs N of them, SEARCHPACK_SIM_SEED=S one
// with its whole trace.
func TestSimulator(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("SEARCHPACK_SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := newSim(simOf(seed))
		failure := s.run()
		t.Logf("%d nodes, %d decisions\n%s", s.nodes, s.server.decisions, s.tail(1<<20))
		if failure != "" {
			t.Fatal(failure)
		}
		return
	}
	seeds := uint64(40)
	if text := os.Getenv("SEARCHPACK_SIM_SEEDS"); text != "" {
		var err error
		if seeds, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	const side = 4 // runs beside each other
	for first := range uint64(side) {
		t.Run(strconv.FormatUint(first, 10), func(t *testing.T) {
			t.Parallel()
			for seed := first; seed < seeds; seed += side {
				s := newSim(simOf(seed))
				if failure := s.run(); failure != "" {
					t.Fatalf("seed %d (%d nodes): %s\n%s", seed, s.nodes, failure, s.tail(80))
				}
			}
		})
	}
}

// simOf is the run that a seed stands for: mostly small clusters, some large.
func simOf(seed uint64) simConfig {
	cfg := simConfig{seed: seed, nodes: 3 + int(seed%5), faults: seed%10 != 9, length: 12 * time.Minute, rest: 50 * time.Minute}
	switch {
	case seed%40 == 39:
		cfg.nodes, cfg.length, cfg.rest = 300, 4*time.Minute, 40*time.Minute
	case seed%10 == 5:
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
		"pause":        {pause: true},
		"abort":        {abort: true},
		"texts":        {texts: true},
		"turned":       {turned: true},
		"mend":         {mend: true},
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
