package catalog

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/iam"
)

// Bounds of credentials. AWS's are 2 keys, 10 policies and 5,000 users; the list of credentials
// comes in one answer here, hence fewer users.
const (
	MaxKeys          = 2   // lasting ones of a user: the one in use and the one that replaces it
	MaxTemporaryKeys = 20  // of a user, that have not expired
	MaxUsers         = 500 // of an account
	MaxPolicies      = 10  // of a key
)

// A temporary key lives between these: for a job, not for keeping.
const (
	minTemporaryLife = time.Minute
	maxTemporaryLife = 7 * 24 * time.Hour
)

// keptExpired is how long an expired key is kept, so that whoever still uses it is told that it has
// expired and not that it is unknown.
const keptExpired = 24 * time.Hour

// CredentialInput is what a credential is asked to be.
type CredentialInput struct {
	Account  string // "" = the caller's
	User     string
	Policies []string // documents in IAM's language
	Operator bool
	ValidFor time.Duration // 0 = a lasting key
	Key      SealedKey
}

// SealedKey is a key as it is stored. The edge has it made; the secret itself never comes here.
type SealedKey struct {
	AccessKey   string
	Sealed      []byte
	SessionHash searchpack.Digest // of a temporary key's session token
}

// CredentialChange is what UpdateCredential changes; nil stays as it is.
type CredentialChange struct {
	Policies *[]string
	Inactive *bool
	Operator *bool
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	userName  = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`) // IAM's
)

// CreateCredential makes a key for a user of an account. ErrDenied: the account or the operator's
// right is not the caller's to give. ErrLimit: the user or the account has all it may have.
func (c *Catalog) CreateCredential(ctx context.Context, who searchpack.Caller, in CredentialInput) (*searchpack.Credential, error) {
	if in.Account == "" {
		in.Account = who.Account
	}
	if err := in.check(who); err != nil {
		return nil, err
	}
	made := &searchpack.Credential{
		AccessKey: in.Key.AccessKey, Account: in.Account, Name: in.User, Sealed: in.Key.Sealed, CreatedAt: c.clock(),
		Policies: in.Policies, Operator: in.Operator, SessionHash: in.Key.SessionHash,
	}
	if in.ValidFor != 0 {
		made.ExpiresAt = made.CreatedAt.Add(in.ValidFor)
	}
	err := c.store.Update(ctx, func(tx searchpack.Tx) error { return c.addCredential(ctx, tx, who, "CreateCredential", made) })
	if err != nil {
		return nil, err
	}
	return made, nil
}

func noAccount(text string) error {
	return searchpack.Errorf(searchpack.ErrInvalid, "%.50q is no account: an account is 12 digits.", text)
}

func (in *CredentialInput) check(who searchpack.Caller) error {
	switch {
	case !accountID.MatchString(in.Account):
		return noAccount(in.Account)
	case !userName.MatchString(in.User):
		return searchpack.Errorf(searchpack.ErrInvalid, "%.80q is no user name: 1 to 64 letters, digits and +=,.@_-", in.User)
	case in.Account != who.Account && !who.Operator:
		return searchpack.Errorf(searchpack.ErrDenied, "Only an operator manages the credentials of other accounts; this key is of account %s and no operator's.", who.Account)
	case in.Operator && !who.Operator:
		return errOnlyOperators
	case in.ValidFor != 0 && (in.ValidFor < minTemporaryLife || in.ValidFor > maxTemporaryLife):
		return searchpack.Errorf(searchpack.ErrInvalid, "A temporary key lives from 1 minute to 7 days.")
	case (in.ValidFor != 0) != (in.Key.SessionHash != ""):
		return fmt.Errorf("a key that expires and a session token go together")
	}
	return checkPolicies(in.Policies)
}

var errOnlyOperators = searchpack.Errorf(searchpack.ErrDenied, "Only an operator may make or change an operator.")

// checkPolicies refuses what would not be understood when it counts.
func checkPolicies(documents []string) error {
	if len(documents) > MaxPolicies {
		return searchpack.Errorf(searchpack.ErrInvalid, "A key has up to %d policies.", MaxPolicies)
	}
	for i, document := range documents {
		if _, err := iam.Parse(document); err != nil {
			if len(documents) == 1 {
				return err
			}
			return searchpack.Errorf(searchpack.ErrInvalid, "Policy %d of %d: %s", i+1, len(documents), searchpack.ErrorMessage(err))
		}
	}
	return nil
}

// addCredential keeps a new key if there is room for it.
func (c *Catalog) addCredential(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, action string, made *searchpack.Credential) error {
	all, err := tx.Credentials(ctx)
	if err != nil {
		return err
	}
	users := map[string]bool{}
	lasting, temporary := 0, 0
	for _, each := range all {
		switch {
		case each.AccessKey == made.AccessKey:
			return fmt.Errorf("the new access key %s exists already", made.AccessKey)
		case c.expired(each, keptExpired):
			if err := tx.DeleteCredential(ctx, each.AccessKey); err != nil {
				return err
			}
			continue
		case each.Account != made.Account:
			continue
		}
		users[each.Name] = true
		switch {
		case each.Name != made.Name:
		case each.SessionHash == "":
			lasting++
		case !c.expired(each, 0):
			temporary++
		}
	}
	users[made.Name] = true
	switch {
	case len(users) > MaxUsers:
		return searchpack.Errorf(searchpack.ErrLimit, "Account %s has %d users, and there may be no more: delete the keys of one that is not needed.", made.Account, MaxUsers)
	case made.SessionHash == "" && lasting >= MaxKeys:
		return searchpack.Errorf(searchpack.ErrLimit, "User %s of account %s has %d keys, and there may be no more: delete the one that is not used any more.", made.Name, made.Account, MaxKeys)
	case made.SessionHash != "" && temporary >= MaxTemporaryKeys:
		return searchpack.Errorf(searchpack.ErrLimit, "User %s of account %s has %d temporary keys, and there may be no more: wait until one expires, or delete one.", made.Name, made.Account, MaxTemporaryKeys)
	}
	if err := tx.PutCredential(ctx, made); err != nil {
		return err
	}
	return c.audit(ctx, tx, who, action, made.AccessKey, describeCredential(made))
}

// expired reports whether a key has expired for longer than that.
func (c *Catalog) expired(each *searchpack.Credential, since time.Duration) bool {
	return !each.ExpiresAt.IsZero() && !c.clock().Before(each.ExpiresAt.Add(since))
}

// describeCredential is the detail of an event: whose key, and with what rights.
func describeCredential(c *searchpack.Credential) string {
	parts := []string{fmt.Sprintf("user %s of account %s", c.Name, c.Account), fmt.Sprintf("%d policies", len(c.Policies))}
	if len(c.Policies) == 1 {
		parts[1] = "1 policy"
	}
	if c.Operator {
		parts = append(parts, "operator")
	}
	if c.Inactive {
		parts = append(parts, "inactive")
	}
	if !c.ExpiresAt.IsZero() {
		parts = append(parts, "expires "+c.ExpiresAt.Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

// Credentials lists the keys of an account ("": of every account that the caller may manage), by
// account, user, access key.
func (c *Catalog) Credentials(ctx context.Context, who searchpack.Caller, account string) ([]*searchpack.Credential, error) {
	if account != "" && !accountID.MatchString(account) {
		return nil, noAccount(account)
	}
	out := []*searchpack.Credential{}
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		all, err := tx.Credentials(ctx)
		for _, each := range all {
			if (account == "" || each.Account == account) && manages(who, each) {
				out = append(out, each)
			}
		}
		return err
	})
	return out, err
}

// Credential returns one key.
func (c *Catalog) Credential(ctx context.Context, who searchpack.Caller, accessKey string) (*searchpack.Credential, error) {
	var found *searchpack.Credential
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		found, err = credentialOf(ctx, tx, who, accessKey)
		return err
	})
	return found, err
}

// manages: an operator every account's, others their own account's.
func manages(who searchpack.Caller, c *searchpack.Credential) bool {
	return who.Operator || c.Account == who.Account
}

// credentialOf returns a key that the caller manages. Another account's looks like none at all.
func credentialOf(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, accessKey string) (*searchpack.Credential, error) {
	found, err := tx.Credential(ctx, accessKey)
	if err == nil && manages(who, found) {
		return found, nil
	}
	if err == nil || searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		err = searchpack.Errorf(searchpack.ErrNotFound, "Credential not found: %.128s", accessKey)
	}
	return nil, err
}
