package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/checks"
	"github.com/searchpack/searchpack/internal/usage"
)

// maxCheckReason of OpenSearch's words about a check that it refuses, in bytes: that of a probe.
const maxCheckReason = 500

// verify carries out DutyVerify: it asks this node's OpenSearch what the checks of a version want to
// know, while the version lies in place. Whatever stands in the way is an error, and the duty is tried
// again; only what OpenSearch answers is judged.
func (w *worker) verify(ctx context.Context, q *searchpack.VerifyTask) (searchpack.DutyResult, error) {
	live := searchpack.Witness{PackageID: q.PackageID, Digest: q.Digest}
	if err := w.isLive(ctx, live); err != nil {
		return searchpack.DutyResult{}, err
	}
	facts, err := w.node.Facts(ctx)
	if err != nil {
		return searchpack.DutyResult{}, err
	}
	shards, err := w.node.LocalShards(ctx, facts.NodeID)
	if err != nil {
		return searchpack.DutyResult{}, err
	}
	var r searchpack.DutyResult
	places := map[string]place{}
	for _, c := range q.Checks {
		p, known := places[c.Index]
		if !known {
			if p, err = w.place(ctx, q.PackageID, c.Index, shards); err != nil {
				return searchpack.DutyResult{}, fmt.Errorf("check %q: %w", c.Name, err)
			}
			places[c.Index] = p
		}
		res, err := w.check(ctx, c, p, q.Anywhere)
		if err != nil {
			return searchpack.DutyResult{}, fmt.Errorf("check %q: %w", c.Name, err)
		}
		r.Verified = append(r.Verified, res)
	}
	return r, w.isLive(ctx, live)
}

// place is what the name of an index in a check stands for.
type place struct {
	indices []string // concrete, open, all of which use the package
	shards  map[string]int
	skipped string // why there is nothing to ask; "" = there is
	// private: an index reads files that Searchpack did not place, so its tokens stay here.
	private bool
}

// here: this node holds a started copy of one of the indices.
func (p place) here() bool { return len(p.shards) > 0 }

