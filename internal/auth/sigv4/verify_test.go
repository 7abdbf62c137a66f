package sigv4

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// signed is a good request to change.
func signed(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://localhost:4566/2021-01-01/packages/describe", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 2
	r.Header.Set("Content-Type", "application/json")
	return sign(t, r, []byte("{}"), "")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	replace := func(old, with string) func(*http.Request) {
		return func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, old) {
				panic("the case is void: no " + old + " in " + auth)
			}
			r.Header.Set("Authorization", strings.Replace(auth, old, with, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, tt := range map[string]struct {
		change     func(*http.Request)
		code, text string
	}{
		"none":      {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken", "Missing Authentication Token"},
		"empty":     {set("Authorization", ""), "MissingAuthenticationToken", "Missing"},
		"presigned": {func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "X-Amz-Signature=00" }, "IncompleteSignature", "Presigned URLs are not accepted"},
		"basic":     {set("Authorization", "Basic cGFzc3dvcmQ="), "IncompleteSignature", "Unsupported AWS 'algorithm'"},
		"v4a":       {replace(algorithm, "AWS4-ECDSA-P256-SHA256"), "IncompleteSignature", "Unsupported"},
		"longer":    {replace(algorithm, algorithm+"X"), "IncompleteSignature", "Unsupported"},
		"bare":      {set("Authorization", algorithm), "IncompleteSignature", "requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		"no date":   {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "IncompleteSignature", "existence of either a 'X-Amz-Date' or a 'Date' header."},
		"bad date":  {set("X-Amz-Date", "Fri, 07 Aug 2026 12:00:00 GMT"), "IncompleteSignature", "ISO-8601"},
		"two dates": {func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260807T120000Z") }, "IncompleteSignature", "one date"},
		"two auths": {func(r *http.Request) { r.Header.Add("Authorization", "x") }, "IncompleteSignature", "More than one"},
		"too long":  {replace("Signature=", strings.Repeat(" ", maxAuthorization)+"Signature="), "IncompleteSignature", "too long"},
		"twice":     {replace("Signature=", "Signature=00,Signature="), "IncompleteSignature", "exactly the parameters"},
		"unknown":   {replace("Signature=", "Extra=1, Signature="), "IncompleteSignature", "exactly the parameters"},
		"no equal":  {replace("Signature=", "Signature"), "IncompleteSignature", "missing equal-sign"},
		"four":      {replace("/aws4_request", ""), "IncompleteSignature", "5 slash-delimited"},
		"no key":    {replace(testKey, ""), "IncompleteSignature", "access key"},
		"long key":  {replace(testKey, strings.Repeat("A", 129)), "IncompleteSignature", "access key"},
		"odd key":   {replace(testKey, "A\x7f"), "IncompleteSignature", "access key"},
		"no hex":    {replace("Signature=", "Signature=zz"), "IncompleteSignature", "64 hexadecimal digits"},
		"unsorted":  {replace("content-length;content-type;host", "host;content-length;content-type"), "IncompleteSignature", "sorted"},
		"upper":     {replace("content-type", "Content-Type"), "IncompleteSignature", "lower-case"},
		"crowd":     {replace("content-type", "c"+strings.Repeat(";c", 70)), "IncompleteSignature", "too many"},
		"no host":   {replace(";host", ""), "InvalidSignature", "'Host'"},
		"bare date": {replace(";x-amz-date", ""), "InvalidSignature", "'X-Amz-Date' must be"},
		"absent":    {replace(";host", ";date;host"), "InvalidSignature", "does not match the signature you provided"},
		"term":      {replace("aws4_request", "aws5_request"), "InvalidSignature", "valid terminator"},
		"service":   {replace("/es/", "/s3/"), "InvalidSignature", "Credential should be scoped to correct service: 'es'."},
		"region":    {replace("us-east-1", "US/../x"), "IncompleteSignature", "5 slash-delimited"},
		"region 2":  {replace("us-east-1", "Us'east"), "InvalidSignature", "Credential should be scoped to a valid region."},
		"day":       {replace("/20260807/", "/20260806/"), "InvalidSignature", "does not match YYYYMMDD"},
		"key":       {replace(testKey, "AKIDOTHER"), "UnrecognizedClient", "The security token included in the request is invalid."},
		"hash":      {set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), "InvalidSignature", "does not match the SHA-256"},
		"unsigned":  {set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), "InvalidSignature", "UNSIGNED-PAYLOAD is not accepted"},
		"streaming": {set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "InvalidSignature", "does not match the SHA-256"},
		"query":     {func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, "InvalidSignature", "does not match the signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signed(t)
			tt.change(r)
			caller, err := verify(r, []byte("{}"))
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.code+"Exception" || !strings.Contains(e.Message, tt.text) || e.Status != 403 {
				t.Fatalf("got %v, want %sException with %q", err, tt.code, tt.text)
			}
			if caller.Account != "" || caller.AccessKey != "" || caller.ARN != "" || caller.Policies != nil || caller.Operator {
				t.Errorf("a refused request has a caller: %+v", caller)
			}
			if auth := r.Header.Get("Authorization"); strings.Contains(e.Message, testSecret) || len(auth) > 70 && strings.Contains(e.Message, auth[len(auth)-64:]) ||
				strings.Contains(e.Message, "cGFzc3dvcmQ") {
				t.Errorf("the message says too much: %s", e.Message)
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		serverAhead time.Duration
		skew        time.Duration
		want        string
	}{
		{0, 0, ""},
		{5 * time.Minute, 0, ""},
		{-5 * time.Minute, 0, ""},
		{5*time.Minute + 900*time.Millisecond, 0, ""},
		{5*time.Minute + time.Second, 0, "Signature expired: 20260807T120000Z is now earlier than 20260807T120001Z (20260807T120501Z - 5 min.)"},
		{-5*time.Minute - time.Second, 0, "Signature not yet current: 20260807T120000Z is still later than 20260807T115959Z (20260807T115459Z + 5 min.)"},
		{40 * time.Second, 30 * time.Second, "Signature expired: 20260807T120000Z is now earlier than 20260807T120010Z (20260807T120040Z - 30 sec.)"},
	} {
		_, err := Verify(signed(t), []byte("{}"), testLookup, Options{Now: testNow.Add(tt.serverAhead).In(time.FixedZone("x", 3600)), Skew: tt.skew})
		got := ""
		var e *Error
		if errors.As(err, &e) {
			got = e.Message
		}
		if got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.serverAhead, got, tt.want)
		}
	}
}

func TestScopeOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opts Options
		want string
	}{
		{Options{Regions: []string{"us-east-1", "eu-west-1"}}, ""},
		{Options{Services: []string{"s3", "es"}}, ""},
		{Options{Regions: []string{"eu-west-1"}}, "Credential should be scoped to a valid region, not 'us-east-1'. "},
		{Options{Services: []string{"s3"}}, "Credential should be scoped to correct service: 's3'."},
	} {
		tt.opts.Now = testNow
		_, err := Verify(signed(t), []byte("{}"), testLookup, tt.opts)
		var e *Error
		if got := errors.As(err, &e); got != (tt.want != "") || got && e.Message != tt.want {
			t.Errorf("%+v: %v, want %q", tt.opts, err, tt.want)
		}
	}
}

