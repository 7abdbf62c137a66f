package iam

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// partKind is what a part of a pattern stands for.
type partKind int

const (
	literal  partKind = iota // its text
	anything                 // "*": any characters, also none; colons and slashes as well
	oneOf                    // "?": one character
	variable                 // "${key}": the value of the condition key, literally
)

type part struct {
	kind partKind
	text string // of a literal; the lower-case key of a variable
}

// pattern matches whole texts. Two "*" never follow each other, nor do two literals.
type pattern []part

// variables are the condition keys that a pattern may name: those that every caller has.
var variables = []string{"aws:username", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:RequestedRegion"}

// parsePattern reads a text with policy variables and, unless plain, with wildcards. "${*}", "${?}"
// and "${$}" are those characters themselves.
func parsePattern(s string, plain bool) (pattern, error) {
	var p pattern
	for s != "" {
		special := strings.IndexByte(s, '$')
		if !plain {
			special = strings.IndexAny(s, "*?$")
		}
		switch {
		case special < 0:
			return p.add(literal, s), nil
		case special > 0:
			p, s = p.add(literal, s[:special]), s[special:]
		case s[0] == '*':
			p, s = p.add(anything, ""), s[1:]
		case s[0] == '?':
			p, s = p.add(oneOf, ""), s[1:]
		case !strings.HasPrefix(s, "${"):
			p, s = p.add(literal, "$"), s[1:]
		default:
			name, rest, ended := strings.Cut(s[2:], "}")
			if !ended {
				return nil, fmt.Errorf("the policy variable in %q does not end", clip(s))
			}
			kind, text, err := variableOf(name)
			if err != nil {
				return nil, err
			}
			p, s = p.add(kind, text), rest
		}
	}
	return p, nil
}

func variableOf(name string) (partKind, string, error) {
	if name == "*" || name == "?" || name == "$" {
		return literal, name, nil
	}
	for _, known := range variables {
		if strings.EqualFold(name, known) {
			return variable, strings.ToLower(known), nil
		}
	}
	return 0, "", fmt.Errorf("the policy variable ${%s} is not supported; these are: %s, ${*}, ${?}, ${$}", clip(name), "${"+strings.Join(variables, "}, ${")+"}")
}

func (p pattern) add(kind partKind, text string) pattern {
	last := len(p) - 1
	switch {
	case last >= 0 && kind == anything && p[last].kind == anything:
		return p
	case last >= 0 && kind == literal && p[last].kind == literal:
		p[last].text += text
		return p
	}
	return append(p, part{kind, text})
}

// resolve puts the values of variables in their places. It is not ok if one has none: AWS then
// takes the pattern as matching nothing.
func (p pattern) resolve(env environment) (_ pattern, ok bool) {
	var out pattern
	for i, each := range p {
		if each.kind == variable {
			if out == nil {
				out = append(make(pattern, 0, len(p)), p[:i]...)
			}
			value := env[each.text]
			if value == "" {
				return nil, false
			}
			each = part{literal, value}
		}
		if out != nil {
			out = out.add(each.kind, each.text)
		}
	}
	if out == nil {
		return p, true
	}
	return out, true
}

// matches reports whether all of s matches. Only the last "*" passed is ever taken up again, one
// character further on each time, so the time is bounded by the product of both lengths.
func (p pattern) matches(s string, env environment) bool {
	p, ok := p.resolve(env)
	if !ok {
		return false
	}
	at, i := 0, 0         // of s, of p
	star, resume := -1, 0 // the last "*" in p, and where in s what follows it is tried next
	for i < len(p) || at < len(s) {
		if i < len(p) {
			if p[i].kind == anything {
				if i == len(p)-1 {
					return true
				}
				star, resume = i, at
				i++
				continue
			}
			if n := p[i].prefix(s[at:]); n >= 0 {
				at, i = at+n, i+1
				continue
			}
		}
		if star < 0 || resume >= len(s) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[resume:])
		resume += size
		if next := p[star+1]; next.kind == literal { // nothing before it can match
			found := strings.Index(s[resume:], next.text)
			if found < 0 {
				return false
			}
			resume += found
		}
		at, i = resume, star+1
	}
	return true
}

// prefix returns how many bytes at the begin of s the part matches, -1 if it does not.
func (p part) prefix(s string) int {
	switch {
	case p.kind == oneOf && s != "":
		_, size := utf8.DecodeRuneInString(s)
		return size
	case p.kind == literal && strings.HasPrefix(s, p.text):
		return len(p.text)
	}
	return -1
}

// clip shortens what goes into an error text.
func clip(s string) string {
	const most = 80 // characters: enough to find it in the document
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
