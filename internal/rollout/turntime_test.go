package rollout

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func TestTurnTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	permit := func(rollout string, begun, ended int, failed string) *searchpack.Permit {
		p := &searchpack.Permit{RolloutID: rollout, BegunAt: start.Add(time.Duration(begun) * time.Second), Failed: failed}
		if ended > 0 {
			p.EndedAt = start.Add(time.Duration(ended) * time.Second)
		}
		return p
	}
	for name, c := range map[string]struct {
		former []*searchpack.Permit
		turn   time.Duration
		count  int
	}{
		"none":                          {},
		"one node":                      {[]*searchpack.Permit{permit("a", 0, 30, "")}, 30 * time.Second, 1},
		"two nodes":                     {[]*searchpack.Permit{permit("a", 0, 30, ""), permit("a", 45, 70, "")}, 45 * time.Second, 2},
		"paused":                        {[]*searchpack.Permit{permit("a", 0, 30, ""), permit("a", 9000, 9030, ""), permit("a", 9050, 9080, ""), permit("b", 9100, 9130, ""), permit("b", 9140, 9170, "")}, 50 * time.Second, 5},
		"failed":                        {[]*searchpack.Permit{permit("a", 0, 600, "it ended")}, 0, 0},
		"still away":                    {[]*searchpack.Permit{permit("a", 0, 0, "")}, 0, 0},
		"went on after one that failed": {[]*searchpack.Permit{permit("a", 0, 30, ""), permit("a", 40, 600, "it ended"), permit("b", 700, 720, "")}, 40 * time.Second, 2},
		"clock set back":                {[]*searchpack.Permit{permit("a", 50, 20, "")}, 0, 0},
	} {
		if turn, count := TurnTime(c.former); turn != c.turn || turn > 0 && count != c.count {
			t.Errorf("%s: %s of %d, want %s of %d", name, turn, count, c.turn, c.count)
		}
	}
}
