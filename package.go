package searchpack

import (
	"path"
	"slices"
	"strings"
	"time"
)

// PackageType is AWS's PackageType.
type PackageType string

// The four package types.
const (
	TypeDictionary PackageType = "TXT-DICTIONARY"
	TypePlugin     PackageType = "ZIP-PLUGIN"
	TypeLicense    PackageType = "PACKAGE-LICENSE"
	TypeConfig     PackageType = "PACKAGE-CONFIG"
)

// PackageStatus is AWS's PackageStatus.
type PackageStatus string

// The package statuses that Searchpack uses. A deleted package has no row at all.
const (
	PackageCopying          PackageStatus = "COPYING"
	PackageCopyFailed       PackageStatus = "COPY_FAILED"
	PackageValidating       PackageStatus = "VALIDATING"
	PackageValidationFailed PackageStatus = "VALIDATION_FAILED"
	PackageAvailable        PackageStatus = "AVAILABLE"
)

// ErrorDetails is AWS's ErrorDetails: why something FAILED. It is nil with every other status,
// because Terraform takes its mere presence for a failure.
type ErrorDetails struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Package is what CreatePackage makes.
type Package struct {
	ID          string // "F" and digits for a dictionary
	Account     string // 12 digits
	Region      string
	Name        string
	Type        PackageType
	Description string
	Status      PackageStatus // of the newest import
	Error       *ErrorDetails // only with a *_FAILED status
	CreatedAt   time.Time
	UpdatedAt   time.Time

	// EngineVersion, "OpenSearch_3.8", is a plugin's; "" for every other type.
	EngineVersion string
	// Vending is PackageVendingOptions.VendingEnabled, Encryption PackageEncryptionOptions.
	// EncryptionEnabled, as CreatePackage gave them; nil: not given.
	Vending    *bool
	Encryption *bool
	// SharedWith lists who else sees the package and may associate it: accounts and "GLOBAL",
	// sorted, each once.
	SharedWith []string

	// AvailableID is the version that AssociatePackage takes, "" before the first success. It
	// stays while an update is imported and after one has failed.
	AvailableID string
	// AvailableNumber is the number of that version: 1 for v1. 0 before the first success.
	AvailableNumber int
	// AvailablePlugin and AvailableConfiguration are that version's; nil if it has none.
	AvailablePlugin        *PluginProperties
	AvailableConfiguration *PackageConfiguration
	// ImportID is the version being imported, or the one whose import came last.
	ImportID string
}

// Global stands for every account in Package.SharedWith.
const Global = "GLOBAL"

// VisibleTo reports whether the account sees the package and may associate it.
func (p *Package) VisibleTo(account string) bool {
	return p.Account == account || slices.Contains(p.SharedWith, account) || slices.Contains(p.SharedWith, Global)
}

// RequirementLevel is AWS's RequirementLevel.
type RequirementLevel string

// The requirement levels.
const (
	RequirementRequired RequirementLevel = "REQUIRED"
	RequirementOptional RequirementLevel = "OPTIONAL"
	RequirementNone     RequirementLevel = "NONE"
)

// PackageConfiguration is AWS's PackageConfiguration: what else a plugin needs.
type PackageConfiguration struct {
	License         RequirementLevel `json:"license"`
	Configuration   RequirementLevel `json:"configuration"`
	LicenseFilepath string           `json:"license_filepath,omitempty"` // below the plugin's folder in the configuration folder
	// RestartForConfiguration: a new configuration needs a restart of the nodes; nil: not said.
	RestartForConfiguration *bool `json:"restart_for_configuration,omitempty"`
}

// PluginProperties is what a plugin's descriptor says, with the size of the unpacked tree in bytes.
type PluginProperties struct {
	Name             string `json:"name"`
	Description      string `json:"description"`
	Version          string `json:"version"`
	ClassName        string `json:"class_name"`
	UncompressedSize int64  `json:"uncompressed_size"`
	// OpenSearch is for which versions the plugin is made: "3.8.0", or a range as its descriptor has it.
	// "" = not known, of plugins that an older Searchpack has imported.
	OpenSearch string `json:"opensearch,omitempty"`
}

// Kind is what text a dictionary holds. The names are the same in object metadata, command line
// and API.
type Kind string

// The kinds of dictionary. KindUnknown: neither declared nor known.
const (
	KindUnknown   Kind = ""
	KindSynonyms  Kind = "solr-synonyms"
	KindWordNet   Kind = "wordnet"
	KindWords     Kind = "words"
	KindStemmer   Kind = "stemmer-override"
	KindMapping   Kind = "mapping"
	KindTypeTable Kind = "type-table"
	KindKuromoji  Kind = "kuromoji"
	KindNori      Kind = "nori"
	KindHyphen    Kind = "hyphenation"
	KindHunspell  Kind = "hunspell"
	KindOpaque    Kind = "opaque"
)

// Kinds lists every kind that may be declared.
var Kinds = []Kind{
	KindSynonyms, KindWordNet, KindWords, KindStemmer, KindMapping, KindTypeTable,
	KindKuromoji, KindNori, KindHyphen, KindHunspell, KindOpaque,
}

