package awsapi

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

func status(t *testing.T, h *handler, request string) string {
	t.Helper()
	s, err := h.domainStatus(&catalog.DomainView{Domain: searchpack.Domain{DomainKey: testCaller.Key("my-dom"), Options: request}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What one domain asked for never shows in another, also when both are asked for at once.
func TestDefaultsStay(t *testing.T) {
	t.Parallel()
	h, err := newHandler(Config{})
	if err != nil {
		t.Fatal(err)
	}
	before := status(t, h, "")
	request := `{"ClusterConfig":{"InstanceCount":7,"ColdStorageOptions":{"Enabled":true}},"EBSOptions":{"EBSEnabled":true},
		"AdvancedOptions":{"x":"y"},"AIMLOptions":{"NaturalLanguageQueryGenerationOptions":{"DesiredState":"ENABLED"}},
		"AdvancedSecurityOptions":{"SAMLOptions":{"MasterUserName":"root"}}}`
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { status(t, h, request) })
	}
	wg.Wait()
	if d := cmp.Diff(before, status(t, h, "")); d != "" {
		t.Errorf("the defaults changed (-before +after):\n%s", d)
	}
}

// Only options come back: not the tags, not what the server knows better, no VPC.
func TestOnlyOptionsComeBack(t *testing.T) {
	t.Parallel()
	h, err := newHandler(Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := status(t, h, "")
	got := status(t, h, `{"DomainName":"other","EngineVersion":"OpenSearch_9.9","TagList":[],"VPCOptions":{},"Endpoints":{},"ARN":"x","Deleted":true}`)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
