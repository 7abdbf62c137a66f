package searchpack

import (
	"bytes"
	"encoding/json"
)

// Bounds of a version's verify checks. The document goes into a row, and its checks into the order of
// every node.
const (
	MaxChecksBytes = 64 << 10 // of the document as it is shipped
	MaxChecks      = 50
	MaxCheckName   = 100     // characters
	MaxCheckText   = 1 << 10 // bytes of a text or query: that of a witness or preview
	MaxCheckToken  = 256     // bytes of a token
	MaxCheckID     = 512     // bytes, OpenSearch's own bound of a document's id
	MaxCheckList   = 20      // tokens, ids or fields in one list
	// MaxCheckHits bounds min_hits and max_hits: OpenSearch counts no further by default.
	MaxCheckHits = 10_000
	// MaxCheckIndices is how many concrete indices the name in a check may stand for.
	MaxCheckIndices = 20
	// MaxCheckTokens that a node tells of a failed analysis; the rest is counted.
	MaxCheckTokens = 50
)

// Check is one verify check of a version: a question to OpenSearch and what it must answer once the
// version is loaded. Exactly one of Analyze and Search is set.
type Check struct {
	Name    string        `json:"name"`  // one of its kind in the version
	Index   string        `json:"index"` // a concrete name, an alias, or a data stream
	Analyze *AnalyzeCheck `json:"analyze,omitempty"`
	Search  *SearchCheck  `json:"search,omitempty"`
	Expect  Expectation   `json:"expect"`
}

// AnalyzeCheck asks what an analyzer of the index makes of a text. Exactly one of Analyzer and Field is
// set; a field stands for its index analyzer, as in OpenSearch's _analyze.
type AnalyzeCheck struct {
	Analyzer string `json:"analyzer,omitempty"`
	Field    string `json:"field,omitempty"`
	Text     string `json:"text"`
}

// SearchCheck is one query, written as in OpenSearch's query language. Exactly one member is set, and a
// map has exactly one field.
type SearchCheck struct {
	Match       map[string]CheckQuery `json:"match,omitempty"`
	MatchPhrase map[string]CheckQuery `json:"match_phrase,omitempty"`
	MultiMatch  *CheckMultiMatch      `json:"multi_match,omitempty"`
}

// CheckQuery is what is searched for in one field.
type CheckQuery struct {
	Query              string `json:"query"`
	Analyzer           string `json:"analyzer,omitempty"`
	Operator           string `json:"operator,omitempty"`             // "and" or "or"; of match only
	MinimumShouldMatch string `json:"minimum_should_match,omitempty"` // of match only
	Slop               int    `json:"slop,omitempty"`                 // of match_phrase only
}

// UnmarshalJSON also takes a string, which is the query alone: {"match":{"title":"laptop"}}.
func (q *CheckQuery) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		*q = CheckQuery{}
		return json.Unmarshal(b, &q.Query)
	}
	type plain CheckQuery
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(q))
}

// CheckMultiMatch is what is searched for in several fields.
type CheckMultiMatch struct {
	Query              string   `json:"query"`
	Fields             []string `json:"fields"`
	Type               string   `json:"type,omitempty"`
	Analyzer           string   `json:"analyzer,omitempty"`
	Operator           string   `json:"operator,omitempty"`
	MinimumShouldMatch string   `json:"minimum_should_match,omitempty"`
}

// Expectation is what a check must give. The first three are of tokens, the others of hits.
type Expectation struct {
	Contains []string `json:"contains,omitempty"` // each is among the tokens
	Equals   []string `json:"equals,omitzero"`    // these and no others, in any order; empty = no token at all
	Excludes []string `json:"excludes,omitempty"` // none is among the tokens

	MinHits     *int64   `json:"min_hits,omitempty"`
	MaxHits     *int64   `json:"max_hits,omitempty"`
	IDs         []string `json:"ids,omitempty"`          // each is found, at whatever place
	ExcludesIDs []string `json:"excludes_ids,omitempty"` // none is found
}

// VerifyTask is the checks of one version as an agent gets them, in a duty.
type VerifyTask struct {
	PackageID string  `json:"package_id"`
	Digest    Digest  `json:"digest"` // of the live file; while another lies there nothing is asked
	Checks    []Check `json:"checks"`
	// Anywhere: ask also where this node holds no started copy of the index. One node does, so that
	// each check is asked somewhere.
	Anywhere bool `json:"anywhere,omitempty"`
}

// CheckState is what came of a check on one node.
type CheckState string

// The check states.
const (
	CheckPassed CheckState = "passed"
	CheckFailed CheckState = "failed"
	// CheckSkipped: there is nothing to ask, for example because no such index uses the package. Reason
	// says why.
	CheckSkipped CheckState = "not run"
	// CheckElsewhere: the node holds no started copy of the index, and others were asked.
	CheckElsewhere CheckState = "not here"
)

// CheckResult is what one node says to one check. It holds no document, and of a document no more than
// whether an id that the check names is found.
type CheckResult struct {
	State CheckState `json:"state"`
	// Indices are the concrete ones that were asked, MaxCheckIndices at most.
	Indices []string `json:"indices,omitempty"`
	// Of a failed analysis: what came, and how much more; Kept says that it stays on the node.
	Tokens []string `json:"tokens,omitempty"`
	More   int      `json:"more,omitempty"`
	Kept   bool     `json:"kept,omitempty"`
	// Of a failed search: how many hits; AtLeast: OpenSearch counted no further.
	Hits    int64 `json:"hits,omitempty"`
	AtLeast bool  `json:"at_least,omitempty"`
	// Missing and Unwanted are those of the check's own tokens or ids.
	Missing  []string `json:"missing,omitempty"`
	Unwanted []string `json:"unwanted,omitempty"`
	// Reason says why it was not run, or in OpenSearch's words why it refuses.
	Reason string `json:"reason,omitempty"`
}
