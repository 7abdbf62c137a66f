package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/iam"
)

// UpdateCredential changes what a key may do, or switches it off and on. ErrConflict: nobody would
// be left who can manage credentials.
func (c *Catalog) UpdateCredential(ctx context.Context, who searchpack.Caller, accessKey string, ch CredentialChange) (*searchpack.Credential, error) {
	if ch.Policies != nil {
		if err := checkPolicies(*ch.Policies); err != nil {
			return nil, err
		}
	}
	if ch.Operator != nil && !who.Operator {
		return nil, errOnlyOperators
	}
	var changed *searchpack.Credential
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		have, err := changeable(ctx, tx, who, accessKey)
		if err != nil {
			return err
		}
		next := *have
		if ch.Policies != nil {
			next.Policies = *ch.Policies
		}
		if ch.Inactive != nil {
			next.Inactive = *ch.Inactive
		}
		if ch.Operator != nil {
			next.Operator = *ch.Operator
		}
		changed = &next
		if err := c.keepOperator(ctx, tx, who, have, &next); err != nil {
			return err
		}
		if err := tx.PutCredential(ctx, &next); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "UpdateCredential", accessKey, describeCredential(&next))
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// RotateCredential makes a second key for the user of a lasting key, with the same rights. The old
// one stays as it is, so that its users can be changed over one by one.
func (c *Catalog) RotateCredential(ctx context.Context, who searchpack.Caller, accessKey string, key SealedKey) (*searchpack.Credential, error) {
	var made *searchpack.Credential
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		old, err := changeable(ctx, tx, who, accessKey)
		if err != nil {
			return err
		}
		if old.SessionHash != "" {
			return searchpack.Errorf(searchpack.ErrInvalid, "%s is a temporary key: it expires by itself. Make a new one instead.", accessKey)
		}
		made = &searchpack.Credential{
			AccessKey: key.AccessKey, Account: old.Account, Name: old.Name, Sealed: key.Sealed, CreatedAt: c.clock(),
			Policies: old.Policies, Operator: old.Operator,
		}
		return c.addCredential(ctx, tx, who, "RotateCredential", made)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// DeleteCredential deletes a key for good. ErrConflict: nobody would be left who can manage
// credentials.
func (c *Catalog) DeleteCredential(ctx context.Context, who searchpack.Caller, accessKey string) error {
	return c.store.Update(ctx, func(tx searchpack.Tx) error {
		have, err := changeable(ctx, tx, who, accessKey)
		if err != nil {
			return err
		}
		if err := c.keepOperator(ctx, tx, who, have, nil); err != nil {
			return err
		}
		if err := tx.DeleteCredential(ctx, accessKey); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "DeleteCredential", accessKey, describeCredential(have))
	})
}

// changeable is credentialOf for a change. Who is no operator could become one by an operator's
// key, hence leaves those alone.
func changeable(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, accessKey string) (*searchpack.Credential, error) {
	found, err := credentialOf(ctx, tx, who, accessKey)
	if err == nil && found.Operator && !who.Operator {
		return nil, errOnlyOperators
	}
	return found, err
}

// keepOperator refuses a change (next nil: a deletion) after which no lasting key could manage
// credentials any more: nobody could undo it.
func (c *Catalog) keepOperator(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, have, next *searchpack.Credential) error {
	authorize := iam.NewAuthorizer()
	can := func(each *searchpack.Credential) bool {
		if each == nil || !each.Operator || each.Inactive || each.SessionHash != "" {
			return false
		}
		as := who // from the same place: a condition on the address is met, or was not before
		as.Account, as.AccessKey, as.User, as.ARN, as.Policies = each.Account, each.AccessKey, each.Name, each.ARN(), each.Policies
		return authorize(as, "searchpack:UpdateCredential", "*", nil) == nil
	}
	if !can(have) || can(next) {
		return nil
	}
	all, err := tx.Credentials(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(each *searchpack.Credential) bool { return each.AccessKey != have.AccessKey && can(each) }) {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrConflict, "%s is the last active operator that may manage credentials: make another operator first, then try again.", have.AccessKey)
}
