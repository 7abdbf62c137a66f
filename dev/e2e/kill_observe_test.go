package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// observer looks into the servers' database all the time and holds what it sees against what always
// holds (docs/architecture.md), whoever is being killed. What lies on the nodes is read at the very
// moment.
type observer struct {
	f     *fleet
	packs []*pack

	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	bad      map[string]bool
	rollouts map[string]searchpack.Rollout // as last seen, by id
	looks    int
	actives  int // looks at an association that was ACTIVE
}

// observeEvery bounds how much of the machine and of the database an observer takes.
const observeEvery = 10 * time.Millisecond

// observed is how many of the newest rollouts are looked at each time.
const observed = 3

func observe(t *testing.T, f *fleet, packs ...*pack) *observer {
	ctx, cancel := context.WithCancel(context.Background())
	o := &observer{f: f, packs: packs, stop: cancel, bad: map[string]bool{}, rollouts: map[string]searchpack.Rollout{}}
	o.wg.Go(func() {
		tick := time.NewTicker(observeEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := o.look(ctx); err != nil && ctx.Err() == nil {
				o.note("the database cannot be read: %v", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { cancel(); o.wg.Wait() })
	return o
}

func (o *observer) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.bad) < 20 {
		o.bad[fmt.Sprintf(format, args...)] = true
	}
}

// look reads rollouts and associations of one moment.
func (o *observer) look(ctx context.Context) error {
	var rollouts []*searchpack.Rollout
	var serving []searchpack.Association
	err := o.f.view(ctx, func(tx searchpack.Tx) (err error) {
		serving = nil
		for _, p := range o.packs {
			a, err := tx.Association(ctx, fleetDomain, p.id)
			if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
				continue
			}
			if err != nil {
				return err
			}
			serving = append(serving, *a)
		}
		rollouts, err = tx.Rollouts(ctx, fleetDomain, observed)
		return err
	})
	if err != nil {
		return err
	}
	o.compare(rollouts)
	for _, a := range serving {
		if a.Status == searchpack.Active {
			if err := o.active(ctx, a); err != nil {
				return err
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks++
	return nil
}

// compare: at most one rollout runs, none goes back to an earlier round or changes after its end.
// Each phase is begun by one server in one transaction, so a round has one phase.
func (o *observer) compare(rollouts []*searchpack.Rollout) {
	running := 0
	for _, r := range rollouts {
		if r.State == searchpack.RolloutRunning {
			running++
		}
		o.mu.Lock()
		was, known := o.rollouts[r.ID]
		o.rollouts[r.ID] = *r
		o.mu.Unlock()
		switch {
		case !known:
		case !was.State.Open() && (was.State != r.State || was.Round != r.Round || !was.EndedAt.Equal(r.EndedAt)):
			o.note("rollout %s had ended (%s, round %d) and now is %s in round %d", r.ID, was.State, was.Round, r.State, r.Round)
		case r.Round < was.Round:
			o.note("rollout %s went back from round %d to %d", r.ID, was.Round, r.Round)
		case r.Round == was.Round && r.Phase != was.Phase:
			o.note("round %d of rollout %s was %s and is %s", r.Round, r.ID, was.Phase, r.Phase)
		}
	}
	if running > 1 {
		o.note("%d rollouts run at once", running)
	}
}

// active: where the association says ACTIVE, every node has the bytes of the version that serves.
func (o *observer) active(ctx context.Context, a searchpack.Association) error {
	wrong := ""
	for _, p := range o.packs {
		if p.id == a.PackageID {
			wrong = o.onNodes(ctx, p, a)
		}
	}
	o.mu.Lock()
	o.actives++
	o.mu.Unlock()
	if wrong == "" {
		return nil
	}
	return o.f.view(ctx, func(tx searchpack.Tx) error { // unless it is not ACTIVE any more
		now, err := tx.Association(ctx, fleetDomain, a.PackageID)
		if err == nil && now.Status == searchpack.Active && now.UpdatedAt.Equal(a.UpdatedAt) {
			o.note("%s is ACTIVE, and %s", a.PackageID, wrong)
		}
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			err = nil
		}
		return err
	})
}

// onNodes says which node has not the version that serves.
func (o *observer) onNodes(ctx context.Context, p *pack, a searchpack.Association) string {
	version := 0
	err := o.f.view(ctx, func(tx searchpack.Tx) error {
		v, err := tx.Version(ctx, a.ServingID)
		if err == nil {
			version = v.Number
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	for _, n := range o.f.nodes {
		b, err := os.ReadFile(p.path(n.Info().Config))
		if err != nil {
			return fmt.Sprintf("%s has no file: %v", n.name, err)
		}
		if got := p.version(searchpack.DigestOf(b)); got != version {
			return fmt.Sprintf("%s has v%d, not v%d", n.name, got, version)
		}
	}
	return ""
}

// end stops looking and fails the test for whatever was seen.
func (o *observer) end(t *testing.T) {
	t.Helper()
	o.stop()
	o.wg.Wait()
	for what := range o.bad {
		t.Error("seen: ", what)
	}
	t.Logf("looked %d times, %d times at something ACTIVE, %d rollouts", o.looks, o.actives, len(o.rollouts))
	if o.looks == 0 || o.actives == 0 {
		t.Error("nothing was seen")
	}
	o.once(t)
}

// once: the audit log says of every rollout once that it began and once how it ended, and of every
// version once that it was imported. Events are written in the transaction of the step.
func (o *observer) once(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	said, want := map[string]int{}, map[string]int{}
	must(t, o.f.view(ctx, func(tx searchpack.Tx) error {
		events, err := tx.Events(ctx, fleetDomain.Account, fleetRegion, 0, 100_000)
		if err != nil {
			return err
		}
		for _, e := range events {
			if strings.HasPrefix(e.Action, "rollout ") || e.Action == "version available" || e.Action == "import failed" {
				said[e.Action]++
			}
		}
		rollouts, err := tx.Rollouts(ctx, fleetDomain, 10_000)
		if err != nil {
			return err
		}
		for _, r := range rollouts {
			if r.State.Open() {
				t.Errorf("rollout %s has not ended: %s, %s", r.ID, r.Phase, r.Waiting)
			}
			want["rollout started"]++
			want["rollout "+string(r.State)]++
		}
		for _, p := range o.packs {
			versions, err := tx.Versions(ctx, p.id)
			if err != nil {
				return err
			}
			for i, v := range versions {
				want["version available"]++
				if v.Number != i+1 {
					t.Errorf("%s: v%d stands where v%d should", p.name, v.Number, i+1)
				}
			}
		}
		return nil
	}))
	if !maps.Equal(said, want) {
		t.Errorf("the audit log says %v, the rows %v", said, want)
	}
}

// proven: every node says that it has proven the version, at the highest level, and nothing is wrong.
func (f *fleet) proven(t *testing.T, p *pack, version int) {
	t.Helper()
	c := &cluster{u: f.u, p: p}
	eventually(t, func() string {
		nodes := c.nodes(t)
		if len(nodes) != len(f.nodes) {
			return fmt.Sprintf("%d nodes are known", len(nodes))
		}
		for name, n := range nodes {
			if n.State != catalog.NodeProves || len(n.Problems) > 0 {
				return fmt.Sprintf("%s is %s: %v", name, n.State, n.Problems)
			}
			found := false
			for _, file := range n.Files {
				found = found || file.PackageID == p.id && file.Version == version && file.Proof != nil &&
					file.Proof.Version == version && file.Proof.Level == searchpack.LevelLoaded
			}
			if !found {
				return fmt.Sprintf("%s has not proven v%d of %s: %+v", name, version, p.name, n.Files)
			}
		}
		return ""
	})
}
