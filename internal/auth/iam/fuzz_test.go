package iam

import (
	"encoding/json"
	"testing"
)

// FuzzEvaluate: what one statement decides follows the definitions, whatever patterns, condition
// and request it meets: Allow and Deny apply to the same requests, and NotAction and NotResource to
// the others.
func FuzzEvaluate(f *testing.F) {
	f.Add("es:*", "*", "StringEquals", "aws:username", "kim", "es:CreatePackage", "kim")
	f.Add("es:Create?ackage", "arn:aws:es:us-east-1:111122223333:domain/*", "Bool", "aws:SecureTransport", "true", "es:createpackage", "TRUE")
	f.Fuzz(func(t *testing.T, action, resource, operator, key, value, asked, has string) {
		one := statementJSON{
			Effect: "Allow", Action: []string{action}, Resource: []string{resource},
			Condition: map[string]map[string][]string{operator: {key: {value}}},
		}
		parse := func(s statementJSON) *Policy {
			text, err := json.Marshal(policyJSON{"2012-10-17", []statementJSON{s}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(string(text))
			if err != nil {
				t.Skip()
			}
			return p
		}
		allowed := parse(one)
		r := Request{Action: asked, Resource: shop, Context: map[string]string{}}
		if has != "" {
			r.Context[key] = has
		}
		applies := Evaluate([]*Policy{allowed}, r) == Allowed
		one.Effect = "Deny"
		admin := mustParse(t, AdminPolicy)[0]
		if denies := Evaluate([]*Policy{admin, parse(one)}, r) == ExplicitDeny; denies != applies {
			t.Fatalf("Allow applies: %v, Deny: %v", applies, denies)
		}
		one.Condition = nil
		action2, plain := one, Evaluate([]*Policy{admin, parse(one)}, r) == ExplicitDeny
		action2.Action, action2.NotAction = nil, one.Action
		resource2 := one
		resource2.Resource, resource2.NotResource = nil, one.Resource
		both := Evaluate([]*Policy{admin, parse(action2), parse(resource2)}, r) == ExplicitDeny
		if plain && both || applies && !plain {
			t.Fatalf("it applies: with the condition %v, without %v, inverted %v", applies, plain, both)
		}
		if !plain && !both { // then neither the action nor the resource is in question
			t.Fatalf("%s on %s is neither in %s on %s nor outside of it", asked, shop, action, resource)
		}
	})
}
