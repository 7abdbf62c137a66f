package extapi

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/searchpack/searchpack"
)

// versionJSON is one version, or one attempt at one.
type versionJSON struct {
	ID           string                   `json:"id"`
	Version      string                   `json:"version,omitempty"` // "v1"; absent until its import has succeeded
	Status       searchpack.PackageStatus `json:"status"`
	Error        *searchpack.ErrorDetails `json:"error,omitempty"`
	Digest       searchpack.Digest        `json:"digest,omitempty"`
	Size         int64                    `json:"size"`
	Kind         searchpack.Kind          `json:"kind,omitempty"`
	KindDeclared bool                     `json:"kind_declared"`
	// KindSource says how the kind is known: declared, learnt or guessed.
	KindSource     string            `json:"kind_source,omitempty"`
	KindConfidence int               `json:"kind_confidence"` // percent
	Identical      bool              `json:"identical"`
	Findings       int               `json:"findings"`
	Checks         int               `json:"checks"`                  // how many verify checks it has
	ChecksDigest   searchpack.Digest `json:"checks_digest,omitempty"` // of the document that they came in
	CommitMessage  string            `json:"commit_message,omitempty"`
	Source         searchpack.Source `json:"source"`
	CreatedAt      time.Time         `json:"created_at"`
	ImportedAt     *time.Time        `json:"imported_at,omitempty"`
}

// VersionName writes a version number as AWS does; "" for none.
func VersionName(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf("v%d", number)
}

func versionOf(v *searchpack.Version) versionJSON {
	return versionJSON{
		ID: v.ID, Version: VersionName(v.Number), Status: v.Status, Error: v.Error, Digest: v.Digest,
		Size: v.Size, Kind: v.Kind, KindDeclared: v.KindDeclared,
		KindSource: kindSource(v), KindConfidence: v.KindConfidence, Identical: v.Identical,
		Findings: v.FindingCount, Checks: v.CheckCount, ChecksDigest: v.ChecksDigest, CommitMessage: v.CommitMessage, Source: v.Source,
		CreatedAt: v.CreatedAt, ImportedAt: instant(v.ImportedAt),
	}
}

// kindSource says how the kind of a version is known; "" if it is not.
func kindSource(v *searchpack.Version) string {
	switch {
	case v.Kind == searchpack.KindUnknown:
		return ""
	case v.KindDeclared:
		return "declared"
	case v.KindLearnt:
		return "learnt"
	}
	return "guessed"
}

// instant leaves a zero time out of a document.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (e *edge) versions(c call) (any, error) {
	id := c.PathValue("package")
	vs, err := e.Catalog.Versions(c.Context(), c.who, id)
	if err != nil {
		return nil, err
	}
	out := make([]versionJSON, len(vs))
	for i, v := range vs {
		out[i] = versionOf(v)
	}
	return map[string]any{"package_id": id, "versions": out}, nil
}

// maxVersion bounds the version asked for; more would not fit the column.
const maxVersion = 1 << 31

func (e *edge) findings(c call) (any, error) {
	n, err := c.number("version", 1, maxVersion, 0)
	if err != nil {
		return nil, err
	}
	v, fs, err := e.Catalog.Findings(c.Context(), c.who, c.PathValue("package"), int(n))
	if err != nil {
		return nil, err
	}
	if fs == nil {
		fs = []searchpack.Finding{}
	}
	return map[string]any{"package_id": c.PathValue("package"), "version": versionOf(v), "count": v.FindingCount, "findings": fs}, nil
}

func (e *edge) manifest(c call) (any, error) {
	n, err := c.number("version", 1, maxVersion, 0)
	if err != nil {
		return nil, err
	}
	v, files, err := e.Catalog.Manifest(c.Context(), c.who, c.PathValue("package"), int(n))
	if err != nil {
		return nil, err
	}
	if files == nil {
		files = []searchpack.ManifestEntry{}
	}
	return map[string]any{"package_id": c.PathValue("package"), "version": versionOf(v), "files": files}, nil
}

// checks answers with a document that could be shipped again.
func (e *edge) checks(c call) (any, error) {
	n, err := c.number("version", 1, maxVersion, 0)
	if err != nil {
		return nil, err
	}
	v, all, err := e.Catalog.Checks(c.Context(), c.who, c.PathValue("package"), int(n))
	if err != nil {
		return nil, err
	}
	if all == nil {
		all = []searchpack.Check{}
	}
	return map[string]any{"package_id": c.PathValue("package"), "version": versionOf(v), "schema": 1, "checks": all}, nil
}

func (e *edge) sbom(c call) (any, error) {
	n, err := c.number("version", 1, maxVersion, 0)
	if err != nil {
		return nil, err
	}
	doc, err := e.Catalog.SBOM(c.Context(), c.who, c.PathValue("package"), int(n))
	return json.RawMessage(doc), err
}
