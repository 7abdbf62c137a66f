package sqlstore

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
)

// What schema 2 holds is read by the program of schema 3 as what it has become.
func TestSQLiteFromSchema2(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	fromSchema2(t, sqliteHandle(path, 1, url.Values{"_foreign_keys": {"1"}}), migrationsSQLite, "sqlite:"+path)
}

func TestPostgresFromSchema2(t *testing.T) {
	t.Parallel()
	dsn := schema(t, pgtest.Start(t))
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	fromSchema2(t, stdlib.OpenDB(*cfg), migrationsPostgres, dsn)
}

// schema2 is one row of each table that schema 3 changes.
var schema2 = []string{
	`INSERT INTO credential (access_key, account, name, sealed, created_at) VALUES ('AK', '000000000000', 'admin', 'AQI=', 1000000)`,
	`INSERT INTO package (id, account, region, name, type, description, status, error, created_at, updated_at, available_id, available_number, import_id)
		VALUES ('F1', '000000000000', 'us-east-1', 'words', 'TXT-DICTIONARY', '', 'AVAILABLE', '', 1000000, 2000000, 'v', 1, 'v')`,
	`INSERT INTO package_version (id, seq, package_id, number, status, error, source, commit_message, digest, size, kind, kind_declared, identical,
		finding_count, created_at, imported_at) VALUES ('v', 1, 'F1', 1, 'AVAILABLE', '', '{"bucket":"b","key":"k"}', '', '', 3, '', 0, 0, 0, 1000000, 2000000)`,
	`INSERT INTO domain (account, region, name, id, engine_version, request, nodes, files_only, policy, created_at, deleted_at)
		VALUES ('000000000000', 'us-east-1', 'products', 'i', 'OpenSearch_3.8', '{"EBSOptions":{}}', 3, 0, '{}', 1000000, 0)`,
	`INSERT INTO association (account, region, domain, package_id, status, serving_id, wanted_id, error, note, findings, created_at, updated_at)
		VALUES ('000000000000', 'us-east-1', 'products', 'F1', 'ACTIVE', 'v', 'v', '', '', '', 1000000, 2000000)`,
	`INSERT INTO event (seq, at, account, region, actor, action, subject, detail) VALUES (7, 1000000, '000000000000', 'us-east-1', 'a', 'CreatePackage', 'F1', '')`,
}

// fromSchema2 makes a database of schema 2, opens it, and compares what is there.
func fromSchema2(t *testing.T, db *sql.DB, set migrationSet, dsn string) {
	t.Helper()
	ctx := t.Context()
	provider, err := newProvider(db, set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, 2); err != nil {
		t.Fatal(err)
	}
	for _, row := range schema2 {
		if _, err := db.ExecContext(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn, Options{NoListen: true})
	one, two := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	key := searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "products"}
	err = s.View(ctx, func(tx searchpack.Tx) error {
		same := func(want, got any, err error) {
			t.Helper()
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%T: %v (-want +got):\n%s", want, err, diff)
			}
		}
		c, err := tx.Credential(ctx, "AK")
		same(&searchpack.Credential{
			AccessKey: "AK", Account: key.Account, Name: "admin", Sealed: []byte{1, 2}, CreatedAt: one, Operator: true,
			Policies: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		}, c, err)
		p, err := tx.Package(ctx, "F1")
		same(&searchpack.Package{
			ID: "F1", Account: key.Account, Region: key.Region, Name: "words", Type: searchpack.TypeDictionary,
			Status: searchpack.PackageAvailable, CreatedAt: one, UpdatedAt: two, AvailableID: "v", AvailableNumber: 1, ImportID: "v",
		}, p, err)
		v, err := tx.Version(ctx, "v")
		same(&searchpack.Version{
			ID: "v", PackageID: "F1", Number: 1, Status: searchpack.PackageAvailable, Source: searchpack.Source{Bucket: "b", Key: "k"},
			Size: 3, CreatedAt: one, ImportedAt: two,
		}, v, err)
		d, err := tx.Domain(ctx, key)
		same(&searchpack.Domain{DomainKey: key, ID: "i", EngineVersion: "OpenSearch_3.8", Options: `{"EBSOptions":{}}`, Nodes: 3, CreatedAt: one}, d, err)
		a, err := tx.Association(ctx, key, "F1")
		same(&searchpack.Association{Domain: key, PackageID: "F1", Status: searchpack.Active, ServingID: "v", WantedID: "v", CreatedAt: one, UpdatedAt: two}, a, err)
		es, err := tx.Events(ctx, key.Account, key.Region, 0, 0)
		same([]*searchpack.Event{{ID: 7, At: one, Account: key.Account, Region: key.Region, Actor: "a", Action: "CreatePackage", Subject: "F1"}}, es, err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
