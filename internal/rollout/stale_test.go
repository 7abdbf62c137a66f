package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// A node has something else loaded than what was placed: it is named with the index, in the rollout and in
// the audit log, until the reload that is repeated for it is through; not ACTIVE before.
func TestRepeatedReloadNamesNodeAndIndex(t *testing.T) {
	t.Parallel()
	shows := map[string]searchpack.WitnessState{}
	b := witnessBench(t, 3, shows)
	shows["n2"], b.uses = searchpack.WitnessOther, b.w.Usage.Uses
	b.ask(searchpack.ActionAssociate, "v2")
	b.w.Rollouts[0].Steps[0].TextsMade, b.w.Rollouts[0].Steps[0].Texts = true, []string{"sofa"}
	b.until(searchpack.PhaseProve)
	for range 3 {
		b.obey()
		b.step()
	}
	const odd = "waiting for n2 to load v2 of shop-words: index shop, analyzer srch answers like neither the new nor the former version to the text \"sofa\"; the reload is repeated"
	if b.waiting() != odd {
		t.Fatalf("in phase %s it waits so: %q", b.phase(), b.waiting())
	}
	b.later(ReloadPause)
	b.step()
	if b.phase() != string(searchpack.PhaseReload) || !strings.HasPrefix(b.waiting(), odd) {
		t.Errorf("in phase %s it waits so: %q", b.phase(), b.waiting())
	}
	told := func() int {
		return len(slices.DeleteFunc(slices.Clone(b.events), func(e string) bool { return e != "reload repeated" }))
	}
	if told() != 1 {
		t.Errorf("the events are %q", b.events)
	}
	for range 4 { // the same again is no news
		b.later(ReloadPause)
		for range 4 {
			b.obey()
			b.step()
		}
	}
	if s := b.association().Status; s != searchpack.Associating || told() != 1 {
		t.Errorf("it is %s, the events are %q", s, b.events)
	}
	delete(shows, "n2")
	b.later(ReloadPause)
	b.run()
	if a := b.association(); a.Status != searchpack.Active || a.Note != "" {
		t.Errorf("it is %s, %q", a.Status, a.Note)
	}
}
