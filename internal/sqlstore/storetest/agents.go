package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func getAgent(t *testing.T, s searchpack.Store, id string) *searchpack.AgentState {
	t.Helper()
	return read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.AgentState, error) { return tx.Agent(ctx, id) })
}

func putAgents(t *testing.T, s searchpack.Store, domain string, ids ...string) {
	t.Helper()
	putDomains(t, s, domain)
	update(t, s, func(tx searchpack.Tx) error {
		for _, id := range ids {
			if err := tx.PutAgent(t.Context(), &searchpack.Agent{ID: id, Domain: key(domain), Name: "node-" + id, EnrolledAt: t0}); err != nil {
				return err
			}
		}
		return nil
	})
}

func testAgents(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d")
	putAgents(t, s, "other", "o")
	full := searchpack.Agent{
		ID: "a2", Domain: key("d"), Name: "n1", EnrolledAt: t0, RetiredAt: at(time.Hour), ClusterUUID: "c", NodeID: "n",
	}
	twin := searchpack.Agent{ID: "a1", Domain: key("d"), Name: "n1", EnrolledAt: t0}
	upper := searchpack.Agent{ID: "a3", Domain: key("d"), Name: "N9", EnrolledAt: t0}
	update(t, s, func(tx searchpack.Tx) error {
		for _, a := range []searchpack.Agent{full, twin, upper} {
			if err := tx.PutAgent(ctx, &a); err != nil {
				return err
			}
		}
		return nil
	})
	list := read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.AgentState, error) {
		return tx.Agents(ctx, key("d"))
	})
	same(t, "Agents", []*searchpack.AgentState{{Agent: upper}, {Agent: twin}, {Agent: full}}, list)
	same(t, "Agent before a report and an order", &searchpack.AgentState{Agent: full}, getAgent(t, s, "a2"))
}

func testReports(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putAgents(t, s, "d", "a1", "a2")
	report := &searchpack.Report{
		Schema: 1, Epoch: 2, Seq: 9, Generation: 4, Version: "1.0",
		Node: &searchpack.NodeFacts{
			ClusterUUID: "c", NodeID: "n", Roles: []string{"data"}, Term: 3, StateVersion: 8, RefreshAPI: true,
			Members: []searchpack.Member{{NodeID: "n", EphemeralID: "e", Name: "n1"}},
		},
		Files:     []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileLive, Digest: searchpack.DigestOf(nil)}},
		Probes:    []searchpack.ProbeResult{{ID: "p", Verdict: searchpack.VerdictBad, Status: 400, Reason: "line 3\x00"}},
		Incidents: []searchpack.Incident{{ID: "i", Kind: searchpack.IncidentMissing, At: t0}},
		Problems:  []string{"analyzers/ is read-only"},
	}
	update(t, s, func(tx searchpack.Tx) error { return tx.PutReport(ctx, "a1", report, at(time.Minute)) })
	got := getAgent(t, s, "a1")
	same(t, "report", report, got.Report)
	same(t, "reported at", at(time.Minute), got.ReportedAt)
	// The agent's own row changes without losing what it said.
	update(t, s, func(tx searchpack.Tx) error {
		return tx.PutAgent(ctx, &searchpack.Agent{ID: "a1", Domain: key("d"), Name: "renamed", NodeID: "n"})
	})
	got = getAgent(t, s, "a1")
	same(t, "name", "renamed", got.Name)
	same(t, "report after PutAgent", report, got.Report)
	update(t, s, func(tx searchpack.Tx) error {
		return tx.PutReport(ctx, "a1", &searchpack.Report{Schema: 1, NodeError: "away"}, at(time.Hour))
	})
	got = getAgent(t, s, "a1")
	same(t, "the next report", &searchpack.Report{Schema: 1, NodeError: "away"}, got.Report)
	same(t, "its time", at(time.Hour), got.ReportedAt)
}

