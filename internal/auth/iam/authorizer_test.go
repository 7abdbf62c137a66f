package iam

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

var kim = searchpack.Caller{
	Account: "111122223333", Region: "us-west-2", User: "kim", ARN: "arn:aws:iam::111122223333:user/kim", SourceIP: "192.0.2.7",
}

func with(c searchpack.Caller, policies ...string) searchpack.Caller {
	c.Policies = policies
	return c
}

// The texts are AWS's, to the letter.
func TestDenialTexts(t *testing.T) {
	t.Parallel()
	authorize := NewAuthorizer()
	const domain = "arn:aws:es:us-west-2:111122223333:domain/shop"
	for _, tt := range []struct {
		policies []string
		want     string
	}{
		{[]string{AdminPolicy}, ""},
		{nil, "User: arn:aws:iam::111122223333:user/kim is not authorized to perform: es:AssociatePackage on resource: " + domain +
			" because no identity-based policy allows the es:AssociatePackage action"},
		{[]string{AdminPolicy, deny(`"Action":"es:*","Resource":"*"`)}, "User: arn:aws:iam::111122223333:user/kim is not authorized to perform: es:AssociatePackage on resource: " + domain +
			" with an explicit deny in an identity-based policy"},
		{[]string{AdminPolicy, `{"Statement":[]}`}, "User: arn:aws:iam::111122223333:user/kim is not authorized to perform: es:AssociatePackage on resource: " + domain +
			" because a policy of the user cannot be read. The policy document is refused: it has no Statement."},
	} {
		for range 2 { // the second comes from the cache
			err := authorize(with(kim, tt.policies...), "es:AssociatePackage", domain, nil)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || err != nil && searchpack.ErrorCode(err) != searchpack.ErrDenied {
				t.Errorf("%v: %q, want %q", tt.policies, got, tt.want)
			}
		}
	}
}

func TestContextOfACall(t *testing.T) {
	t.Parallel()
	authorize := NewAuthorizer()
	secure := kim
	secure.Secure = true
	for condition, want := range map[string]bool{
		`"StringEquals":{"aws:username":"kim"}`:                                    true,
		`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/kim"}`: true,
		`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`:                   true,
		`"StringEquals":{"aws:PrincipalType":"User"}`:                              true,
		`"StringEquals":{"aws:RequestedRegion":"us-west-2"}`:                       true,
		`"StringEquals":{"iam:PassedToService":"es.amazonaws.com"}`:                true,
		`"Bool":{"aws:SecureTransport":"true"}`:                                    true,
		`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`:                              true,
		`"StringNotEquals":{"aws:username":"kim"}`:                                 false,
	} {
		who := with(secure, allow(`"Action":"*","Resource":"*","Condition":{`+condition+`}`))
		if err := authorize(who, "iam:PassRole", "*", map[string]string{"iam:PassedToService": "es.amazonaws.com"}); (err == nil) != want {
			t.Errorf("%s: %v", condition, err)
		}
	}
	for _, key := range []string{"aws:username", "aws:SourceIp", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:RequestedRegion", "iam:PassedToService"} {
		who := searchpack.Caller{Policies: []string{allow(`"Action":"*","Resource":"*","Condition":{"Null":{"` + key + `":"true"}}`)}}
		if err := authorize(who, "es:X", "*", nil); err != nil {
			t.Errorf("%s is there for a caller who has none: %v", key, err)
		}
	}
}

// The cache stays within its bound, and callers of one authorizer do not disturb each other.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := &cache{parsed: map[string]parsed{}}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range maxCached {
				document := allow(fmt.Sprintf(`"Action":"es:A%d-%d","Resource":"*"`, g, i))
				p, err := c.get(document)
				if err != nil || Evaluate([]*Policy{p}, Request{Action: fmt.Sprintf("es:a%d-%d", g, i), Resource: "*"}) != Allowed {
					t.Errorf("%s: %v", document, err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := c.get(strings.Repeat(" ", maxBytes+1)); err == nil {
		t.Error("a document over the limit is taken")
	}
	if len(c.parsed) > maxCached {
		t.Errorf("%d documents are kept", len(c.parsed))
	}
	for document := range c.parsed {
		if len(document) > maxBytes {
			t.Error("a document over the limit is kept")
		}
	}
}

// FuzzParse: whatever a user loads, Parse does not panic; what it takes, it evaluates the same way
// twice, and a Deny for everything beside it denies.
func FuzzParse(f *testing.F) {
	f.Add(AdminPolicy, "es:CreatePackage", "*", "192.0.2.1")
	f.Add(allow(`"NotAction":["es:*"],"NotResource":"arn:aws:es:*/${aws:username}?"`), "ES:x", shop, "::1")
	f.Add(deny(`"Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8"]},"Null":{"aws:username":true}}`), "", "", "")
	f.Add(`{"Version":"2008-10-17","Id":"","Statement":{"Sid":"a","Effect":"Allow","Action":"*","Resource":"arn:*","Condition":{"StringLikeIfExists":{"aws:username":["${*}","$"]}}}}`, "a:b", "arn:$", "x")
	f.Fuzz(func(t *testing.T, document, action, resource, ip string) {
		p, err := Parse(document)
		if err != nil {
			if searchpack.ErrorCode(err) != searchpack.ErrInvalid || len(err.Error()) > 2000 {
				t.Fatalf("%v", err)
			}
			return
		}
		r := Request{Action: action, Resource: resource, Context: map[string]string{"aws:SourceIp": ip, "aws:username": resource}}
		if first, second := Evaluate([]*Policy{p}, r), Evaluate([]*Policy{p, p}, r); first != second {
			t.Fatalf("once %v, twice %v", first, second)
		}
		if got := Evaluate(append(mustParse(t, deny(`"Action":"*","Resource":"*"`)), p), r); got != ExplicitDeny {
			t.Fatalf("in spite of a Deny: %v", got)
		}
	})
}
