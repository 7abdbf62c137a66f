package rollout

import (
	"math/rand/v2"
	"time"
)

// planJumps has the servers' clock jump, now and then, by up to three hours, in every third run. Its
// chances are its own, so that a run is the same without it but for what the jumps do.
func (s *sim) planJumps(rng *rand.Rand) {
	if s.seed%3 != 1 {
		return
	}
	s.after(20*time.Second+time.Duration(rng.Int64N(int64(2*time.Minute))), func() {
		if s.calm {
			return
		}
		most := 30 * time.Minute
		if rng.IntN(3) == 0 {
			most = 3 * time.Hour
		}
		s.server.jump(time.Duration(rng.Int64N(int64(2*most))) - most)
		s.planJumps(rng)
	})
}

// jump sets the clock on by d. To the servers that is as if everything had been written as much
// earlier, and so it is done: virtual time itself goes on.
func (v *simServer) jump(d time.Duration) {
	v.log("the clock jumps by %v", d)
	for _, a := range v.agents {
		if !a.ReportedAt.IsZero() {
			a.ReportedAt = a.ReportedAt.Add(-d)
		}
		a.EnrolledAt = a.EnrolledAt.Add(-d)
	}
	for i := range v.rollouts {
		r := &v.rollouts[i]
		for _, at := range []*time.Time{&r.CreatedAt, &r.StartedAt, &r.PhaseAt, &r.EndedAt} {
			if !at.IsZero() {
				*at = at.Add(-d)
			}
		}
	}
	for _, at := range []*time.Time{&v.watched.DifferSince, &v.watched.FrozenSince} {
		if !at.IsZero() {
			*at = at.Add(-d)
		}
	}
	if v.saved != nil && !v.saved.ReleasedAt.IsZero() {
		saved := *v.saved
		saved.ReleasedAt = saved.ReleasedAt.Add(-d)
		v.saved = &saved
	}
	v.dirty()
}
