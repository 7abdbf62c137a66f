package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// The schedules visit what docs/drills.md says, and a seed gives the same one again.
func TestKillSchedules(t *testing.T) {
	t.Parallel()
	phases := map[searchpack.Phase]bool{}
	for _, m := range moments {
		phases[m.phase] = true
	}
	for _, p := range []searchpack.Phase{searchpack.PhaseLook, searchpack.PhaseFetch, searchpack.PhaseProbe, searchpack.PhasePlace, searchpack.PhaseReload,
		searchpack.PhaseProve, searchpack.PhaseReturn, searchpack.PhaseReturnReload, searchpack.PhaseHide, searchpack.PhaseLookAgain, searchpack.PhaseRemove, searchpack.PhaseUnhide} {
		if !phases[p] {
			t.Errorf("no moment is in phase %s", p)
		}
	}
	for seed := range uint64(20) {
		for _, long := range []bool{false, true} {
			visits := plan(seed, long)
			if fmt.Sprint(visits) != fmt.Sprint(plan(seed, long)) {
				t.Fatalf("seed %d gives two schedules", seed)
			}
			for _, m := range moments {
				struck := strikesAt(visits, m)
				want := []string{killServer.kind, killAgent9.kind}
				if long {
					want = append(want, killServers.kind, killNode.kind, killHost.kind, cutAgent.kind, stallAgent.kind, cutServer.kind, stallDatabase.kind, cutS3.kind)
				}
				for _, kind := range want {
					if !slices.Contains(struck, kind) {
						t.Errorf("seed %d: no %q at %s/%s", seed, kind, m.story, m.phase)
					}
				}
			}
			mustBeAgainstSomebody(t, visits)
		}
	}
}

func strikesAt(visits []visit, m moment) (kinds []string) {
	for _, v := range visits {
		if v.moment == m {
			for _, f := range v.faults {
				kinds = append(kinds, f.kind)
			}
		}
	}
	return kinds
}

// mustBeAgainstSomebody: each fault names a server or node that there is, lasts long enough, and no
// two of a visit strike the same server, or the agents or nodes of one place.
func mustBeAgainstSomebody(t *testing.T, visits []visit) {
	t.Helper()
	for _, v := range visits {
		struck := map[string]bool{}
		for _, f := range v.faults {
			most, whom := 3, fmt.Sprint("node ", f.who)
			if strings.HasSuffix(f.kind, "server") {
				most, whom = 2, fmt.Sprint("server ", f.who)
			}
			if f.who >= 0 && struck[whom] {
				t.Errorf("%s is struck twice: %s", whom, v)
			}
			struck[whom] = true
			if f.who >= most || f.who < 0 && f.kind != cutS3.kind && f.kind != killServers.kind || v.lasts < f.atLeast {
				t.Errorf("%s", v)
			}
		}
	}
}
