package searchpack

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
)

// PluginState is what a node is to have of a plugin, or has.
type PluginState string

// The plugin states.
const (
	PluginInstalled PluginState = "installed" // under plugins/, as its manifest says
	PluginRemoved   PluginState = "removed"
)

// PluginPart is what of a plugin a package brings.
type PluginPart string

// The parts. A license or configuration belongs to the plugin that its association names as a
// prerequisite; its files lie in the plugin's folder in the configuration folder.
const (
	PartPlugin  PluginPart = ""        // the plugin itself: a ZIP-PLUGIN
	PartConfig  PluginPart = "config"  // the files of a PACKAGE-CONFIG
	PartLicense PluginPart = "license" // the file of a PACKAGE-LICENSE
)

// PartOf is the part that packages of the type bring; false: they bring none.
func PartOf(t PackageType) (part PluginPart, is bool) {
	switch t {
	case TypePlugin:
		return PartPlugin, true
	case TypeConfig:
		return PartConfig, true
	case TypeLicense:
		return PartLicense, true
	}
	return "", false
}

// Called is the part of a plugin for people.
func (p PluginPart) Called(plugin string) string {
	switch p {
	case PartConfig:
		return "the configuration of " + plugin
	case PartLicense:
		return "the license of " + plugin
	}
	return plugin
}

// MaxLicensePath bounds LicenseFilepath, in bytes.
const MaxLicensePath = 256

var licensePath = regexp.MustCompile(`^[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$`)

// CheckLicensePath refuses what is no LicenseFilepath. What AWS takes leads out of no folder.
func CheckLicensePath(name string) error {
	if name == "." || len(name) > MaxLicensePath || !licensePath.MatchString(name) || strings.Contains(name, "..") || !fs.ValidPath(name) {
		return Errorf(ErrInvalid, "%.300q is no path of a license: it has letters, digits, _, . and - between single slashes, and no two dots in a row", name)
	}
	return nil
}

// PluginOrder is what a node is to have of one plugin when it next starts. Nothing under plugins/
// changes while OpenSearch runs: it reads jars and folders there all the time.
type PluginOrder struct {
	PackageID string      `json:"package_id"`
	State     PluginState `json:"state"`
	Part      PluginPart  `json:"part,omitempty"`
	Name      string      `json:"name"` // the folder under plugins/, which the descriptor names
	// Path of a license, below the plugin's folder in the configuration folder.
	Path      string `json:"path,omitempty"`
	VersionID string `json:"version_id,omitempty"`
	Version   int    `json:"version,omitempty"`
	Digest    Digest `json:"digest,omitempty"` // of the zip
	Size      int64  `json:"size,omitempty"`   // of the zip, in bytes
	// Signature that came with the zip; "" = none.
	Signature string `json:"signature,omitempty"`
	// OpenSearch is for which versions the zip is made, as its descriptor has it: "2.19.1", "~3.8.0"; ""
	// = not known.
	OpenSearch string `json:"opensearch,omitempty"`
}

// RestartOffer allows an agent to ask for a permit to restart its node. It is no permit.
type RestartOffer struct {
	ID string `json:"id"`
}

// RestartMode is how a node is stopped and started.
type RestartMode string

// The restart modes.
const (
	// RestartExternal: somebody else restarts the node; the agent only says that it waits for it.
	RestartExternal RestartMode = ""
	// RestartOwn: the agent stops and starts the node, by commands of the node's own configuration.
	RestartOwn RestartMode = "own"
)

// PluginReport is what a node has of one plugin that Searchpack brought, or is to bring.
type PluginReport struct {
	PackageID string     `json:"package_id"`
	Part      PluginPart `json:"part,omitempty"`
	Name      string     `json:"name"`
	// Installed is the digest of the zip that the folder under plugins/ was unpacked from, or of the
	// license or configuration whose files lie there; "" = there is no such folder, or it is not as its
	// manifest says (Error).
	Installed Digest `json:"installed,omitempty"`
	// Started: OpenSearch was started since the folder became what it is.
	Started bool   `json:"started,omitempty"`
	Staged  Digest `json:"staged,omitempty"` // lies ready beside plugins/ for the next start
	Error   string `json:"error,omitempty"`
	// Waits says what the node's restart waits for.
	Waits string `json:"waits,omitempty"`
	// Failed is the digest of a zip with which OpenSearch did not start, for which FailedWhy has the
	// node's own words; the node got its former plugins back. It is forgotten once no order names it.
	Failed    Digest `json:"failed,omitempty"`
	FailedWhy string `json:"failed_why,omitempty"`
	// Needs is who in the cluster needs the plugin; nil = this agent does not speak for the domain, or has
	// not found it out yet. It is minutes old, and for people: a removal asks anew (DutyNeeds).
	Needs *NeedsReport `json:"needs,omitempty"`
}

// LoadedPlugin is one plugin in the node's own list (GET _nodes/_local/plugins).
type LoadedPlugin struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	ClassName string `json:"class_name"`
}

// Allocation is cluster.routing.allocation.enable as it is set; nil = not set.
type Allocation struct {
	Persistent *string `json:"persistent,omitempty"`
	Transient  *string `json:"transient,omitempty"`
}

