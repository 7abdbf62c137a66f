package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const packageRest = "account, region, name, type, description, status, error, created_at, updated_at, " +
	"available_id, available_number, import_id"

// PutPackage inserts or replaces.
func (t *tx) PutPackage(ctx context.Context, p *searchpack.Package) error {
	details, err := jsonText(p.Error)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, upsert("package", "id", packageRest),
		p.ID, p.Account, p.Region, p.Name, string(p.Type), p.Description, string(p.Status), details,
		micros(p.CreatedAt), micros(p.UpdatedAt), p.AvailableID, p.AvailableNumber, p.ImportID)
	return err
}

func scanPackage(row scanner) (*searchpack.Package, error) {
	var p searchpack.Package
	err := row.Scan(&p.ID, &p.Account, &p.Region, &p.Name, &p.Type, &p.Description, &p.Status, jsonDoc{&p.Error},
		microTime{&p.CreatedAt}, microTime{&p.UpdatedAt}, &p.AvailableID, &p.AvailableNumber, &p.ImportID)
	return &p, err
}

// Package returns a package.
func (t *tx) Package(ctx context.Context, id string) (*searchpack.Package, error) {
	return one(ctx, t, "package", id, scanPackage, "SELECT id, "+packageRest+" FROM package WHERE id = $1", id)
}

// Packages returns those that q selects, by id.
func (t *tx) Packages(ctx context.Context, q searchpack.PackageQuery) ([]*searchpack.Package, error) {
	var w where
	w.add("account = %s", q.Account)
	w.add("region = %s", q.Region)
	in(&w, "id", q.IDs)
	in(&w, "name", q.Names)
	in(&w, "status", q.Statuses)
	in(&w, "type", q.Types)
	if q.AfterID != "" {
		w.add("id > %s", q.AfterID)
	}
	query := "SELECT id, " + packageRest + " FROM package" + w.String() + " ORDER BY id LIMIT " + params(len(w.args)+1, 1)
	return list(ctx, t, scanPackage, query, append(w.args, upper(q.Limit))...)
}

// DeletePackage deletes the package; its versions and their findings go by foreign key.
func (t *tx) DeletePackage(ctx context.Context, id string) error {
	return t.remove(ctx, "package", id, "DELETE FROM package WHERE id = $1", id)
}
