package rollout

import "time"

// watch remembers since when the cluster is not as one cluster should be, and tells when nothing moves
// in the domain, and when it does again: once each, however many rollouts are open.
func (d *decider) watch() {
	w := &d.Domain.Watch
	switch {
	case d.who.Differ == "":
		w.DifferSince = time.Time{}
	case w.DifferSince.IsZero() || w.DifferSince.After(d.Now): // the clock was put back: count anew
		w.DifferSince = d.Now
	}
	switch frozen := d.who.Frozen != ""; {
	case frozen && w.FrozenSince.IsZero():
		w.FrozenSince = d.Now
		d.event("domain frozen", d.Domain.Name, d.who.Frozen)
	case !frozen && !w.FrozenSince.IsZero():
		w.FrozenSince = time.Time{}
		d.event("domain moves again", d.Domain.Name, "what it was frozen for is over")
	}
}
