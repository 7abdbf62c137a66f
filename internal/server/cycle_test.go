package server

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/smithy-go"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/pgtest"
)

// bucket is an S3 with the buckets "dictionaries" and "blobs".
func bucket(t *testing.T) (url string, put func(key, text string)) {
	t.Helper()
	url, backend := fakeS3(t)
	return url, func(key, text string) {
		t.Helper()
		if _, err := backend.PutObject("dictionaries", key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func fakeS3(t *testing.T) (url string, backend *s3mem.Backend) {
	t.Helper()
	backend = s3mem.New()
	if err := errors.Join(backend.CreateBucket("dictionaries"), backend.CreateBucket("blobs")); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	return srv.URL, backend
}

// sdk is the AWS SDK's own client, pointed at the server.
func sdk(t testing.TB, url, access, secret string) *opensearch.Client {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return opensearch.New(opensearch.Options{
		Region: DefaultRegion, BaseEndpoint: &url, HTTPClient: c,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
	})
}

// runAgent runs a files-only agent that joins with a token, until the test ends or stop is called.
func runAgent(t *testing.T, s *running, name, domain string) (config string, stop func()) {
	t.Helper()
	return runAgentAt(t, s, s.AgentAddr(), name, domain)
}

// runAgentAt has the agent reach the server, or others that share its database, at the address; edit
// may give it an OpenSearch.
func runAgentAt(t *testing.T, s *running, address, name, domain string, edit ...func(*agent.Config)) (config string, stop func()) {
	t.Helper()
	id, token, hash, err := s.newToken()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.catalog.CreateJoinToken(t.Context(), s.Admin(), catalog.JoinTokenInput{Domain: domain, ID: id, SecretHash: hash}); err != nil {
		t.Fatal(err)
	}
	config = t.TempDir()
	cfg := agent.Config{
		Server: "https://" + address, TokenFile: put(t, filepath.Join(t.TempDir(), "token"), token), FilesOnly: true,
		ConfigDir: config, StateDir: filepath.Join(t.TempDir(), "state"), Name: name, Version: "test",
		Intervals: agent.Intervals{Coalesce: time.Millisecond, Watch: 50 * time.Millisecond, RetryMax: 500 * time.Millisecond},
	}
	for _, f := range edit {
		f(&cfg)
	}
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("agent %s: %v", name, err)
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return config, stop
}

// site is a running server with the client, the bucket and the domain "shop" of two nodes.
type site struct {
	*running
	cfg     Config
	t       *testing.T
	client  *opensearch.Client
	put     func(key, text string)
	configs []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	cfg := testConfig(t.TempDir())
	endpoint, putObject := bucket(t)
	cfg.SourceEndpoint, cfg.SourceAccessKey, cfg.SourceSecretKey = endpoint, "any", "key"
	cfg.AllowedSources = map[string][]string{DefaultAccount: {"dictionaries/ok/"}}
	cfg.Limits = catalog.Limits{FilesOnly: true}
	r := start(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	s := &site{running: r, cfg: cfg, t: t, client: sdk(t, r.url, access, secret), put: putObject}
	makeShop(t, s.client, 2)
	for _, name := range []string{"n1", "n2"} {
		config, _ := runAgent(t, r, name, "shop")
		s.configs = append(s.configs, config)
	}
	eventually(t, "the domain is ready", func() bool {
		d, err := s.client.DescribeDomain(t.Context(), &opensearch.DescribeDomainInput{DomainName: aws.String("shop")})
		return err == nil && !aws.ToBool(d.DomainStatus.Processing)
	})
	return s
}

// makeShop makes the domain "shop".
func makeShop(t *testing.T, c *opensearch.Client, nodes int32) {
	t.Helper()
	size := &types.ClusterConfig{InstanceCount: &nodes}
	if _, err := c.CreateDomain(t.Context(), &opensearch.CreateDomainInput{DomainName: aws.String("shop"), ClusterConfig: size}); err != nil {
		t.Fatal(err)
	}
}

// create makes a package of the object and waits until its import has ended.
func (s *site) create(name, key string) types.PackageDetails {
	s.t.Helper()
	made, err := s.client.CreatePackage(s.t.Context(), &opensearch.CreatePackageInput{
		PackageName: &name, PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: &key},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.imported(aws.ToString(made.PackageDetails.PackageID))
}

func (s *site) imported(id string) (d types.PackageDetails) {
	s.t.Helper()
	eventually(s.t, "the import ends", func() bool {
		out, err := s.client.DescribePackages(s.t.Context(), &opensearch.DescribePackagesInput{
			Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}}},
		})
		if err != nil || len(out.PackageDetailsList) != 1 {
			return false
		}
		d = out.PackageDetailsList[0]
		return d.PackageStatus != types.PackageStatusCopying && d.PackageStatus != types.PackageStatusValidating
	})
	return d
}

// associated waits until the association is as wanted; "" is none at all.
func (s *site) associated(id string, want types.DomainPackageStatus, version string) {
	s.t.Helper()
	eventually(s.t, "the association is "+string(want)+" "+version, func() bool {
		out, err := s.client.ListPackagesForDomain(s.t.Context(), &opensearch.ListPackagesForDomainInput{DomainName: aws.String("shop")})
		if err != nil {
			return false
		}
		for _, p := range out.DomainPackageDetailsList {
			if aws.ToString(p.PackageID) == id {
				return p.DomainPackageStatus == want && aws.ToString(p.PackageVersion) == version
			}
		}
		return want == ""
	})
}

// on checks a file on every node; "" = it is not there.
func (s *site) on(id, want string) {
	s.t.Helper()
	for _, config := range s.configs {
		got, err := os.ReadFile(filepath.Join(config, searchpack.ReferencePath(id)))
		if want == "" && !errors.Is(err, os.ErrNotExist) || want != "" && string(got) != want {
			s.t.Errorf("%s: %q, %v; want %q", config, got, err, want)
		}
	}
}

// The whole way: object, package, association, update, bad update, dissociation, deletion.
func TestWholeCycle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	s.put("ok/synonyms.txt", "laptop, notebook\n")
	p := s.create("synonyms", "ok/synonyms.txt")
	if p.PackageStatus != types.PackageStatusAvailable {
		t.Fatalf("import: %s %+v", p.PackageStatus, p.ErrorDetails)
	}
	id := aws.ToString(p.PackageID)
	associate := func() {
		t.Helper()
		out, err := s.client.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: &id, DomainName: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.DomainPackageDetails.DomainPackageStatus; got != types.DomainPackageStatusAssociating {
			t.Errorf("AssociatePackage answers %s", got)
		}
	}
	associate()
	s.associated(id, types.DomainPackageStatusActive, "v1")
	s.on(id, "laptop, notebook\n")

	update := func(text string) types.PackageDetails {
		t.Helper()
		s.put("ok/synonyms.txt", text)
		if _, err := s.client.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
			PackageID: &id, PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("ok/synonyms.txt")},
		}); err != nil {
			t.Fatal(err)
		}
		return s.imported(id)
	}
	update("laptop, notebook, ultrabook\n")
	s.on(id, "laptop, notebook\n") // an update alone changes no node
	associate()
	s.associated(id, types.DomainPackageStatusActive, "v2")
	s.on(id, "laptop, notebook, ultrabook\n")

	if d := update("a => b => c\n"); d.PackageStatus != types.PackageStatusValidationFailed || aws.ToString(d.AvailablePackageVersion) != "v2" {
		t.Errorf("the bad update: %+v", d)
	}
	if _, err := s.client.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: &id}); apiCode(err) != "ConflictException" {
		t.Errorf("an associated package can be deleted: %v", err)
	}
	if _, err := s.client.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: &id, DomainName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	s.associated(id, "", "")
	s.on(id, "")
	if _, err := s.client.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: &id}); err != nil {
		t.Error(err)
	}
}

