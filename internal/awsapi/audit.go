package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/searchpack/searchpack"
)

const (
	// maxDetail bounds an event's text: a message may list fifty broken constraints.
	maxDetail = 300
	// maxSubject bounds what a client named; ids and names that are right are much shorter.
	maxSubject = 256
)

// refused tells Config.Refused that a call which would have changed something failed. Who could not
// be authenticated leaves no event: anybody could fill the log.
func (h *handler) refused(r *http.Request, x *exchange, err error) {
	if h.Refused == nil || x.op == nil || !x.op.mutates() || x.caller.Account == "" {
		return
	}
	h.Refused(context.WithoutCancel(r.Context()), searchpack.Event{
		At: h.Now().UTC(), Account: x.caller.Account, Region: x.caller.Region, Actor: x.caller.ARN,
		AccessKey: x.caller.AccessKey, SourceIP: x.caller.SourceIP, RequestID: x.id,
		Action: x.op.Name, Subject: storable(x.subject, maxSubject),
		Result: resultOf(err), Detail: storable(toWire(x.op, x.id, err).Message, maxDetail),
	})
}

// storable clips what clients sent, without what PostgreSQL takes for no text.
func storable(s string, most int) string {
	return clipTo(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), ""), most)
}

// mutates: AWS names everything that only reads by one of these words.
func (op *operation) mutates() bool {
	for _, reads := range []string{"Describe", "List", "Get"} {
		if strings.HasPrefix(op.Name, reads) {
			return false
		}
	}
	return true
}

// resultOf is the code of the domain's error, or the type that this edge answered by itself.
func resultOf(err error) string {
	var ready *apiError
	if errors.As(err, &ready) {
		return ready.Type
	}
	return string(searchpack.ErrorCode(err))
}

// subjectOf is what a request was about: ids and names of its path and body, as far as they can be
// read, whether they are right or not.
func subjectOf(path map[string]string, body []byte) string {
	var in map[string]json.RawMessage
	_ = json.Unmarshal(body, &in) // what is no object names nothing
	var parts []string
	for _, name := range []string{"PackageID", "PackageName", "DomainName", "ARN"} {
		value, there := path[name]
		if !there {
			_ = json.Unmarshal(in[name], &value) // nor does what is no text
		}
		if value != "" {
			parts = append(parts, clipTo(value, maxSubject))
		}
	}
	return strings.Join(parts, " ")
}
