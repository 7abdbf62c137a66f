package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/searchpack/searchpack/internal/auth/iam"
)

// CredentialCmd manages credentials.
type CredentialCmd struct {
	Create     CredentialCreateCmd     `cmd:"" help:"Make a key for a user and print it: the secret is shown once."`
	List       CredentialListCmd       `cmd:"" help:"List the keys of an account, or of all that you manage."`
	Show       CredentialShowCmd       `cmd:"" help:"Show a key with its policies."`
	Rotate     CredentialRotateCmd     `cmd:"" help:"Make a second key for the user of a key, with the same rights, and print it."`
	Policy     CredentialPolicyCmd     `cmd:"" help:"Replace the policies of a key."`
	Activate   CredentialActivateCmd   `cmd:"" help:"Switch a key on again."`
	Deactivate CredentialDeactivateCmd `cmd:"" help:"Switch a key off: it is refused and can be switched on again."`
	Delete     CredentialDeleteCmd     `cmd:"" help:"Delete a key for good."`
}

// credentialLine is a key of the extension API.
type credentialLine struct {
	AccessKey    string     `json:"access_key"`
	Secret       string     `json:"secret_access_key"`
	SessionToken string     `json:"session_token"`
	Account      string     `json:"account"`
	User         string     `json:"user"`
	ARN          string     `json:"arn"`
	Policies     []string   `json:"policies"`
	Operator     bool       `json:"operator"`
	Inactive     bool       `json:"inactive"`
	CreatedAt    time.Time  `json:"created_at"`
	ExpiresAt    *time.Time `json:"expires_at"`
}

func (l *credentialLine) state(now time.Time) string {
	switch {
	case l.Inactive:
		return "inactive"
	case l.ExpiresAt != nil && !now.Before(*l.ExpiresAt):
		return "expired"
	}
	return "active"
}

func (l *credentialLine) expires() string {
	if l.ExpiresAt == nil {
		return "never"
	}
	return l.ExpiresAt.Format(time.RFC3339)
}

// profile puts a key on a page as a profile of an AWS credentials file, comments included, so that
// it can be appended to one.
func (l *credentialLine) profile(p *page, comments ...string) {
	p.line("[%s]", l.User)
	for _, comment := range comments {
		p.line("# %s", comment)
	}
	p.line("aws_access_key_id = %s", l.AccessKey)
	p.line("aws_secret_access_key = %s", l.Secret)
	if l.SessionToken != "" {
		p.line("aws_session_token = %s", l.SessionToken)
	}
}

// whole reports an error if the server made a key and did not tell it.
func (l *credentialLine) whole() error {
	if l.AccessKey == "" || l.Secret == "" {
		return errors.New("the server made a key and did not say which: is it a Searchpack?")
	}
	return nil
}

// credential calls an operation on one key.
func (c *Context) credential(method, key, below string, in, out any) (json.RawMessage, error) {
	cl, err := c.client()
	if err != nil {
		return nil, err
	}
	return cl.call(c, method, "/credentials/"+url.PathEscape(key)+below, in, out)
}

// CredentialCreateCmd makes a key.
type CredentialCreateCmd struct {
	Account  string   `env:"-" placeholder:"ACCOUNT" help:"Account of the user, 12 digits; it comes to be with its first key (default: your own)."`
	User     string   `required:"" env:"-" placeholder:"USER" help:"Name of the user, the last part of the ARN."`
	Policy   []string `env:"-" placeholder:"FILE" sep:"none" help:"Identity policy, IAM's JSON; - is standard input. May be repeated."`
	Admin    bool     `env:"-" help:"May do everything in its account."`
	Operator bool     `env:"-" help:"May manage the keys of every account. Only an operator may give this."`
	Expires  Span     `env:"-" placeholder:"TIME" help:"A temporary key with a session token, good for 1m to 7d (default: a lasting key)."`
}

// Help stands below the flags.
func (*CredentialCreateCmd) Help() string {
	return `Examples:
  searchpack credential create --account 111122223333 --user kim --policy read-only.json >> ~/.aws/credentials
  searchpack credential create --user ci --admin --expires 12h --output json
  searchpack credential create --account 111122223333 --user root --admin --operator`
}

