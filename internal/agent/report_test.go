package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/searchpack/searchpack"
)

func TestAnswered(t *testing.T) {
	t.Parallel()
	v1, v2 := searchpack.DigestOf([]byte("v1")), searchpack.DigestOf([]byte("v2"))
	order := func() *searchpack.Order {
		return &searchpack.Order{
			Generation: 7, Probes: []searchpack.Probe{{ID: "p"}}, Duties: []searchpack.Duty{{ID: "d"}},
			Files:      []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileLive, Digest: v2}, {PackageID: "F2", State: searchpack.FileHidden, Digest: v1}},
			Candidates: []searchpack.Candidate{{Digest: v2}, {Digest: v1, Later: true}},
		}
	}
	report := func() *searchpack.Report {
		return &searchpack.Report{
			Generation: 7, Probes: []searchpack.ProbeResult{{ID: "p"}}, Duties: []searchpack.DutyResult{{ID: "d", Done: true}},
			Files: []searchpack.FileReport{
				{PackageID: "F1", State: searchpack.FileLive, Digest: v2}, {PackageID: "F2", State: searchpack.FileHidden}, {PackageID: "F3", State: searchpack.FileLive}},
			Candidates: []searchpack.CandidateReport{{Digest: v2, Ready: true}},
		}
	}
	for name, c := range map[string]struct {
		change func(*searchpack.Report)
		want   bool
	}{
		"all":                    {func(*searchpack.Report) {}, true},
		"a candidate failed":     {func(r *searchpack.Report) { r.Candidates[0] = searchpack.CandidateReport{Error: "no space"} }, true},
		"a file failed":          {func(r *searchpack.Report) { r.Files[0] = searchpack.FileReport{PackageID: "F1", Error: "read-only"} }, true},
		"a duty failed":          {func(r *searchpack.Report) { r.Duties[0] = searchpack.DutyResult{ID: "d", Error: "busy"} }, true},
		"of an order before":     {func(r *searchpack.Report) { r.Generation = 6 }, false},
		"a probe is missing":     {func(r *searchpack.Report) { r.Probes = nil }, false},
		"a duty is missing":      {func(r *searchpack.Report) { r.Duties = nil }, false},
		"a candidate is missing": {func(r *searchpack.Report) { r.Candidates = nil }, false},
		"a candidate is fetched": {func(r *searchpack.Report) { r.Candidates[0].Ready = false }, false},
		"the former file":        {func(r *searchpack.Report) { r.Files[0].Digest = v1 }, false},
		"not hidden yet":         {func(r *searchpack.Report) { r.Files[1].State = searchpack.FileLive }, false},
		"a file is missing":      {func(r *searchpack.Report) { r.Files = r.Files[1:] }, false},
	} {
		r := report()
		c.change(r)
		if got := answered(order(), r); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The last answer goes out at once; an order that nobody has answered yet waits, but not for ever.
func TestGather(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen int64 // generation that the placer has seen to
		want time.Duration
	}{"all answered": {1, 0}, "not placed yet": {0, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			b := &book{rec: record{Schema: 1, Order: searchpack.Order{Schema: 1, Generation: 1}}}
			r := &run{book: b, report: newBell(), placer: &placer{}, fetcher: &fetcher{book: b}, prober: &prober{}, worker: &worker{}, link: &link{}, facts: &facts{},
				pluginer: newPluginer(nil, "", &fetcher{book: b}, b, nil, func() {}), restarts: &restarter{}}
			r.cfg.Intervals.Coalesce = time.Minute
			r.placer.last.generation = c.seen
			began := time.Now()
			if ok := (&reporter{run: r}).gather(t.Context()); !ok || time.Since(began) != c.want {
				t.Errorf("%s: %v after %s", name, ok, time.Since(began))
			}
		})
	}
}
