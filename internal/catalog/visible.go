package catalog

import (
	"context"

	"github.com/searchpack/searchpack"
)

// visiblePackage returns a package that the caller sees: the account's own, and those that others
// share with it in its region. Every other package looks like none at all.
func visiblePackage(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, id string) (*searchpack.Package, error) {
	p, err := tx.Package(ctx, id)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound || err == nil && (p.Region != who.Region || !p.VisibleTo(who.Account)) {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Package not found: %s", id)
	}
	return p, err
}

// ownPackage returns the caller's package. done says what only its owner may do: "deleted". The
// words of AWS are those it has for packages of its own, which everybody sees.
func ownPackage(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, id, done string) (*searchpack.Package, error) {
	p, err := visiblePackage(ctx, tx, who, id)
	if err == nil && p.Account != who.Account {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Operation not allowed. This package cannot be %s. Package %s belongs to account %s, which shares it.", done, id, p.Account)
	}
	return p, err
}

// shown takes off a package what only its owner is to see: with whom it is shared, and what the
// errors of its imports quote of S3 and of the file.
func shown(p *searchpack.Package, who searchpack.Caller) *searchpack.Package {
	if p.Account == who.Account {
		return p
	}
	p.SharedWith = nil
	if p.Error != nil {
		p.Error = &searchpack.ErrorDetails{Type: p.Error.Type, Message: "The newest import of the package failed. Its owner, account " + p.Account + ", sees why."}
	}
	return p
}
