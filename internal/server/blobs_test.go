package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/searchpack/searchpack"
)

// inS3 puts the blobs of a configuration into the bucket "blobs".
func inS3(c Config, endpoint string) Config {
	c.Blobs, c.BlobsEndpoint, c.BlobsAccessKey, c.BlobsSecretKey = "s3://blobs/prod", endpoint, "any", "hush-hush"
	return c
}

func TestBlobsConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(c *Config)
		says  string // "" = all is well
	}{
		"whole":              {func(*Config) {}, ""},
		"AWS":                {func(c *Config) { c.BlobsEndpoint, c.BlobsAccessKey, c.BlobsSecretKey = "", "", "" }, ""},
		"whole bucket":       {func(c *Config) { c.Blobs = "s3://blobs" }, ""},
		"a folder":           {func(c *Config) { c.Blobs = "/var/blobs" }, "--blobs \"/var/blobs\" does not begin with s3://"},
		"no bucket":          {func(c *Config) { c.Blobs = "s3:///x" }, "names no bucket"},
		"endpoint alone":     {func(c *Config) { c.Blobs = "" }, "say nothing without --blobs"},
		"no secret":          {func(c *Config) { c.BlobsSecretKey = "" }, "go together"},
		"no access key":      {func(c *Config) { c.BlobsAccessKey = "" }, "go together"},
		"no URL":             {func(c *Config) { c.BlobsEndpoint = "s3.example" }, "--blobs-endpoint is no URL"},
		"other scheme":       {func(c *Config) { c.BlobsEndpoint = "ftp://s3.example" }, "--blobs-endpoint is no URL"},
		"secret in the URL":  {func(c *Config) { c.BlobsEndpoint = "https://a:hush-hush@s3.example" }, "--blobs-credentials"},
		"events for minus 1": {func(c *Config) { c.KeepEvents = -1 }, "--keep-events"},
	} {
		cfg := inS3(testConfig("/data"), "https://s3.example")
		c.spoil(&cfg)
		err := cfg.Validate()
		if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || !errors.Is(err, ErrConfig)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %q", name, err)
		}
	}
}

// A blob store that cannot be used is one line, an error that is no usage error, and leaves the data
// folder as it was.
func TestBlobsUnusable(t *testing.T) {
	t.Parallel()
	denies := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code></Error>")
	}))
	t.Cleanup(denies.Close)
	endpoint, _ := bucket(t)
	for name, c := range map[string]struct {
		spoil func(c *Config)
		says  string
	}{
		"nobody there": {func(c *Config) { c.BlobsEndpoint = "http://127.0.0.1:1" }, "cannot be reached"},
		"denied":       {func(c *Config) { c.BlobsEndpoint = denies.URL }, "denies access (AccessDenied): its credentials need s3:ListBucket"},
		"no bucket":    {func(c *Config) { c.Blobs = "s3://another/prod" }, "s3://another/prod has no bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := inS3(testConfig(filepath.Join(t.TempDir(), "data")), endpoint)
			c.spoil(&cfg)
			s, err := New(t.Context(), cfg)
			if err == nil {
				_ = s.Close()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hush") {
				t.Errorf("one line with %q wanted, got %q", c.says, err)
			}
			if errors.Is(err, ErrConfig) {
				t.Errorf("a usage error: %v", err)
			}
			if after := tree(t, filepath.Dir(cfg.DataDir)); after != tree(t, t.TempDir()) {
				t.Errorf("the start left %q", after)
			}
		})
	}
}

// A blob store belongs to one database, in S3 and in a folder.
func TestBlobsOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	endpoint, _ := bucket(t)
	for _, s3 := range []bool{true, false} {
		one, two := testConfig(t.TempDir()), testConfig(t.TempDir())
		if s3 {
			one, two = inS3(one, endpoint), inS3(two, endpoint)
		}
		works(t, one)
		works(t, one)
		if !s3 { // the same folder beside another database
			two = one
			two.Database, two.MasterKeyFile = "", ""
			for _, f := range []string{"searchpack.db", "searchpack.db-wal", "searchpack.db-shm", "master.key", credentialsFile} {
				if err := os.RemoveAll(filepath.Join(one.DataDir, f)); err != nil {
					t.Fatal(err)
				}
			}
		}
		s, err := New(t.Context(), two)
		if err == nil {
			_ = s.Close()
			t.Fatal("another database takes the blobs over")
		}
		if !strings.Contains(err.Error(), "belong to another database") || strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
	}
}

