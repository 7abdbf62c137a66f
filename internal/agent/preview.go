package agent

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/searchpack/searchpack"
)

const (
	// maxTokenText of a token that is told, in bytes; the rest is cut.
	maxTokenText = 256
	// maxTokenType of a token's type.
	maxTokenType = 64
)

// preview carries out DutyPreview: what the live file and a candidate make of a text, both inline, so
// that nothing that is live is touched. The tokens leave the node only if the analyses read nothing but
// what Searchpack put here: whose business other files are is not known.
func (w *worker) preview(ctx context.Context, q *searchpack.PreviewTask) (searchpack.DutyResult, error) {
	var r searchpack.PreviewReport
	done := searchpack.DutyResult{Preview: &r}
	if q.Before != "" && !w.book.placed(q.PackageID) { // on its way there, or damaged: the placer sees to it
		return searchpack.DutyResult{}, searchpack.Errorf(searchpack.ErrConflict, "the file of %s is not in place on this node", q.PackageID)
	}
	if q.Before != "" && readsElsewhere(q.Before, w.book.ours) || readsElsewhere(q.After, w.book.ours) {
		r.Refused = "the analyzer also reads files on the node that Searchpack did not place: what it makes of a text stays there"
		return done, nil
	}
	// Both must be here before either is asked about: an analysis of a large file takes seconds.
	if err := w.lies(ctx, searchpack.CandidatePath(q.Candidate), q.Candidate); err != nil {
		return searchpack.DutyResult{}, err
	}
	var err error
	if q.Before != "" {
		if r.Before, err = w.tokens(ctx, searchpack.FilePath(q.PackageID, w.book.adopted(q.PackageID)), q.Live, q.Before, q.Text); err != nil {
			return refusal(err, "with the file that serves: ")
		}
	}
	if r.After, err = w.tokens(ctx, searchpack.CandidatePath(q.Candidate), q.Candidate, q.After, q.Text); err != nil {
		return refusal(err, "with the version: ")
	}
	return done, nil
}

// refusal is the answer when OpenSearch refuses an analysis; every other error is tried again.
func refusal(err error, which string) (searchpack.DutyResult, error) {
	if searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		return searchpack.DutyResult{}, err
	}
	return searchpack.DutyResult{Preview: &searchpack.PreviewReport{Refused: which + searchpack.ErrorMessage(err)}}, nil
}

// tokens analyzes the text while the file at the path has the bytes.
func (w *worker) tokens(ctx context.Context, path string, digest searchpack.Digest, body, text string) (*searchpack.Tokens, error) {
	body, err := withText(body, text)
	if err != nil {
		return nil, err
	}
	if err := w.lies(ctx, path, digest); err != nil {
		return nil, err
	}
	all, err := w.node.Tokens(ctx, body)
	if err != nil {
		return nil, err
	}
	if err := w.lies(ctx, path, digest); err != nil {
		return nil, err
	}
	shown := min(len(all), searchpack.MaxPreviewTokens)
	out := &searchpack.Tokens{Tokens: all[:shown:shown], More: len(all) - shown}
	for i := range out.Tokens {
		t := &out.Tokens[i]
		t.Text, t.Type = cutText(strings.ToValidUTF8(t.Text, "?"), maxTokenText), cutText(t.Type, maxTokenType)
	}
	return out, nil
}

// withText puts the text into an inline body.
func withText(body, text string) (string, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &m); err != nil || m == nil {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "what is to be analyzed is no JSON object")
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	m["text"] = quoted
	b, err := json.Marshal(m)
	return string(b), err
}
