package plugindir

import (
	"slices"
	"testing"
)

// TestUndoSteps goes through everything that can lie under the three names of a move.
func TestUndoSteps(t *testing.T) {
	t.Parallel()
	at, in, out := place{inPlugins, "p"}, state("staged/x/tree"), state("former/p/plugin")
	back, again := step{out, at}, step{at, in}
	for _, c := range []struct {
		name   string
		m      move
		s      seen
		want   []step
		refuse bool
	}{
		{"update, not begun", move{at, in, out}, seen{at: true, in: true}, nil, false},
		{"update, out", move{at, in, out}, seen{in: true, out: true}, []step{back}, false},
		{"update, out and in", move{at, in, out}, seen{at: true, out: true}, []step{again, back}, false},
		{"update, undone", move{at, in, out}, seen{at: true, in: true}, nil, false},
		{"update, the new one lost", move{at, in, out}, seen{out: true}, []step{back}, false},
		{"update, not begun and the new one lost", move{at, in, out}, seen{at: true}, nil, false},
		{"update, the old one lost", move{at, in, out}, seen{in: true}, nil, true},
		{"update, all lost", move{at, in, out}, seen{}, nil, true},
		{"update, somebody came", move{at, in, out}, seen{true, true, true}, nil, true},
		{"install, not begun", move{at, in, place{}}, seen{in: true}, nil, false},
		{"install, in", move{at, in, place{}}, seen{at: true}, []step{again}, false},
		{"install, somebody came", move{at, in, place{}}, seen{at: true, in: true}, nil, false},
		{"install, all lost", move{at, in, place{}}, seen{}, nil, false},
		{"removal, not begun", move{at, place{}, out}, seen{at: true}, nil, false},
		{"removal, out", move{at, place{}, out}, seen{out: true}, []step{back}, false},
		{"removal, somebody came", move{at, place{}, out}, seen{at: true, out: true}, nil, true},
		{"removal, lost", move{at, place{}, out}, seen{}, nil, true},
	} {
		got, err := undoSteps(c.m, c.s)
		if !slices.Equal(got, c.want) || (err != nil) != c.refuse {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
