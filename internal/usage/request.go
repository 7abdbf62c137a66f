package usage

import (
	"net/url"
	"strings"
)

// MaxState is how many bytes of filtered cluster state are read and sent. With the filter below an
// index with an analysis section takes 1-5 KB, so this is some thousands of such indices; larger
// clusters are reported as truncated.
const MaxState = 8 << 20

// StatePath and StateQuery ask the elected manager for exactly what Parse reads: indices (open,
// closed, hidden) and templates, all of one state version. Of the mappings only the keys that name
// analyzers come back, which is what makes large clusters fit. The routing table is not asked for:
// nothing reads it yet.
const StatePath = "/_cluster/state/version,metadata"

// StateQuery is the query string that goes with StatePath.
func StateQuery() url.Values {
	parts := []string{
		"cluster_uuid", "version", "state_uuid",
		"metadata.cluster_coordination.term",
		"metadata.indices.*.state",
		"metadata.index_template.index_template.*.composed_of",
	}
	for _, where := range []string{
		"metadata.indices.*.",
		"metadata.templates.*.",
		"metadata.index_template.index_template.*.template.",
		"metadata.component_template.component_template.*.template.",
	} {
		parts = append(parts,
			where+"settings.index.analysis",
			where+"settings.analysis", // templates of old versions were not normalised
			where+"mappings.**.*analyzer",
			where+"mappings.**.normalizer")
	}
	return url.Values{
		"filter_path":      {strings.Join(parts, ",")},
		"expand_wildcards": {"all"},
	}
}
