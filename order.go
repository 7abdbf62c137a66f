package searchpack

// Order is what one node should be like. It is level-triggered: the agent makes the node so,
// whatever it was like before, and losing, repeating or reordering orders changes nothing in the
// end. No order says "run this": files, probes and duties are all there is.
type Order struct {
	// Schema is 1, or OrderSchemaPaths when a file has a path of its own: agents that know of no such
	// paths refuse the order as a whole instead of placing the file elsewhere. With licenses and
	// configurations of plugins it is OrderSchemaParts.
	Schema int `json:"schema"`
	// Generation grows with every change of this node's order.
	Generation int64       `json:"generation"`
	Files      []FileOrder `json:"files,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Probes     []Probe     `json:"probes,omitempty"`
	Duties     []Duty      `json:"duties,omitempty"`
	// Before are witnesses that a rollout will ask for once its files lie everywhere. While the former
	// bytes are live, the agent asks its node's loaded analyzers for the terms of their texts and remembers
	// them, so that the witness need not have the former file read. Nothing is answered and nobody waits:
	// where nothing was remembered, the witness asks the former file.
	Before []Duty `json:"before,omitempty"`
	// Plugins are what the node is to have under plugins/ when it next starts. What is not listed is
	// left as it is.
	Plugins []PluginOrder `json:"plugins,omitempty"`
	// Alternatives are other versions of the plugins listed, for other versions of OpenSearch, by
	// preference: a node that starts with an OpenSearch for which its plugin is not made, because its
	// package manager has been there, takes the first of the same package id that is.
	Alternatives []PluginOrder `json:"alternatives,omitempty"`
	// Restart offers a permit; nil = the node is to run on.
	Restart *RestartOffer `json:"restart,omitempty"`
	// Speaker: this agent sends the usage of the domain (UsageReport), at once and then whenever
	// the cluster state has changed.
	Speaker bool `json:"speaker,omitempty"`
}

// OrderSchemaPaths is the schema of orders that have a FileOrder with a path. OrderSchemaParts is that of
// orders that name a part of a plugin: an agent that knows none would take it for the plugin itself. Such
// an order may have paths, too.
const (
	OrderSchemaPaths = 2
	OrderSchemaParts = 3
)

// FileState is where a package's file is on a node, or should be.
type FileState string

// The file states. What an order does not list is left as it is: a file goes only by being listed
// as FileRemoved, which Decide does by look, hide, look.
const (
	FileLive    FileState = "live"    // analyzers/<PackageID>, or at Path
	FileHidden  FileState = "hidden"  // analyzers/.searchpack/<PackageID>.gone
	FileRemoved FileState = "removed" // neither

	// FileAdopt: the agent looks whether the bytes lie at Path, and touches nothing. FileReleased: what
	// lies at Path stays as it is, and is not Searchpack's any more. Both are for adopted files only,
	// which in turn are never hidden or removed.
	FileAdopt    FileState = "adopt"
	FileReleased FileState = "released"
)

// FileOrder is how one package's file should be on the node.
type FileOrder struct {
	PackageID string    `json:"package_id"`
	State     FileState `json:"state"`
	VersionID string    `json:"version_id,omitempty"`
	Version   int       `json:"version,omitempty"`
	Digest    Digest    `json:"digest,omitempty"` // of the bytes, when live; hidden hides whatever is there
	Size      int64     `json:"size,omitempty"`   // bytes
	// Path of an adopted file, relative to the configuration folder; "" = analyzers/<PackageID>.
	Path string `json:"path,omitempty"`
	// Tree: the bytes are a zip, and what is to lie there is the folder that it unpacks to, which the
	// digest determines.
	Tree bool `json:"tree,omitempty"`
}

// Candidate is bytes to be fetched and verified, not yet in place. They lie in
// analyzers/.searchpack/<digest> under the configuration folder. Candidates no longer listed are
// removed from there.
type Candidate struct {
	PackageID string `json:"package_id"`
	Digest    Digest `json:"digest"`
	Size      int64  `json:"size"`
	Kind      Kind   `json:"kind,omitempty"`
	Tree      bool   `json:"tree,omitempty"` // the candidate is the folder that the zip unpacks to
	// Plugin: the candidate is a plugin's zip. It is unpacked beside plugins/, and ready when the node
	// could be started with it, as far as can be told without.
	Plugin bool `json:"plugin,omitempty"`
	// Signature that came with the plugin's zip; "" = none.
	Signature string `json:"signature,omitempty"`
	// Later: fetched when a witness asks the former file, and not before. Nothing is reported of it.
	Later bool `json:"later,omitempty"`
	// Part: the candidate is a license or configuration of the plugin named For; Path of a license, see
	// PluginOrder.
	Part PluginPart `json:"part,omitempty"`
	For  string     `json:"for,omitempty"`
	Path string     `json:"path,omitempty"`
}

// Folders and names under a node's configuration folder.
const (
	AnalyzersDir = "analyzers"
	// CandidateDir holds candidates, hidden files and control files.
	CandidateDir = "analyzers/.searchpack"
)

// CandidatePath is what an inline _analyze names to read a candidate.
func CandidatePath(d Digest) string { return CandidateDir + "/" + string(d) }

// HiddenPath is where a hidden file lies.
func HiddenPath(packageID string) string { return CandidateDir + "/" + packageID + ".gone" }

// ControlPath is a minimal valid file of the kind, which every agent keeps for control probes.
func ControlPath(k Kind) string {
	if k == KindUnknown {
		k = KindWords
	}
	return CandidateDir + "/control-" + string(k)
}

// ControlFile returns the bytes of the minimal valid file of the kind. Empty files are valid for
// every kind of line list but type tables; hyphenation patterns are XML, and the one reader of an
// opaque kind that can be asked wants ICU break rules (all tried on 3.8.0).
func ControlFile(k Kind) []byte {
	switch k {
	case KindTypeTable:
		return []byte("# => ALPHA\n")
	case KindHyphen:
		return []byte("<?xml version=\"1.0\"?><hyphenation-info/>\n")
	case KindOpaque:
		return []byte(".+ {200};\n")
	}
	return nil
}

// Probe asks the node itself whether it can build a filter from a file, by an inline _analyze sent
// to this node without an index. The agent runs it only while the file at Path has the digest
// Digest, so that an answer is always about these bytes. Equal ids mean equal questions: an answer
// is kept until the file at Path changes.
type Probe struct {
	ID        string `json:"id"`
	PackageID string `json:"package_id"`
	Path      string `json:"path"`   // relative to the configuration folder
	Digest    Digest `json:"digest"` // of the bytes asked about
	Index     string `json:"index,omitempty"`
	Analyzer  string `json:"analyzer,omitempty"` // or the component, for an unused filter
	// Equivalent: the analyzer cannot be asked directly; this is a component with the same reader.
	Equivalent bool   `json:"equivalent,omitempty"`
	Body       string `json:"body"` // JSON for POST /_analyze, names Path
	// Control is the same call with a file known to be good; run only when Body fails.
	Control string `json:"control"`
}

// Verdict of a probe.
type Verdict string

// The verdicts.
const (
	VerdictGood Verdict = "good"
	// VerdictBad: the candidate fails and the control passes.
	VerdictBad Verdict = "bad"
	// VerdictNone: both fail, or this node lacks a plugin that the chain needs: it says nothing
	// about the candidate.
	VerdictNone Verdict = "cannot be probed here"
	// VerdictRetry: 429, 503, a time-out, OpenSearch away. The agent asks again by itself.
	VerdictRetry Verdict = "retry"
)

// DutyKind is what a duty asks for.
type DutyKind string

// The duties of this version.
const (
	// DutyLook: read the cluster state now and send it as UsageReport with this duty's id.
	DutyLook DutyKind = "look"
	// DutyRefresh: refresh the search analyzers of Indices, then clear their request caches.
	DutyRefresh DutyKind = "refresh"
	// DutyReroute: _cluster/reroute?retry_failed=true.
	DutyReroute DutyKind = "reroute"
	// DutyWitness: ask this node's own loaded analyzers for the terms of texts, and compare them with
	// what the live file and the former one make of them here.
	DutyWitness DutyKind = "witness"
	// DutyHealth: read the cluster's health.
	DutyHealth DutyKind = "health"
	// DutyAllocation: set where copies may be allocated.
	DutyAllocation DutyKind = "allocation"
	// DutySettle: done once nothing is worse than in Baseline and nothing moves.
	DutySettle DutyKind = "settle"
	// DutyPreview: analyze a text with the live file and with a candidate, and tell the tokens.
	DutyPreview DutyKind = "preview"
	// DutyVerify: run the verify checks of a version that is live.
	DutyVerify DutyKind = "verify"
	// DutyNeeds: say who needs a plugin.
	DutyNeeds DutyKind = "needs"
)

// Duty is a typed task for one agent on behalf of the domain. Doing it twice does no harm.
type Duty struct {
	ID      string   `json:"id"`
	Kind    DutyKind `json:"kind"`
	Indices []string `json:"indices,omitempty"` // concrete names
	// Witnesses of DutyWitness.
	Witnesses []Witness `json:"witnesses,omitempty"`
	// Preview of DutyPreview.
	Preview *PreviewTask `json:"preview,omitempty"`
	// Allocation of DutyAllocation. Flush: all indices are flushed then, so that copies come back soon.
	Allocation *Allocation `json:"allocation,omitempty"`
	Flush      bool        `json:"flush,omitempty"`
	// Baseline of DutySettle: copies that were unassigned before anything began.
	Baseline []string `json:"baseline,omitempty"`
	// Verify of DutyVerify.
	Verify *VerifyTask `json:"verify,omitempty"`
	// Needs of DutyNeeds.
	Needs *NeedsTask `json:"needs,omitempty"`
	// CachedResources: a refresh also reads anew what nodes keep for all indices together, Hunspell
	// dictionaries. OpenSearch knows it from 3.7 on.
	CachedResources bool `json:"cached_resources,omitempty"`
}

// Witness asks about one chain of analysis, wherever the node has loaded it. The agent sends the
// texts through Live inline, and asks each point for what it makes of them by _termvectors on a shard
// that this node holds. A point that gives the terms of Live for all texts, and gave others before the
// bytes were placed (Order.Before), has loaded them. For every other point the texts go through Former
// inline too, and those count whose terms differ.
type Witness struct {
	PackageID string         `json:"package_id"`
	Digest    Digest         `json:"digest"`           // of the bytes that Live reads; else nothing is asked
	Live      string         `json:"live"`             // _analyze body that reads the live file
	Former    string         `json:"former,omitempty"` // the same with the former bytes; "" = there were none
	Points    []WitnessPlace `json:"points"`
	Texts     []string       `json:"texts"`
}

// WitnessPlace is an analyzer of an index and a field to ask it through.
type WitnessPlace struct {
	Index    string `json:"index"`
	Analyzer string `json:"analyzer"`
	Field    string `json:"field"`
}
