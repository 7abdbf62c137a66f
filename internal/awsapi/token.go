package awsapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/searchpack/searchpack/internal/catalog"
)

// A NextToken is base64url of: version byte, 8 bytes of hash, key to continue after. The hash
// binds it to caller, operation and query, so that a token of another list is refused instead of
// giving a wrong page. It is no secret and protects nothing: all a forged one reaches is another
// page of the caller's own list. Servers need no shared state to read each other's tokens.
const (
	tokenVersion = 1
	tokenHash    = 8
	// maxToken: names have at most 256 bytes, as have the keys made of them.
	maxToken = 1024
)

// place is a page of one query, and makes the token of the next.
type place struct {
	catalog.Page
	query []byte // what tokens of this query are bound to
}

// page reads MaxResults and NextToken. query is what the list depends on beside the caller.
func (c *call) page(limit int, token string, query any) (place, error) {
	bound, err := json.Marshal([]any{c.op.Name, c.caller.Account, c.caller.Region, query})
	if err != nil {
		return place{}, err
	}
	p := place{Page: catalog.Page{Max: limit}, query: bound}
	if token == "" {
		return p, nil
	}
	invalid := validation("NextToken is not one that %s gave for this query. Start again without it.", c.op.Name)
	if len(token) > maxToken {
		return place{}, invalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= 1+tokenHash || raw[0] != tokenVersion {
		return place{}, invalid
	}
	p.After = string(raw[1+tokenHash:])
	if !bytes.Equal(raw[1:1+tokenHash], p.hash(p.After)) {
		return place{}, invalid
	}
	return p, nil
}

// token continues after the key; "" at the end of the list.
func (p place) token(after string) string {
	if after == "" {
		return ""
	}
	raw := append([]byte{tokenVersion}, p.hash(after)...)
	return base64.RawURLEncoding.EncodeToString(append(raw, after...))
}

func (p place) hash(after string) []byte {
	sum := sha256.Sum256(append(append([]byte{}, p.query...), after...))
	return sum[:tokenHash]
}

// defaultPage is how long a page is if the caller does not say, and AWS's maximum.
const defaultPage = 100

// cut gives a page of a list that the catalog returns as a whole. After the last key of a page comes
// what follows it in the list; when it is gone from the list, nothing does.
func cut[T any](list []T, p catalog.Page, key func(T) string) ([]T, string) {
	if p.After != "" {
		i := slices.IndexFunc(list, func(each T) bool { return key(each) == p.After })
		if i < 0 {
			return nil, ""
		}
		list = list[i+1:]
	}
	size := p.Max
	if size <= 0 || size > defaultPage {
		size = defaultPage
	}
	if len(list) <= size {
		return list, ""
	}
	return list[:size], key(list[size-1])
}
