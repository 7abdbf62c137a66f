package sqlstore

import (
	"context"
	"strings"

	"github.com/searchpack/searchpack"
)

const (
	packageRest = "account, region, name, type, description, status, error, created_at, updated_at, " +
		"available_id, available_number, import_id, engine_version, vending, encryption, available_plugin, " +
		"available_configuration"
	packageRows = "SELECT id, " + packageRest + ", COALESCE((SELECT string_agg(s.grantee, ',' ORDER BY s.grantee) " +
		"FROM share s WHERE s.package_id = package.id), '') FROM package"
)

// PutPackage inserts or replaces.
func (t *tx) PutPackage(ctx context.Context, p *searchpack.Package) error {
	var docs [5]string
	err := jsonTexts(docs[:], p.Error, p.Vending, p.Encryption, p.AvailablePlugin, p.AvailableConfiguration)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, upsert("package", "id", packageRest),
		p.ID, p.Account, p.Region, p.Name, string(p.Type), p.Description, string(p.Status), docs[0],
		micros(p.CreatedAt), micros(p.UpdatedAt), p.AvailableID, p.AvailableNumber, p.ImportID,
		p.EngineVersion, docs[1], docs[2], docs[3], docs[4])
	if err != nil {
		return err
	}
	return t.putShares(ctx, p)
}

// putShares replaces who else sees the package.
func (t *tx) putShares(ctx context.Context, p *searchpack.Package) error {
	if _, err := t.exec(ctx, "DELETE FROM share WHERE package_id = $1", p.ID); err != nil {
		return err
	}
	for _, grantee := range p.SharedWith {
		if _, err := t.exec(ctx, "INSERT INTO share (package_id, grantee) VALUES ($1, $2)", p.ID, grantee); err != nil {
			return err
		}
	}
	return nil
}

func scanPackage(row scanner) (*searchpack.Package, error) {
	var p searchpack.Package
	var shared string
	err := row.Scan(&p.ID, &p.Account, &p.Region, &p.Name, &p.Type, &p.Description, &p.Status, jsonDoc{&p.Error},
		microTime{&p.CreatedAt}, microTime{&p.UpdatedAt}, &p.AvailableID, &p.AvailableNumber, &p.ImportID,
		&p.EngineVersion, jsonDoc{&p.Vending}, jsonDoc{&p.Encryption}, jsonDoc{&p.AvailablePlugin}, jsonDoc{&p.AvailableConfiguration}, &shared)
	if shared != "" {
		p.SharedWith = strings.Split(shared, ",")
	}
	return &p, err
}

// Package returns a package.
func (t *tx) Package(ctx context.Context, id string) (*searchpack.Package, error) {
	return one(ctx, t, "package", id, scanPackage, packageRows+" WHERE id = $1", id)
}

// Packages returns those that q selects, by id.
func (t *tx) Packages(ctx context.Context, q searchpack.PackageQuery) ([]*searchpack.Package, error) {
	var w where
	w.add("region = %s", q.Region)
	if q.Shared {
		w.add("(account = %[1]s OR id IN (SELECT package_id FROM share WHERE grantee IN (%[1]s, '"+searchpack.Global+"')))", q.Account)
	} else {
		w.add("account = %s", q.Account)
	}
	in(&w, "id", q.IDs)
	in(&w, "name", q.Names)
	in(&w, "status", q.Statuses)
	in(&w, "type", q.Types)
	in(&w, "engine_version", q.EngineVersions)
	in(&w, "account", q.Owners)
	if q.AfterID != "" {
		w.add("id > %s", q.AfterID)
	}
	return list(ctx, t, scanPackage, packageRows+w.String()+" ORDER BY id"+atMost(q.Limit), w.args...)
}

// PackagesByID returns those that exist, by id.
func (t *tx) PackagesByID(ctx context.Context, ids []string) (map[string]*searchpack.Package, error) {
	return byID(ctx, t, ids, scanPackage, packageRows, func(p *searchpack.Package) string { return p.ID })
}

// DeletePackage deletes the package; its versions and their findings go by foreign key.
func (t *tx) DeletePackage(ctx context.Context, id string) error {
	return t.remove(ctx, "package", id, "DELETE FROM package WHERE id = $1", id)
}
