package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

const versionRest = "package_id, number, status, error, source, commit_message, digest, size, kind, kind_declared, " +
	"identical, finding_count, created_at, imported_at, configuration, plugin, kind_learnt, kind_confidence, tree, " +
	"check_count, checks_digest, asked_by"

// PutVersion inserts or replaces, and takes the mark off its blob; ErrNotFound if its package is
// gone, ErrUnavailable while the blob is being deleted.
func (t *tx) PutVersion(ctx context.Context, v *searchpack.Version) error {
	var docs [5]string
	if err := jsonTexts(docs[:], v.Error, &v.Source, v.Configuration, v.Plugin, v.AskedBy); err != nil {
		return err
	}
	if v.Digest != "" {
		if err := t.rescue(ctx, v.Digest); err != nil {
			return err
		}
	}
	return t.put(ctx, "package", v.PackageID, t.s.d.upsertSeq("package_version", "id", versionRest),
		v.ID, v.PackageID, v.Number, string(v.Status), docs[0], docs[1], v.CommitMessage, string(v.Digest), v.Size,
		string(v.Kind), flag(v.KindDeclared), flag(v.Identical), v.FindingCount, micros(v.CreatedAt), micros(v.ImportedAt),
		docs[2], docs[3], flag(v.KindLearnt), v.KindConfidence, flag(v.Tree), v.CheckCount, string(v.ChecksDigest), docs[4])
}

func scanVersion(row scanner) (*searchpack.Version, error) {
	var v searchpack.Version
	err := row.Scan(&v.ID, &v.PackageID, &v.Number, &v.Status, jsonDoc{&v.Error}, jsonDoc{&v.Source}, &v.CommitMessage,
		&v.Digest, &v.Size, &v.Kind, flagOf{&v.KindDeclared}, flagOf{&v.Identical}, &v.FindingCount,
		microTime{&v.CreatedAt}, microTime{&v.ImportedAt}, jsonDoc{&v.Configuration}, jsonDoc{&v.Plugin},
		flagOf{&v.KindLearnt}, &v.KindConfidence, flagOf{&v.Tree}, &v.CheckCount, &v.ChecksDigest, jsonDoc{&v.AskedBy})
	return &v, err
}

// Version returns a version.
func (t *tx) Version(ctx context.Context, id string) (*searchpack.Version, error) {
	return one(ctx, t, "version", id, scanVersion, "SELECT id, "+versionRest+" FROM package_version WHERE id = $1", id)
}

// VersionsByID returns those that exist, by id.
func (t *tx) VersionsByID(ctx context.Context, ids []string) (map[string]*searchpack.Version, error) {
	return byID(ctx, t, ids, scanVersion, "SELECT id, "+versionRest+" FROM package_version", func(v *searchpack.Version) string { return v.ID })
}

// Versions returns all versions of a package, oldest first.
func (t *tx) Versions(ctx context.Context, packageID string) ([]*searchpack.Version, error) {
	return list(ctx, t, scanVersion,
		"SELECT id, "+versionRest+" FROM package_version WHERE package_id = $1 ORDER BY created_at, seq", packageID)
}

// DigestInUse reports whether any version names the blob.
func (t *tx) DigestInUse(ctx context.Context, d searchpack.Digest) (bool, error) {
	var n int
	err := t.row(ctx, []any{&n}, "SELECT count(*) FROM (SELECT 1 FROM package_version WHERE digest = $1 LIMIT 1) AS v", string(d))
	return n > 0, err
}

// findingsAtOnce is how many findings one INSERT writes: eleven parameters each, and PostgreSQL
// takes 65,535, SQLite 32,766.
const findingsAtOnce = 500

// PutFindings replaces the findings of a version, keeping their order.
func (t *tx) PutFindings(ctx context.Context, versionID string, f []searchpack.Finding) error {
	if _, err := t.exec(ctx, "DELETE FROM finding WHERE version_id = $1", versionID); err != nil {
		return err
	}
	position := 0
	for part := range slices.Chunk(f, findingsAtOnce) {
		var rows []string
		var args []any
		for _, x := range part {
			rows = append(rows, "("+params(len(args)+1, 11)+")")
			args = append(args, versionID, position, x.Rule, string(x.Severity), x.Line, x.Column, x.Text, x.Message, x.Remedy, x.Path, x.OpenSearchLine)
			position++
		}
		err := t.put(ctx, "version", versionID, "INSERT INTO finding (version_id, position, rule, severity, line, col, text, "+
			"message, remedy, path, opensearch_line) VALUES "+strings.Join(rows, ", "), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// Findings returns the findings of a version as they were put.
func (t *tx) Findings(ctx context.Context, versionID string) ([]searchpack.Finding, error) {
	return list(ctx, t, func(row scanner) (f searchpack.Finding, err error) {
		err = row.Scan(&f.Rule, &f.Severity, &f.Line, &f.Column, &f.Text, &f.Message, &f.Remedy, &f.Path, &f.OpenSearchLine)
		return f, err
	}, "SELECT rule, severity, line, col, text, message, remedy, path, opensearch_line FROM finding WHERE version_id = $1 ORDER BY position", versionID)
}
