package sigv4

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	dateFormat = "20060102T150405Z"
	service    = "es"

	tokenHeader = "X-Amz-Security-Token"
)

// Bounds of what is read from a header that anybody may write. SDKs send about 300 bytes and at
// most ten signed headers.
const (
	maxAuthorization = 4096
	maxSignedHeaders = 64
	maxAccessKey     = 128
	maxRegion        = 32
)

// authorization is the Authorization header taken apart, with the request's date.
type authorization struct {
	accessKey            string
	day, region, service string
	term                 string
	signedHeaders        []string // lower case, sorted, each once
	signature            []byte
	dateHeader           string // that the date was in: X-Amz-Date, or Date
	date                 string // as it is signed: X-Amz-Date as sent
	time                 time.Time
}

// scope is the credential scope as signed.
func (a *authorization) scope() string {
	return a.day + "/" + a.region + "/" + a.service + "/" + a.term
}

// parse reads the headers. Nothing of a malformed Authorization header is echoed: it may be
// another scheme's and hold a password.
func parse(r *http.Request) (*authorization, error) {
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) == 0 && presigned(r):
		return nil, incomplete("Presigned URLs are not accepted. Send the signature in an Authorization header, as the SDKs do.")
	case len(headers) == 0 || headers[0] == "":
		return nil, errMissing
	case len(headers) > 1:
		return nil, incomplete("More than one Authorization header was sent.")
	case len(headers[0]) > maxAuthorization:
		return nil, incomplete("The Authorization header is too long.")
	}
	rest, ok := strings.CutPrefix(headers[0], algorithm)
	if !ok || (rest != "" && rest[0] != ' ') {
		return nil, incomplete("Unsupported AWS 'algorithm' in the Authorization header: only '" + algorithm + "' is accepted.")
	}
	fields, err := parseFields(rest)
	if err != nil {
		return nil, err
	}
	return build(r, fields)
}

func presigned(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") || strings.Contains(r.URL.RawQuery, "X-Amz-Credential=")
}

// parseFields reads "Credential=..., SignedHeaders=..., Signature=...".
func parseFields(s string) (map[string]string, error) {
	fields := make(map[string]string, 3)
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, incomplete("A part of the Authorization header is not a key=value pair (missing equal-sign).")
		}
		if _, twice := fields[name]; twice || !slices.Contains(parameters, name) {
			return nil, incomplete("The Authorization header must have exactly the parameters 'Credential', 'SignedHeaders' and 'Signature'.")
		}
		fields[name] = value
	}
	return fields, nil
}

var parameters = []string{"Credential", "Signature", "SignedHeaders"}

// build checks that everything is there and takes it apart.
func build(r *http.Request, fields map[string]string) (*authorization, error) {
	dateHeader, dates := dateOf(r)
	var missing []string
	for _, name := range parameters {
		if fields[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if len(dates) == 0 {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return nil, incomplete(strings.Join(missing, " "))
	}
	t, err := time.Parse(dateFormat, dates[0])
	if err != nil && dateHeader == "Date" {
		t, err = http.ParseTime(dates[0])
	}
	if err != nil || len(dates) > 1 {
		return nil, incomplete("The '" + dateHeader + "' header must be one date in ISO-8601 'basic format', for example 20060102T150405Z.")
	}
	a := &authorization{dateHeader: dateHeader, date: t.UTC().Format(dateFormat), time: t}
	if err := a.parseCredential(fields["Credential"]); err != nil {
		return nil, err
	}
	if err := a.parseSignedHeaders(fields["SignedHeaders"]); err != nil {
		return nil, err
	}
	if a.signature, err = hex.DecodeString(fields["Signature"]); err != nil || len(a.signature) != 32 {
		return nil, incomplete("The 'Signature' parameter must be 64 hexadecimal digits.")
	}
	return a, nil
}

// dateOf returns the header that says when the request was signed. Date counts where X-Amz-Date is
// missing, and may be written as HTTP does.
func dateOf(r *http.Request) (name string, values []string) {
	const own = "X-Amz-Date"
	if values = r.Header.Values(own); len(values) > 0 {
		return own, values
	}
	if values = r.Header.Values("Date"); len(values) > 0 {
		return "Date", values
	}
	return own, nil
}

// parseCredential reads "AKID/20060102/us-east-1/es/aws4_request".
func (a *authorization) parseCredential(s string) error {
	parts := strings.Split(s, "/")
	if len(parts) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	a.accessKey, a.day, a.region, a.service, a.term = parts[0], parts[1], parts[2], parts[3], parts[4]
	if a.accessKey == "" || len(a.accessKey) > maxAccessKey || !printable(a.accessKey) {
		return incomplete("The access key in 'Credential' is empty, too long or has characters that no access key has.")
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// parseSignedHeaders wants them as every signer writes them; another order never matches anyway.
func (a *authorization) parseSignedHeaders(s string) error {
	names := strings.Split(s, ";")
	if len(names) > maxSignedHeaders {
		return incomplete("'SignedHeaders' names too many headers.")
	}
	for i, name := range names {
		if name == "" || strings.ContainsFunc(name, notLowerToken) || (i > 0 && names[i-1] >= name) {
			return incomplete("'SignedHeaders' must be lower-case header names, sorted, each once, with a semicolon between them.")
		}
	}
	a.signedHeaders = names
	return nil
}

// notLowerToken: RFC 9110's token, without capitals.
func notLowerToken(c rune) bool {
	lower := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	return !lower && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}
