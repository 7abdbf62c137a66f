package agentapi

import (
	"bytes"
	"compress/gzip"
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
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// callTime bounds a call that does not wait; a long poll and a blob have bounds of their own.
const callTime = 30 * time.Second

// Client talks to the server for one agent. It never retries: when to ask again is the agent's
// business. It is safe for concurrent use.
//
// Errors are *searchpack.Error: ErrUnavailable for a server that cannot be reached or is not well
// (try again), else what the server said. IsGone and IsExpired tell two cases apart.
type Client struct {
	base *url.URL
	now  func() time.Time

	mu   sync.RWMutex
	http *http.Client
	skew time.Duration // see Skew
}

// Skew is by how much this machine's clock is ahead of the server's, as of the last answer to a
// report; negative: behind. It is good to a second, on slow networks to some.
func (c *Client) Skew() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.skew
}

// NewClient makes a client with the agent's certificate, which trusts the authority (PEM) alone.
func NewClient(server string, authority []byte, cert tls.Certificate, now func() time.Time) (*Client, error) {
	base, err := parseServer(server)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, now: now}
	return c, c.Use(authority, cert)
}

// Use switches to another certificate. Calls under way end on the old connections, which are not
// used again.
func (c *Client) Use(authority []byte, cert tls.Certificate) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return errors.New("the authority's certificate cannot be read")
	}
	next := httpClient(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: enroll.ServerName,
		Certificates: []tls.Certificate{cert}, Time: c.now,
	})
	c.mu.Lock()
	old := c.http
	c.http = next
	c.mu.Unlock()
	if old != nil {
		old.CloseIdleConnections()
	}
	return nil
}

// Close gives the connections back.
func (c *Client) Close() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.http.CloseIdleConnections()
}

func httpClient(cfg *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        cfg,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        60 * time.Second,
			ResponseHeaderTimeout:  maxWait + callTime,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    4,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CheckAddress says what is wrong with the address of a server, if anything is.
func CheckAddress(server string) error {
	_, err := parseServer(server)
	return err
}

func parseServer(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%.200q is no server address: one looks like https://searchpack.example:9401.", server)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// Enroll asks for an identity with a join token. The server must belong to the authority whose key
// hash the token carries.
func Enroll(ctx context.Context, server string, token enroll.Token, csrPEM []byte, name string, now func() time.Time) (*EnrollAnswer, error) {
	c, err := newcomer(server, token, now)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var out EnrollAnswer
	err = c.call(ctx, PathEnroll, EnrollRequest{Token: token.String(), CSR: string(csrPEM), Name: name}, &out)
	if err != nil {
		return nil, err
	}
	if err := checkEnrolled(&out, token.CAKeyHash); err != nil {
		return nil, err
	}
	return &out, nil
}

// newcomer makes the client of an agent that has only a token.
func newcomer(server string, token enroll.Token, now func() time.Time) (*Client, error) {
	base, err := parseServer(server)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, now: now, http: httpClient(&tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: enroll.ServerName,
		// Not unchecked: VerifyConnection checks against the hash in the token, which is all that
		// an agent knows of the authority before it has enrolled.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			return enroll.VerifyPinned(s.PeerCertificates, token.CAKeyHash, now())
		},
	})}, nil
}

// checkEnrolled refuses an authority that the token did not name.
func checkEnrolled(out *EnrollAnswer, keyHash string) error {
	ca, err := enroll.ParseCertificate([]byte(out.Authority))
	if err != nil || enroll.KeyHash(ca) != keyHash {
		return searchpack.Errorf(searchpack.ErrDenied, "The server's answer carries another authority than the join token.")
	}
	cert, err := enroll.ParseCertificate([]byte(out.Certificate))
	if err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "The server's answer carries no certificate.")
	}
	id, err := enroll.IdentityOf(cert)
	if err != nil || id.AgentID != out.AgentID || id.Domain != out.Domain {
		return searchpack.Errorf(searchpack.ErrInvalid, "The server's answer carries a certificate for somebody else.")
	}
	return nil
}

// Renew asks for a new certificate for the same key.
func (c *Client) Renew(ctx context.Context, csrPEM []byte) (*RenewAnswer, error) {
	var out RenewAnswer
	return &out, c.call(ctx, PathRenew, RenewRequest{CSR: string(csrPEM)}, &out)
}

// Report sends a report.
func (c *Client) Report(ctx context.Context, r *searchpack.Report) (*ReportAnswer, error) {
	var out ReportAnswer
	err := c.call(ctx, PathReport, r, &out)
	if err == nil && !out.Now.IsZero() {
		c.mu.Lock()
		c.skew = c.now().Sub(out.Now)
		c.mu.Unlock()
	}
	return &out, err
}

