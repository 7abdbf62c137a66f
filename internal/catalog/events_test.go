package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// events adds n events, one a minute, of actions a, b, c in turn and subjects "S<i> shop".
func (b *bench) events(n int) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		for i := range n {
			e := &searchpack.Event{
				At: b.now.Add(time.Duration(i) * time.Minute), Account: b.who.Account, Region: b.who.Region,
				Action: string("abc"[i%3]), Subject: fmt.Sprintf("S%d shop", i),
			}
			if err := tx.AddEvent(context.Background(), e); err != nil {
				return err
			}
		}
		return nil
	})
}

// subjects are the first words of the subjects, "S1 S2".
func subjects(es []*searchpack.Event) string {
	var out []string
	for _, e := range es {
		name, _, _ := strings.Cut(e.Subject, " ")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestEventQueries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.events(9)
	all, err := b.Events(t.Context(), b.who, EventQuery{})
	if err != nil || len(all.Events) != 9 {
		t.Fatalf("%v, %v", all, err)
	}
	id := func(i int) int64 { return all.Events[8-i].ID }
	for name, tt := range map[string]struct {
		q    EventQuery
		want string
		next int64
	}{
		"all":         {EventQuery{}, "S8 S7 S6 S5 S4 S3 S2 S1 S0", 0},
		"newest":      {EventQuery{Limit: 2}, "S8 S7", id(7)},
		"older":       {EventQuery{Before: id(2)}, "S1 S0", 0},
		"newer":       {EventQuery{After: id(6)}, "S8 S7", 0},
		"between":     {EventQuery{After: id(2), Before: id(5)}, "S4 S3", 0},
		"action":      {EventQuery{Action: "b"}, "S7 S4 S1", 0},
		"action, two": {EventQuery{Action: "b", Limit: 2}, "S7 S4", id(4)},
		"one word":    {EventQuery{Subject: "S3"}, "S3", 0},
		"whole":       {EventQuery{Subject: "S3 shop"}, "S3", 0},
		"no prefix":   {EventQuery{Subject: "S"}, "", 0},
		"since":       {EventQuery{Since: b.now.Add(7 * time.Minute)}, "S8 S7", 0},
		"all of it":   {EventQuery{Since: b.now.Add(2 * time.Minute), Action: "a", Subject: "shop", Before: id(6)}, "S3", 0},
	} {
		got, err := b.Events(t.Context(), b.who, tt.q)
		if err != nil || subjects(got.Events) != tt.want || got.Next != tt.next {
			t.Errorf("%s: %q, %+v, %v; want %q, %d", name, subjects(got.Events), got, err, tt.want, tt.next)
		}
		if want := id(8); tt.q.Before == 0 && got.Newest != want {
			t.Errorf("%s: the newest is %d, want %d", name, got.Newest, want)
		}
	}
	for _, other := range []searchpack.Caller{{Account: abroad, Region: b.who.Region}, {Account: b.who.Account, Region: "eu-west-1"}} {
		if got, err := b.Events(t.Context(), other, EventQuery{}); err != nil || len(got.Events) != 0 || got.Next != 0 || got.Newest != 0 {
			t.Errorf("%+v sees %+v, %v", other, got, err)
		}
	}
}

// A rare event is found over several answers, none of which reads more than its bound.
func TestEventQueryIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.events(maxScanned + 2*eventsPage)
	got, err := b.Events(t.Context(), b.who, EventQuery{Subject: "S0"})
	if err != nil || len(got.Events) != 0 || got.Next == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	got, err = b.Events(t.Context(), b.who, EventQuery{Subject: "S0", Before: got.Next})
	if err != nil || subjects(got.Events) != "S0" || got.Next != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = b.Events(t.Context(), b.who, EventQuery{Limit: 1 << 30}); err != nil || len(got.Events) != maxEvents {
		t.Errorf("%d events, %v", len(got.Events), err)
	}
}

func TestForgetEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.events(2*forgetBatch + 10)
	at := func(i int) time.Time { return b.now.Add(time.Duration(i) * time.Minute) }
	for _, step := range []struct{ before, want int }{{0, 0}, {2 * forgetBatch, 2 * forgetBatch}, {2 * forgetBatch, 0}, {2*forgetBatch + 3, 3}} {
		if n, err := b.ForgetEvents(t.Context(), at(step.before)); err != nil || n != step.want {
			t.Errorf("before %d: forgot %d, %v; want %d", step.before, n, err, step.want)
		}
	}
	if got, err := b.Events(t.Context(), b.who, EventQuery{}); err != nil || len(got.Events) != 7 {
		t.Errorf("%d are left, %v", len(got.Events), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := b.ForgetEvents(ctx, at(1<<20)); err == nil || n != 0 {
		t.Errorf("forgot %d, %v", n, err)
	}
}
