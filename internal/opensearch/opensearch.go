// Package opensearch is the HTTP client for one OpenSearch node: the one beside the agent. It asks
// for the node's own view of the cluster, sends inline _analyze calls, reads the filtered cluster
// state for internal/usage, and carries out the few calls that duties are made of.
//
// It keeps no credentials in errors, follows no redirect, reads nothing without a limit and repeats
// nothing by itself: the agent asks again. What it returns comes from the node and is the node's
// word, not more.
package opensearch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

const (
	// DefaultTimeout of calls that read no dictionary.
	DefaultTimeout = 10 * time.Second
	// ReadTimeout of calls that make OpenSearch read dictionaries: a million synonym rules take half
	// a minute on a warm node.
	ReadTimeout = 2 * time.Minute
	// maxAnswer of any call but State. A node list of 1,000 nodes is 300 KB.
	maxAnswer = 4 << 20
)

// Config says where the node is. Either Username and Password or CredentialsFile, or none.
type Config struct {
	URL             string // "https://127.0.0.1:9200"; no user, no query
	CAFile          string // PEM; "" = the system's authorities
	Username        string
	Password        string
	CredentialsFile string        // "user:password" in one line, or {"username":...,"password":...}; read once
	Timeout         time.Duration // 0 = DefaultTimeout
}

// Client talks to one node. It is safe for concurrent use.
type Client struct {
	base     url.URL
	user     credentials
	http     *http.Client
	timeout  time.Duration
	maxState int64 // usage.MaxState; smaller in tests
	// maxMetadata is needs.MaxMetadata; smaller in tests.
	maxMetadata int64

	mu      sync.Mutex
	refresh map[string]bool // ephemeral id -> the refresh route exists; one entry
}

// New checks the configuration. It does not connect.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil: // the error would repeat the URL, and with it a password
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the address of OpenSearch is not a URL; write it as http://127.0.0.1:9200")
	case u.User != nil:
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the address of OpenSearch holds a user or password; put them into the credentials file")
	case (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%q is no address of OpenSearch; write it as http://127.0.0.1:9200", cfg.URL)
	}
	user := credentials{cfg.Username, cfg.Password}
	if cfg.CredentialsFile != "" {
		if user, err = readCredentials(cfg.CredentialsFile); err != nil {
			return nil, err
		}
	}
	roots, err := readRoots(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base: url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")},
		user: user, timeout: cfg.Timeout, maxState: maxState, maxMetadata: needs.MaxMetadata, refresh: map[string]bool{},
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:               proxy,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     90 * time.Second,
			// OpenSearch sends 4 KB of headers at most.
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect would take the credentials, and the answer, to somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// String names the node; the credentials stay out of whatever prints a Client.
func (c *Client) String() string { return "OpenSearch at " + c.base.Host }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// proxy is the environment's, but never for this machine: the node beside the agent is not reached
// through anything.
func proxy(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := readFile(file, 1<<20)
	if err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "cannot read the authority of OpenSearch: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%s holds no PEM certificate", file)
	}
	return pool, nil
}

func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, err
}

// answer is a whole answer of OpenSearch.
type answer struct {
	status int
	body   []byte
	cut    bool // there was more than the limit
}

// errTooLong is an answer over its limit where one was not expected.
var errTooLong = errors.New("the answer is longer than expected")

// do sends one request and reads at most limit bytes of the answer. The error is about the
// transport; what OpenSearch says is in the answer.
func (c *Client) do(ctx context.Context, timeout time.Duration, method, path string, query url.Values, body []byte, limit int64) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u := c.base
	raw := c.base.EscapedPath() + path
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	u.Path, u.RawPath, u.RawQuery = decoded, raw, query.Encode()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.user.name != "" {
		req.SetBasicAuth(c.user.name, c.user.password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, transportError(path, err)
	}
	if int64(len(b)) > limit {
		return &answer{status: res.StatusCode, body: b[:limit], cut: true}, nil
	}
	return &answer{status: res.StatusCode, body: b}, nil
}

// transportError drops the URL with its long query from the error.
func transportError(path string, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &searchpack.Error{Code: searchpack.ErrUnavailable, Message: "OpenSearch did not answer " + path + " in time", Err: err}
	}
	return &searchpack.Error{Code: searchpack.ErrUnavailable, Message: "cannot reach OpenSearch: " + err.Error(), Err: err}
}

// get decodes a 200 answer into v.
func (c *Client) get(ctx context.Context, path string, query url.Values, v any) error {
	a, err := c.do(ctx, c.timeout, http.MethodGet, path, query, nil, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.failure(path)
	}
	return a.decode(path, v)
}

func (a *answer) decode(path string, v any) error {
	err := errTooLong
	if !a.cut {
		err = json.Unmarshal(a.body, v)
	}
	if err != nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to %s cannot be read: %w", path, err)
	}
	return nil
}