// Source is the S3 object that a version was, or is to be, read from.
type Source struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"version_id,omitempty"` // what was read, known after the read
	ETag      string `json:"etag,omitempty"`       // what was read, known after the read
	// Signature of a plugin, license or configuration that came with the object, MaxSignature bytes at most:
	// nodes hold it against the keys that they trust. Nobody else has looked at it.
	Signature string `json:"signature,omitempty"`
}

// keys are those that a caller must be allowed to read in order to read the source. A server that
// keeps objects as files takes a//b and a/./b for a/b, so that a policy which denies the one must stand
// in the way of the others, too.
func (s Source) keys() []string {
	keys := []string{s.Key}
	if clean := strings.TrimPrefix(path.Clean("/"+s.Key), "/"); clean != "" && clean != s.Key {
		keys = append(keys, clean)
	}
	return keys
}

// MaxSignature bounds a plugin's signature, in bytes: S3 takes no more metadata.
const MaxSignature = 2 << 10

// Version is one version of a package, or an attempt at one: Number is 0 until its import
// succeeded, and stays 0 for ever if it failed.
type Version struct {
	ID            string // own id, known from the start
	PackageID     string
	Number        int           // 1 for v1; given at success
	Status        PackageStatus // of this version's import
	Error         *ErrorDetails
	Source        Source
	CommitMessage string
	Digest        Digest // of the blob; "" before it is stored
	Size          int64  // bytes
	Kind          Kind
	KindDeclared  bool // by x-amz-meta-searchpack-kind
	KindLearnt    bool // from indices that use the package; neither: guessed
	// KindConfidence is how sure the kind is, in percent: 100 when declared or learnt, 0 when it is
	// not known.
	KindConfidence int
	// Tree: the blob is a zip that becomes a folder on nodes; its files are the version's manifest.
	Tree         bool
	Identical    bool // same bytes as the version before
	FindingCount int  // exact, also when fewer findings were kept
	// Configuration is what the caller gave with this version, Plugin what the descriptor in the
	// zip says; nil if there is none.
	Configuration *PackageConfiguration
	Plugin        *PluginProperties
	// CheckCount is how many verify checks the version has, ChecksDigest that of the document that they
	// came in; "" = there was none.
	CheckCount   int
	ChecksDigest Digest
	// AskedBy is who asked for the import, until it has ended: with whose rights checks are read.
	AskedBy    *Caller
	CreatedAt  time.Time
	ImportedAt time.Time // zero until the import ended, either way
}

// SureConfidence is how sure a guess of the kind must be, in percent, to refuse a file for it.
const SureConfidence = 90

// SureKind is the kind if it is declared, learnt or as good as certain; else KindUnknown: nobody may
// refuse a file for a guess.
func (v *Version) SureKind() Kind {
	if v.KindDeclared || v.KindLearnt || v.KindConfidence >= SureConfidence {
		return v.Kind
	}
	return KindUnknown
}

// ManifestEntry is one file of an unpacked package: of a plugin, a configuration, or a dictionary
// that is a folder.
type ManifestEntry struct {
	Path   string `json:"path"` // relative, with slashes
	Size   int64  `json:"size"` // bytes
	Digest Digest `json:"digest"`
	Mode   uint32 `json:"mode"` // 0644 or 0755
}

// Severity of a finding.
type Severity string

// The severities. Only SeverityError makes an import fail.
const (
	SeverityError Severity = "error" // OpenSearch will refuse it
	// SeverityMostly: OpenSearch refuses it with most analyzers, and takes it with some.
	SeverityMostly  Severity = "error-with-most-analyzers"
	SeverityWarning Severity = "warning" // accepted, but surely not meant
	SeverityNote    Severity = "note"
)

// Finding is one result of inspecting bytes.
type Finding struct {
	Rule     string   `json:"rule"` // stable id, for example "synonyms.two-arrows"
	Severity Severity `json:"severity"`
	Path     string   `json:"path,omitempty"` // of the file inside a zip; "" = the file itself
	Line     int      `json:"line,omitempty"` // physical, 1-based; 0: the whole file
	// OpenSearchLine is the number that OpenSearch's own message gives to the line, where it leaves
	// blank lines out; 0: the same as Line, or none, as of all that OpenSearch takes.
	OpenSearchLine int    `json:"opensearch_line,omitempty"`
	Column         int    `json:"column,omitempty"` // in characters, 1-based; 0: the whole line
	Text           string `json:"text,omitempty"`   // the offending text, cut to 200 characters
	Message        string `json:"message"`          // what is wrong and what happens
	Remedy         string `json:"remedy,omitempty"` // what to write instead
}

// ReferencePath is what an index setting names to use a dictionary, relative to the node's
// configuration folder. It holds the package's id, not its version. What lies there is a file, or the
// folder of a version whose blob is a tree.
func ReferencePath(packageID string) string { return "analyzers/" + packageID }
