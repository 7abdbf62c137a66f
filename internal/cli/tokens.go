package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// TokenCmd handles join tokens.
type TokenCmd struct {
	Create TokenCreateCmd `cmd:"" help:"Make a join token and print it: it is shown once."`
	List   TokenListCmd   `cmd:"" help:"List the join tokens of a domain."`
	Delete TokenDeleteCmd `cmd:"" help:"Revoke a join token. Agents that enrolled with it stay."`
}

// TokenCreateCmd makes a token.
type TokenCreateCmd struct {
	Domain  string `required:"" env:"-" placeholder:"DOMAIN" help:"The domain to join. It comes to be if it does not exist."`
	Uses    int    `env:"-" default:"1" help:"How many agents may enrol with it; --uses=-1: no limit."`
	Expires Span   `env:"-" default:"24h" help:"For how long it is good."`
	CIDR    string `name:"cidr" env:"-" help:"From where only, for example 10.0.0.0/8." placeholder:"BLOCK"`
}

type tokenLine struct {
	ID        string    `json:"id"`
	Domain    string    `json:"domain"`
	Token     string    `json:"token,omitempty"`
	Uses      int       `json:"uses"`
	CIDR      string    `json:"cidr,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Help stands below the flags.
func (*TokenCreateCmd) Help() string {
	return "Example:\n  searchpack token create --domain products --uses 3 --expires 1h > token"
}

// Run makes a token. Only the token is printed, so that it can go into a file.
func (t *TokenCreateCmd) Run(c *Context) error {
	switch {
	case t.Uses < 1 && t.Uses != -1:
		return usagef("--uses %d: how many agents may enrol, 1 or more; -1 for no limit", t.Uses)
	case t.Expires < Span(time.Second):
		return usagef("--expires %s: a second or more, for example 24h", time.Duration(t.Expires))
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	in := map[string]any{"uses": t.Uses, "valid_for_seconds": int64(time.Duration(t.Expires) / time.Second), "cidr": t.CIDR}
	var answer tokenLine
	document, err := cl.call(c, "POST", "/domains/"+url.PathEscape(t.Domain)+"/tokens", in, &answer)
	if err != nil {
		return err
	}
	if answer.Token == "" {
		return errors.New("the server made a token and did not say which: is it a Searchpack?")
	}
	return c.print(document, func(p *page) { p.line("%s", answer.Token) })
}

// TokenListCmd lists tokens.
type TokenListCmd struct {
	Domain string `required:"" env:"-" placeholder:"DOMAIN" help:"The domain."`
}

// Help stands below the flags.
func (*TokenListCmd) Help() string {
	return "The secrets are not shown: they are stored nowhere.\n\nExample:\n  searchpack token list --domain products"
}

// Run lists tokens.
func (t *TokenListCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var answer struct {
		Tokens []tokenLine `json:"tokens"`
	}
	document, err := cl.call(c, "GET", "/domains/"+url.PathEscape(t.Domain)+"/tokens", nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		tab := newTable("ID", "DOMAIN", "USES LEFT", "EXPIRES", "FROM", "")
		for _, x := range answer.Tokens {
			uses := fmt.Sprint(x.Uses)
			if x.Uses < 0 {
				uses = "no limit"
			}
			tab.row(x.ID, x.Domain, uses, x.ExpiresAt.Format(time.RFC3339), cmp.Or(x.CIDR, "anywhere"))
		}
		p.table(tab)
	})
}

// TokenDeleteCmd revokes a token.
type TokenDeleteCmd struct {
	ID     string `arg:"" help:"Id of the token: searchpack token list shows it."`
	Domain string `required:"" env:"-" placeholder:"DOMAIN" help:"The domain it is for."`
}

// Help stands below the flags.
func (*TokenDeleteCmd) Help() string {
	return "Example:\n  searchpack token delete --domain products ccf76d04bd7c51f2"
}

// Run revokes a token.
func (t *TokenDeleteCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	document, err := cl.call(c, "DELETE", "/domains/"+url.PathEscape(t.Domain)+"/tokens/"+url.PathEscape(t.ID), nil, nil)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) { p.line("%s revoked", t.ID) })
}
