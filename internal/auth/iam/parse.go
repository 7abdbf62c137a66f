package iam

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/searchpack/searchpack"
)

// Parse reads a policy document. What is wrong or not supported is an *searchpack.Error with
// ErrInvalid that names the place, "Statement[1].Condition.DateLessThan", and what to write
// instead. Nothing is passed over.
func Parse(document string) (*Policy, error) {
	p, err := parse(document)
	if err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The policy document is refused: %s.", strings.TrimSuffix(err.Error(), "."))
	}
	return p, nil
}

func parse(document string) (*Policy, error) {
	root, err := readDocument(document)
	if err != nil {
		return nil, err
	}
	o, ok := root.(object)
	if !ok {
		return nil, fmt.Errorf("it is %s, not an object with a Statement", kind(root))
	}
	r := &reader{}
	var statements []any
	for _, m := range o {
		switch m.name {
		case "Version":
			err = r.version(m.value)
		case "Id":
			_, err = text("Id", m.value)
		case "Statement":
			if statements, ok = m.value.([]any); !ok {
				statements = []any{m.value}
			}
		default:
			err = fmt.Errorf("there is no element %q; a policy has Version, Id and Statement", clip(m.name))
		}
		if err != nil {
			return nil, err
		}
	}
	if len(statements) == 0 {
		return nil, fmt.Errorf("it has no Statement")
	}
	p := &Policy{statements: make([]statement, len(statements))}
	for i, s := range statements {
		at := fmt.Sprintf("Statement[%d]", i)
		if p.statements[i], err = r.statement(at, s); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// reader knows what holds for the whole document.
type reader struct {
	current bool // Version 2012-10-17, which alone knows policy variables
	sids    map[string]bool
}

func (r *reader) version(v any) error {
	switch v {
	case "2012-10-17":
		r.current = true
	case "2008-10-17":
	default:
		return fmt.Errorf("its Version must be \"2012-10-17\" or \"2008-10-17\"")
	}
	return nil
}

func (r *reader) statement(at string, v any) (s statement, err error) {
	o, ok := v.(object)
	if !ok {
		return s, fmt.Errorf("%s is %s, not an object", at, kind(v))
	}
	seen := map[string]bool{}
	for _, m := range o {
		seen[m.name] = true
		here := at + "." + m.name
		switch m.name {
		case "Sid":
			err = r.sid(here, m.value)
		case "Effect":
			if m.value != "Allow" && m.value != "Deny" {
				err = fmt.Errorf("%s must be \"Allow\" or \"Deny\"", here)
			}
			s.deny = m.value == "Deny"
		case "Action", "NotAction":
			s.actions, err = r.list(here, m, action)
		case "Resource", "NotResource":
			s.resources, err = r.list(here, m, resource)
		case "Condition":
			s.conditions, err = r.conditions(here, m.value)
		case "Principal", "NotPrincipal":
			err = fmt.Errorf("%s: an identity policy names no principal, it holds for the user that it is given to", here)
		default:
			err = fmt.Errorf("%s has no element %q", at, clip(m.name))
		}
		if err != nil {
			return s, err
		}
	}
	return s, complete(at, seen)
}

// complete: Effect, and one of each pair.
func complete(at string, seen map[string]bool) error {
	if !seen["Effect"] {
		return fmt.Errorf("%s has no Effect", at)
	}
	for _, name := range []string{"Action", "Resource"} {
		switch {
		case seen[name] && seen["Not"+name]:
			return fmt.Errorf("%s has both %s and Not%s", at, name, name)
		case !seen[name] && !seen["Not"+name]:
			return fmt.Errorf("%s has neither %s nor Not%s", at, name, name)
		}
	}
	return nil
}

var sidForm = regexp.MustCompile(`^[0-9A-Za-z]*$`)

func (r *reader) sid(at string, v any) error {
	s, err := text(at, v)
	switch {
	case err != nil:
		return err
	case !sidForm.MatchString(s):
		return fmt.Errorf("%s %q: a statement id has letters and digits only", at, clip(s))
	case s == "":
		return nil
	case r.sids[s]:
		return fmt.Errorf("%s %q stands in two statements", at, clip(s))
	case r.sids == nil:
		r.sids = map[string]bool{}
	}
	r.sids[s] = true
	return nil
}

// list reads one text or a list of them; check refuses what is no action or no resource and gives
// the form that is compared.
func (r *reader) list(at string, m member, check func(string) (string, error)) (list, error) {
	l := list{not: strings.HasPrefix(m.name, "Not")}
	values, err := texts(at, m.value)
	if err != nil {
		return l, err
	}
	for _, v := range values {
		v, err := check(v)
		if err != nil {
			return l, fmt.Errorf("%s: %w", at, err)
		}
		p, err := r.pattern(v, false)
		if err != nil {
			return l, fmt.Errorf("%s: %w", at, err)
		}
		l.patterns = append(l.patterns, p)
	}
	return l, nil
}

// pattern is parsePattern for a document of this version. An older document has no variables: "${"
// in it means those two characters, which nobody wants who writes it.
func (r *reader) pattern(s string, plain bool) (pattern, error) {
	if !r.current && strings.Contains(s, "${") {
		return nil, fmt.Errorf("%q: policy variables need \"Version\": \"2012-10-17\"", clip(s))
	}
	return parsePattern(s, plain)
}

var actionForm = regexp.MustCompile(`^(\*|[0-9A-Za-z-]+:[0-9A-Za-z*?-]+)$`)

func action(s string) (string, error) {
	if !actionForm.MatchString(s) {
		return "", fmt.Errorf("%q is no action: write \"*\", or a service without wildcards, a colon and a name, \"es:Describe*\"", clip(s))
	}
	return lower(s), nil
}

// resource: "*" or something that can be an ARN. Wildcards may stand for colons.
func resource(s string) (string, error) {
	switch {
	case s == "*":
	case !strings.HasPrefix(s, "arn:"), strings.Count(s, ":") < 5 && !strings.ContainsAny(s, "*"):
		return "", fmt.Errorf("%q is no resource: write \"*\" or an ARN, \"arn:aws:es:us-east-1:111122223333:domain/shop\"", clip(s))
	}
	return s, nil
}

func text(at string, v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s is %s, not a text", at, kind(v))
	}
	return s, nil
}

// texts reads one text, or a list that is not empty.
func texts(at string, v any) ([]string, error) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s is an empty list", at)
	}
	out := make([]string, len(values))
	for i, each := range values {
		var err error
		if out[i], err = text(at, each); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func kind(v any) string {
	switch v.(type) {
	case object:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case nil:
		return "null"
	}
	return "a number"
}