// The whole way of a package with its blobs in S3; they themselves cannot be imported.
func TestBlobsInS3(t *testing.T) {
	t.Parallel()
	endpoint, putObject := bucket(t)
	cfg := inS3(testConfig(t.TempDir()), endpoint)
	cfg.SourceEndpoint, cfg.SourceAccessKey, cfg.SourceSecretKey = endpoint+"/", "any", "key"
	cfg.Limits.FilesOnly = true
	r := start(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	s := &site{running: r, t: t, client: sdk(t, r.url, access, secret), put: putObject}
	makeShop(t, s.client, 1)
	config, _ := runAgent(t, r, "n1", "shop")
	s.configs = []string{config}
	s.put("synonyms.txt", "laptop, notebook\n")
	d := s.create("synonyms", "synonyms.txt")
	if d.PackageStatus != types.PackageStatusAvailable {
		t.Fatalf("import: %s %+v", d.PackageStatus, d.ErrorDetails)
	}
	id := aws.ToString(d.PackageID)
	if _, err := s.client.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: &id, DomainName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	s.associated(id, types.DomainPackageStatusActive, "v1")
	s.on(id, "laptop, notebook\n")
	digest := string(searchpack.DigestOf([]byte("laptop, notebook\n")))
	_, err := s.client.CreatePackage(t.Context(), &opensearch.CreatePackageInput{
		PackageName: aws.String("thief"), PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("blobs"), S3Key: aws.String("prod/" + digest[:2] + "/" + digest)},
	})
	if apiCode(err) != "ValidationException" || !strings.Contains(err.Error(), "keeps its own blobs there") {
		t.Errorf("a package of a blob: %v", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "blobs")); err == nil {
		t.Error("there are blobs in the data folder, too")
	}
}

func TestOwnBlobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		blobs, endpoint, source, bucket, key string
		own                                  bool
	}{
		{"s3://bkt", "", "", "bkt", "any", true},
		{"s3://bkt", "", "", "other", "any", false},
		{"s3://bkt/p", "", "", "bkt", "p/x", true},
		{"s3://bkt/p", "", "", "bkt", "p", true},
		{"s3://bkt/p", "", "", "bkt", "px", false},
		{"s3://bkt/p", "", "", "bkt", "q/p/x", false},
		{"s3://bkt/p", "", "", "bkt", "/p/x", true},
		{"s3://bkt/p", "", "", "bkt", "q/../p/x", true},
		{"s3://bkt/p", "", "", "bkt", "./p//x", true},
		{"s3://bkt", "", "https://s3.eu-west-1.amazonaws.com", "bkt", "x", true},
		{"s3://bkt", "https://s3.example", "", "bkt", "x", false},
		{"s3://bkt", "https://s3.example", "https://S3.example:443/", "bkt", "x", true},
		{"s3://bkt", "http://s3.example", "http://s3.example:80", "bkt", "x", true},
		{"s3://bkt", "http://s3.example:9000", "http://s3.example", "bkt", "x", false},
		{"s3://bkt", "http://127.0.0.1:9000", "http://localhost:9000", "bkt", "x", true},
		{"s3://bkt", "http://[::1]:9000", "http://localhost:9000", "bkt", "x", true},
		{"", "", "", "bkt", "x", false},
	} {
		cfg := Config{Blobs: c.blobs, BlobsEndpoint: c.endpoint, SourceEndpoint: c.source, AllowedSources: map[string][]string{"*": {"*"}}}
		src := searchpack.Source{Bucket: c.bucket, Key: c.key}
		s := (&Server{cfg: cfg}).sources()
		if s.Allowed("000000000000", src) == c.own || (s.Refused(src) != "") != c.own {
			t.Errorf("%+v: refused %q", c, s.Refused(src))
		}
	}
}

// A blob store that is away does not make the server sick, but health says it, until it is back.
func TestHealthTellsOfBlobs(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	backend := s3mem.New()
	if err := backend.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend).Server()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s := start(t, inS3(testConfig(t.TempDir()), srv.URL))
	for _, bad := range []bool{false, true, false} {
		away.Store(bad)
		// The server's own sweeper, which asks when it starts, may have had the other answer just before.
		eventually(t, fmt.Sprintf("health says whether the blob store is away: %v", bad), func() bool {
			err := s.blobs.List(t.Context(), func(searchpack.BlobInfo) error { return nil })
			if (err != nil) != bad {
				t.Fatal(err)
			}
			resp, err := http.Get(s.url + "/searchpack/v1/health")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || strings.Contains(string(body), "prod") {
				t.Fatalf("blob store away: %v; %s %s", bad, resp.Status, body)
			}
			return strings.Contains(string(body), "blob store denies access") == bad
		})
	}
	broken := errors.New("the source broke")
	away.Store(true)
	own := &watchedBlobs{blobStore: s.blobs.blobStore} // that nobody else asks
	_, _, err := own.Write(t.Context(), io.MultiReader(strings.NewReader("x"), failing{broken}), 10)
	if !errors.Is(err, broken) || own.Complaint() != "" {
		t.Errorf("a source that breaks is the blob store's fault: %v, %q", err, own.Complaint())
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
