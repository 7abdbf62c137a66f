package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// call asks the extension API. It is signed by the server's clock, which may be ahead of ours.
func (s *site) call(method, path string, body, answer any) {
	s.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	req, err := newSigned(s, method, "/searchpack/v1"+path, text)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(resp.Body, nodeAnswerLimit))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s", resp.Status)
	}
	if err == nil {
		err = json.Unmarshal(got, answer)
	}
	if err != nil {
		s.t.Fatalf("%s %s: %v: %.300s", method, path, err, got)
	}
}

// aws is AWS's client, signing by the server's clock.
func (s *site) aws() *opensearch.Client {
	return opensearch.New(opensearch.Options{
		Region: s.cfg.Region, BaseEndpoint: aws.String("http://" + s.server.Addr()), HTTPSignerV4: serverTime{s, v4.NewSigner()},
		Credentials: credentials.NewStaticCredentialsProvider(s.cfg.AdminAccessKey, s.cfg.AdminSecretKey, ""),
	})
}

// serverTime signs by the server's clock.
type serverTime struct {
	site *site
	*v4.Signer
}

func (s serverTime) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, c, r, hash, service, region, s.site.cfg.Now(), opts...)
}

// nextVersion makes the next version of the package, the first one too.
func (s *site) nextVersion() {
	s.t.Helper()
	s.version++
	putObject(s.t, s.stack, "away", s.text())
	ctx, es, source := s.t.Context(), s.aws(), &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String("away")}
	if s.version == 1 {
		made, err := es.CreatePackage(ctx, createInput("away"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.id = aws.ToString(made.PackageDetails.PackageID)
	} else if _, err := es.UpdatePackage(ctx, &opensearch.UpdatePackageInput{PackageID: &s.id, PackageSource: source}); err != nil {
		s.t.Fatal(err)
	}
	s.available(s.id, s.version)
}

// tagPlugin makes a version of the tag plugin, for an OpenSearch, of the package; id "" = of a new one.
func (s *site) tagPlugin(target string, jar []byte, version int, id string) string {
	s.t.Helper()
	putObject(s.t, s.stack, "tags.zip", tagZip(s.t, target, jar, version))
	ctx := s.t.Context()
	if id == "" {
		made, err := s.aws().CreatePackage(ctx, &opensearch.CreatePackageInput{
			PackageName: aws.String("tags"), PackageType: types.PackageTypeZipPlugin, PackageSource: source("tags.zip"),
			EngineVersion: aws.String("OpenSearch_" + target[:strings.LastIndex(target, ".")]),
		})
		if err != nil {
			s.t.Fatal(err)
		}
		id = aws.ToString(made.PackageDetails.PackageID)
	} else if _, err := s.aws().UpdatePackage(ctx, &opensearch.UpdatePackageInput{PackageID: &id, PackageSource: source("tags.zip")}); err != nil {
		s.t.Fatal(err)
	}
	s.available(id, version)
	return id
}

// available waits until the version of a package is.
func (s *site) available(id string, version int) {
	s.t.Helper()
	eventually(s.t, func() string {
		got, err := s.aws().DescribePackages(s.t.Context(), &opensearch.DescribePackagesInput{Filters: []types.DescribePackagesFilter{
			{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}},
		}})
		if err != nil {
			s.t.Fatal(err)
		}
		if d := got.PackageDetailsList[0]; d.PackageStatus != types.PackageStatusAvailable || aws.ToString(d.AvailablePackageVersion) != fmt.Sprintf("v%d", version) {
			return fmt.Sprintf("v%d does not become available: %s %+v", version, d.PackageStatus, d.ErrorDetails)
		}
		return ""
	})
}

func (s *site) text() []byte {
	return fmt.Appendf(nil, "laptop, notebook\nversion%d, notebook\n", s.version)
}

// associate calls AssociatePackage for domain demo.
func (s *site) associate() { s.t.Helper(); s.associates(s.id) }

func (s *site) associates(id string) {
	s.t.Helper()
	if _, err := s.aws().AssociatePackage(s.t.Context(), &opensearch.AssociatePackageInput{PackageID: &id, DomainName: aws.String("demo")}); err != nil {
		s.t.Fatal(err)
	}
}

// association is the package's row as the extension API shows it.
type siteAssociation struct{ Status, Serving, Note string }

func (a siteAssociation) active(version int) bool {
	return a.Status == string(searchpack.Active) && a.Serving == fmt.Sprintf("v%d", version)
}

func (s *site) association() siteAssociation {
	s.t.Helper()
	var v struct{ Associations []siteAssociation }
	s.call(http.MethodGet, "/domains/demo/associations", nil, &v)
	if len(v.Associations) != 1 {
		s.t.Fatalf("%d associations", len(v.Associations))
	}
	return v.Associations[0]
}

// waiting is what the newest rollout waits for; "" when it has ended.
func (s *site) waiting() string {
	s.t.Helper()
	var v struct{ Rollouts []rollout }
	s.call(http.MethodGet, "/domains/demo/rollouts?limit=1", nil, &v)
	return v.Rollouts[0].Waiting
}

func (s *site) node(name string) catalog.NodeView {
	s.t.Helper()
	var v catalog.NodesView
	s.call(http.MethodGet, "/domains/demo/nodes", nil, &v)
	for _, n := range v.Nodes {
		if n.Name == name {
			return n
		}
	}
	return catalog.NodeView{}
}

// firstQuery asks a node's own copy until it answers at all, and says by which of the words the very
// first answer found the document.
func firstQuery(t *testing.T, n stack.NodeEntry, index string, words ...string) map[string]bool {
	t.Helper()
	var should []object
	for _, w := range append(words, "laptop") { // every version finds by laptop
		should = append(should, object{"match": object{"title": object{"query": w, "_name": w}}})
	}
	query := object{"query": object{"bool": object{"should": should}}}
	found := map[string]bool{}
	eventually(t, func() string {
		var a struct {
			Hits struct {
				Hits []struct {
					Matched []string `json:"matched_queries"`
				}
			}
		}
		if err := ask(t.Context(), n, http.MethodPost, "/"+index+"/_search?preference=_only_local&request_cache=false", query, &a); err != nil {
			return err.Error()
		}
		if len(a.Hits.Hits) == 0 {
			return n.Name + " has no copy yet"
		}
		for _, w := range a.Hits.Hits[0].Matched {
			found[w] = true
		}
		return ""
	})
	return found
}

// newSigned makes a signed request.
func newSigned(s *site, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.server.Addr()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	creds := aws.Credentials{AccessKeyID: s.cfg.AdminAccessKey, SecretAccessKey: s.cfg.AdminSecretKey}
	return req, v4.NewSigner().SignHTTP(s.t.Context(), creds, req, string(searchpack.DigestOf(body)), "es", s.cfg.Region, s.cfg.Now())
}
