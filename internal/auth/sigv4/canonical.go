package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequests returns the canonical request, in each form that SDKs sign.
//
// SDKs differ over a path with empty or dot segments: Go signs it as sent, boto3 and JavaScript
// sign it with those segments removed (and still send it as it was). Such a path has two forms,
// every other one. The second form opens nothing: the router sees the path as sent, where an empty
// or dot segment can only be a parameter that its pattern refuses.
func canonicalRequests(r *http.Request, signed []string, payloadHash string) ([]string, error) {
	query, ok := canonicalQuery(r.URL.RawQuery)
	if !ok {
		return nil, errMismatch
	}
	headers, ok := canonicalHeaders(r, signed)
	if !ok {
		return nil, errMismatch
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	forms := []string{path}
	if clean := removeSegments(path); clean != path {
		forms = append(forms, clean)
	}
	for i, form := range forms {
		forms[i] = strings.Join([]string{
			r.Method, encode(form, true), query, headers, strings.Join(signed, ";"), payloadHash,
		}, "\n")
	}
	return forms, nil
}

// removeSegments drops empty and dot segments as RFC 3986 section 5.2.4 and AWS's services do.
func removeSegments(path string) string {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		clean += "/"
	}
	return clean
}

// canonicalQuery encodes each name and value anew and sorts after encoding. It is not ok for a
// query with a broken percent sequence: nobody can have signed that.
func canonicalQuery(raw string) (string, bool) {
	if raw == "" {
		return "", true
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return "", false
		}
		pairs = append(pairs, pair{encode(name, false), encode(value, false)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String(), true
}

// canonicalHeaders writes the signed headers with surrounding white space and runs of spaces
// removed. It is not ok if one of them was not sent.
func canonicalHeaders(r *http.Request, signed []string) (string, bool) {
	var b strings.Builder
	for _, name := range signed {
		values := headerValues(r, name)
		if len(values) == 0 {
			return "", false
		}
		b.WriteString(name)
		b.WriteByte(':')
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(squeeze(v))
		}
		b.WriteByte('\n')
	}
	return b.String(), true
}

// headerValues also knows the headers that net/http keeps outside of Header.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		return nil
	case "transfer-encoding":
		return r.TransferEncoding
	}
	return r.Header.Values(name)
}

func squeeze(s string) string {
	s = strings.Trim(s, " \t")
	if !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] != ' ' || s[i-1] != ' ' { // s starts with no space, so i-1 is there
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// encode is AWS's UriEncode: everything but RFC 3986's unreserved characters, in capitals.
func encode(s string, keepSlash bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}
