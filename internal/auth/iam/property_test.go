package iam

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// statementJSON is a statement as it is drawn.
type statementJSON struct {
	Effect      string
	Action      []string                       `json:",omitempty"`
	NotAction   []string                       `json:",omitempty"`
	Resource    []string                       `json:",omitempty"`
	NotResource []string                       `json:",omitempty"`
	Condition   map[string]map[string][]string `json:",omitempty"`
}

type policyJSON struct {
	Version   string
	Statement []statementJSON
}

func (p policyJSON) parse(t *rapid.T) *Policy {
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(b))[0]
}

var (
	someActions   = rapid.SampledFrom([]string{"*", "es:*", "es:Create*", "es:CreatePackage", "ES:delete?omain", "s3:GetObject", "iam:*"})
	someResources = rapid.SampledFrom([]string{"*", shop, wiki, "arn:aws:es:*:111122223333:domain/*", "arn:aws:es:*:*:domain/${aws:username}", "arn:aws:s3:::b/*"})
	someRequests  = rapid.Custom(func(t *rapid.T) Request {
		r := Request{
			Action:   rapid.SampledFrom([]string{"es:CreatePackage", "es:DeleteDomain", "s3:GetObject", "iam:ListUsers"}).Draw(t, "action"),
			Resource: rapid.SampledFrom([]string{"*", shop, wiki, "arn:aws:s3:::b/k"}).Draw(t, "resource"),
			Context:  map[string]string{},
		}
		for key, values := range map[string][]string{
			"aws:username": {"shop", "kim"}, "aws:SourceIp": {"192.0.2.1", "203.0.113.9"}, "aws:SecureTransport": {"true", "false"},
		} {
			if rapid.Bool().Draw(t, "has "+key) {
				r.Context[key] = rapid.SampledFrom(values).Draw(t, key)
			}
		}
		return r
	})
	someConditions = rapid.SampledFrom([]map[string]map[string][]string{
		nil, {"Bool": {"aws:SecureTransport": {"true"}}}, {"IpAddress": {"aws:SourceIp": {"192.0.2.0/24"}}},
		{"NotIpAddress": {"aws:SourceIp": {"192.0.2.0/24"}}}, {"StringEquals": {"aws:username": {"kim", "lee"}}},
		{"StringNotLike": {"aws:username": {"k*"}}}, {"StringLikeIfExists": {"aws:username": {"k*"}}}, {"Null": {"aws:username": {"true"}}},
	})
)

func drawStatement(t *rapid.T, effect string) statementJSON {
	s := statementJSON{Effect: effect, Condition: someConditions.Draw(t, "condition")}
	actions := rapid.SliceOfN(someActions, 1, 3).Draw(t, "actions")
	resources := rapid.SliceOfN(someResources, 1, 3).Draw(t, "resources")
	if rapid.Bool().Draw(t, "not action") {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	if rapid.Bool().Draw(t, "not resource") {
		s.NotResource = resources
	} else {
		s.Resource = resources
	}
	return s
}

func drawPolicies(t *rapid.T) []policyJSON {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policyJSON {
		return policyJSON{"2012-10-17", rapid.SliceOfN(rapid.Custom(func(t *rapid.T) statementJSON {
			return drawStatement(t, rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect"))
		}), 1, 3).Draw(t, "statements")}
	}), 0, 4).Draw(t, "policies")
}

func parseAll(t *rapid.T, ps []policyJSON) []*Policy {
	out := make([]*Policy, len(ps))
	for i, p := range ps {
		out[i] = p.parse(t)
	}
	return out
}

