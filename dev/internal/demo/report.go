package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// result is one line of the report.
type result struct {
	Step    int     `json:"step"`
	Name    string  `json:"name"`
	OK      bool    `json:"ok"`
	Skipped bool    `json:"skipped,omitempty"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail"`
}

// report writes one JSON object per step, each as soon as its step has ended.
type report struct {
	f   *os.File // nil: nobody asked for one
	err error    // the first that writing gave
}

func openReport(path string) (*report, error) {
	if path == "" {
		return &report{}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("the report cannot be written: %w", err)
	}
	return &report{f: f}, nil
}

func (r *report) add(res result) {
	if r.f == nil {
		return
	}
	enc := json.NewEncoder(r.f) // one line and its end in one write
	enc.SetEscapeHTML(false)
	r.err = errors.Join(r.err, enc.Encode(res))
}

// skip reports steps that were not run at all.
func (r *report) skip(all []step, why string) {
	for i, s := range all {
		r.add(result{Step: i + 1, Name: s.name, Detail: why})
	}
}

// skipFrom does so for those from the given index on.
func (r *report) skipFrom(from int, why string) {
	for i, s := range steps[from:] {
		r.add(result{Step: from + i + 1, Name: s.name, Detail: why})
	}
}

func (r *report) close() error {
	if r.f == nil {
		return nil
	}
	return errors.Join(r.err, r.f.Close())
}
