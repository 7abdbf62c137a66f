package inspect

import (
	"fmt"
	"io"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// ForReaders inspects a dictionary as each of the readers takes it, and merges what was found: a
// finding that all have stands there once, every other names its reader. open is called once for each
// reader; what it gives is closed. Options.Declared goes before the readers' kinds.
func ForReaders(open func() (io.ReadCloser, error), o Options, readers []analyzer.Reader) (Result, error) {
	results := make([]Result, len(readers))
	for i, r := range readers {
		one := o
		one.Learnt, one.NoExpand, one.Lenient = r.Kind, r.NoExpand, r.Lenient
		if r.Chain != nil { // a nil *Chain would be an Analyzer
			one.Analyzer = r.Chain
		}
		in, err := open()
		if err != nil {
			return Result{}, err
		}
		results[i], err = Dictionary(in, one)
		if closeErr := in.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return Result{}, err
		}
	}
	return merge(results, readers), nil
}

// merge makes one result of those of one file.
func merge(results []Result, readers []analyzer.Reader) Result {
	out := results[0]
	if len(results) == 1 {
		return out
	}
	shared := func(f searchpack.Finding) bool {
		return !slices.ContainsFunc(results, func(r Result) bool { return !slices.Contains(r.Findings, f) })
	}
	var found rule.Tally
	for i, r := range results {
		for _, f := range r.Findings {
			switch {
			case !shared(f):
				f.Message = fmt.Sprintf("%s: %s", rule.Shown([]byte(readers[i].String())), f.Message)
				found.Add(f)
			case i == 0:
				found.Add(f)
			}
		}
	}
	// What was counted and not kept cannot be compared: it counts for each reader.
	count, errors := found.Count(), found.Errors()
	for _, r := range results {
		count += r.FindingCount - len(r.Findings)
		errors += r.ErrorCount - len(slices.DeleteFunc(slices.Clone(r.Findings), func(f searchpack.Finding) bool {
			return f.Severity != searchpack.SeverityError
		}))
		out.Lines = max(out.Lines, r.Lines)
	}
	out.Findings, out.FindingCount, out.ErrorCount = found.Findings(), count, errors
	return out
}
