package catalog

import (
	"context"
	"net/netip"
	"regexp"
	"time"

	"github.com/searchpack/searchpack"
)

// JoinTokenInput is what a join token is asked to be.
type JoinTokenInput struct {
	Domain     string
	Uses       int           // 0 = one; -1 = no limit
	ValidFor   time.Duration // 0 = one day
	CIDR       string
	MustExist  bool              // ErrNotFound if the domain does not exist, instead of making it
	ID         string            // made by the edge, with the secret
	SecretHash searchpack.Digest // the secret itself never comes here
}

// domainName is AWS's DomainName. The AWS edge checks it for CreateDomain; a domain made by a token
// must be one that the AWS edge can name.
var domainName = regexp.MustCompile(`^[a-z][a-z0-9\-]{2,27}$`)

// maxTokenLife bounds a token's life: a token is for enrolling, not for keeping.
const maxTokenLife = 365 * 24 * time.Hour

// CreateJoinToken keeps a join token. A domain that does not exist yet comes to be by its first
// token, as an operator with a cluster of her own has nothing else to create it with.
func (c *Catalog) CreateJoinToken(ctx context.Context, who searchpack.Caller, in JoinTokenInput) (*searchpack.JoinToken, error) {
	if in.Uses == 0 {
		in.Uses = 1
	}
	if in.ValidFor == 0 {
		in.ValidFor = 24 * time.Hour
	}
	if in.Uses < -1 || in.ValidFor < 0 || in.ValidFor > maxTokenLife {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "A join token has 1 or more uses (-1: no limit) and lives up to 365 days.")
	}
	if !domainName.MatchString(in.Domain) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%q is no domain name: 3 to 28 lower-case letters, digits and hyphens, a letter first.", in.Domain)
	}
	if in.CIDR != "" {
		if _, err := netip.ParsePrefix(in.CIDR); err != nil {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "%q is no CIDR block: write it as 10.0.0.0/8.", in.CIDR)
		}
	}
	now := c.clock()
	t := &searchpack.JoinToken{
		ID: in.ID, Domain: who.Key(in.Domain), SecretHash: in.SecretHash, Uses: in.Uses,
		CIDR: in.CIDR, CreatedAt: now, ExpiresAt: now.Add(in.ValidFor),
	}
	made := false
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		made = false
		_, err := tx.Domain(ctx, t.Domain)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound && !in.MustExist {
			made = true
			err = tx.PutDomain(ctx, &searchpack.Domain{DomainKey: t.Domain, ID: who.Account + "/" + in.Domain, CreatedAt: now})
		}
		if err != nil {
			return err
		}
		if err := tx.PutJoinToken(ctx, t); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "CreateJoinToken", in.Domain, t.ID)
	})
	if err != nil {
		return nil, err
	}
	if made {
		c.changed()
	}
	return t, nil
}

// JoinTokens lists the tokens of a domain.
func (c *Catalog) JoinTokens(ctx context.Context, who searchpack.Caller, domain string) ([]*searchpack.JoinToken, error) {
	var ts []*searchpack.JoinToken
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		if _, err := domainOf(ctx, tx, who, domain); err != nil {
			return err
		}
		var err error
		ts, err = tx.JoinTokens(ctx, who.Key(domain))
		return err
	})
	return ts, err
}

// DeleteJoinToken revokes a token. Agents that enrolled with it stay.
func (c *Catalog) DeleteJoinToken(ctx context.Context, who searchpack.Caller, domain, id string) error {
	return c.store.Update(ctx, func(tx searchpack.Tx) error {
		t, err := tx.JoinToken(ctx, id)
		if err == nil && t.Domain != who.Key(domain) {
			err = searchpack.Errorf(searchpack.ErrNotFound, "Join token not found: %s", id)
		}
		if err != nil {
			return err
		}
		if err := tx.DeleteJoinToken(ctx, id); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "DeleteJoinToken", domain, id)
	})
}
