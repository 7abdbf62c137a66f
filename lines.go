package searchpack

import (
	"context"
	"time"
)

// Line returns the packages of a plugin's line: those of its name and owner, itself among them. Of any other
// package it is that alone.
func Line(ctx context.Context, tx Tx, p *Package) ([]*Package, error) {
	if p.Type != TypePlugin {
		return []*Package{p}, nil
	}
	return tx.Packages(ctx, PackageQuery{Account: p.Account, Region: p.Region, Names: []string{p.Name}, Types: []PackageType{TypePlugin}})
}

// AssociationsOfAll are the associations of several packages.
func AssociationsOfAll(ctx context.Context, tx Tx, all []*Package) ([]*Association, error) {
	var out []*Association
	for _, p := range all {
		of, err := tx.AssociationsOf(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, of...)
	}
	return out, nil
}

// ReconcileAll has the domains of the associations reconciled.
func ReconcileAll(ctx context.Context, tx Tx, all []*Association, at time.Time) error {
	for _, a := range all {
		if err := tx.Enqueue(ctx, WorkReconcile, a.Domain.String(), at); err != nil {
			return err
		}
	}
	return nil
}
