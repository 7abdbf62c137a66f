package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// job is what the steps share.
type job struct {
	out      *screen
	document *stack.Document
	nodes    []stack.NodeEntry
	searches bool // the nodes have an OpenSearch
	s3       *s3.Client
	es       *opensearch.Client
	creds    aws.Credentials
	http     *http.Client

	name    string // of this run's package, bucket key and index: an earlier run may have left its own
	id      string // PackageID
	serving string // text of the version that serves
	starts  map[string]string
}

const bucket = "searchpack-demo"

// answerLimit bounds what is read of any answer.
const answerLimit = 4 << 20 // bytes

func newJob(_ context.Context, d *stack.Document, _ Config, out *screen) (*job, error) {
	for _, e := range d.Domains {
		if e.Name != domainName {
			continue
		}
		provider := credentials.NewStaticCredentialsProvider(d.AccessKeyID, d.SecretAccessKey, "")
		creds, err := provider.Retrieve(context.Background())
		if err != nil {
			return nil, err
		}
		return &job{
			out: out, document: d, nodes: e.Nodes, searches: e.Nodes[0].HTTP != "", creds: creds,
			s3:   s3.New(s3.Options{Region: d.Region, BaseEndpoint: aws.String(d.Endpoint), Credentials: provider, UsePathStyle: true}),
			es:   opensearch.New(opensearch.Options{Region: d.Region, BaseEndpoint: aws.String(d.Endpoint), Credentials: provider}),
			http: &http.Client{Timeout: 30 * time.Second},
			name: "demo-" + fmt.Sprintf("%x", time.Now().UnixMilli()),
		}, nil
	}
	return nil, fmt.Errorf("the stack has no domain %s", domainName)
}

// nodeCall asks one node over its own HTTP port.
func (j *job) nodeCall(ctx context.Context, n stack.NodeEntry, method, path string, body, answer any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, n.HTTP+path, &b)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return j.do(req, answer)
}

// extension asks the extension API, signed as every AWS call is.
func (j *job) extension(ctx context.Context, path string, query url.Values, answer any) error {
	u := j.document.Endpoint + "/searchpack/v1" + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return err
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, j.creds, req, hex.EncodeToString(empty[:]), "es", j.document.Region, time.Now()); err != nil {
		return err
	}
	return j.do(req, answer)
}

func (j *job) do(req *http.Request, answer any) error {
	resp, err := j.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, cut(string(b), 300))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}

// proof is one node's, of the extension API.
type proof struct {
	Node    string    `json:"node"`
	Level   string    `json:"level"`
	Digest  string    `json:"digest"`
	Probe   string    `json:"probe"`
	Version int       `json:"version"`
	At      time.Time `json:"at"`
}

func (j *job) proofs(ctx context.Context) (map[string]proof, error) {
	var a struct {
		Proofs []proof `json:"proofs"`
	}
	err := j.extension(ctx, "/domains/"+domainName+"/proofs", url.Values{"package_id": {j.id}}, &a)
	byNode := map[string]proof{}
	for _, p := range a.Proofs {
		byNode[p.Node] = p
	}
	return byNode, err
}

// onDisk returns the digest of the package's file as it lies on a node.
func (j *job) onDisk(n stack.NodeEntry) (string, error) {
	f, err := os.Open(filepath.Join(n.Config, filepath.FromSlash(searchpack.ReferencePath(j.id))))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, answerLimit)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// servesOnDisk checks that every node has exactly the bytes of text.
func (j *job) servesOnDisk(text string) error {
	want := string(searchpack.DigestOf([]byte(text)))
	for _, n := range j.nodes {
		got, err := j.onDisk(n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		if got != want {
			return fmt.Errorf("%s has other bytes on disk: %.12s, want %.12s", n.Name, got, want)
		}
	}
	return nil
}
