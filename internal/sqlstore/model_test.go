package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

// modelItem is a row of the work table as store.go describes it.
type modelItem struct {
	kind    searchpack.WorkKind
	key     string
	due     time.Time
	asked   int64
	leased  bool
	until   time.Time
	token   int64
	attempt int
}

// workModel runs a store's queue and the model of it side by side, in virtual time.
type workModel struct {
	s     *Store
	now   time.Time
	items map[string]*modelItem
	held  []*searchpack.Work // every claim so far, lost ones too
	token int64              // the highest given
}

var modelKinds = []searchpack.WorkKind{searchpack.WorkImport, searchpack.WorkReconcile}

func (m *workModel) enqueue(t *rapid.T) {
	kind := rapid.SampledFrom(modelKinds).Draw(t, "kind")
	key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
	due, want := time.Time{}, m.now
	if rapid.Bool().Draw(t, "dated") {
		due = m.now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "due")) * time.Second)
		want = due
	}
	err := m.s.Update(context.Background(), func(tx searchpack.Tx) error {
		return tx.Enqueue(context.Background(), kind, key, due)
	})
	if err != nil {
		t.Fatal(err)
	}
	it := m.items[string(kind)+key]
	if it == nil {
		it = &modelItem{kind: kind, key: key, due: want}
		m.items[string(kind)+key] = it
	}
	it.asked++
	if want.Before(it.due) {
		it.due = want
	}
}

// free reports whether nobody's lease keeps the item.
func (it *modelItem) free(now time.Time) bool { return !it.leased || !it.until.After(now) }

func (m *workModel) claim(t *rapid.T) {
	kinds := rapid.SampledFrom([][]searchpack.WorkKind{modelKinds, modelKinds[:1], modelKinds[1:], nil}).Draw(t, "kinds")
	ttl := time.Duration(rapid.IntRange(0, 4).Draw(t, "ttl")) * time.Second
	got, err := m.s.Claim(context.Background(), m.now, ttl, "w", kinds...)
	if err != nil {
		t.Fatal(err)
	}
	var due []*modelItem
	for _, it := range m.items {
		if it.free(m.now) && !it.due.After(m.now) && (kinds == nil || slices.Contains(kinds, it.kind)) {
			due = append(due, it)
		}
	}
	if len(due) == 0 {
		if got != nil {
			t.Fatalf("claimed %+v, nothing is due", got)
		}
		return
	}
	it := slices.MinFunc(due, func(a, b *modelItem) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key))
	})
	it.attempt++
	if got == nil || got.Token <= m.token {
		t.Fatalf("claimed %+v, tokens up to %d were given", got, m.token)
	}
	m.token, it.token = got.Token, got.Token
	it.leased, it.until = true, m.now.Add(ttl)
	want := &searchpack.Work{Kind: it.kind, Key: it.key, Asked: it.asked, Token: got.Token, Attempt: it.attempt, Owner: "w"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("claimed (-want +got):\n%s", diff)
	}
	m.held = append(m.held, got)
}

// holder draws one of all claims and says which item it still holds, nil if it was lost.
func (m *workModel) holder(t *rapid.T) (*searchpack.Work, *modelItem) {
	if len(m.held) == 0 {
		t.Skip("nobody has claimed")
	}
	w := rapid.SampledFrom(m.held).Draw(t, "worker")
	it := m.items[string(w.Kind)+w.Key]
	if it == nil || it.token != w.Token || !it.leased {
		return w, nil
	}
	return w, it
}

func (m *workModel) renew(t *rapid.T) {
	w, it := m.holder(t)
	ttl := time.Duration(rapid.IntRange(0, 4).Draw(t, "ttl")) * time.Second
	err := m.s.Renew(context.Background(), m.now, ttl, w)
	if it == nil {
		wantLost(t, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	it.until = m.now.Add(ttl)
}

func (m *workModel) finish(t *rapid.T) {
	w, it := m.holder(t)
	res := rapid.SampledFrom([]searchpack.WorkResult{
		{}, {At: m.now.Add(2 * time.Second)}, {At: m.now.Add(-time.Second), Error: "away"}, {Error: "given up"},
	}).Draw(t, "result")
	ran := false
	err := m.s.Finish(context.Background(), m.now, w, res, func(searchpack.Tx) error { ran = true; return nil })
	if it == nil {
		wantLost(t, err)
		if ran {
			t.Fatal("a late worker's effects ran")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case it.asked != w.Asked:
		it.due = m.now
	case res.At.IsZero():
		delete(m.items, string(w.Kind)+w.Key)
	default:
		it.due = res.At
	}
	it.leased, it.token = false, 0
	if res.Error == "" {
		it.attempt = 0
	}
}

func wantLost(t *rapid.T, err error) {
	if searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Fatalf("a lost lease gave %v", err)
	}
}

func (m *workModel) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "seconds")) * time.Second)
}

// check compares what NextDue says.
func (m *workModel) check(t *rapid.T) {
	var want time.Time
	for it := range maps.Values(m.items) {
		at := it.due
		if it.leased && it.until.After(at) {
			at = it.until
		}
		if want.IsZero() || at.Before(want) {
			want = at
		}
	}
	got, due, err := m.s.NextDue(context.Background())
	if err != nil || due != (len(m.items) > 0) || !got.Equal(want) {
		t.Fatalf("next due %v %v %v, want %v", got, due, err, want)
	}
}

func TestWorkModel(t *testing.T) {
	t.Parallel()
	var m *workModel
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{Now: func() time.Time { return m.now }})
	// Thousands of commits; what the disk does to them is not the point here.
	if _, err := s.write.Exec("PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m = &workModel{s: s, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), items: map[string]*modelItem{}}
		if _, err := s.write.Exec("DELETE FROM work"); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": m.enqueue, "claim": m.claim, "renew": m.renew, "finish": m.finish, "pass": m.pass, "": m.check,
		})
	})
}
