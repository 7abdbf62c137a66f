package main

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/searchpack/searchpack/internal/agentcmd"
)

// stopAt is a log that calls f once when the text occurs.
type stopAt struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	f    func()
}

func (s *stopAt) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil && strings.Contains(string(b), s.text) {
		s.f()
		s.f = nil
	}
	return s.buf.Write(b)
}

func (s *stopAt) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func streams(err io.Writer) *agentcmd.Streams { return &agentcmd.Streams{Out: io.Discard, Err: err} }
