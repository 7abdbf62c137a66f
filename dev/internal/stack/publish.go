package stack

import (
	"errors"
	"os"
)

// status is what the control socket and the health check say.
func (s *Stack) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{Ready: s.ready, Waiting: s.waiting, Document: s.document}
}

// publish takes in what the provisioner saw: it decides whether the stack is ready, writes the
// document when it has changed, and ends the stack if a domain of --domain cannot be started.
func (s *Stack) publish(entries []DomainEntry, waiting map[string]string) {
	d := &Document{
		Schema: 1, PID: os.Getpid(), Endpoint: s.endpoint, Region: s.opts.Region, Account: s.opts.Account,
		AccessKeyID: s.opts.AccessKey, SecretAccessKey: s.opts.SecretKey, Domains: entries,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.document = d
	if !s.ready {
		if w := s.unready(entries, waiting); w != "" {
			if w != s.waiting {
				s.out.Progress(w)
			}
			s.waiting = w
			return
		}
		s.ready, s.waiting = true, ""
	}
	line, err := d.line()
	if err != nil || string(line) == s.line {
		return
	}
	if err := writeDocument(s.data.path, line); err != nil {
		s.log.Error("stack.json cannot be written", "error", err)
		return // tried again at the next look: the line is not remembered
	}
	s.line = string(line)
	s.out.Ready(d, line)
}

// unready names what the stack waits for, "" if it is ready.
func (s *Stack) unready(entries []DomainEntry, waiting map[string]string) string {
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Name] = true
		if s.required[e.Name] && e.Error != "" {
			s.fail(errors.New("domain " + e.Name + ": " + e.Error))
		}
	}
	for _, name := range s.opts.Domains {
		if w := waiting[name]; w != "" {
			return "domain " + name + ": " + w
		}
		if !have[name] {
			return "domain " + name + " is being made"
		}
	}
	return ""
}
