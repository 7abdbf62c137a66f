package searchpack

// NeedsTask asks a node who needs a plugin that is to go.
type NeedsTask struct {
	Plugin string `json:"plugin"` // its name
	// Going are the names of the plugins that go together with it, its own among them.
	Going []string `json:"going,omitempty"`
	// Cluster: who in the cluster needs it. Else: whether the node's own configuration does.
	Cluster bool `json:"cluster,omitempty"`
}

// NeedsReport answers a NeedsTask. OpenSearch does not tell which plugin supplies what, so it rests on
// the names in use that stand in the plugin's class files and in nobody else's.
type NeedsReport struct {
	// Absent: Searchpack has not put the plugin on this node, so that nothing is known of it here.
	Absent bool `json:"absent,omitempty"`
	// Term and Version of the cluster state that was read; 0 = none was asked for.
	Term    int64 `json:"term,omitempty"`
	Version int64 `json:"version,omitempty"`
	// Truncated: the cluster's metadata is too large to be read.
	Truncated bool   `json:"truncated,omitempty"`
	Needs     []Need `json:"needs,omitempty"`
	// Doubts are what another plugin may supply too, and what OpenSearch does without.
	Doubts []Need `json:"doubts,omitempty"`
	// MoreNeeds and MoreDoubts are how many were left out: each list has MaxNeeds at most.
	MoreNeeds  int `json:"more_needs,omitempty"`
	MoreDoubts int `json:"more_doubts,omitempty"`
}

// MaxNeeds bounds each list of a NeedsReport, and MaxNeedWord the bytes of each word in it.
const (
	MaxNeeds    = 50
	MaxNeedWord = 300
)

// Need is one name that a plugin supplies, and who uses it.
type Need struct {
	User string `json:"user"` // "index shop", "ingest pipeline mails", "opensearch.yml"
	Kind string `json:"kind"` // "token filter"
	Name string `json:"name"` // "icu_folding"
	// Other is a plugin that may supply it too; "" = none does.
	Other string `json:"other,omitempty"`
}