// ClusterHealth is what decides whether a node may stop, all from one cluster state.
type ClusterHealth struct {
	ClusterUUID string `json:"cluster_uuid"`
	Term        int64  `json:"term"`
	Version     int64  `json:"version"`
	// Unassigned copies, "shop[0] replica", sorted, MaxUnassigned at most; More counts the rest.
	Unassigned []string `json:"unassigned,omitempty"`
	More       int      `json:"more,omitempty"`
	Moving     int      `json:"moving,omitempty"` // copies that are initializing or relocating
	// Alone are the indices of which the node asked holds the only started copy of a shard.
	Alone []string `json:"alone,omitempty"`
	// Voting are the node ids of the voting configuration, Present those of the nodes there.
	Voting     []string   `json:"voting,omitempty"`
	Present    []string   `json:"present,omitempty"`
	Allocation Allocation `json:"allocation"`
}

// MaxUnassigned bounds the unassigned copies that are named. More than this is no state in which
// anybody restarts nodes.
const MaxUnassigned = 10_000

// Worse says what in the cluster is worse than it was when these copies were unassigned; "" if nothing
// is. While copies move nothing can be said, so that counts too.
func (h ClusterHealth) Worse(baseline []string) string {
	const named = 10
	var fresh []string
	more := 0
	for _, u := range h.Unassigned {
		if _, was := slices.BinarySearch(baseline, u); was {
			continue
		}
		if len(fresh) < named {
			fresh = append(fresh, u)
		} else {
			more++
		}
	}
	switch {
	case len(fresh) > 0 && more > 0:
		return fmt.Sprintf("copies are unassigned that were not before: %s and %d more", strings.Join(fresh, ", "), more)
	case len(fresh) > 0:
		return "copies are unassigned that were not before: " + strings.Join(fresh, ", ")
	case h.More > 0:
		return fmt.Sprintf("more than %d copies are unassigned", MaxUnassigned)
	case h.Moving > 0:
		return fmt.Sprintf("copies are initializing or relocating: %d", h.Moving)
	}
	return ""
}

// SavedAllocation is what a rollout changed in the cluster's settings and what is to be put back,
// also when the rollout is gone.
type SavedAllocation struct {
	ID     string     `json:"id"` // of the change
	Former Allocation `json:"former"`
	// ReleasedAt is since when no restart needs the change; zero = one does.
	ReleasedAt time.Time `json:"released_at,omitzero"`
}

const (
	// ConfirmWithin is how old the server's word that an order is still its latest may be when an agent
	// changes the cluster's settings for it: else an agent that was away would change them long after
	// they were put back.
	ConfirmWithin = 10 * time.Second
	// ConfirmSlack is how much later than that such a change may still take effect.
	ConfirmSlack = 10 * time.Second
)

const (
	// StopWithin is how long after its call a begun permit allows a node to be stopped.
	StopWithin = 30 * time.Second
	// StopSlack is how much later than StopWithin nobody counts on the node still being stopped by a
	// permit whose rollout was aborted, or whose agent was retired.
	StopSlack = 30 * time.Second
)

// Permit is leave for one node to stop. It is begun and ended by calls of its agent, and never ends
// by itself.
type Permit struct {
	ID        string // also the offer's: one offer gives one permit
	Domain    DomainKey
	RolloutID string
	AgentID   string
	Attempt   Attempt // at which it was given
	BegunAt   time.Time
	EndedAt   time.Time // zero: the node is not back yet
	// Failed says why the node did not come back with what was ordered; it has its former plugins then.
	Failed string
}

// Attempt orders the calls by which one agent asks for permits. It makes one at a time, and acts on
// the answer to its last alone.
type Attempt struct {
	Epoch int64 `json:"epoch"` // as in reports
	Seq   int64 `json:"seq"`
}

// After reports whether a was made later than b.
func (a Attempt) After(b Attempt) bool {
	return a.Epoch > b.Epoch || a.Epoch == b.Epoch && a.Seq > b.Seq
}

// PermitAsk is what an agent sends to begin a permit. It does not hold one then, and its node runs.
type PermitAsk struct {
	OfferID string        `json:"offer_id"`
	Attempt Attempt       `json:"attempt"`
	Health  ClusterHealth `json:"health"` // read just now from its own node
}

// PermitGrant is the answer to a permit that was begun.
type PermitGrant struct {
	PermitID string `json:"permit_id"`
	// StopWithin is in seconds from before the call.
	StopWithin int `json:"stop_within"`
}

// PermitEnd is what an agent sends when its node is back.
type PermitEnd struct {
	PermitID string `json:"permit_id"`
	Failed   string `json:"failed,omitempty"` // MaxPermitFailed bytes at most
}

// MaxPermitFailed bounds what an agent says of a failed start, in bytes: some lines of a log.
const MaxPermitFailed = 8 << 10

// RestartStage is how far the restart of one node has come.
type RestartStage string

// The stages. Each waits for something that a node reports.
const (
	StageHold    RestartStage = "hold"    // allocation to primaries, flush
	StageOffer   RestartStage = "offer"   // the agent may ask for its permit; until it is ended
	StageRecover RestartStage = "recover" // allocation back, copies as before
)

// Restart is the node that a rollout is restarting.
type Restart struct {
	AgentID string       `json:"agent_id"`
	Stage   RestartStage `json:"stage"`
	OfferID string       `json:"offer_id,omitempty"`
}
