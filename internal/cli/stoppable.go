package cli

import (
	"context"
	"io"
)

// stoppable is a reader that ends when the command is stopped.
type stoppable struct {
	ctx   context.Context
	from  io.Reader
	waits bool // a read may wait for ever, for somebody who types
	read  chan part
	rest  part
}

// part is what one read gave.
type part struct {
	text []byte
	err  error
}

// Read implements io.Reader.
func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if !s.waits {
		return s.from.Read(p)
	}
	if s.read == nil {
		s.read = make(chan part)
		go s.ahead()
	}
	if len(s.rest.text) == 0 && s.rest.err == nil {
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case s.rest = <-s.read:
		}
	}
	n := copy(p, s.rest.text)
	if s.rest.text = s.rest.text[n:]; len(s.rest.text) > 0 {
		return n, nil
	}
	return n, s.rest.err
}

// ahead reads until there is no more, or nobody wants it. A read that waits when the command is
// stopped ends with the program.
func (s *stoppable) ahead() {
	for {
		b := make([]byte, 64<<10)
		n, err := s.from.Read(b)
		select {
		case <-s.ctx.Done():
			return
		case s.read <- part{b[:n], err}:
		}
		if err != nil {
			return
		}
	}
}
