package front

import (
	"net/http"
	"net/url"
	"strings"
)

// target is who answers a request.
type target string

const (
	toAPI     target = "api"
	toS3      target = "s3"
	toSTS     target = "sts"
	toHealth  target = "health"
	toNowhere target = "nowhere" // signed for a service that the stack has not
)

// healthPath is asked without credentials.
const healthPath = "/searchpack/v1/health"

// apiPaths are the paths of requests that name no service: unsigned, garbled or signed in a form
// that carries no scope. They get the API's own refusal.
var apiPaths = []string{"/2021-01-01/", "/2015-01-01/", "/searchpack/"}

// route says who answers: whom the credential scope names, if there is one; else by path; else S3
// (a presigned URL of the older style carries no scope).
func route(r *http.Request) (target, string) {
	if r.URL.Path == healthPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		if s, ok := service(r); !ok || s == "es" {
			return toHealth, ""
		}
	}
	if s, ok := service(r); ok {
		switch s {
		case "es":
			return toAPI, s
		case "s3":
			return toS3, s
		case "sts":
			return toSTS, s
		default:
			return toNowhere, s
		}
	}
	for _, p := range apiPaths {
		if strings.HasPrefix(r.URL.Path, p) {
			return toAPI, ""
		}
	}
	return toS3, ""
}

// service returns the service of the request's credential scope. False: there is no well-formed one.
func service(r *http.Request) (string, bool) {
	for _, h := range r.Header.Values("Authorization") {
		if s, ok := serviceOfHeader(h); ok {
			return s, true
		}
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return "", false
	}
	// Broken pairs elsewhere in the query do not hide the scope.
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if v, ok := strings.CutPrefix(pair, "X-Amz-Credential="); ok {
			if v, err := url.QueryUnescape(v); err == nil {
				return serviceOfScope(v)
			}
		}
	}
	return "", false
}

// serviceOfHeader reads "AWS4-HMAC-SHA256 Credential=AKID/date/region/service/aws4_request, ...".
func serviceOfHeader(h string) (string, bool) {
	algorithm, rest, ok := strings.Cut(h, " ")
	if !ok || !strings.HasPrefix(algorithm, "AWS4-") {
		return "", false
	}
	for part := range strings.SplitSeq(rest, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "Credential="); ok {
			return serviceOfScope(v)
		}
	}
	return "", false
}

// serviceOfScope reads AKID/date/region/service/aws4_request, or without region (SigV4a). The key
// itself may hold slashes, so it is read from the end.
func serviceOfScope(scope string) (string, bool) {
	p := strings.Split(scope, "/")
	if len(p) < 4 || p[len(p)-1] != "aws4_request" || p[len(p)-2] == "" || len(p[len(p)-2]) > 64 {
		return "", false
	}
	return p[len(p)-2], true
}