// place looks up a name. A check may touch nothing but indices that use the package: else a server
// could ask about all that lies in the cluster.
func (w *worker) place(ctx context.Context, packageID, name string, shards map[string]int) (place, error) {
	raw, err := w.node.IndexState(ctx, name)
	if err != nil {
		return place{}, err
	}
	var doc struct {
		Metadata struct {
			Indices map[string]struct {
				State    string          `json:"state"`
				Settings json.RawMessage `json:"settings"`
			} `json:"indices"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return place{}, searchpack.Errorf(searchpack.ErrUnavailable, "what OpenSearch says of index %s cannot be read: %w", name, err)
	}
	var adopted map[string]string
	if path := w.book.adopted(packageID); path != "" {
		adopted = map[string]string{packageID: path}
	}
	u, err := usage.Parse(searchpack.UsageReport{Schema: 1, State: raw}, adopted, time.Time{})
	if err != nil {
		return place{}, searchpack.Errorf(searchpack.ErrUnavailable, "what OpenSearch says of index %s cannot be read: %w", name, err)
	}
	users := map[string]bool{}
	for _, use := range usage.Users(&u, packageID) {
		users[use.Name] = true
	}
	p := place{indices: slices.Sorted(maps.Keys(doc.Metadata.Indices)), shards: map[string]int{}}
	switch {
	case len(p.indices) == 0:
		p.skipped = "there is no index " + name
	case len(p.indices) > searchpack.MaxCheckIndices:
		p.skipped = fmt.Sprintf("%s stands for %d indices; the limit is %d", name, len(p.indices), searchpack.MaxCheckIndices)
	}
	for _, index := range p.indices {
		state := doc.Metadata.Indices[index]
		switch {
		case p.skipped != "":
		case !users[index]:
			p.skipped = "index " + index + " does not use the package"
		case state.State != "open":
			p.skipped = "index " + index + " is closed"
		}
		if shard, here := shards[index]; here {
			p.shards[index] = shard
		}
		p.private = p.private || readsElsewhere(string(state.Settings), w.book.ours)
	}
	if p.skipped != "" {
		p.indices = nil
	}
	return p, nil
}

func (w *worker) check(ctx context.Context, c searchpack.Check, p place, anywhere bool) (searchpack.CheckResult, error) {
	r := searchpack.CheckResult{State: searchpack.CheckPassed, Indices: p.indices}
	var err error
	switch {
	case p.skipped != "":
		r.State, r.Reason = searchpack.CheckSkipped, p.skipped
	case !p.here() && !anywhere:
		r.State = searchpack.CheckElsewhere
	case c.Search != nil:
		err = w.search(ctx, c, &r)
	default:
		for _, index := range p.indices {
			if _, here := p.shards[index]; r.State != searchpack.CheckPassed || !here && !anywhere {
				continue
			}
			if err = w.analyzed(ctx, c, index, p, &r); err != nil {
				break
			}
		}
	}
	if searchpack.ErrorCode(err) == searchpack.ErrInvalid {
		reason := "OpenSearch refuses it"
		if !p.private { // a reason may quote what was read
			reason = cutText(searchpack.ErrorMessage(err), maxCheckReason)
		}
		r.State, r.Reason, err = searchpack.CheckFailed, reason, nil
	}
	return r, err
}

// analyzed judges what the index's analyzer makes of the text: as OpenSearch answers, which also knows
// whether there is such an analyzer, and as this node itself has it loaded, if it holds a copy and that
// can be seen. (_analyze goes to any copy.)
func (w *worker) analyzed(ctx context.Context, c searchpack.Check, index string, p place, r *searchpack.CheckResult) error {
	body := map[string]string{"text": c.Analyze.Text}
	if c.Analyze.Analyzer != "" {
		body["analyzer"] = c.Analyze.Analyzer
	} else {
		body["field"] = c.Analyze.Field
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	all, err := w.node.AnalyzeIn(ctx, index, string(b))
	if err != nil {
		return err
	}
	tokens := make([]string, len(all))
	for i, t := range all {
		tokens[i] = t.Text
	}
	if judgeTokens(c, tokens, p, r); r.State == searchpack.CheckFailed || c.Analyze.Analyzer == "" {
		return nil
	}
	shard, here := p.shards[index]
	if !here {
		return nil
	}
	field, err := w.node.AskField(ctx, index)
	if err != nil || field == "" {
		return err
	}
	if tokens, err = w.node.LoadedTerms(ctx, index, shard, field, c.Analyze.Analyzer, c.Analyze.Text); err != nil {
		return err
	}
	judgeTokens(c, tokens, p, r)
	return nil
}

func judgeTokens(c searchpack.Check, tokens []string, p place, r *searchpack.CheckResult) {
	wrong, missing, unwanted := checks.Tokens(c.Expect, tokens)
	if !wrong {
		return
	}
	r.State, r.Missing, r.Unwanted, r.Kept = searchpack.CheckFailed, missing, unwanted, p.private
	if p.private {
		return
	}
	shown := min(len(tokens), searchpack.MaxCheckTokens)
	r.More = len(tokens) - shown
	for _, t := range tokens[:shown] {
		r.Tokens = append(r.Tokens, cutText(strings.ToValidUTF8(t, "?"), maxTokenText))
	}
}

func (w *worker) search(ctx context.Context, c searchpack.Check, r *searchpack.CheckResult) error {
	hits, atLeast, _, err := w.node.Search(ctx, c.Index, checks.Counting(c))
	if err != nil {
		return err
	}
	var found []string
	if body := checks.Finding(c); body != nil {
		if _, _, found, err = w.node.Search(ctx, c.Index, body); err != nil {
			return err
		}
	}
	wrong, missing, unwanted := checks.Hits(c.Expect, hits, found)
	if wrong {
		r.State, r.Hits, r.AtLeast, r.Missing, r.Unwanted = searchpack.CheckFailed, hits, atLeast, missing, unwanted
	}
	return nil
}
