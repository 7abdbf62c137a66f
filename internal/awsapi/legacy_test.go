package awsapi

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLegacyForms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ shape, theirs, ours, back string }{
		{"ElasticsearchVersionString", "7.10", "Elasticsearch_7.10", "7.10"},
		{"ElasticsearchVersionString", "OpenSearch_2.19", "OpenSearch_2.19", "OpenSearch_2.19"},
		{"ElasticsearchVersionString", "OS_1.3", "OpenSearch_1.3", "OpenSearch_1.3"},
		{"ESPartitionInstanceType", "m5.large.elasticsearch", "m5.large.search", "m5.large.elasticsearch"},
		{"ESPartitionInstanceType", "odd", "odd", "odd"},
		{"ESWarmPartitionInstanceType", "ultrawarm1.medium.elasticsearch", "ultrawarm1.medium.search", "ultrawarm1.medium.elasticsearch"},
		{"String", "7.10", "7.10", "7.10"},
	} {
		if got := modernText(tt.shape, tt.theirs); got != tt.ours {
			t.Errorf("%s %s is %s, want %s", tt.shape, tt.theirs, got, tt.ours)
		}
		if got := legacyText(tt.shape, tt.ours); got != tt.back {
			t.Errorf("%s %s goes out as %s, want %s", tt.shape, tt.ours, got, tt.back)
		}
	}
	for ours, theirs := range map[string]string{
		"ClusterConfig.InstanceCount": "ElasticsearchClusterConfig.InstanceCount", "EngineVersion": "ElasticsearchVersion", "EBSOptions": "EBSOptions",
	} {
		if got := legacyProperty(ours); got != theirs {
			t.Errorf("%s is %s, want %s", ours, got, theirs)
		}
	}
}

// What a client of 2015-01-01 asks for comes back to it as it was sent; nothing that passes through
// is changed in place, as the defaults are shared by all requests.
func TestLegacyThereAndBack(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	shapes := m.Shapes[legacy]
	for seed := range uint64(200) {
		s := newSampler(shapes, seed)
		s.known = nil
		s.Rand = rand.New(rand.NewPCG(seed, 7))
		// Cluster and endpoint options have the same shape going in and coming out.
		for _, name := range []string{"ElasticsearchClusterConfig", "EBSOptions", "DomainEndpointOptions", "LogPublishingOptions"} {
			sent := s.value(name, new(member), 0)
			before := mustMarshal(t, sent)
			inside := modern(shapes, name, sent)
			middle := mustMarshal(t, inside)
			if d := cmp.Diff(sent, narrow(shapes, name, inside)); d != "" {
				t.Errorf("%s (-sent +back):\n%s", name, d)
			}
			if mustMarshal(t, sent) != before || mustMarshal(t, inside) != middle {
				t.Fatalf("%s was changed in place", name)
			}
		}
	}
}

func mustMarshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
