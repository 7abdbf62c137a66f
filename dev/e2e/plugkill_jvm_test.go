package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// restartStep is how far the restart of a node has come, as seen from outside.
type restartStep string

// The steps of a restart.
const (
	stepHold    restartStep = "hold"    // allocation is being held
	stepOffer   restartStep = "offer"   // it is offered to the agent, which has no permit
	stepDown    restartStep = "down"    // the permit is begun and no process runs: the plugins are swapped
	stepStarts  restartStep = "starts"  // the permit is begun and a process runs
	stepRecover restartStep = "recover" // its copies come back
)

// plugKills is what the visits share.
type plugKills struct {
	f       *fleet
	p       *pack
	version int // of p, the newest
	serves  int
}

// killedRestarts kills servers, agent, node and all of them at every step of the restarts of a plugin's
// rollout. Never are two nodes away by a permit, and in the end every node runs with what serves, and the
// cluster's settings are as they were. The short form kills everything once, while the plugins are swapped.
func (f *fleet) killedRestarts(t *testing.T, version string, long bool) {
	jar := compiled(t, version)
	k := &plugKills{f: f, version: 1}
	k.p = newPlug(t, f.u, tagFilter, "OpenSearch_"+version[:strings.LastIndex(version, ".")], func(v int) []byte {
		return tagZip(t, version, jar, 1+(v+1)%2, fmt.Sprintf("version=%d.0.0", v))
	})
	end := k.observe(t)
	k.p.askAssociate(t)
	k.ends(t)
	for _, v := range restartKills(long) {
		if !t.Run(v.String(), func(t *testing.T) { k.visit(t, v) }) {
			return
		}
	}
	end()
}

// restartKill is who is killed at which step of a restart.
type restartKill struct {
	at                   restartStep
	servers, agent, node bool
}

func (v restartKill) String() string {
	var who []string
	for name, is := range map[string]bool{"servers": v.servers, "agent": v.agent, "node": v.node} {
		if is {
			who = append(who, name)
		}
	}
	slices.Sort(who)
	return strings.Join(who, " and ") + " at " + string(v.at)
}

func restartKills(long bool) []restartKill {
	if !long {
		return []restartKill{{stepDown, true, true, false}}
	}
	var all []restartKill
	for _, s := range []restartStep{stepHold, stepOffer, stepDown, stepStarts, stepRecover} {
		all = append(all, restartKill{s, true, false, false}, restartKill{s, false, true, false}, restartKill{s, true, true, s != stepDown})
		if s != stepDown { // no process of the node runs
			all = append(all, restartKill{s, false, false, true})
		}
	}
	return all
}

// visit upgrades the plugin, kills at the step of the first node that comes to it, and looks at the end.
func (k *plugKills) visit(t *testing.T, v restartKill) {
	k.version++
	k.p.update(t, k.version)
	k.p.askAssociate(t)
	n := k.reaches(t, v.at)
	t.Logf("%s is at %s", n.name, v.at)
	wasRunning := n.runs()
	if v.servers {
		k.f.servers[0].kill()
		k.f.servers[1].kill()
	}
	if v.agent {
		n.killAgent()
	}
	if v.node && wasRunning {
		kill(n.Pid())
	}
	<-time.After(time.Second)
	if v.servers {
		must(t, cmp.Or(k.f.servers[0].start(), k.f.servers[1].start()))
	}
	if v.agent {
		must(t, n.startAgent())
	}
	if v.node && wasRunning && (v.at == stepHold || v.at == stepOffer || v.at == stepRecover) {
		must(t, n.startNode()) // as whoever watches over the node does; with a permit it is the agent's
	}
	k.ends(t)
}

// reaches waits until a node is at the step.
func (k *plugKills) reaches(t *testing.T, s restartStep) *fleetNode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rolloutPatience)
	defer cancel()
	var found *fleetNode
	err := untilEvery(ctx, 5*time.Millisecond, func() (bool, error) {
		at, name, err := k.now(ctx)
		if err != nil || at != s {
			return false, err
		}
		for _, n := range k.f.nodes {
			if n.name == name {
				found = n
			}
		}
		return true, nil
	})
	must(t, err)
	return found
}