func testHeard(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	var ids []string
	heard := map[string]time.Time{}
	for i := range 1500 { // more than one statement's worth
		id := fmt.Sprintf("a%04d", i)
		ids, heard[id] = append(ids, id), at(time.Duration(i)*time.Microsecond)
	}
	putAgents(t, s, "d", ids...)
	heard["gone"] = t0
	report := &searchpack.Report{Schema: 1, Seq: 1}
	update(t, s, func(tx searchpack.Tx) error { return tx.PutReport(ctx, ids[3], report, at(time.Minute)) })
	update(t, s, func(tx searchpack.Tx) error { return tx.Heard(ctx, heard) })
	for _, id := range []string{ids[0], ids[999], ids[1000], ids[1499]} {
		same(t, id, heard[id], getAgent(t, s, id).ReportedAt)
	}
	got := getAgent(t, s, ids[3])
	same(t, "a batch behind a report", at(time.Minute), got.ReportedAt)
	same(t, "the report", report, got.Report)
	if r := getAgent(t, s, ids[0]).Report; r != nil {
		t.Errorf("an agent that was only heard has the report %v", r)
	}
	update(t, s, func(tx searchpack.Tx) error { return tx.Heard(ctx, map[string]time.Time{ids[3]: at(time.Hour)}) })
	same(t, "heard later", at(time.Hour), getAgent(t, s, ids[3]).ReportedAt)
	update(t, s, func(tx searchpack.Tx) error {
		return tx.Heard(ctx, map[string]time.Time{ids[3]: at(time.Hour - searchpack.ClockStep)})
	})
	same(t, "another server's clock", at(time.Hour), getAgent(t, s, ids[3]).ReportedAt)
	update(t, s, func(tx searchpack.Tx) error {
		return tx.Heard(ctx, map[string]time.Time{ids[3]: at(time.Hour - searchpack.ClockStep - time.Second)})
	})
	same(t, "the clock was put back", at(time.Hour-searchpack.ClockStep-time.Second), getAgent(t, s, ids[3]).ReportedAt)
	update(t, s, func(tx searchpack.Tx) error { return tx.Heard(ctx, nil) })
}

func testOrders(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putAgents(t, s, "d", "a1", "a2", "a3")
	order := &searchpack.Order{
		Schema: 1, Generation: 7, Speaker: true,
		Files:      []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileLive, Version: 2, Digest: searchpack.DigestOf(nil), Size: 4}},
		Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: searchpack.DigestOf(nil), Size: 4, Kind: searchpack.KindWords}},
		Probes:     []searchpack.Probe{{ID: "p", Body: `{"text":"<&>"}`}},
		Duties:     []searchpack.Duty{{ID: "d", Kind: searchpack.DutyRefresh, Indices: []string{"i"}}},
	}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutOrder(ctx, "a2", &searchpack.Order{Schema: 1, Generation: 1}); err != nil {
			return err
		}
		if err := tx.PutOrder(ctx, "a1", &searchpack.Order{Schema: 1, Generation: 6}); err != nil {
			return err
		}
		return tx.PutOrder(ctx, "a1", order)
	})
	same(t, "order", *order, getAgent(t, s, "a1").Order)
	same(t, "no order yet", searchpack.Order{}, getAgent(t, s, "a3").Order)
	generations := func() map[string]int64 {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) (map[string]int64, error) { return tx.OrderGenerations(ctx) })
	}
	same(t, "generations", map[string]int64{"a1": 7, "a2": 1}, generations())
	update(t, s, func(tx searchpack.Tx) error {
		return tx.PutAgent(ctx, &searchpack.Agent{ID: "a1", Domain: key("d"), RetiredAt: t0})
	})
	same(t, "generations, one retired", map[string]int64{"a2": 1}, generations())
}

