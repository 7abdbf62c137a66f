package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// What is awaited counts once for each agent, and nothing else counts.
func TestFleetAwaits(t *testing.T) {
	t.Parallel()
	f := &fleet{agents: make([]*simulated, 2), news: make(chan struct{}, 1), failed: map[string]int{}}
	wanted, other := searchpack.DigestOf([]byte("a")), searchpack.DigestOf([]byte("b"))
	f.await(wanted)
	fetched := func() map[string]time.Time { return f.fetched }
	f.note(fetched, "n1", other)
	f.note(fetched, "n1", wanted)
	first := f.fetched["n1"]
	f.note(fetched, "n1", wanted)
	if len(f.fetched) != 1 || first.IsZero() || f.fetched["n1"] != first {
		t.Errorf("noted %v", f.fetched)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.until(ended); err == nil || !strings.Contains(err.Error(), "1 have the file") {
		t.Errorf("%v", err)
	}
	f.note(fetched, "n2", wanted)
	_, last, err := f.until(t.Context())
	if err != nil || last != f.fetched["n2"] {
		t.Errorf("%v, %v", last, err)
	}
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	if err := descriptors(10); err != nil {
		t.Error(err)
	}
	if err := descriptors(1 << 62); err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("%v says not what to do", err)
	}
}
