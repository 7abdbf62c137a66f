package agentapi

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/searchpack/searchpack"
)

// What one agent may have under way at a time. A well one has a long poll, a report and a blob; what
// a broken network leaves half-way counts until its time is over, hence the room.
const (
	maxUnderWay      = 16
	maxUsageUnderWay = 3
)

// parsers is how many reports, and how many usage reports, are taken apart at a time in this
// process: while it is, one may take many times the memory of its text.
const (
	reportParsers = 4
	usageParsers  = 4
)

// gate counts what is under way, by agent.
type gate struct {
	mu    sync.Mutex
	count map[string]int
}

// enter counts one more unless there are limit; leave must be called then.
func (g *gate) enter(key string, limit int) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count[key] >= limit {
		return nil, false
	}
	if g.count == nil {
		g.count = map[string]int{}
	}
	g.count[key]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.count[key]--; g.count[key] == 0 {
			delete(g.count, key)
		}
	}, true
}

// limited lets at most limit requests of one agent into h at a time.
func limited(g *gate, limit int, h agentHandler) agentHandler {
	return func(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
		leave, ok := g.enter(a.ID, limit)
		if !ok {
			return tooMany(limit)
		}
		defer leave()
		return h(w, r, a)
	}
}

func tooMany(limit int) error {
	return &wireError{http.StatusTooManyRequests, string(searchpack.ErrUnavailable),
		fmt.Sprintf("This agent has %d such requests under way already. Try again.", limit)}
}

// slots are taken by whoever does something that few may do at a time.
type slots chan struct{}

// within runs f in a slot, waiting for one until the request ends.
func (s slots) within(r *http.Request, f func() error) error {
	select {
	case s <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	defer func() { <-s }()
	return f()
}

// elements counts what in JSON may become a value of its own, from a few bytes there to some hundred
// once decoded: objects, lists and what stands after a comma. Text that is no JSON gives any number.
func elements(b []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case !quoted && (c == '{' || c == '[' || c == ','):
			n++
		}
	}
	return n
}
