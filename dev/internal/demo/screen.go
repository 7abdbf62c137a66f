package demo

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// screen prints plain lines; on a terminal also a line that changes in place while something is
// waited for.
type screen struct {
	w        io.Writer
	terminal bool

	mu   sync.Mutex
	open bool // a changing line stands there
}

// line prints a line for good.
func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintf(s.w, format+"\n", args...)
}

// waiting shows, on a terminal only, what is waited for.
func (s *screen) waiting(what string, since time.Time) {
	if !s.terminal {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	d := time.Since(since)
	frame := `-\|/`[int(d/(100*time.Millisecond))%4]
	fmt.Fprintf(s.w, "  %c %s %.1f s", frame, cut(what, 100), d.Seconds())
	s.open = true
}

func (s *screen) clear() {
	if s.open {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.open = false
	}
}

// call prints an AWS call with its result.
func (s *screen) call(operation, input, result string) {
	if result != "" {
		result = " -> " + result
	}
	s.line("  %-26s %s%s", operation, input, result)
}

func (s *screen) bold(text string) string {
	if s.terminal {
		return "\x1b[1m" + text + "\x1b[0m"
	}
	return text
}

func (s *screen) mark(ok bool) string {
	switch {
	case ok && s.terminal:
		return "\x1b[32m✓\x1b[0m"
	case ok:
		return "ok:"
	case s.terminal:
		return "\x1b[31m✗\x1b[0m"
	}
	return "FAILED:"
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
