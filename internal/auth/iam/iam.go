// Package iam evaluates identity policies: AWS's JSON documents, the subset that docs/access.md
// describes. Parse refuses everything that it does not understand, so that no policy ever means
// less (or more) here than its author reads in it; Evaluate and the rest are pure functions of
// their arguments. Where a credential's policies come from, and who may change them, is not known
// here.
package iam

import "strings"

// Decision is what policies say about a request.
type Decision int

// The decisions. The zero value lets nobody in.
const (
	ImplicitDeny Decision = iota // no statement speaks of it
	ExplicitDeny                 // a Deny statement does, whatever others say
	Allowed
)

// Request is what somebody wants to do.
type Request struct {
	Action   string // "es:CreatePackage"; letter case does not count
	Resource string // an ARN, or "*" for an action that has no resource
	// Context holds condition keys that apply, by their names of Keys in any letter case. A key that
	// is missing is absent in AWS's sense.
	Context map[string]string
}

// Policy is a parsed policy document. It never changes and may be used by several goroutines.
type Policy struct {
	statements []statement
}

type statement struct {
	deny       bool
	actions    list
	resources  list
	conditions []condition
}

// list is Action or Resource, or NotAction or NotResource.
type list struct {
	not      bool
	patterns []pattern
}

func (l list) matches(s string, env environment) bool {
	for _, p := range l.patterns {
		if p.matches(s, env) {
			return !l.not
		}
	}
	return l.not
}

// environment is a request's context by lower-case key.
type environment map[string]string

// Evaluate decides as AWS does: a Deny that applies wins, then an Allow that applies; else nothing
// allows it. The order of policies and statements does not matter.
func Evaluate(policies []*Policy, r Request) Decision {
	env := make(environment, len(r.Context))
	for key, value := range r.Context {
		env[strings.ToLower(key)] = value
	}
	action := lower(r.Action)
	decision := ImplicitDeny
	for _, p := range policies {
		for i := range p.statements {
			s := &p.statements[i]
			if !s.deny && decision == Allowed || !s.applies(action, r.Resource, env) {
				continue
			}
			if s.deny {
				return ExplicitDeny
			}
			decision = Allowed
		}
	}
	return decision
}

func (s *statement) applies(action, resource string, env environment) bool {
	if !s.actions.matches(action, env) || !s.resources.matches(resource, env) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(env) {
			return false
		}
	}
	return true
}

// lower changes ASCII letters only: other letters have no place in an action, and some of them
// have an ASCII lower case.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}
