package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// callBound is longer than the longest time-out that a call names for OpenSearch itself.
const callBound = 60 * time.Second

// errNoNode is the cause when there is nobody to ask.
var errNoNode = errors.New("no node of the cluster answers")

// call asks a running node other than not ("": any), and the next if one does not answer. An
// answer from 300 on is an error that holds its beginning.
func (c *Cluster) call(ctx context.Context, not, method, path string, body, answer any) error {
	last := errNoNode
	for _, n := range c.Nodes() {
		if n.name == not || !n.Running() {
			continue
		}
		status, text, err := n.send(ctx, callBound, method, path, body)
		switch {
		case err != nil:
			last = fmt.Errorf("%w: %w", errNoNode, err)
			continue
		case status >= http.StatusMultipleChoices:
			return fmt.Errorf("%s %s on %s of %s: status %d: %.300s", method, path, n.name, c.name, status, text)
		case answer == nil:
			return nil
		}
		if err := json.Unmarshal(text, answer); err != nil {
			return fmt.Errorf("%s %s on %s of %s: %w", method, path, n.name, c.name, err)
		}
		return nil
	}
	return last
}

// send asks the node. A body is sent as JSON.
func (n *Node) send(ctx context.Context, bound time.Duration, method, path string, body any) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.URL()+path, in)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.cluster.http.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	return resp.StatusCode, text, err
}

// every calls f until it is done, fails, or ctx ends; then the error says what f waited for last.
func every(ctx context.Context, pause time.Duration, f func() (waitsFor string, err error)) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	last := ""
	for {
		waitsFor, err := f()
		switch {
		case err == nil && waitsFor == "":
			return nil
		case ctx.Err() != nil && last != "": // f was cut short: what it said before tells more
		case err == nil:
			last = waitsFor
		case errors.Is(err, errNoNode):
			last = err.Error()
		default:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s (%w)", last, context.Cause(ctx))
		}
	}
}
