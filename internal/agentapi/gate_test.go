package agentapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func TestElements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		``: 0, `{}`: 1, `[]`: 1, `[{},{}]`: 4, `"{[,"`: 0, `{"a":"\"{,","b":[1,2]}`: 4, `"\\",{`: 2, `{"open`: 1, `"\`: 0,
	} {
		if got := elements([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// The count is never less than what a report is decoded into, whatever stands in the lists.
func FuzzElements(f *testing.F) {
	f.Add(`{"probes":[{},{},3,[],"x",null],"problems":["a,b","\\\"{"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var r searchpack.Report
		var wrong *json.UnmarshalTypeError
		if err := json.Unmarshal([]byte(text), &r); err != nil && !errors.As(err, &wrong) {
			return
		}
		if n := len(r.Files) + len(r.Candidates) + len(r.Probes) + len(r.Duties) + len(r.Problems) + len(r.Incidents); n > elements([]byte(text)) {
			t.Errorf("%d values, %d elements: %s", n, elements([]byte(text)), text)
		}
	})
}

// What a few packed kilobytes unpack to is refused before it is decoded.
func TestReportBomb(t *testing.T) {
	t.Parallel()
	s := NewServer(ServerConfig{})
	for name, c := range map[string]struct {
		list string
		n    int
		want string
	}{
		"elements": {"probes", maxElements, "elements"},
		"files":    {"files", maxFiles + 1, "more than 2000 files"},
		"problems": {"candidates", maxCandidates + 1, "more than 1000 candidates"},
	} {
		var in searchpack.Report
		body := `{"schema":1,"epoch":1,"seq":1,"` + c.list + `":[` + strings.Repeat("{},", c.n-1) + `{}]}`
		err := s.readReport(httptest.NewRecorder(), httptest.NewRequest("POST", PathReport, strings.NewReader(body)), &in)
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.list == "probes" && len(in.Probes) > 0 {
			t.Error("it was decoded")
		}
	}
}

// An agent that opens request after request is refused, and no other agent is.
func TestRequestsUnderWay(t *testing.T) {
	t.Parallel()
	var g gate
	enter, leave := make(chan bool), make(chan bool)
	h := limited(&g, 2, func(http.ResponseWriter, *http.Request, *searchpack.AgentState) error {
		enter <- true
		<-leave
		return nil
	})
	call := func(id string) error {
		a := &searchpack.AgentState{}
		a.ID = id
		return h(nil, nil, a)
	}
	done := make(chan error, 3)
	for _, id := range []string{"a", "a", "b"} {
		go func() { done <- call(id) }()
		<-enter
	}
	var refused *wireError
	if err := call("a"); !errors.As(err, &refused) || refused.status != http.StatusTooManyRequests {
		t.Errorf("the third at a time: %v", err)
	}
	close(leave)
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(g.count) > 0 {
		t.Errorf("still counted: %v", g.count)
	}
}

// While one usage report of an agent is taken apart, its next one is refused, not kept in memory.
func TestOneUsageReportAtATime(t *testing.T) {
	t.Parallel()
	parsing, goOn := make(chan bool), make(chan bool)
	s := NewServer(ServerConfig{Store: noRows{}, Usage: func(searchpack.UsageReport, map[string]string, time.Time) (searchpack.Usage, error) {
		parsing <- true
		<-goOn
		return searchpack.Usage{}, errors.New("not this one")
	}})
	a := &searchpack.AgentState{Order: searchpack.Order{Speaker: true}}
	a.ID = "a"
	call := func() error {
		return s.usage(httptest.NewRecorder(), httptest.NewRequest("POST", PathUsage, strings.NewReader(`{"schema":1}`)), a)
	}
	first := make(chan error)
	go func() { first <- call() }()
	<-parsing
	var refused *wireError
	if err := call(); !errors.As(err, &refused) || refused.status != http.StatusTooManyRequests {
		t.Errorf("the second: %v", err)
	}
	close(goOn)
	if err := <-first; searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("the first: %v", err)
	}
}

