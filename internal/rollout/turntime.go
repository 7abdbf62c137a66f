package rollout

import (
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// MaxFormerRestarts is how many former restarts say how long one takes: those of a few rollouts. What was
// long ago says little.
const MaxFormerRestarts = 50

// TurnTime is how long one node's turn takes in a rollout of a plugin, by former restarts of the domain,
// in the order of their begin: from its permit to the next node's, which has waited until all copies were
// back. Where no other node followed, from the permit to its end. It is their median, and how many there
// were; 0: there were none that went well.
func TurnTime(former []*searchpack.Permit) (turn time.Duration, count int) {
	var whole, part []time.Duration
	for i, p := range former {
		if p.EndedAt.IsZero() || p.Failed != "" {
			continue
		}
		next := slices.IndexFunc(former[i+1:], func(q *searchpack.Permit) bool { return q.RolloutID == p.RolloutID })
		if next >= 0 {
			whole = append(whole, former[i+1+next].BegunAt.Sub(p.BegunAt))
		}
		part = append(part, p.EndedAt.Sub(p.BegunAt))
	}
	all := whole
	if len(all) == 0 {
		all = part
	}
	all = slices.DeleteFunc(all, func(d time.Duration) bool { return d <= 0 }) // a clock that was set back
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], len(part)
}
