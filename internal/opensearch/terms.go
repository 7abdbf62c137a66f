package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// analyzed is a token of an answer to _analyze. Offsets count UTF-16 units.
type analyzed struct {
	Token          string `json:"token"`
	Type           string `json:"type"`
	Start          int    `json:"start_offset"`
	End            int    `json:"end_offset"`
	Position       int    `json:"position"`
	PositionLength int    `json:"positionLength"`
}

const analyzePath = "/_analyze"

// analyze sends an _analyze body. ErrInvalid: the node refuses the body, or what it reads; everything
// else may go better later.
func (c *Client) analyze(ctx context.Context, path, body string) ([]analyzed, error) {
	a, err := c.do(ctx, max(c.timeout, ReadTimeout), http.MethodPost, path, nil, []byte(body), maxAnswer)
	if err != nil {
		return nil, err
	}
	path = analyzePath
	if a.status != http.StatusOK {
		return nil, a.refusal(path)
	}
	var doc struct {
		Tokens *[]analyzed `json:"tokens"`
	}
	if err := a.decode(path, &doc); err != nil {
		return nil, err
	}
	if doc.Tokens == nil {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to %s holds no tokens", path)
	}
	return *doc.Tokens, nil
}

// refusal is what an answer other than 200 to a question means: ErrInvalid if the question is refused,
// ErrUnavailable if it may be answered later, by another state of the cluster or with more permissions.
func (a *answer) refusal(path string) error {
	typ, reason := a.problem()
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden && (typ == "security_exception" || typ == ""):
		return searchpack.Errorf(searchpack.ErrUnavailable, "%s", a.failure(path).Message)
	case (usage.Answer{Status: a.status, Type: typ, Reason: reason}).Retry(), a.status == http.StatusForbidden, gone(typ):
		return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers %s with %d: %s", path, a.status, cut(reason))
	}
	return searchpack.Errorf(searchpack.ErrInvalid, "OpenSearch answers %s with %d: %s", path, a.status, cut(reason))
}

// gone: the index is not there any more, or closed.
func gone(typ string) bool {
	return typ == "index_not_found_exception" || typ == "index_closed_exception"
}

// Tokens sends an inline _analyze body to this node and returns what comes, in its order. Errors are
// those of analyze.
func (c *Client) Tokens(ctx context.Context, body string) ([]searchpack.Token, error) {
	return c.tokens(ctx, analyzePath, body)
}

// AnalyzeIn sends an _analyze body to an index, whose analyzers it may name. Any node that holds a copy
// of it may answer. Errors as Tokens; an index that has gone meanwhile is ErrUnavailable.
func (c *Client) AnalyzeIn(ctx context.Context, index, body string) ([]searchpack.Token, error) {
	return c.tokens(ctx, "/"+url.PathEscape(index)+analyzePath, body)
}

func (c *Client) tokens(ctx context.Context, path, body string) ([]searchpack.Token, error) {
	all, err := c.analyze(ctx, path, body)
	if err != nil {
		return nil, err
	}
	tokens := make([]searchpack.Token, len(all))
	for i, t := range all {
		tokens[i] = searchpack.Token{Text: t.Token, Position: t.Position, Length: t.PositionLength, Type: t.Type}
	}
	return tokens, nil
}

// Terms returns, for each text, the terms that the inline body makes of it: sorted, one for each time
// it came. The node builds the chain anew for each request, which of a large file takes seconds, so
// all texts go in one; where the answer does not tell beyond doubt which term is of which text, each
// goes alone. Errors are those of Tokens.
func (c *Client) Terms(ctx context.Context, body string, texts []string) ([][]string, error) {
	if len(texts) > 1 {
		// The first comes again at the end, to check what is known of offsets: see apart.
		all, err := c.analyzeTexts(ctx, body, append(texts[:len(texts):len(texts)], texts[0]))
		switch {
		case err == nil:
			if out, ok := apart(texts, all); ok {
				return out, nil
			}
		case searchpack.ErrorCode(err) != searchpack.ErrInvalid: // too many tokens together is refused
			return nil, err
		}
	}
	out := make([][]string, len(texts))
	for i, text := range texts {
		all, err := c.analyzeTexts(ctx, body, text)
		if err != nil {
			return nil, err
		}
		out[i] = sortedTerms(all)
	}
	return out, nil
}

// analyzeTexts puts a text, or a list of them, into the body and sends it.
func (c *Client) analyzeTexts(ctx context.Context, body string, text any) ([]analyzed, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &m); err != nil || m == nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "what is to be analyzed is no JSON object")
	}
	var err error
	if m["text"], err = json.Marshal(text); err != nil {
		return nil, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return c.analyze(ctx, analyzePath, string(b))
}

func sortedTerms(all []analyzed) []string {
	terms := make([]string, len(all))
	for i, t := range all {
		terms[i] = t.Token
	}
	slices.Sort(terms)
	return terms
}

// apart tells which of the tokens are of which text. OpenSearch analyzes a list as one field of
// several values (TransportAnalyzeAction.simpleAnalyze): the offsets of each text begin one unit after
// the end of the one before. The first text was sent once more at the end: its tokens must lie there
// as they lay at the beginning, so that no text in between ended elsewhere than thought. false: they
// do not, or a token lies in no text, or texts are mixed, or there is no token to check with.
func apart(texts []string, all []analyzed) ([][]string, bool) {
	parts := make([][]analyzed, len(texts)+1)
	begin, i, next := 0, 0, utf16Len(texts[0])
	for _, t := range all {
		for t.Start > next && i < len(texts) {
			i, begin = i+1, next+1
			next = begin + utf16Len(texts[i%len(texts)])
		}
		if t.Start < begin || t.End < t.Start || t.End > next {
			return nil, false
		}
		t.Start, t.End = t.Start-begin, t.End-begin
		parts[i] = append(parts[i], t)
	}
	first, again := parts[0], parts[len(texts)]
	same := func(a, b analyzed) bool { return a.Token == b.Token && a.Start == b.Start && a.End == b.End }
	if len(first) == 0 || !slices.EqualFunc(first, again, same) {
		return nil, false
	}
	out := make([][]string, len(texts))
	for i := range out {
		out[i] = sortedTerms(parts[i])
	}
	return out, true
}

// utf16Len is the length of a text as Java counts it.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
