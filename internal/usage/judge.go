package usage

import (
	"net/http"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxReason is how long a reason may be, in characters (searchpack.ProbeResult.Reason).
const maxReason = 500

// Answer is what a node said to one inline _analyze.
type Answer struct {
	Status int    // HTTP; 0 if there was no answer
	Type   string // error.type
	Reason string // error.reason, with the causes that OpenSearch gives
	Err    string // of the transport: refused, timed out, cut off
}

// Passed reports whether the node built the chain.
func (a Answer) Passed() bool {
	if a.Err != "" {
		return false
	}
	// The chain stood and the text became too many tokens: the file was read.
	if strings.Contains(a.Reason, "number of tokens produced by calling _analyze has exceeded") {
		return true
	}
	return a.Status == http.StatusOK && a.Type == "" && a.Reason == ""
}

// busy lists error types that say nothing about the request, whatever the status.
var busy = []string{
	"rejected_execution_exception", "opensearch_rejected_execution_exception", "circuit_breaking_exception",
	"node_closed_exception", "node_disconnected_exception", "receive_timeout_transport_exception",
	"task_cancelled_exception", "cluster_block_exception", "master_not_discovered_exception",
	"cluster_manager_not_discovered_exception", "process_cluster_event_timeout_exception",
}

// Retry reports whether asking again later may bring another answer.
func (a Answer) Retry() bool {
	if a.Err != "" || a.Status == 0 {
		return true
	}
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return slices.Contains(busy, a.Type)
}

// lacks reports whether the node has no such component: a plugin is missing here.
func (a Answer) lacks() bool {
	return strings.Contains(a.Reason, "failed to find global ")
}

// NeedsControl reports whether Judge needs the answer to the control probe.
func (a Answer) NeedsControl() bool { return !a.Passed() && !a.Retry() && !a.lacks() }

// Judge says what the node's answer about a candidate means. control is the answer to the same call
// with a file known to be good, and counts only if candidate.NeedsControl(). The HTTP status alone
// says nothing: bad mapping rules are 500s, and so is a folder that the node may not read. The
// reason is OpenSearch's, in one line of at most 500 characters; "" when good.
func Judge(candidate, control Answer) (searchpack.Verdict, string) {
	switch {
	case candidate.Passed():
		return searchpack.VerdictGood, ""
	case candidate.Retry():
		return searchpack.VerdictRetry, candidate.text()
	case candidate.lacks():
		return searchpack.VerdictNone, cut("a plugin is missing on this node: " + candidate.text())
	case control.Passed():
		return searchpack.VerdictBad, candidate.text()
	case control.Retry():
		return searchpack.VerdictRetry, control.text()
	}
	return searchpack.VerdictNone, cut("the control probe fails too: " + control.text() + "; the candidate: " + candidate.text())
}

func (a Answer) text() string {
	switch {
	case a.Err != "":
		return cut(a.Err)
	case a.Reason != "":
		return cut(a.Reason)
	case a.Type != "":
		return cut(a.Type)
	case a.Status == 0:
		return "no answer"
	}
	return "HTTP " + http.StatusText(a.Status)
}

// cut makes one line of at most maxReason characters.
func cut(s string) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > maxReason {
		r = append(r[:maxReason-1], '…')
	}
	return string(r)
}