func TestLookupFailureIsNoRefusal(t *testing.T) {
	t.Parallel()
	down := errors.New("database is away")
	_, err := Verify(signed(t), []byte("{}"), func(context.Context, string) (Credential, error) { return Credential{}, down }, Options{Now: testNow})
	var e *Error
	if !errors.Is(err, down) || errors.As(err, &e) {
		t.Errorf("got %v; a store that is away must not look like a wrong key", err)
	}
}

// An empty secret, or the dummy one, never lets anybody in.
func TestUnknownKeyNeverVerifies(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", dummy} {
		r := signed(t)
		a, err := parse(r)
		if err != nil {
			t.Fatal(err)
		}
		hash, _ := payloadHash(r, []byte("{}"))
		requests, _ := canonicalRequests(r, a.signedHeaders, hash)
		key := mac([]byte("AWS4"+secret), a.day)
		for _, p := range []string{a.region, a.service, terminator} {
			key = mac(key, p)
		}
		forged := *a
		forged.signature = mac(key, stringToSign(a, requests[0]))
		if !forged.matches(requests, secret) {
			t.Fatal("the test forges badly")
		}
		setSignature(r, forged.signature)
		for name, lookup := range map[string]Lookup{
			"unknown":      func(context.Context, string) (Credential, error) { return testLookup(context.Background(), "other") },
			"empty secret": func(context.Context, string) (Credential, error) { return Credential{Account: "1"}, nil },
		} {
			if _, err := Verify(r, []byte("{}"), lookup, Options{Now: testNow}); !errors.Is(err, errUnrecognized) {
				t.Errorf("secret %q, %s: %v", secret, name, err)
			}
		}
	}
}

// Go signs a path with empty segments as it is, boto3 and JavaScript sign it without them.
func TestPathForms(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"/2021-01-01/packages/associate//my-dom": {"/2021-01-01/packages/associate//my-dom", "/2021-01-01/packages/associate/my-dom"},
		"/a/./b/../c/":                           {"/a/./b/../c/", "/a/c/"},
		"/a%2Fb/c":                               {"/a%252Fb/c"},
		"/..":                                    {"/..", "/"},
		"/2021-01-01/tags":                       {"/2021-01-01/tags"},
		"/2021-01-01/tags/":                      {"/2021-01-01/tags/"},
		"//2021-01-01//tags/":                    {"//2021-01-01//tags/", "/2021-01-01/tags/"},
		"/a%2fb/%7E/%c3%a4":                      {"/a%252fb/%257E/%25c3%25a4"},
		"/":                                      {"/"},
	} {
		r := httptest.NewRequest("GET", path, nil)
		forms, err := canonicalRequests(r, []string{"host"}, "hash")
		if err != nil || len(forms) != len(want) {
			t.Fatalf("%s: %q, %v", path, forms, err)
		}
		for i, form := range forms {
			if got := strings.Split(form, "\n")[1]; got != want[i] {
				t.Errorf("%s: form %d is %s, want %s", path, i, got, want[i])
			}
		}
	}
}

// FuzzParse: any header is read or refused, without panic and without an echo of the header.
func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20260807/us-east-1/es/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260807T120000Z", "/a//b?x=%20")
	f.Add("AWS4-HMAC-SHA256 ,,,=", "", "/%2e%2e/")
	f.Add("Basic dXNlcjpwYXNz", "x", "//")
	f.Fuzz(func(t *testing.T, auth, date, target string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.URL.Path, r.URL.RawPath = target, target
		_, r.URL.RawQuery, _ = strings.Cut(target, "?")
		r.Header["Authorization"], r.Header["X-Amz-Date"] = []string{auth}, []string{date}
		_, err := verify(r, nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("accepted, or no refusal: %v", err)
		}
		if len(e.Message) > 700 {
			t.Fatalf("message of %d bytes", len(e.Message))
		}
	})
}