// now is which node is at which step; "" if none is being restarted.
func (k *plugKills) now(ctx context.Context) (at restartStep, node string, err error) {
	var r *searchpack.Rollout
	var permits []*searchpack.Permit
	names := map[string]string{}
	err = k.f.view(ctx, func(tx searchpack.Tx) error {
		all, err := tx.OpenRollouts(ctx, fleetDomain)
		if err != nil {
			return err
		}
		r = nil
		for _, o := range all {
			if o.State == searchpack.RolloutRunning {
				r = o
			}
		}
		agents, err := tx.Agents(ctx, fleetDomain)
		if err != nil {
			return err
		}
		for _, a := range agents {
			names[a.ID] = a.Name
		}
		permits, err = tx.Permits(ctx, fleetDomain)
		return err
	})
	if err != nil || r == nil || r.Restart == nil {
		return "", "", err
	}
	node = names[r.Restart.AgentID]
	begun := slices.ContainsFunc(permits, func(p *searchpack.Permit) bool { return p.AgentID == r.Restart.AgentID && p.EndedAt.IsZero() })
	switch {
	case begun:
		at = stepDown
		for _, n := range k.f.nodes {
			if n.name == node && n.runs() {
				at = stepStarts
			}
		}
		// Between the permit and the stop a process runs, too: that it was started since shows in the log of
		// its start, which is too late for a kill; so the former process counts as "starts" for a moment.
	case r.Restart.Stage == searchpack.StageHold:
		at = stepHold
	case r.Restart.Stage == searchpack.StageOffer:
		at = stepOffer
	case r.Restart.Stage == searchpack.StageRecover:
		at = stepRecover
	}
	return at, node, nil
}

// ends waits until the rollout has ended, ACTIVE or with the version before, and holds the nodes against it.
func (k *plugKills) ends(t *testing.T) {
	t.Helper()
	eventuallyWithin(t, rolloutPatience, func() string {
		switch s := k.p.state(t); {
		case isState(s, fmt.Sprintf("ACTIVE v%d", k.version)):
			k.serves = k.version
			return ""
		case k.serves > 0 && isState(s, fmt.Sprintf("ASSOCIATION_FAILED v%d", k.serves)):
			t.Log(s) // a node that was killed while it started did not start with the plugin
			return ""
		default:
			return s
		}
	})
	nodes := k.f.u.document().Domains[0].Nodes
	must(t, ask(t.Context(), nodes[0], http.MethodGet, "/_cluster/health?wait_for_nodes=3&wait_for_status=green&timeout=60s", nil, nil))
	for _, n := range nodes {
		if got, want := listed(t, n, tagFilter), fmt.Sprintf("%d.0.0", k.serves); !slices.Equal(got, []string{want}) {
			t.Errorf("%s has loaded %v, and v%d serves", n.Name, got, k.serves)
		}
	}
	eventually(t, func() string { // the last duty of a rollout that failed
		var all object
		if err := ask(t.Context(), nodes[0], http.MethodGet, "/_cluster/settings?flat_settings=true", nil, &all); err != nil {
			return err.Error()
		}
		if text := fmt.Sprint(all); strings.Contains(text, "allocation.enable") {
			return "the cluster's settings are " + text
		}
		return ""
	})
}

// observe looks all the time that no two permits are out.
func (k *plugKills) observe(t *testing.T) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var mu sync.Mutex
	bad, looks := map[string]bool{}, 0
	wg.Go(func() {
		_ = untilEvery(ctx, observeEvery, func() (bool, error) {
			var out []string
			err := k.f.view(ctx, func(tx searchpack.Tx) error {
				all, err := tx.Permits(ctx, fleetDomain)
				out = nil
				for _, p := range all {
					if p.EndedAt.IsZero() {
						out = append(out, p.ID)
					}
				}
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if looks++; err == nil && len(out) > 1 {
				bad[fmt.Sprintf("permits are out at once: %v", out)] = true
			}
			return false, nil
		})
	})
	end = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		for what := range bad {
			t.Error(what)
		}
		if t.Logf("looked %d times", looks); looks == 0 {
			t.Error("nothing was seen")
		}
	})
	t.Cleanup(end)
	return end
}
