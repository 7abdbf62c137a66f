package agentapi

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// freshFor is how long a node counts as reporting after it was last heard.
const freshFor = 30 * time.Second

// maxIncidents bounds what one report may add.
const maxIncidents = 200

var (
	incidentID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	packageID  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// report takes a node's report. Only one that says something new is written, and only one that
// Decide could act on asks for work; the others count as a heartbeat.
func (s *Server) report(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	var in searchpack.Report
	if err := s.readReport(w, r, &in); err != nil {
		return err
	}
	now := s.now()
	answer := ReportAnswer{Now: now}
	if !s.heard.newer(a.ID, &in) || !in.Later(a.Report) {
		writeJSON(w, http.StatusOK, answer) // late or repeated: a newer one is here
		return nil
	}
	// A time from far ahead was written before the clock was put back, and counts as silence to Decide.
	since := now.Sub(s.heard.last(a.ID, a.ReportedAt))
	silent := since > freshFor || since < -searchpack.ClockStep
	if silent || news(a.Report, &in) != newsNone {
		if err := s.reports.keep(r.Context(), s.cfg.Store, &keptReport{agent: a, in: &in, at: now, silent: silent}); err != nil {
			return err
		}
	}
	s.heard.note(a.ID, &in, now)
	for _, i := range in.Incidents {
		answer.Incidents = append(answer.Incidents, i.ID)
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// readReport reads and checks a report. A few packed kilobytes can be 4 MiB of JSON, and that half a
// gigabyte of values: so it is counted first, and few are decoded at a time.
func (s *Server) readReport(w http.ResponseWriter, r *http.Request, in *searchpack.Report) error {
	b, err := readBody(w, r, maxReport)
	if err != nil {
		return err
	}
	if n := elements(b); n > maxElements {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report has %d elements; the limit is %d.", n, maxElements)
	}
	return s.reportParsers.within(r, func() error {
		if err := decodeJSON(b, in); err != nil {
			return err
		}
		return checkReport(in)
	})
}

// checkReport refuses what cannot be stored or compared.
func checkReport(in *searchpack.Report) error {
	if in.Schema != 1 {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report has schema %d; this server reads schema 1. Upgrade the server.", in.Schema)
	}
	if in.Epoch <= 0 || in.Seq <= 0 {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report has no epoch and seq.")
	}
	if err := checkLengths(in); err != nil {
		return err
	}
	const maxVersion = 32
	if len(in.OpenSearch) > maxVersion {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report has a version of OpenSearch of more than %d bytes.", maxVersion)
	}
	for _, f := range in.Files {
		if len(f.Path) > searchpack.MaxFilePath {
			return searchpack.Errorf(searchpack.ErrInvalid, "The report has a file with a path of more than %d bytes.", searchpack.MaxFilePath)
		}
	}
	for _, i := range in.Incidents {
		if !slices.Contains(agentKinds, i.Kind) || strings.HasPrefix(i.ID, searchpack.TurnedBackID) || !incidentID.MatchString(i.ID) || !packageID.MatchString(i.PackageID) || !optionalDigest(i.Found) || !optionalDigest(i.Wanted) {
			return searchpack.Errorf(searchpack.ErrInvalid, "The report has an incident that cannot be read.")
		}
	}
	return nil
}

func checkLengths(in *searchpack.Report) error {
	refreshed, members, loaded, unassigned := 0, 0, 0, 0
	for _, d := range in.Duties {
		refreshed += len(d.Refreshed)
		if d.Health != nil {
			unassigned += len(d.Health.Unassigned)
		}
		if err := checkTokens(d.Preview); err != nil {
			return err
		}
		if err := checkVerified(d.Verified); err != nil {
			return err
		}
		if err := checkNeeds(d.Needs); err != nil {
			return err
		}
	}
	for _, p := range in.Plugins {
		if err := checkNeeds(p.Needs); err != nil {
			return err
		}
	}
	if in.Node != nil {
		members, loaded = len(in.Node.Members), len(in.Node.Plugins)
	}
	for _, x := range []struct {
		what     string
		has, max int
	}{
		{"files", len(in.Files), maxFiles}, {"candidates", len(in.Candidates), maxCandidates}, {"probes", len(in.Probes), maxProbes},
		{"duties", len(in.Duties), maxDuties}, {"refreshed indices", refreshed, maxRefreshed}, {"members", members, maxMembers},
		{"problems", len(in.Problems), maxProblems}, {"plugins", len(in.Plugins), maxFiles}, {"loaded plugins", loaded, maxFiles},
		{"unassigned copies", unassigned, searchpack.MaxUnassigned}, {"incidents", len(in.Incidents), maxIncidents},
	} {
		if x.has > x.max {
			return searchpack.Errorf(searchpack.ErrInvalid, "The report has more than %d %s.", x.max, x.what)
		}
	}
	return nil
}

// checkTokens bounds what a preview's answer puts into its row.
func checkTokens(p *searchpack.PreviewReport) error {
	const maxToken = 1 << 10
	if p == nil {
		return nil
	}
	for _, all := range []*searchpack.Tokens{p.Before, p.After} {
		if all == nil {
			continue
		}
		long := func(t searchpack.Token) bool { return len(t.Text)+len(t.Type) > maxToken }
		if len(all.Tokens) > searchpack.MaxPreviewTokens || slices.ContainsFunc(all.Tokens, long) {
			return searchpack.Errorf(searchpack.ErrInvalid, "The report has a preview of more than %d tokens, or of longer ones than %d bytes.", searchpack.MaxPreviewTokens, maxToken)
		}
	}
	return nil
}

// checkVerified bounds what the answers to checks put into rows and orders.
func checkVerified(all []searchpack.CheckResult) error {
	// maxWords of a token or reason: agents cut them shorter.
	const maxWords = 1 << 10
	if len(all) > searchpack.MaxChecks {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report answers more than %d checks.", searchpack.MaxChecks)
	}
	long := func(s string) bool { return len(s) > maxWords }
	for _, r := range all {
		lists := slices.Concat(r.Indices, r.Tokens, r.Missing, r.Unwanted, []string{r.Reason})
		if len(r.Tokens) > searchpack.MaxCheckTokens || len(r.Indices) > searchpack.MaxCheckIndices ||
			len(r.Missing) > 2*searchpack.MaxCheckList || len(r.Unwanted) > 2*searchpack.MaxCheckList || slices.ContainsFunc(lists, long) {
			return searchpack.Errorf(searchpack.ErrInvalid, "The report answers a check with more or longer words than it may.")
		}
	}
	return nil
}

// checkNeeds bounds what a node says of who needs a plugin.
func checkNeeds(r *searchpack.NeedsReport) error {
	if r == nil {
		return nil
	}
	long := func(n searchpack.Need) bool {
		return max(len(n.User), len(n.Kind), len(n.Name), len(n.Other)) > searchpack.MaxNeedWord
	}
	if max(len(r.Needs), len(r.Doubts)) > searchpack.MaxNeeds || min(r.MoreNeeds, r.MoreDoubts) < 0 ||
		slices.ContainsFunc(r.Needs, long) || slices.ContainsFunc(r.Doubts, long) {
		return searchpack.Errorf(searchpack.ErrInvalid, "The report says who needs a plugin in more or longer words than it may.")
	}
	return nil
}

func optionalDigest(d searchpack.Digest) bool {
	if d == "" {
		return true
	}
	_, err := searchpack.ParseDigest(string(d))
	return err == nil
}

// newsKind says what a report brings.
type newsKind int

const (
	newsNone   newsKind = iota // a heartbeat
	newsQuiet                  // worth keeping, but nothing that Decide waits for
	newsChange                 // Decide should look
)

// news compares a report with the one stored. The version of the cluster state grows with every
// mapping update of any index; it is kept, because membership goes by the highest one, but it asks
// for no work by itself: a change of members or manager shows in those. A new epoch is kept, so
// that what is late from the one before can be told.
func news(old, in *searchpack.Report) newsKind {
	if old == nil || len(newIncidents(old, in)) > 0 || !reflect.DeepEqual(steady(old), steady(in)) {
		return newsChange
	}
	if old.Epoch != in.Epoch || stateOf(old) != stateOf(in) {
		return newsQuiet
	}
	return newsNone
}

type clusterState struct{ term, version int64 }

func stateOf(r *searchpack.Report) clusterState {
	if r.Node == nil {
		return clusterState{}
	}
	return clusterState{r.Node.Term, r.Node.StateVersion}
}

// steady is a report without what changes by itself. Incidents are compared apart: that an agent
// no longer sends those that the server has is no news.
func steady(r *searchpack.Report) searchpack.Report {
	c := *r
	c.Epoch, c.Seq, c.Incidents = 0, 0, nil
	if c.Node != nil {
		n := *c.Node
		n.Term, n.StateVersion = 0, 0
		c.Node = &n
	}
	return c
}

// newIncidents are those of in that the report before did not have, or had in another state.
func newIncidents(old, in *searchpack.Report) []searchpack.Incident {
	had := map[string]bool{}
	if old != nil {
		for _, i := range old.Incidents {
			if i.Healed {
				had[i.ID+" healed"] = true
			}
			had[i.ID] = true
		}
	}
	var out []searchpack.Incident
	for _, i := range in.Incidents {
		if !had[i.ID] || i.Healed && !had[i.ID+" healed"] {
			out = append(out, i)
		}
	}
	return out
}