// Usage sends who uses what.
func (c *Client) Usage(ctx context.Context, u *searchpack.UsageReport) error {
	return c.call(ctx, PathUsage, u, &struct{}{})
}

// Order waits until the order is another than that of generation have, for at most wait. It returns
// nil, nil when it is not.
func (c *Client) Order(ctx context.Context, have int64, wait time.Duration) (*searchpack.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTime)
	defer cancel()
	q := url.Values{"generation": {strconv.FormatInt(have, 10)}, "wait": {wait.String()}}
	res, err := c.send(ctx, http.MethodGet, PathOrder+"?"+q.Encode(), nil, nil) //nolint:bodyclose // discard closes it
	if err != nil {
		return nil, err
	}
	defer discard(res.Body)
	if res.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	var o searchpack.Order
	return &o, decode(res, maxOrder, &o)
}

// call posts a message, packed, and decodes the answer.
func (c *Client) call(ctx context.Context, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body bytes.Buffer
	if err := pack(&body, in); err != nil {
		return fmt.Errorf("pack the message: %w", err)
	}
	h := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	res, err := c.send(ctx, http.MethodPost, path, h, &body) //nolint:bodyclose // discard closes it
	if err != nil {
		return err
	}
	defer discard(res.Body)
	return decode(res, maxAnswer, out)
}

// packers are kept for the next message: each has most of a megabyte, and a heartbeat some hundred bytes.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// pack writes the message as packed JSON.
func pack(to io.Writer, message any) error {
	z, _ := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(to)
	return errors.Join(json.NewEncoder(z).Encode(message), z.Close())
}

// send makes one request. Answers that are not a success become errors.
func (c *Client) send(ctx context.Context, method, path string, h http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if h != nil {
		req.Header = h
	}
	req.Header.Set(ProtocolHeader, Protocol)
	c.mu.RLock()
	client := c.http
	c.mu.RUnlock()
	res, err := client.Do(req)
	if err != nil {
		return nil, unavailable(fmt.Sprintf("The server %s cannot be reached", c.base.Host), err)
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 && res.Header.Get(ProtocolHeader) == Protocol {
		return res, nil
	}
	defer discard(res.Body)
	return nil, c.refusal(res)
}

// refusal reads an error answer.
func (c *Client) refusal(res *http.Response) error {
	var e errorBody
	b, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	ours := json.Unmarshal(b, &e) == nil && e.Code != ""
	switch version := res.Header.Get(ProtocolHeader); {
	case version == "":
		return unavailable(fmt.Sprintf("%s answered %s, but not as a Searchpack server: is this the agents' address?", c.base.Host, res.Status), nil)
	case version != Protocol:
		return searchpack.Errorf(searchpack.ErrUnsupported,
			"The server speaks protocol %.20q, this agent %s. Upgrade whichever is older: the server first, then the agents.", version, Protocol)
	case !ours:
		return unavailable(fmt.Sprintf("%s answered %s", c.base.Host, res.Status), nil)
	case e.Code == codeProtocol:
		return &searchpack.Error{Code: searchpack.ErrUnsupported, Message: cut(e.Message)}
	case res.StatusCode == http.StatusGone, e.Code == codeExpired:
		return &wireError{status: res.StatusCode, code: e.Code, message: cut(e.Message)}
	case res.StatusCode >= 500:
		return unavailable("The server says: "+cut(e.Message), nil)
	}
	return &searchpack.Error{Code: searchpack.Code(e.Code), Message: cut(e.Message)}
}

func unavailable(text string, err error) error {
	return &searchpack.Error{Code: searchpack.ErrUnavailable, Message: text, Err: err}
}

// IsGone reports whether the server said that the agent or its domain is no more.
func IsGone(err error) bool { return isGone(err) }

// IsExpired reports whether the server said that the certificate's time is over.
func IsExpired(err error) bool {
	var w *wireError
	return errors.As(err, &w) && w.code == codeExpired
}

// cut bounds a text of the other side's for logs.
func cut(s string) string {
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "..."
	}
	return s
}

func decode(res *http.Response, limit int64, v any) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return unavailable("The server's answer broke off", err)
	}
	if int64(len(b)) > limit {
		return unavailable(fmt.Sprintf("The server's answer has more than %d bytes", limit), nil)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return unavailable("The server's answer is not JSON", err)
	}
	return nil
}

// discard lets the connection be used again if little is left to read.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
