package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// The commands are tried against recorded answers: those of the extension API are its own golden
// ones, the AWS API's stand here.
const extension = "../extapi/testdata"

var awsAnswers = map[string]string{
	"POST /2021-01-01/packages/describe": `{"PackageDetailsList":[
		{"PackageID":"F111111111","PackageName":"synonyms","PackageType":"TXT-DICTIONARY","PackageStatus":"VALIDATION_FAILED",
		 "AvailablePackageVersion":"v1","LastUpdatedAt":1772600767.5,
		 "ErrorDetails":{"ErrorType":"ValidationFailed","ErrorMessage":"Line 3, column 8: more than one \"=>\" in one rule; OpenSearch refuses the whole file."}},
		{"PackageID":"F222222222","PackageName":"stop-words","PackageType":"TXT-DICTIONARY","PackageStatus":"AVAILABLE",
		 "AvailablePackageVersion":"v12","LastUpdatedAt":1772607967},
		{"PackageID":"F333333333","PackageName":"twin","PackageType":"TXT-DICTIONARY","PackageStatus":"COPYING"},
		{"PackageID":"F444444444","PackageName":"twin","PackageType":"TXT-DICTIONARY","PackageStatus":"COPYING"}]}`,
	"GET /2021-01-01/domain": `{"DomainNames":[{"DomainName":"shop"},{"DomainName":"empty"}]}`,
	"GET /2021-01-01/opensearch/domain/shop": `{"DomainStatus":{"DomainId":"1/shop","DomainName":"shop","ARN":"a","ClusterConfig":{},
		"EngineVersion":"OpenSearch_3.8","Endpoint":"127.0.0.1:9200","Processing":false}}`,
	"GET /2021-01-01/opensearch/domain/empty": `{"DomainStatus":{"DomainId":"1/empty","DomainName":"empty","ARN":"a","ClusterConfig":{},"Processing":true}}`,
}

var recorded = map[string]string{
	"GET /packages/F111111111/versions":  "versions",
	"GET /packages/F222222222/versions":  "versions-none",
	"GET /packages/F111111111/findings":  "findings",
	"GET /packages/F222222222/findings":  "findings-none",
	"GET /packages/F111111111/sbom":      "sbom",
	"GET /packages/F111111111/diff":      "diff",
	"GET /packages/F222222222/diff":      "diff-none",
	"GET /domains/shop/associations":     "associations",
	"GET /domains/empty/associations":    "associations-none",
	"GET /domains/shop/policy":           "policy",
	"PATCH /domains/shop/policy":         "policy-updated",
	"GET /domains/shop/nodes":            "nodes",
	"GET /domains/empty/nodes":           "nodes-none",
	"POST /domains/shop/nodes/n1/retire": "retire",
	"GET /domains/shop/proofs":           "proofs",
	"GET /domains/empty/proofs":          "proofs-none",
	"GET /domains/shop/rollouts":         "rollouts",
	"GET /domains/empty/rollouts":        "rollouts-none",
	"GET /domains/shop/usage":            "usage",
	"GET /domains/empty/usage":           "usage-none",
	"GET /domains/plug/usage":            "usage-plugin",
	"GET /domains/shop/tokens":           "tokens",
	"POST /domains/shop/tokens":          "token-created",
	"DELETE /domains/shop/tokens/tok-1":  "token-deleted",
	"GET /events":                        "events",

	"GET /credentials":                     "credentials",
	"POST /credentials":                    "credential-created",
	"GET /credentials/SPKAEXAMPLE":         "credential",
	"PATCH /credentials/SPKAEXAMPLE":       "credential-updated",
	"POST /credentials/SPKAEXAMPLE/rotate": "credential-rotated",
	"DELETE /credentials/SPKAEXAMPLE":      "credential-deleted",
}

// server is one that gives recorded answers; other is tried first.
type server struct {
	*httptest.Server
	requests []string
	bodies   []string
}

func newServer(t *testing.T, other func(w http.ResponseWriter, r *http.Request) bool) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		s.requests = append(s.requests, r.Method+" "+r.RequestURI)
		s.bodies = append(s.bodies, body.String())
		if !strings.Contains(r.Header.Get("Authorization"), "/es/aws4_request") {
			t.Errorf("%s %s is not signed for es: %q", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/json")
		if other != nil && other(w, r) {
			return
		}
		answer(t, w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(t *testing.T, w http.ResponseWriter, r *http.Request) {
	request := r.Method + " " + r.URL.EscapedPath()
	text, known := awsAnswers[request]
	if name, ext := recorded[strings.Replace(request, " /searchpack/v1", " ", 1)]; ext {
		b, err := os.ReadFile(filepath.Join(extension, name+".json"))
		if err != nil {
			t.Error(err)
		}
		text, known = string(b), true
	}
	if !known {
		w.WriteHeader(http.StatusNotFound)
		text = `{"code":"not_found","message":"There is no ` + request + `."}`
	}
	_, _ = w.Write([]byte(text))
}

// now is when the tests are run: some hours after what is recorded.
var now = time.Date(2026, 3, 4, 8, 6, 7, 0, time.UTC)

// command is any of the commands.
type command interface{ Run(c *Context) error }

// run runs a command against the server.
func (s *server) run(t *testing.T, c command, format string, terminal Terminal) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := c.Run(&Context{
		Context: t.Context(), In: strings.NewReader("from standard input"), Out: &out, Now: func() time.Time { return now }, Terminal: terminal,
		Globals: &Globals{EndpointURL: s.URL, Region: "eu-central-1", Output: format},
	})
	return out.String(), err
}

// uploads is the S3 of the tests, uploaders who sent what: path -> Authorization.
var (
	uploads   = s3mem.New()
	uploaders sync.Map
)

// TestMain gives the SDK a key and an S3, and keeps it from the files and services of this machine.
func TestMain(m *testing.M) {
	s3 := gofakes3.New(uploads).Server()
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uploaders.Store(r.URL.Path, r.Header.Get("Authorization"))
		s3.ServeHTTP(w, r)
	}))
	if err := uploads.CreateBucket("dictionaries"); err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ENDPOINT_URL_S3": bucket.URL,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	status := m.Run()
	bucket.Close()
	os.Exit(status)
}

// cancelled is a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
