package opensearch

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxWords is how much of OpenSearch's own words is kept, in bytes.
const maxWords = 4 << 10

// problem is the "error" of an answer: an object, or for unknown routes a string.
type problem struct {
	Type       string    `json:"type"`
	Reason     string    `json:"reason"`
	Suppressed []problem `json:"suppressed"`
	CausedBy   *problem  `json:"caused_by"`
}

// problem reads type and reason of an error answer. Both are "" if the answer is not OpenSearch's
// (a proxy's page, for example).
func (a *answer) problem() (typ, reason string) {
	var doc struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(a.body, &doc) != nil || len(doc.Error) == 0 {
		return "", ""
	}
	var text string
	if json.Unmarshal(doc.Error, &text) == nil {
		return "", cut(text)
	}
	var p problem
	if json.Unmarshal(doc.Error, &p) != nil {
		return "", ""
	}
	return p.Type, cut(strings.Join(p.reasons(0), ": "))
}

// reasons lists the reason and those below it that say something more: OpenSearch 3.x keeps the
// useful one in "suppressed".
func (p *problem) reasons(depth int) []string {
	var out []string
	if p.Reason != "" {
		out = append(out, p.Reason)
	}
	below := p.Suppressed
	if p.CausedBy != nil {
		below = append(below[:len(below):len(below)], *p.CausedBy)
	}
	if depth == 4 {
		below = nil
	}
	for i := range below[:min(len(below), 3)] {
		for _, r := range below[i].reasons(depth + 1) {
			if !strings.Contains(strings.Join(out, ": "), r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// permissions that a user of OpenSearch needs for each path, by the start or the end of the path.
var permissions = []struct{ part, permission string }{
	{"/_analyze", "indices:admin/analyze"},
	{"/_termvectors", "indices:data/read/tv"},
	{"/_search", "indices:data/read/search"},
	{"/_mapping", "indices:admin/mappings/get"},
	{"_refresh_search_analyzers", "indices:admin/refresh_search_analyzers"},
	{"/_cache/clear", "indices:admin/cache/clear"},
	{"/_cluster/reroute", "cluster:admin/reroute"},
	{"/_cluster/state", "cluster:monitor/state"},
	{"/_cluster/health", "cluster:monitor/health"},
	{"/_cluster/settings", "cluster:admin/settings/update, and cluster:monitor/state to read them"},
	{"/_flush", "indices:admin/flush"},
	{"/_nodes/", "cluster:monitor/nodes/info"},
}

// failure turns an error answer into an *Error that says what to do. Reasons of the security plugin
// name the user, so they are not repeated.
func (a *answer) failure(path string) *searchpack.Error {
	typ, reason := a.problem()
	switch {
	case a.status == http.StatusUnauthorized:
		return searchpack.Errorf(searchpack.ErrDenied, "OpenSearch refuses the credentials (401) for %s: check the credentials file and start again", path)
	case a.status == http.StatusForbidden && (typ == "security_exception" || typ == ""):
		for _, p := range permissions {
			if strings.Contains(path, p.part) {
				return searchpack.Errorf(searchpack.ErrDenied, "OpenSearch refuses %s (403): give the agent's user the permission %s", path, p.permission)
			}
		}
		return searchpack.Errorf(searchpack.ErrDenied, "OpenSearch refuses %s (403)", path)
	case a.status >= 300 && a.status < 400:
		return searchpack.Errorf(searchpack.ErrInvalid, "the address of OpenSearch answers %s with a redirect (%d), which is not followed: use the node's own address", path, a.status)
	}
	reason = cmp.Or(reason, typ, http.StatusText(a.status))
	code := searchpack.ErrUnavailable
	if a.status == http.StatusBadRequest || a.status == http.StatusNotFound {
		code = searchpack.ErrInvalid
	}
	return searchpack.Errorf(code, "OpenSearch answers %s with %d: %s", path, a.status, reason)
}

// noRoute reports whether the answer is that of a node without a handler for the path.
func (a *answer) noRoute() bool {
	_, reason := a.problem()
	return a.status == http.StatusBadRequest && strings.HasPrefix(reason, "no handler found for uri")
}

func cut(s string) string {
	if len(s) > maxWords {
		return strings.ToValidUTF8(s[:maxWords], "")
	}
	return s
}
