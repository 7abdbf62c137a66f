package sigv4

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// check decides on everything that needs no secret: what must be signed, scope and date. It comes
// before the lookup, so its answers do not depend on whether the access key exists.
func (a *authorization) check(r *http.Request, opts Options) error {
	if !slices.Contains(a.signedHeaders, "host") {
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	must := []string{a.dateHeader}
	if len(r.Header.Values(tokenHeader)) > 0 {
		must = append(must, tokenHeader)
	}
	for _, name := range must {
		if !slices.Contains(a.signedHeaders, strings.ToLower(name)) {
			return invalid("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	if err := a.checkScope(opts); err != nil {
		return err
	}
	return a.checkDate(opts)
}

func (a *authorization) checkScope(opts Options) error {
	services := opts.Services
	if services == nil {
		services = []string{service}
	}
	switch {
	case a.term != terminator:
		return invalid("Credential should be scoped with a valid terminator: '" + terminator + "'.")
	case !slices.Contains(services, a.service):
		return invalid("Credential should be scoped to correct service: '" + strings.Join(services, "', '") + "'.")
	case !wellFormedRegion(a.region):
		return invalid("Credential should be scoped to a valid region.")
	case opts.Regions != nil && !slices.Contains(opts.Regions, a.region):
		return invalid("Credential should be scoped to a valid region, not '" + a.region + "'. ")
	case a.day != a.date[:len("20060102")]:
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + a.date + "'.")
	}
	return nil
}

// wellFormedRegion keeps what later becomes part of ARNs and keys to letters, digits and hyphens.
func wellFormedRegion(s string) bool {
	return s != "" && len(s) <= maxRegion && s[0] >= 'a' && s[0] <= 'z' && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
	})
}

// checkDate uses AWS's words, which SDKs look for to correct their clock.
func (a *authorization) checkDate(opts Options) error {
	skew := opts.Skew
	if skew == 0 {
		skew = DefaultSkew
	}
	now := opts.Now.UTC()
	stamp := func(t time.Time) string { return t.Format(dateFormat) }
	// Whole seconds, as the dates have.
	switch earliest, latest := now.Truncate(time.Second).Add(-skew), now.Add(skew); {
	case a.time.Before(earliest):
		return invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)", a.date, stamp(earliest), stamp(now), minutes(skew)))
	case a.time.After(latest):
		return invalid(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s.)", a.date, stamp(latest), stamp(now), minutes(skew)))
	}
	return nil
}

func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d sec", d/time.Second)
}
