package runner

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func (b *bench) steps() []searchpack.RolloutStep {
	b.t.Helper()
	var rs []*searchpack.Rollout
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) (err error) {
		rs, err = tx.Rollouts(b.t.Context(), key, 1)
		return err
	})
	if err != nil || len(rs) != 1 {
		b.t.Fatal(rs, err)
	}
	return rs[0].Steps
}

// Texts are made once a rollout runs, once, and stay with what serves.
func TestTextsAreMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reconcile(func() {}) // starts it
	if s := b.steps()[0]; b.made != 0 || s.TextsMade {
		t.Errorf("texts were made before the rollout ran: %+v", s)
	}
	b.reconcile(func() {})
	if s := b.steps()[0]; !s.TextsMade || !cmp.Equal(s.Texts, []string{"laptop"}) {
		t.Errorf("no texts: %+v", s)
	}
	for seq := int64(1); seq < 8; seq++ {
		b.obey(seq)
		b.reconcile(func() {})
	}
	if a := b.association(); a.Status != searchpack.Active || !cmp.Equal(a.Texts, []string{"laptop"}) || b.made != 1 {
		t.Errorf("%s, texts %v, made %d times", a.Status, a.Texts, b.made)
	}
}

// While they cannot be made everything else goes on, and they are tried again soon.
func TestTextsWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.noTexts = errors.New("the blob store is away")
	b.reconcile(func() {})
	b.obey(1)
	res := b.reconcile(func() {})
	if s := b.steps()[0]; s.TextsMade || b.made == 0 || res.At.IsZero() || res.At.After(b.now.Add(textsAgain)) {
		t.Errorf("%+v, made %d times, again at %v", s, b.made, res.At)
	}
	b.noTexts = nil
	b.reconcile(func() {})
	if !b.steps()[0].TextsMade {
		t.Error("not made although it can be")
	}
}