func TestSourceMustBeAllowed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("secret/synonyms.txt", "a, b\n")
	for _, key := range []string{"secret/synonyms.txt", "ok/../secret/synonyms.txt"} {
		_, err := s.client.CreatePackage(t.Context(), &opensearch.CreatePackageInput{
			PackageName: aws.String("synonyms"), PackageType: types.PackageTypeTxtDictionary,
			PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: &key},
		})
		if apiCode(err) != "ValidationException" {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// Backup and restore as docs/operations.md says: the database first, then the blobs, while the
// server runs; agents that have enrolled go on by themselves and give back what came later.
func TestRestore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	s.put("ok/synonyms.txt", "laptop, notebook\n")
	id := aws.ToString(s.create("synonyms", "ok/synonyms.txt").PackageID)
	associate := func() {
		t.Helper()
		if _, err := s.client.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: &id, DomainName: aws.String("shop")}); err != nil {
			t.Fatal(err)
		}
	}
	associate()
	s.associated(id, types.DomainPackageStatusActive, "v1")

	copied := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(s.cfg.DataDir, "searchpack.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("VACUUM INTO ?", filepath.Join(copied, "searchpack.db")); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.CopyFS(filepath.Join(copied, "blobs"), os.DirFS(filepath.Join(s.cfg.DataDir, "blobs"))); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(copied, "master.key"), string(read(t, s.cfg.masterKeyFile())))

	s.put("ok/synonyms.txt", "laptop, notebook, ultrabook\n")
	if _, err := s.client.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
		PackageID: &id, PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("ok/synonyms.txt")},
	}); err != nil {
		t.Fatal(err)
	}
	s.imported(id)
	associate()
	s.associated(id, types.DomainPackageStatusActive, "v2")

	access, secret := firstCredentials(t, s.cfg.DataDir)
	cfg := s.cfg
	cfg.DataDir, cfg.AgentListen = copied, s.AgentAddr()
	s.stop()
	s.running = start(t, cfg)
	s.client = sdk(t, s.url, access, secret)
	s.associated(id, types.DomainPackageStatusActive, "v1")
	eventually(t, "the nodes serve what the backup says", func() bool {
		for _, config := range s.configs {
			if got, _ := os.ReadFile(filepath.Join(config, searchpack.ReferencePath(id))); string(got) != "laptop, notebook\n" {
				return false
			}
		}
		return true
	})
}

func apiCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Two servers share one PostgreSQL database and one master key: both serve the same, and each may
// go away.
func TestTwoServersOnOneDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	endpoint, putObject := bucket(t)
	putObject("synonyms.txt", "laptop, notebook\n")
	one, two := testConfig(t.TempDir()), testConfig(t.TempDir())
	for _, c := range []*Config{&one, &two} {
		c.Database = dsn
		c.SourceEndpoint, c.SourceAccessKey, c.SourceSecretKey = endpoint, "any", "key"
	}
	two.MasterKeyFile = one.masterKeyFile()
	first := start(t, one)
	second := start(t, two)
	if a, b := first.authority.KeyHash(), second.authority.KeyHash(); a != b {
		t.Error("the servers have different authorities: an agent of one is a stranger to the other")
	}
	if _, err := os.Stat(filepath.Join(two.DataDir, credentialsFile)); err == nil {
		t.Error("the second server made a first key")
	}
	access, secret := firstCredentials(t, one.DataDir)
	name := aws.String("synonyms")
	made, err := sdk(t, first.url, access, secret).CreatePackage(t.Context(), &opensearch.CreatePackageInput{
		PackageName: name, PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("synonyms.txt")},
	})
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	s := &site{running: second, t: t, client: sdk(t, second.url, access, secret)}
	if d := s.imported(aws.ToString(made.PackageDetails.PackageID)); d.PackageStatus != types.PackageStatusAvailable {
		t.Errorf("the other server's import: %s", d.PackageStatus)
	}
}

// Another key than the database was sealed with is refused on PostgreSQL, too.
func TestSecondServerNeedsTheKey(t *testing.T) {
	t.Parallel()
	one, two := testConfig(t.TempDir()), testConfig(t.TempDir())
	one.Database = pgtest.Start(t)
	two.Database = one.Database
	start(t, one)
	if _, err := New(t.Context(), two); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "--master-key-file") {
		t.Errorf("got %v", err)
	}
}

// The two edges share a port: what is not the extension's is AWS's, and both answer in JSON.
func TestFront(t *testing.T) {
	t.Parallel()
	s := start(t, testConfig(t.TempDir()))
	for path, status := range map[string]int{
		"/searchpack/v1/health":       http.StatusOK,
		"/searchpack/v1/openapi.json": http.StatusOK,
		"/searchpack/v1/nothing":      http.StatusNotFound,
		"/searchpack/v1/events":       http.StatusForbidden,
		"/searchpack/v1":              http.StatusNotFound,
		"/2021-01-01/domain":          http.StatusForbidden,
		"/":                           http.StatusNotFound,
		"/favicon.ico":                http.StatusNotFound,
	} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != status || resp.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(string(body), "{") {
			t.Errorf("%s: %s %s %.200s", path, resp.Status, resp.Header.Get("Content-Type"), body)
		}
	}
}
