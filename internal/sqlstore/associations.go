package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const (
	associationKeys = "account, region, domain, package_id"
	associationRest = "status, serving_id, wanted_id, error, note, findings, created_at, updated_at, prerequisites, key_store, texts, track, path"
	associationRows = "SELECT " + associationKeys + ", " + associationRest + " FROM association"
)

// PutAssociation inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutAssociation(ctx context.Context, a *searchpack.Association) error {
	var docs [5]string
	if err := jsonTexts(docs[:], a.Error, a.Findings, a.Prerequisites, a.KeyStore, a.Texts); err != nil {
		return err
	}
	k := a.Domain
	return t.put(ctx, "domain", k.String(), upsert("association", associationKeys, associationRest),
		k.Account, k.Region, k.Name, a.PackageID, string(a.Status), a.ServingID, a.WantedID, docs[0], a.Note, docs[1],
		micros(a.CreatedAt), micros(a.UpdatedAt), docs[2], docs[3], docs[4], string(a.Track), a.Path)
}

func scanAssociation(row scanner) (*searchpack.Association, error) {
	var a searchpack.Association
	err := row.Scan(append(domainColumns(&a.Domain), &a.PackageID, &a.Status, &a.ServingID, &a.WantedID,
		jsonDoc{&a.Error}, &a.Note, jsonDoc{&a.Findings}, microTime{&a.CreatedAt}, microTime{&a.UpdatedAt},
		jsonDoc{&a.Prerequisites}, jsonDoc{&a.KeyStore}, jsonDoc{&a.Texts}, &a.Track, &a.Path)...)
	return &a, err
}

func associationName(k searchpack.DomainKey, packageID string) string {
	return packageID + " with " + k.String()
}

// Association returns an association.
func (t *tx) Association(ctx context.Context, k searchpack.DomainKey, packageID string) (*searchpack.Association, error) {
	return one(ctx, t, "association", associationName(k, packageID), scanAssociation,
		associationRows+ofDomain+" AND package_id = $4", k.Account, k.Region, k.Name, packageID)
}

// Associations of a domain, by package id.
func (t *tx) Associations(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.Association, error) {
	return list(ctx, t, scanAssociation, associationRows+ofDomain+" ORDER BY package_id", k.Account, k.Region, k.Name)
}

// AssociationsOf a package, by domain name.
func (t *tx) AssociationsOf(ctx context.Context, packageID string) ([]*searchpack.Association, error) {
	return list(ctx, t, scanAssociation, associationRows+" WHERE package_id = $1 ORDER BY domain, account, region", packageID)
}

// DeleteAssociation deletes an association.
func (t *tx) DeleteAssociation(ctx context.Context, k searchpack.DomainKey, packageID string) error {
	return t.remove(ctx, "association", associationName(k, packageID),
		"DELETE FROM association"+ofDomain+" AND package_id = $4", k.Account, k.Region, k.Name, packageID)
}
