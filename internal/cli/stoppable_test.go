package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestStoppable(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 20_000)
	for _, waits := range []bool{false, true} {
		r := &stoppable{ctx: t.Context(), from: iotest.HalfReader(strings.NewReader(text)), waits: waits}
		if b, err := io.ReadAll(r); err != nil || string(b) != text {
			t.Errorf("waits %v: %d bytes, %v", waits, len(b), err)
		}
		torn := errors.New("torn")
		if _, err := io.ReadAll(&stoppable{ctx: t.Context(), from: iotest.ErrReader(torn), waits: waits}); !errors.Is(err, torn) {
			t.Errorf("waits %v: %v", waits, err)
		}
	}
}

// Somebody who types nothing does not keep the command from being stopped.
func TestStoppableStops(t *testing.T) {
	t.Parallel()
	in, typed := io.Pipe()
	defer typed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := (&stoppable{ctx: ctx, from: in, waits: true}).Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := (&stoppable{ctx: ctx, from: strings.NewReader("x")}).Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
