package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// PutManifest replaces the manifest of a version, keeping its order.
func (t *tx) PutManifest(ctx context.Context, versionID string, m []searchpack.ManifestEntry) error {
	if _, err := t.exec(ctx, "DELETE FROM manifest WHERE version_id = $1", versionID); err != nil {
		return err
	}
	position := 0
	for part := range slices.Chunk(m, findingsAtOnce) {
		var rows []string
		var args []any
		for _, e := range part {
			rows = append(rows, "("+params(len(args)+1, 6)+")")
			args = append(args, versionID, position, e.Path, e.Size, string(e.Digest), int64(e.Mode))
			position++
		}
		err := t.put(ctx, "version", versionID,
			"INSERT INTO manifest (version_id, position, path, size, digest, mode) VALUES "+strings.Join(rows, ", "), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// Manifest returns the manifest of a version as it was put; nil if it has none.
func (t *tx) Manifest(ctx context.Context, versionID string) ([]searchpack.ManifestEntry, error) {
	return list(ctx, t, func(row scanner) (e searchpack.ManifestEntry, err error) {
		err = row.Scan(&e.Path, &e.Size, &e.Digest, &e.Mode)
		return e, err
	}, "SELECT path, size, digest, mode FROM manifest WHERE version_id = $1 ORDER BY position", versionID)
}

// PutSBOM keeps the bill of materials of a version, which replaces the one before.
func (t *tx) PutSBOM(ctx context.Context, versionID string, doc []byte) error {
	if _, err := t.exec(ctx, "DELETE FROM sbom WHERE version_id = $1", versionID); err != nil {
		return err
	}
	return t.put(ctx, "version", versionID, "INSERT INTO sbom (version_id, doc) VALUES ($1, $2)", versionID, string(doc))
}

// SBOM returns the bill of materials of a version; ErrNotFound if it has none.
func (t *tx) SBOM(ctx context.Context, versionID string) ([]byte, error) {
	return one(ctx, t, "bill of materials", versionID, func(row scanner) (doc []byte, err error) {
		var text string
		err = row.Scan(&text)
		return []byte(text), err
	}, "SELECT doc FROM sbom WHERE version_id = $1", versionID)
}

// PutChecks replaces the verify checks of a version.
func (t *tx) PutChecks(ctx context.Context, versionID string, checks []searchpack.Check) error {
	if _, err := t.exec(ctx, "DELETE FROM version_checks WHERE version_id = $1", versionID); err != nil {
		return err
	}
	if len(checks) == 0 {
		return nil
	}
	doc, err := jsonText(&checks)
	if err != nil {
		return err
	}
	return t.put(ctx, "version", versionID, "INSERT INTO version_checks (version_id, doc) VALUES ($1, $2)", versionID, doc)
}

// Checks returns the verify checks of a version; nil if it has none.
func (t *tx) Checks(ctx context.Context, versionID string) ([]searchpack.Check, error) {
	all, err := list(ctx, t, func(row scanner) (checks []searchpack.Check, err error) {
		err = row.Scan(jsonDoc{&checks})
		return checks, err
	}, "SELECT doc FROM version_checks WHERE version_id = $1", versionID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}
