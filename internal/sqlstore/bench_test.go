package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// benchStore is a SQLite store with so many items waiting.
func benchStore(b *testing.B, waiting int) *Store {
	b.Helper()
	s := open(b, "sqlite:"+filepath.Join(b.TempDir(), "store.db"), Options{})
	err := s.Update(b.Context(), func(tx searchpack.Tx) error {
		for i := range waiting {
			if err := tx.Enqueue(b.Context(), searchpack.WorkReconcile, fmt.Sprint("waiting-", i), time.Now().Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchEnqueue(ctx context.Context, b *testing.B, s *Store, i int) {
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		return tx.Enqueue(ctx, searchpack.WorkReconcile, fmt.Sprint(i), time.Time{})
	})
	if err != nil {
		b.Fatal(err)
	}
}

func benchClaim(ctx context.Context, b *testing.B, s *Store) *searchpack.Work {
	w, err := s.Claim(ctx, time.Now(), time.Minute, "bench", searchpack.WorkReconcile)
	if err != nil || w == nil {
		b.Fatal(w, err)
	}
	return w
}

func BenchmarkEnqueue(b *testing.B) {
	s := benchStore(b, 1000)
	for i := 0; b.Loop(); i++ {
		benchEnqueue(b.Context(), b, s, i)
	}
}

// BenchmarkWork is one item's whole way, three durable commits.
func BenchmarkWork(b *testing.B) {
	s := benchStore(b, 1000)
	for i := 0; b.Loop(); i++ {
		benchEnqueue(b.Context(), b, s, i)
		w := benchClaim(b.Context(), b, s)
		if err := s.Finish(b.Context(), time.Now(), w, searchpack.WorkResult{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClaim(b *testing.B) {
	s := benchStore(b, 1000)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		benchEnqueue(b.Context(), b, s, i)
		b.StartTimer()
		benchClaim(b.Context(), b, s)
	}
}

func BenchmarkFinish(b *testing.B) {
	s := benchStore(b, 1000)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		benchEnqueue(b.Context(), b, s, i)
		w := benchClaim(b.Context(), b, s)
		b.StartTimer()
		if err := s.Finish(b.Context(), time.Now(), w, searchpack.WorkResult{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdle is what a poll costs that finds nothing.
func BenchmarkIdle(b *testing.B) {
	s := benchStore(b, 1000)
	for b.Loop() {
		if w, err := s.Claim(b.Context(), time.Now(), time.Minute, "bench", searchpack.WorkReconcile); w != nil || err != nil {
			b.Fatal(w, err)
		}
		if _, _, err := s.NextDue(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
