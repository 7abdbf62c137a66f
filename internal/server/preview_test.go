package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkos "github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/opensearch"
)

// analyzingNode answers as one OpenSearch node does as far as a preview goes: its index "products" has
// an analyzer that reads the package's file, and an inline _analyze reads the file that it names.
type analyzingNode struct {
	config string
	id     atomic.Value // of the package
}

func (n *analyzingNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	p := r.URL.Path
	switch {
	case strings.HasPrefix(p, "/_nodes/_local/http"):
		fmt.Fprint(w, `{"cluster_name":"t","nodes":{"N1":{"name":"n1","version":"3.8.0","roles":["data"],"http":{"publish_address":"127.0.0.1:9200"}}}}`)
	case strings.HasPrefix(p, "/_cluster/state/version,nodes"):
		fmt.Fprint(w, `{"cluster_name":"t","cluster_uuid":"U","version":1,"cluster_manager_node":"N1","nodes":{"N1":{"name":"n1","ephemeral_id":"e"}},"metadata":{"cluster_coordination":{"term":1}}}`)
	case strings.HasPrefix(p, "/_cluster/state/version,metadata"):
		fmt.Fprintf(w, `{"cluster_uuid":"U","version":1,"metadata":{"cluster_coordination":{"term":1},"indices":{"products":{"state":"open","settings":{"index":{"analysis":{
			"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/%s","updateable":"true"}},
			"analyzer":{"search":{"type":"custom","tokenizer":"whitespace","filter":["s"]}}}}}}}}}`, n.id.Load())
	case p == "/_analyze":
		n.analyze(w, r)
	case strings.HasPrefix(p, "/_cluster/health"):
		fmt.Fprint(w, `{"status":"green","timed_out":false,"active_shards":1,"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0}`)
	case strings.HasSuffix(p, "/_cache/clear"):
		fmt.Fprint(w, `{"_shards":{"total":1,"successful":1,"failed":0}}`)
	default: // there is no refresh API
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"no handler found for uri [%s] and method [%s]"}`, p, r.Method)
	}
}

// analyze gives each word of the text, and beside it what the rules of the file have beside it.
func (n *analyzingNode) analyze(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Filter []struct {
			Path string `json:"synonyms_path"`
		}
		Text string
	}
	var rules []byte
	err := json.NewDecoder(r.Body).Decode(&body)
	if err == nil && len(body.Filter) == 1 {
		rules, err = os.ReadFile(filepath.Join(n.config, body.Filter[0].Path))
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"type":"illegal_argument_exception","reason":"cannot be read"},"status":400}`)
		return
	}
	tokens := []map[string]any{}
	for i, word := range strings.Fields(body.Text) {
		tokens = append(tokens, map[string]any{"token": word, "position": i, "type": "word"})
		for rule := range strings.Lines(string(rules)) {
			if a, b, _ := strings.Cut(strings.TrimSpace(rule), ", "); a == word {
				tokens = append(tokens, map[string]any{"token": b, "position": i, "type": "SYNONYM"})
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"tokens": tokens})
}

// From the call to a node and back: the new version is seen beside the one that serves, which stays.
func TestPreviewOnANode(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	endpoint, put := bucket(t)
	cfg.SourceEndpoint, cfg.SourceAccessKey, cfg.SourceSecretKey = endpoint, "any", "key"
	cfg.AllowedSources = map[string][]string{DefaultAccount: {"dictionaries/ok/"}}
	r := start(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	s := &site{running: r, cfg: cfg, t: t, client: sdk(t, r.url, access, secret), put: put}
	caller := newTenant(t, r.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: access, SecretAccessKey: secret})
	makeShop(t, s.client, 1)
	s.put("ok/synonyms.txt", "tv, telly\n")
	id := aws.ToString(s.create("synonyms", "ok/synonyms.txt").PackageID)

	n := &analyzingNode{}
	n.id.Store(id)
	node := httptest.NewServer(n)
	t.Cleanup(node.Close)
	client, err := opensearch.New(opensearch.Config{URL: node.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	runAgentAt(t, r, r.AgentAddr(), "n1", "shop", func(c *agent.Config) {
		c.OpenSearch, c.FilesOnly, n.config = client, false, c.ConfigDir
	})
	s.configs = []string{n.config}
	if _, err := s.client.AssociatePackage(t.Context(), &sdkos.AssociatePackageInput{PackageID: &id, DomainName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	s.associated(id, types.DomainPackageStatusActive, "v1")

	s.put("ok/synonyms.txt", "tv, television\n")
	if _, err := s.client.UpdatePackage(t.Context(), &sdkos.UpdatePackageInput{
		PackageID: &id, PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("ok/synonyms.txt")},
	}); err != nil {
		t.Fatal(err)
	}
	s.imported(id)
	var got struct {
		Version, Live, Node string
		Partial             bool
		Before, After       struct{ Tokens []struct{ Token string } }
	}
	path := "/domains/shop/packages/" + id + "/preview"
	if err := caller.ask("POST", path, map[string]string{"index": "products", "text": "cheap tv"}, &got); err != nil {
		t.Fatal(err)
	}
	words := func(tokens []struct{ Token string }) (all []string) {
		for _, x := range tokens {
			all = append(all, x.Token)
		}
		return all
	}
	if got.Version != "v2" || got.Live != "v1" || got.Node != "n1" || got.Partial ||
		!slices.Equal(words(got.Before.Tokens), []string{"cheap", "tv", "telly"}) || !slices.Equal(words(got.After.Tokens), []string{"cheap", "tv", "television"}) {
		t.Errorf("%+v", got)
	}
	s.on(id, "tv, telly\n")
	digest := searchpack.DigestOf([]byte("tv, television\n"))
	eventually(t, "the candidate is forgotten", func() bool {
		_, err := os.Stat(filepath.Join(n.config, searchpack.CandidatePath(digest)))
		return os.IsNotExist(err)
	})
	if _, err := s.catalog.Preview(t.Context(), s.Admin(), "shop", catalog.PreviewInput{PackageID: id, Index: "x", Text: "y"}); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("of an index that does not use it: %v", err)
	}
}
