package searchpack

import (
	"encoding/json"
	"time"
)

// UsageReport is what the speaker sends: a filtered cluster state, all of one state version.
type UsageReport struct {
	Schema      int    `json:"schema"` // 1
	ClusterUUID string `json:"cluster_uuid"`
	Term        int64  `json:"term"`
	Version     int64  `json:"version"` // of the cluster state
	// DutyID is the look that asked for it, "" for a spontaneous one.
	DutyID string `json:"duty_id,omitempty"`
	// Truncated: too much to send; State is then missing.
	Truncated bool `json:"truncated,omitempty"`
	// State is the answer of GET _cluster/state/metadata,routing_table with a filter_path.
	State json.RawMessage `json:"state,omitempty"`
}

// Usage is who uses the package files of a domain: internal/usage made it from a UsageReport.
type Usage struct {
	ClusterUUID string    `json:"cluster_uuid"`
	Term        int64     `json:"term"`
	Version     int64     `json:"version"`
	DutyID      string    `json:"duty_id,omitempty"` // the newest look answered
	Truncated   bool      `json:"truncated,omitempty"`
	Uses        []Use     `json:"uses,omitempty"`
	At          time.Time `json:"at"` // when the server got it
	// Needs is who needs a plugin: of the one package that was asked about, and never stored here.
	Needs *NeedsReport `json:"needs,omitempty"`
}

// UserKind is what names a file.
type UserKind string

// The kinds of user.
const (
	UserIndex             UserKind = "index"
	UserTemplate          UserKind = "index template"     // composable, components merged in
	UserComponentTemplate UserKind = "component template" // alone
	UserLegacyTemplate    UserKind = "legacy template"
)

// Use is one component of one index or template that names a package's file.
type Use struct {
	PackageID  string   `json:"package_id"`
	Path       string   `json:"path,omitempty"` // of an adopted file
	UserKind   UserKind `json:"user_kind"`
	Name       string   `json:"name"`             // of the index or template
	Closed     bool     `json:"closed,omitempty"` // a closed index
	Component  string   `json:"component"`        // "filter.synonyms"
	Key        string   `json:"key"`              // "synonyms_path"
	Type       string   `json:"type"`             // "synonym_graph"
	FileKind   Kind     `json:"file_kind"`        // what the component reads
	Updateable bool     `json:"updateable"`
	// Analyzers that hold the component; Fields that name one of them ("title (search)").
	Analyzers []string `json:"analyzers,omitempty"`
	Fields    []string `json:"fields,omitempty"`
	// HotReload: every analyzer that holds the component is reloaded by the refresh API.
	HotReload bool    `json:"hot_reload"`
	Chains    []Chain `json:"chains,omitempty"`
	// Witnesses are, for an index, the ways to see what its analyzers that hold the component have
	// loaded, one for each of Analyzers that the refresh API reloads.
	Witnesses []WitnessPoint `json:"witnesses,omitempty"`
}

// WitnessPoint is one analyzer of an index and how a node can be asked what it has loaded.
type WitnessPoint struct {
	Analyzer string `json:"analyzer"`
	// Field is one that names the analyzer; "" = none does: any text or keyword field will do.
	Field string `json:"field,omitempty"`
	// Body is an inline _analyze of the whole chain, with PathMark; "" = it cannot be written inline.
	Body string `json:"body,omitempty"`
	// Blind says why the analyzer cannot be observed; "" if it can.
	Blind string `json:"blind,omitempty"`
}

// PathMark stands in a Chain's Body where the path of the file goes. It needs no JSON escaping.
const PathMark = "@@searchpack-path@@"

// Chain is one way to ask a node about a file: an inline _analyze body up to and including the
// component that reads the file.
type Chain struct {
	Analyzer   string `json:"analyzer"` // or the component itself, when no analyzer holds it
	Equivalent bool   `json:"equivalent,omitempty"`
	Body       string `json:"body"` // JSON with PathMark
	// Rules: the chain reads the rules of a filter, and is not that of the analyzer (synonym_analyzer).
	Rules bool `json:"rules,omitempty"`
	// Since and Before say which OpenSearch builds the chain so: from version "3.6" on, and before it;
	// "" = no bound.
	Since  string `json:"since,omitempty"`
	Before string `json:"before,omitempty"`
}
