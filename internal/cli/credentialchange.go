package cli

import "fmt"

// CredentialRotateCmd makes a second key.
type CredentialRotateCmd struct {
	Key string `arg:"" help:"The access key that is to be replaced."`
}

// Help stands below the flags.
func (*CredentialRotateCmd) Help() string {
	return `The old key stays active. When everybody uses the new one, switch the old one off, and when nobody misses it, delete it.

Example:
  searchpack credential rotate SPKAFFJ5TWPRHXRWKI2D
  searchpack credential deactivate SPKAFFJ5TWPRHXRWKI2D
  searchpack credential delete SPKAFFJ5TWPRHXRWKI2D`
}

// Run makes a second key.
func (r *CredentialRotateCmd) Run(c *Context) error {
	var made credentialLine
	document, err := c.credential("POST", r.Key, "/rotate", nil, &made)
	if err == nil {
		err = made.whole()
	}
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		made.profile(p,
			fmt.Sprintf("Searchpack: user %s of account %s. The secret is shown this once.", made.User, made.Account),
			fmt.Sprintf("%s stays active until: searchpack credential deactivate %s", r.Key, r.Key))
	})
}

// CredentialPolicyCmd replaces policies.
type CredentialPolicyCmd struct {
	Key    string   `arg:"" help:"The access key."`
	Policy []string `required:"" env:"-" placeholder:"FILE" sep:"none" help:"Identity policy, IAM's JSON; - is standard input. May be repeated: these are all from now on."`
}

// Help stands below the flags.
func (*CredentialPolicyCmd) Help() string {
	return "Example:\n  searchpack credential policy SPKAFFJ5TWPRHXRWKI2D --policy read-only.json --policy office-only.json"
}

// Run replaces policies.
func (r *CredentialPolicyCmd) Run(c *Context) error {
	policies, err := c.policies(r.Policy)
	if err != nil {
		return err
	}
	return c.changeCredential(r.Key, map[string]any{"policies": policies}, fmt.Sprintf("has new policies: %d", len(policies)))
}

// CredentialActivateCmd switches a key on.
type CredentialActivateCmd struct {
	Key string `arg:"" help:"The access key."`
}

// Help stands below the flags.
func (*CredentialActivateCmd) Help() string {
	return "Example:\n  searchpack credential activate SPKAFFJ5TWPRHXRWKI2D"
}

// Run switches a key on.
func (r *CredentialActivateCmd) Run(c *Context) error {
	return c.changeCredential(r.Key, map[string]any{"inactive": false}, "is active")
}

// CredentialDeactivateCmd switches a key off.
type CredentialDeactivateCmd struct {
	Key string `arg:"" help:"The access key."`
}

// Help stands below the flags.
func (*CredentialDeactivateCmd) Help() string {
	return "The last active operator cannot be switched off.\n\nExample:\n  searchpack credential deactivate SPKAFFJ5TWPRHXRWKI2D"
}

// Run switches a key off.
func (r *CredentialDeactivateCmd) Run(c *Context) error {
	return c.changeCredential(r.Key, map[string]any{"inactive": true}, "is inactive")
}

// changeCredential changes a key and says in a line what it is now.
func (c *Context) changeCredential(key string, change map[string]any, now string) error {
	var x credentialLine
	document, err := c.credential("PATCH", key, "", change, &x)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) { p.line("%s of %s %s", x.AccessKey, x.ARN, now) })
}

// CredentialDeleteCmd deletes a key.
type CredentialDeleteCmd struct {
	Key string `arg:"" help:"The access key."`
}

// Help stands below the flags.
func (*CredentialDeleteCmd) Help() string {
	return "The last active operator cannot be deleted.\n\nExample:\n  searchpack credential delete SPKAFFJ5TWPRHXRWKI2D"
}

// Run deletes a key.
func (r *CredentialDeleteCmd) Run(c *Context) error {
	document, err := c.credential("DELETE", r.Key, "", nil, nil)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) { p.line("%s deleted", r.Key) })
}