// A preview's answer goes into a row of its own: an agent cannot make that large.
func TestReportOfTokens(t *testing.T) {
	t.Parallel()
	report := func(p *searchpack.PreviewReport) error {
		return checkReport(&searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Duties: []searchpack.DutyResult{{ID: "d", Preview: p}}})
	}
	most := &searchpack.Tokens{Tokens: make([]searchpack.Token, searchpack.MaxPreviewTokens), More: 1 << 30}
	if err := report(&searchpack.PreviewReport{Before: most, After: most}); err != nil {
		t.Error(err)
	}
	many := &searchpack.Tokens{Tokens: make([]searchpack.Token, searchpack.MaxPreviewTokens+1)}
	long := &searchpack.Tokens{Tokens: []searchpack.Token{{Text: strings.Repeat("x", 1000), Type: strings.Repeat("x", 25)}}}
	for name, p := range map[string]*searchpack.PreviewReport{"many before": {Before: many}, "many after": {After: many}, "long": {After: long}} {
		if err := report(p); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What answers a check goes into rows and events: an agent cannot make that large.
func TestReportOfChecks(t *testing.T) {
	t.Parallel()
	report := func(all ...searchpack.CheckResult) error {
		return checkReport(&searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Duties: []searchpack.DutyResult{{ID: "d", Verified: all}}})
	}
	words := func(n, length int) []string {
		return strings.Split(strings.Repeat(strings.Repeat("x", length)+" ", n-1)+strings.Repeat("x", length), " ")
	}
	most := searchpack.CheckResult{Tokens: words(searchpack.MaxCheckTokens, 300), Missing: words(20, 300), Indices: words(20, 255), Reason: strings.Repeat("x", 510)}
	if err := report(most); err != nil {
		t.Error(err)
	}
	for name, r := range map[string]searchpack.CheckResult{
		"tokens": {Tokens: words(searchpack.MaxCheckTokens+1, 1)}, "a token": {Tokens: words(1, 1025)}, "indices": {Indices: words(21, 1)},
		"missing": {Missing: words(41, 1)}, "unwanted": {Unwanted: words(41, 1)}, "reason": {Reason: strings.Repeat("x", 1025)},
	} {
		if err := report(r); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := report(make([]searchpack.CheckResult, searchpack.MaxChecks+1)...); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("many: %v", err)
	}
}

// TestReportOfNeeds: who needs a plugin goes into rows and sentences.
func TestReportOfNeeds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", searchpack.MaxNeedWord)
	most := searchpack.NeedsReport{
		Needs:  slices.Repeat([]searchpack.Need{{User: long, Kind: long, Name: long}}, searchpack.MaxNeeds),
		Doubts: slices.Repeat([]searchpack.Need{{Other: long}}, searchpack.MaxNeeds),
	}
	for name, c := range map[string]struct {
		edit func(*searchpack.NeedsReport)
		code searchpack.Code
	}{
		"most":        {func(*searchpack.NeedsReport) {}, ""},
		"more needs":  {func(r *searchpack.NeedsReport) { r.Needs = append(slices.Clone(r.Needs), r.Needs[0]) }, searchpack.ErrInvalid},
		"more doubts": {func(r *searchpack.NeedsReport) { r.Doubts = append(slices.Clone(r.Doubts), r.Doubts[0]) }, searchpack.ErrInvalid},
		"a user":      {func(r *searchpack.NeedsReport) { r.Needs = []searchpack.Need{{User: long + "x"}} }, searchpack.ErrInvalid},
		"a name":      {func(r *searchpack.NeedsReport) { r.Doubts = []searchpack.Need{{Name: long + "x"}} }, searchpack.ErrInvalid},
		"less":        {func(r *searchpack.NeedsReport) { r.MoreNeeds = -1 }, searchpack.ErrInvalid},
	} {
		r := most
		c.edit(&r)
		for _, in := range []*searchpack.Report{
			{Schema: 1, Epoch: 1, Seq: 1, Duties: []searchpack.DutyResult{{ID: "d", Needs: &r}}},
			{Schema: 1, Epoch: 1, Seq: 1, Plugins: []searchpack.PluginReport{{PackageID: "P1", Needs: &r}}},
		} {
			if err := checkReport(in); searchpack.ErrorCode(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// noRows is a store of domains without associations.
type noRows struct{ searchpack.Store }

func (noRows) View(_ context.Context, f func(searchpack.Tx) error) error { return f(noRowsTx{}) }

type noRowsTx struct{ searchpack.Tx }

func (noRowsTx) Associations(context.Context, searchpack.DomainKey) ([]*searchpack.Association, error) {
	return nil, nil
}
