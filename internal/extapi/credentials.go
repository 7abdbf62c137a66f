package extapi

import (
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// credentialJSON is a key. Secret and session token only in the answer that makes it.
type credentialJSON struct {
	AccessKey    string     `json:"access_key"`
	Secret       string     `json:"secret_access_key,omitempty"`
	SessionToken string     `json:"session_token,omitempty"`
	Account      string     `json:"account"`
	User         string     `json:"user"`
	ARN          string     `json:"arn"`
	Policies     []string   `json:"policies"`
	Operator     bool       `json:"operator"`
	Inactive     bool       `json:"inactive"`
	Temporary    bool       `json:"temporary"`
	CreatedAt    time.Time  `json:"created_at"`
	ExpiresAt    *time.Time `json:"expires_at,omitempty"`
}

func credentialOf(c *searchpack.Credential, k Key) credentialJSON {
	policies := c.Policies
	if policies == nil {
		policies = []string{}
	}
	return credentialJSON{
		AccessKey: c.AccessKey, Secret: k.Secret, SessionToken: k.SessionToken, Account: c.Account, User: c.Name, ARN: c.ARN(),
		Policies: policies, Operator: c.Operator, Inactive: c.Inactive, Temporary: c.SessionHash != "",
		CreatedAt: c.CreatedAt, ExpiresAt: instant(c.ExpiresAt),
	}
}

func (e *edge) credentials(c call) (any, error) {
	all, err := e.Catalog.Credentials(c.Context(), c.who, c.query.Get("account"))
	if err != nil {
		return nil, err
	}
	out := make([]credentialJSON, len(all))
	for i, each := range all {
		out[i] = credentialOf(each, Key{})
	}
	return map[string]any{"credentials": out}, nil
}

func (e *edge) credential(c call) (any, error) {
	found, err := e.Catalog.Credential(c.Context(), c.who, c.PathValue("key"))
	if err != nil {
		return nil, err
	}
	return credentialOf(found, Key{}), nil
}

// credentialRequest is the body that makes a key; all but user may be left out.
type credentialRequest struct {
	Account   string   `json:"account"`
	User      string   `json:"user"`
	Policies  []string `json:"policies"`
	Operator  bool     `json:"operator"`
	ExpiresIn int64    `json:"expires_in"` // seconds; 0 = a lasting key
}

func (e *edge) createCredential(c call) (any, error) {
	var in credentialRequest
	if err := decode(c.body, &in); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of account, user, policies (a list of texts), operator and expires_in (seconds).")
	}
	*c.subject = in.User
	// The catalog has the rule; this keeps the product below from wrapping around.
	if in.ExpiresIn < 0 || in.ExpiresIn > int64(maxLife/time.Second) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "expires_in is out of range.")
	}
	key := e.NewKey(in.ExpiresIn != 0)
	made, err := e.Catalog.CreateCredential(c.Context(), c.who, catalog.CredentialInput{
		Account: in.Account, User: in.User, Policies: in.Policies, Operator: in.Operator,
		ValidFor: time.Duration(in.ExpiresIn) * time.Second, Key: key.SealedKey,
	})
	if err != nil {
		return nil, err
	}
	return credentialOf(made, key), nil
}

// credentialChangeRequest is the body that changes a key; what is left out stays.
type credentialChangeRequest struct {
	Policies *[]string `json:"policies"`
	Inactive *bool     `json:"inactive"`
	Operator *bool     `json:"operator"`
}

func (e *edge) updateCredential(c call) (any, error) {
	var in credentialChangeRequest
	if err := decode(c.body, &in); err != nil || in == (credentialChangeRequest{}) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of policies (a list of texts), inactive or operator.")
	}
	changed, err := e.Catalog.UpdateCredential(c.Context(), c.who, c.PathValue("key"), catalog.CredentialChange(in))
	if err != nil {
		return nil, err
	}
	return credentialOf(changed, Key{}), nil
}

func (e *edge) rotateCredential(c call) (any, error) {
	key := e.NewKey(false)
	made, err := e.Catalog.RotateCredential(c.Context(), c.who, c.PathValue("key"), key.SealedKey)
	if err != nil {
		return nil, err
	}
	return credentialOf(made, key), nil
}

func (e *edge) deleteCredential(c call) (any, error) {
	if err := e.Catalog.DeleteCredential(c.Context(), c.who, c.PathValue("key")); err != nil {
		return nil, err
	}
	return map[string]any{"access_key": c.PathValue("key"), "deleted": true}, nil
}