func testIncidents(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	incident := func(d, agent, id string, when time.Duration) *searchpack.NodeIncident {
		return &searchpack.NodeIncident{Domain: key(d), AgentID: agent, Incident: searchpack.Incident{
			ID: id, Kind: searchpack.IncidentChanged, PackageID: "F1", Found: searchpack.DigestOf([]byte("x")),
			Wanted: searchpack.DigestOf(nil), At: at(when),
		}}
	}
	put := func(all ...*searchpack.NodeIncident) {
		update(t, s, func(tx searchpack.Tx) error {
			for _, i := range all {
				if err := tx.PutIncident(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	list := func(limit int) []*searchpack.NodeIncident {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.NodeIncident, error) {
			return tx.Incidents(ctx, key("d"), limit)
		})
	}
	old, mid, young := incident("d", "a1", "1", 0), incident("d", "a2", "1", time.Second), incident("d", "a1", "2", time.Minute)
	put(mid, old, young, incident("other", "a9", "1", time.Hour))
	put(old, mid) // sent again until the server has them
	same(t, "all", []*searchpack.NodeIncident{young, mid, old}, list(0))
	same(t, "the newest", []*searchpack.NodeIncident{young, mid}, list(2))
	healed := *mid
	healed.Healed, healed.HealedAt = true, at(time.Hour)
	put(&healed)
	put(mid) // an older report, late
	same(t, "healed", []*searchpack.NodeIncident{young, &healed, old}, list(0))
	open := func(kind searchpack.IncidentKind) []*searchpack.NodeIncident {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.NodeIncident, error) {
			return tx.OpenIncidents(ctx, key("d"), kind)
		})
	}
	back, mended := incident("d", "a1", "3", 0), incident("d", "a1", "4", 0)
	for _, i := range []*searchpack.NodeIncident{back, mended} {
		i.Kind, i.Index, i.Analyzer, i.Text, i.At = searchpack.IncidentTurnedBack, "shop", "srch", "so\x00fa", at(-time.Hour)
	}
	mended.Healed, mended.HealedAt = true, at(0)
	put(back, mended)
	same(t, "open, changed", []*searchpack.NodeIncident{old, young}, open(searchpack.IncidentChanged))
	back.Text = "so\ufffdfa"
	same(t, "open, turned back", []*searchpack.NodeIncident{back}, open(searchpack.IncidentTurnedBack))
	var flood []*searchpack.NodeIncident
	for n := range 1100 {
		flood = append(flood, incident("d", "a1", fmt.Sprint("flood", n), time.Hour+time.Duration(n)*time.Second))
	}
	put(flood...)
	put(young) // late, and older than what is kept
	all := list(0)
	if len(all) != 1001 {
		t.Fatalf("%d incidents after a flood of one agent", len(all))
	}
	same(t, "the newest of the flood, and the other agent's", []*searchpack.NodeIncident{flood[1099], flood[100], &healed},
		[]*searchpack.NodeIncident{all[0], all[999], all[1000]})
}

func testJoinTokens(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	full := &searchpack.JoinToken{
		ID: "a", Domain: key("d"), SecretHash: searchpack.DigestOf([]byte("s")), Uses: -1, CIDR: "10.0.0.0/8",
		CreatedAt: at(time.Second), ExpiresAt: at(time.Hour),
	}
	early := &searchpack.JoinToken{ID: "b", Domain: key("d"), Uses: 3, CreatedAt: t0}
	update(t, s, func(tx searchpack.Tx) error {
		for _, j := range []*searchpack.JoinToken{full, early, {ID: "o", Domain: key("other")}} {
			if err := tx.PutJoinToken(ctx, j); err != nil {
				return err
			}
		}
		return nil
	})
	list := func() []*searchpack.JoinToken {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.JoinToken, error) {
			return tx.JoinTokens(ctx, key("d"))
		})
	}
	same(t, "JoinTokens", []*searchpack.JoinToken{early, full}, list())
	early.Uses = 2
	update(t, s, func(tx searchpack.Tx) error { return tx.PutJoinToken(ctx, early) })
	same(t, "JoinToken", early, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.JoinToken, error) {
		return tx.JoinToken(ctx, "b")
	}))
	update(t, s, func(tx searchpack.Tx) error { return tx.DeleteJoinToken(ctx, "b") })
	same(t, "one deleted", []*searchpack.JoinToken{full}, list())
}
