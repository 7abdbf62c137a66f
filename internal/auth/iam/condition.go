package iam

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// keyType says which operators fit a condition key.
type keyType string

const (
	textKey    keyType = "text"
	boolKey    keyType = "true or false"
	addressKey keyType = "IP address"
)

// Keys are the condition keys that there are. Others are refused at load: one that no request ever
// has would make a Deny that never applies, or a "Not" that always does.
var keys = map[string]keyType{
	"aws:SourceIp":         addressKey,
	"aws:SecureTransport":  boolKey,
	"aws:username":         textKey,
	"aws:PrincipalArn":     textKey,
	"aws:PrincipalAccount": textKey,
	"aws:PrincipalType":    textKey,
	"aws:RequestedRegion":  textKey,
	"iam:PassedToService":  textKey,
}

// test decides on one value of a key.
type test func(value string, env environment) bool

// operator is a row of the table of operators.
type operator struct {
	keys    keyType
	not     bool // none of the values may match, instead of one of them must
	compile func(r *reader, value string) (test, error)
}

// operators are those without a suffix; "IfExists" may follow each, and Null stands for itself.
var operators = map[string]operator{
	"StringEquals":              {textKey, false, exact},
	"StringNotEquals":           {textKey, true, exact},
	"StringEqualsIgnoreCase":    {textKey, false, folded},
	"StringNotEqualsIgnoreCase": {textKey, true, folded},
	"StringLike":                {textKey, false, like},
	"StringNotLike":             {textKey, true, like},
	"Bool":                      {boolKey, false, boolean},
	"IpAddress":                 {addressKey, false, address},
	"NotIpAddress":              {addressKey, true, address},
}

// condition is one key under one operator.
type condition struct {
	key      string // lower case
	tests    []test // nil: of Null
	not      bool
	ifExists bool
	absent   bool // Null: the key must be absent, or present
}

// holds as AWS has it: an absent key fails a condition, but for a negated one, IfExists and Null.
func (c *condition) holds(env environment) bool {
	value, present := env[c.key]
	switch {
	case c.tests == nil:
		return present != c.absent
	case !present:
		return c.not || c.ifExists
	}
	for _, t := range c.tests {
		if t(value, env) {
			return !c.not
		}
	}
	return c.not
}

func (r *reader) conditions(at string, v any) ([]condition, error) {
	o, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("%s is %s, not an object of operators", at, kind(v))
	}
	var out []condition
	for _, m := range o {
		here := at + "." + clip(m.name)
		under, ok := m.value.(object)
		if !ok || len(under) == 0 {
			return nil, fmt.Errorf("%s must be an object with a condition key in it", here)
		}
		for _, k := range under {
			c, err := r.condition(here, m.name, k)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func (r *reader) condition(at, name string, m member) (c condition, err error) {
	key, typ, err := keyOf(m.name)
	if err != nil {
		return c, fmt.Errorf("%s: %w", at, err)
	}
	c.key = strings.ToLower(key)
	at += "." + key
	values, err := conditionValues(at, m.value)
	if err != nil {
		return c, err
	}
	if name == "Null" {
		c.absent = strings.EqualFold(values[0], "true")
		if _, err := boolean(r, values[0]); err != nil || len(values) > 1 {
			return c, fmt.Errorf("%s: Null takes true (the key is absent) or false", at)
		}
		return c, nil
	}
	base, ifExists := strings.CutSuffix(name, "IfExists")
	op, known := operators[base]
	switch {
	case !known:
		return c, fmt.Errorf("%s: there is no operator %q here; these are: %s, each with or without IfExists, and Null",
			at, clip(name), strings.Join(slices.Sorted(maps.Keys(operators)), ", "))
	case op.keys != typ:
		return c, fmt.Errorf("%s: %s does not fit %s, whose value is %s %s", at, name, key, article(typ), typ)
	}
	c.not, c.ifExists = op.not, ifExists
	for _, v := range values {
		t, err := op.compile(r, v)
		if err != nil {
			return c, fmt.Errorf("%s: %w", at, err)
		}
		c.tests = append(c.tests, t)
	}
	return c, nil
}

func article(t keyType) string {
	if t == addressKey {
		return "an"
	}
	return "a"
}

func keyOf(name string) (string, keyType, error) {
	for known, typ := range keys {
		if strings.EqualFold(known, name) {
			return known, typ, nil
		}
	}
	return "", "", fmt.Errorf("there is no condition key %q here; these are: %s", clip(name), strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
}

// conditionValues reads one value or a list; true and false may stand without quotes.
func conditionValues(at string, v any) ([]string, error) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	for i, each := range values {
		if b, is := each.(bool); is {
			values[i] = fmt.Sprint(b)
		}
	}
	return texts(at, values)
}

func exact(r *reader, value string) (test, error) { return matching(r, value, true) }
func like(r *reader, value string) (test, error)  { return matching(r, value, false) }

func matching(r *reader, value string, plain bool) (test, error) {
	p, err := r.pattern(value, plain)
	if err != nil {
		return nil, err
	}
	return p.matches, nil
}

// folded compares without regard to letter case. A variable's value is as good as any other, so the
// text is resolved before.
func folded(r *reader, value string) (test, error) {
	p, err := r.pattern(value, true)
	if err != nil {
		return nil, err
	}
	return func(value string, env environment) bool {
		resolved, ok := p.resolve(env)
		if !ok {
			return false
		}
		want := ""
		if len(resolved) > 0 { // a plain pattern resolves to one literal
			want = resolved[0].text
		}
		return strings.EqualFold(value, want)
	}, nil
}

func boolean(_ *reader, value string) (test, error) {
	if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		return nil, fmt.Errorf("%q is neither true nor false", clip(value))
	}
	return func(v string, _ environment) bool { return strings.EqualFold(v, value) }, nil
}

// address reads "203.0.113.0/24" or a single address.
func address(_ *reader, value string) (test, error) {
	block, err := netip.ParsePrefix(value)
	if err != nil {
		single, err := netip.ParseAddr(value)
		if err != nil || single.Zone() != "" {
			return nil, fmt.Errorf("%q is no IP address and no block like 203.0.113.0/24", clip(value))
		}
		block = netip.PrefixFrom(single, single.BitLen())
	}
	if block = block.Masked(); block.Addr().Is4In6() {
		return nil, fmt.Errorf("%q: write an IPv4 address as such", clip(value))
	}
	return func(v string, _ environment) bool {
		ip, err := netip.ParseAddr(v)
		return err == nil && block.Contains(ip.Unmap().WithZone(""))
	}, nil
}
