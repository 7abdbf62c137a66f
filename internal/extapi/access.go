package extapi

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/searchpack/searchpack"
)

// authorize asks whether the caller may do the operation: on the domain of the path, else on "*".
func (e *edge) authorize(c *call, name string) error {
	if e.Authorize == nil {
		return nil
	}
	resource := "*"
	if domain := c.PathValue("domain"); domain != "" {
		resource = c.who.Key(domain).ARN()
	}
	return e.Authorize(c.who, actionPrefix+name, resource, nil)
}

// Bounds of what a failed call leaves in the audit log, in characters.
const (
	maxDetail  = 500
	maxSubject = 128
)

// note tells of a mutating call that failed. Who is not known to the server is in its log only:
// else anybody could fill the audit log.
func (e *edge) note(c call, name string, err error) {
	if e.Refused == nil || c.Method == http.MethodGet || c.Method == http.MethodHead || c.who.Account == "" {
		return
	}
	code := searchpack.ErrorCode(err)
	if _, known := statuses[code]; !known {
		code, err = searchpack.ErrInternal, nil // its text is for the server's log
	}
	e.Refused(c.Context(), searchpack.Event{
		Account: c.who.Account, Region: c.who.Region, Actor: c.who.ARN, Action: name,
		Subject: storable(*c.subject, maxSubject), Detail: storable(searchpack.ErrorMessage(err), maxDetail), Result: string(code),
		AccessKey: c.who.AccessKey, SourceIP: c.who.SourceIP, RequestID: c.who.RequestID,
	})
}

// storable makes a text that a caller may have had a part in fit for a column: databases refuse
// some characters.
func storable(s string, most int) string {
	r := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar))))
	return string(r[:min(len(r), most)])
}
