package iam

import (
	"strconv"
	"sync"

	"github.com/searchpack/searchpack"
)

// AdminPolicy allows everything.
const AdminPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// maxCached is how many parsed policies an authorizer keeps: more than a server has users. With
// documents of at most maxBytes they take some 20 MB at worst.
const maxCached = 512

// NewAuthorizer returns an Authorizer that evaluates the caller's policies. It remembers parsed
// documents, so that a call costs no parsing. A policy that cannot be read (a newer program may
// have stored it) denies everything.
func NewAuthorizer() searchpack.Authorizer {
	c := &cache{parsed: map[string]parsed{}}
	return func(who searchpack.Caller, action, resource string, conditions map[string]string) error {
		policies := make([]*Policy, len(who.Policies))
		for i, document := range who.Policies {
			var err error
			if policies[i], err = c.get(document); err != nil {
				return denied(who, action, resource, "a policy of the user cannot be read. "+searchpack.ErrorMessage(err))
			}
		}
		switch Evaluate(policies, Request{Action: action, Resource: resource, Context: contextOf(who, conditions)}) {
		case Allowed:
			return nil
		case ExplicitDeny:
			return searchpack.Errorf(searchpack.ErrDenied, "User: %s is not authorized to perform: %s on resource: %s with an explicit deny in an identity-based policy", who.ARN, action, resource)
		}
		return denied(who, action, resource, "no identity-based policy allows the "+action+" action")
	}
}

// denied uses AWS's words.
func denied(who searchpack.Caller, action, resource, because string) error {
	return searchpack.Errorf(searchpack.ErrDenied, "User: %s is not authorized to perform: %s on resource: %s because %s", who.ARN, action, resource, because)
}

// contextOf returns the condition keys of a call. What the caller lacks is absent.
func contextOf(who searchpack.Caller, more map[string]string) map[string]string {
	context := map[string]string{"aws:SecureTransport": strconv.FormatBool(who.Secure), "aws:PrincipalType": "User"}
	for key, value := range map[string]string{
		"aws:SourceIp": who.SourceIP, "aws:username": who.User, "aws:PrincipalArn": who.ARN,
		"aws:PrincipalAccount": who.Account, "aws:RequestedRegion": who.Region,
	} {
		if value != "" {
			context[key] = value
		}
	}
	for key, value := range more {
		context[key] = value
	}
	return context
}

// cache keeps parsed documents by their text.
type cache struct {
	mu     sync.RWMutex
	parsed map[string]parsed
}

type parsed struct {
	policy *Policy
	err    error
}

func (c *cache) get(document string) (*Policy, error) {
	c.mu.RLock()
	p, known := c.parsed[document]
	c.mu.RUnlock()
	if known {
		return p.policy, p.err
	}
	p.policy, p.err = Parse(document)
	if len(document) > maxBytes {
		return p.policy, p.err // refused, and too large to keep
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.parsed { // any one: what is in use comes back
		if len(c.parsed) < maxCached {
			break
		}
		delete(c.parsed, other)
	}
	c.parsed[document] = p
	return p.policy, p.err
}
