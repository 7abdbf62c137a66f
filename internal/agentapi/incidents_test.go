package agentapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// told are the details of events of that action, oldest first.
func (s *site) events(action string) (out []string) {
	s.t.Helper()
	err := s.store.View(s.t.Context(), func(tx searchpack.Tx) error {
		es, err := tx.Events(s.t.Context(), domain.Account, domain.Region, 0, 0)
		for _, e := range es {
			if e.Action == action {
				out = append([]string{e.Actor + ": " + e.Detail}, out...)
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *site) incidents() []*searchpack.NodeIncident {
	s.t.Helper()
	var out []*searchpack.NodeIncident
	err := s.store.View(s.t.Context(), func(tx searchpack.Tx) (err error) {
		out, err = tx.Incidents(s.t.Context(), domain, 0)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// What an agent found and what it mended are two events and one row, which says when.
func TestIncidentsAreToldAndKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	found := s.clock.now()
	send := func(seq int64, is ...searchpack.Incident) error {
		r := report(1, seq)
		r.Incidents = is
		_, err := m.Report(t.Context(), r)
		return err
	}
	i := searchpack.Incident{
		ID: "i-1", Kind: searchpack.IncidentRights, PackageID: "F1", Found: searchpack.DigestOf(nil), Wanted: searchpack.DigestOf(nil), At: found,
		Index: "not an agent's business", Text: strings.Repeat("x", 1000),
	}
	if err := send(1, i); err != nil {
		t.Fatal(err)
	}
	got := s.incidents()
	if len(got) != 1 || got[0].Healed || !got[0].HealedAt.IsZero() || got[0].Index != "" || got[0].Text != "" || got[0].Kind != searchpack.IncidentRights {
		t.Fatalf("%+v", got)
	}
	i.Healed, i.HealedAt = true, found.Add(time.Second)
	if err := send(2, i); err != nil {
		t.Fatal(err)
	}
	if got := s.incidents(); len(got) != 1 || !got[0].Healed || !got[0].HealedAt.Equal(found.Add(time.Second)) {
		t.Errorf("%+v", got[0])
	}
	for _, action := range []string{"node incident", "node healed"} {
		es := s.events(action)
		if len(es) != 1 || !strings.HasPrefix(es[0], "agent "+m.got.AgentID+": ") || !strings.Contains(es[0], "F1 had another owner or mode") {
			t.Errorf("%s: %q", action, es)
		}
	}
}

// What only the server may say is refused, and what an older agent does not say is filled in.
func TestIncidentsOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	found := s.clock.now()
	send := func(seq int64, i searchpack.Incident) error {
		r := report(1, seq)
		r.Incidents = []searchpack.Incident{i}
		_, err := m.Report(t.Context(), r)
		return err
	}
	for name, bad := range map[string]searchpack.Incident{
		"the server's own kind": {ID: "i-2", Kind: searchpack.IncidentTurnedBack, PackageID: "F1"},
		"the server's own id":   {ID: searchpack.TurnedBackID + "F1-1", Kind: searchpack.IncidentChanged, PackageID: "F1", Healed: true},
		"an unknown kind":       {ID: "i-3", Kind: "odd", PackageID: "F1"},
	} {
		if err := send(3, bad); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := searchpack.Incident{ID: "i-4", Kind: searchpack.IncidentMissing, PackageID: "F1", Healed: true, At: found}
	if err := send(4, old); err != nil {
		t.Fatal(err)
	}
	for _, k := range s.incidents() {
		if k.HealedAt.IsZero() {
			t.Errorf("%+v", k)
		}
	}
}

// A node that finds something wrong all the time does not bury the audit log.
func TestIncidentsAreToldWithinBounds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	flood := func(seq int64) {
		r := report(1, seq)
		for n := range 200 {
			r.Incidents = append(r.Incidents, searchpack.Incident{ID: fmt.Sprintf("i-%d-%d", seq, n), Kind: searchpack.IncidentMissing, PackageID: "F1", At: s.clock.now()})
		}
		if _, err := m.Report(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	flood(1)
	flood(2)
	if n := len(s.events("node incident")); n != 100 || len(s.incidents()) != 2*200 {
		t.Errorf("%d events, %d incidents", n, len(s.incidents()))
	}
	s.clock.add(time.Hour)
	flood(3)
	if n := len(s.events("node incident")); n != 2*100 {
		t.Errorf("%d events an hour later", n)
	}
}

// The clock is put back: the next report is written and asks for work, because Decide takes the time
// that stands there for none.
func TestClockPutBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	for seq, step := range []time.Duration{0, -5 * time.Minute, -2 * time.Hour} {
		s.clock.add(step)
		s.asked()
		if _, err := m.Report(t.Context(), report(1, int64(seq+1))); err != nil {
			t.Fatal(err)
		}
		if got, want := s.asked() > 0, step != -5*time.Minute; got != want {
			t.Errorf("by %s: asked for a reconcile: %v", step, got)
		}
	}
	if a := s.agent(m.got.AgentID); !a.ReportedAt.Equal(s.clock.now()) {
		t.Errorf("heard at %s, it is %s", a.ReportedAt, s.clock.now())
	}
}