// Run makes a key.
func (r *CredentialCreateCmd) Run(c *Context) error {
	policies, err := c.policies(r.Policy)
	switch {
	case err != nil:
		return err
	case r.Admin:
		policies = append(policies, iam.AdminPolicy)
	case len(policies) == 0:
		return usagef("the key may do nothing: give --policy FILE, or --admin")
	}
	if r.Expires < 0 || r.Expires > 0 && r.Expires < Span(time.Second) {
		return usagef("--expires is a time from 1m to 168h")
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	in := map[string]any{"user": r.User, "policies": policies, "operator": r.Operator, "expires_in": int64(time.Duration(r.Expires) / time.Second)}
	if r.Account != "" {
		in["account"] = r.Account
	}
	var made credentialLine
	document, err := cl.call(c, "POST", "/credentials", in, &made)
	if err == nil {
		err = made.whole()
	}
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		comment := fmt.Sprintf("Searchpack: user %s of account %s", made.User, made.Account)
		if made.ExpiresAt != nil {
			comment += ", expires " + made.expires()
		}
		made.profile(p, comment+". The secret is shown this once.")
	})
}

// CredentialListCmd lists keys.
type CredentialListCmd struct {
	Account string `env:"-" placeholder:"ACCOUNT" help:"Of this account only."`
}

// Help stands below the flags.
func (*CredentialListCmd) Help() string {
	return "Example:\n  searchpack credential list --account 111122223333"
}

// Run lists keys.
func (r *CredentialListCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	path := "/credentials"
	if r.Account != "" {
		path += "?account=" + url.QueryEscape(r.Account)
	}
	var answer struct {
		Credentials []credentialLine `json:"credentials"`
	}
	document, err := cl.call(c, "GET", path, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		t := newTable("ACCOUNT", "USER", "KEY", "STATE", "POLICIES", "OPERATOR", "CREATED", "EXPIRES", "")
		for _, x := range answer.Credentials {
			operator := ""
			if x.Operator {
				operator = "yes"
			}
			t.row(x.Account, x.User, x.AccessKey, x.state(c.Now()), len(x.Policies), operator, x.CreatedAt.Format(time.RFC3339), x.expires())
		}
		p.table(t)
	})
}

// CredentialShowCmd shows a key.
type CredentialShowCmd struct {
	Key string `arg:"" help:"The access key: searchpack credential list shows it."`
}

// Help stands below the flags.
func (*CredentialShowCmd) Help() string {
	return "The secret is not shown: only whoever made the key has it.\n\nExample:\n  searchpack credential show SPKAFFJ5TWPRHXRWKI2D"
}

// Run shows a key.
func (r *CredentialShowCmd) Run(c *Context) error {
	var x credentialLine
	document, err := c.credential("GET", r.Key, "", nil, &x)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		operator := ""
		if x.Operator {
			operator = ", operator"
		}
		p.line("%s of %s: %s%s, made %s, expires %s", x.AccessKey, x.ARN, x.state(c.Now()), operator, x.CreatedAt.Format(time.RFC3339), x.expires())
		for i, policy := range x.Policies {
			p.line("")
			p.line("Policy %d:", i+1)
			var pretty bytes.Buffer
			if json.Indent(&pretty, []byte(policy), "", "  ") != nil {
				pretty.Reset()
				pretty.WriteString(policy)
			}
			for line := range bytes.Lines(pretty.Bytes()) {
				p.line("%s", bytes.TrimRight(line, "\n"))
			}
		}
	})
}

// maxPolicy bounds what is read of a file: more than a server takes.
const maxPolicy = 64 << 10

// policies reads policy files. What they mean is the server's to say.
func (c *Context) policies(files []string) ([]string, error) {
	out := []string{}
	stdin := false
	for _, name := range files {
		from := c.In
		if name == "-" {
			if stdin {
				return nil, usagef("--policy - may be given once")
			}
			stdin = true
		} else {
			f, err := os.Open(name)
			if err != nil {
				return nil, usagef("--policy: %w", err)
			}
			defer f.Close()
			from = f
		}
		text, err := io.ReadAll(io.LimitReader(from, maxPolicy+1))
		switch {
		case err != nil:
			return nil, usagef("--policy %s: %w", name, err)
		case len(text) > maxPolicy:
			return nil, usagef("--policy %s: it is larger than %d bytes", name, maxPolicy)
		}
		out = append(out, string(text))
	}
	return out, nil
}