// The decision is: a Deny that applies, else an Allow that applies, else neither, whatever the order
// and however statements are spread over policies.
func TestDecisionIsAFoldOverStatements(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ps, r := drawPolicies(t), someRequests.Draw(t, "request")
		want := ImplicitDeny
		var one policyJSON
		for _, p := range ps {
			for _, s := range p.Statement {
				one.Statement = append(one.Statement, s)
				alone := policyJSON{"2012-10-17", []statementJSON{s}}
				switch Evaluate([]*Policy{alone.parse(t)}, r) {
				case ExplicitDeny:
					want = ExplicitDeny
				case Allowed:
					if want == ImplicitDeny {
						want = Allowed
					}
				}
			}
		}
		if got := Evaluate(parseAll(t, ps), r); got != want {
			t.Fatalf("got %v, its statements say %v", got, want)
		}
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffle.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		if got := Evaluate(parseAll(t, ps), r); got != want {
			t.Fatalf("in another order: %v, want %v", got, want)
		}
		if len(one.Statement) == 0 {
			return
		}
		one.Version = "2012-10-17"
		shuffle.Shuffle(len(one.Statement), func(i, j int) { one.Statement[i], one.Statement[j] = one.Statement[j], one.Statement[i] })
		if got := Evaluate([]*Policy{one.parse(t)}, r); got != want {
			t.Fatalf("in one document: %v, want %v", got, want)
		}
	})
}

// An Allow more never takes a right away, a Deny more never gives one.
func TestMoreStatements(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ps, r := drawPolicies(t), someRequests.Draw(t, "request")
		before := Evaluate(parseAll(t, ps), r)
		plus := func(effect string) Decision {
			return Evaluate(parseAll(t, append(ps[:len(ps):len(ps)], policyJSON{"2012-10-17", []statementJSON{drawStatement(t, effect)}})), r)
		}
		if after := plus("Allow"); before == Allowed && after != Allowed || before == ExplicitDeny && after != ExplicitDeny {
			t.Fatalf("an Allow more: %v became %v", before, after)
		}
		if after := plus("Deny"); before != Allowed && after == Allowed {
			t.Fatalf("a Deny more: %v became %v", before, after)
		}
	})
}

// Not… is the complement of what it negates.
func TestNotIsTheComplement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, r := drawStatement(t, "Allow"), someRequests.Draw(t, "request")
		s.Condition = nil
		actions, resources := append(s.Action, s.NotAction...), append(s.Resource, s.NotResource...)
		decide := func(s statementJSON) bool {
			return Evaluate([]*Policy{policyJSON{"2012-10-17", []statementJSON{s}}.parse(t)}, r) == Allowed
		}
		all := []string{"*"}
		if decide(statementJSON{Effect: "Allow", Action: actions, Resource: all}) == decide(statementJSON{Effect: "Allow", NotAction: actions, Resource: all}) {
			t.Fatalf("%v and its Not agree on %v", actions, r)
		}
		if decide(statementJSON{Effect: "Allow", Action: all, Resource: resources}) == decide(statementJSON{Effect: "Allow", Action: all, NotResource: resources}) {
			t.Fatalf("%v and its Not agree on %v", resources, r)
		}
	})
}

// The matcher agrees with the plain definition of wildcards.
func TestPatternsMatchAsDefined(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab?*é]{0,8}`)
		p, s := text.Draw(t, "pattern"), text.Draw(t, "text")
		parsed, err := parsePattern(p, false)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := parsed.matches(s, nil), defined([]rune(p), []rune(s)); got != want {
			t.Fatalf("%q matches %q: %v, want %v", p, s, got, want)
		}
		if plain, err := parsePattern(p, true); err != nil || plain.matches(s, nil) != (p == s) {
			t.Fatalf("plain %q and %q: %v", p, s, err)
		}
		name := rapid.StringMatching(`[ab*?]{1,3}`).Draw(t, "name")
		with, err := parsePattern(p+"${aws:username}", false)
		if err != nil {
			t.Fatal(err)
		}
		got := with.matches(s, environment{"aws:username": name})
		want := strings.HasSuffix(s, name) && defined([]rune(p), []rune(strings.TrimSuffix(s, name)))
		if got != want {
			t.Fatalf("%q with the variable %q and %q: %v, want %v", p, name, s, got, want)
		}
		if with.matches(s, nil) {
			t.Fatalf("%q matches without the variable's value", p)
		}
	})
}

func defined(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return defined(p[1:], s) || len(s) > 0 && defined(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && defined(p[1:], s[1:])
}
