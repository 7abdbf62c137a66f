package extapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is the part of JSON Schema that openapi.json uses.
type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Enum       []string
	Properties map[string]*schema
	Required   []string
	Items      *schema
	Additional *bool `json:"additionalProperties"`

	Description string
	Default     any
	Minimum     *int
	Maximum     *int
}

type operationDoc struct {
	OperationID string `json:"operationId"`
	Action      string `json:"x-iam-action"`
	Summary     string
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                schema
	}
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema schema }
	}
	Security *[]any
}

type description struct {
	OpenAPI    string
	Info       json.RawMessage
	Servers    []struct{ URL string }
	Security   json.RawMessage
	Paths      map[string]map[string]*operationDoc
	Components struct {
		SecuritySchemes json.RawMessage `json:"securitySchemes"`
		Schemas         map[string]*schema
	}
}

// describe reads openapi.json. A word that schema and its like do not know is an error: the checks
// below would pass over it.
func describe(t *testing.T) *description {
	t.Helper()
	var d description
	dec := json.NewDecoder(strings.NewReader(string(openAPI)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// operation finds "GET /events".
func (d *description) operation(name string) *operationDoc {
	method, path, _ := strings.Cut(name, " ")
	return d.Paths[path][strings.ToLower(method)]
}

// answer is the name of the schema of an operation's answer; "" for one of no name.
func (o *operationDoc) answer(status string) *schema {
	r, ok := o.Responses[status]
	if !ok {
		r = o.Responses["default"]
	}
	s := r.Content["application/json"].Schema
	return &s
}

// checker compares documents with schemas and notes which members it has seen.
type checker struct {
	d    *description
	seen map[string]bool // "Node.manager"
}

// check returns what is wrong with a document.
func (c *checker) check(s *schema, at string, v any) (wrong []string) {
	name := at
	if s.Ref != "" {
		name = s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		if s = c.d.Components.Schemas[name]; s == nil {
			return []string{at + ": there is no schema " + name}
		}
	}
	bad := func(format string, args ...any) []string {
		return append(wrong, at+": "+fmt.Sprintf(format, args...))
	}
	switch s.Type {
	case "object":
		object, ok := v.(map[string]any)
		if !ok {
			return bad("%v is no object", v)
		}
		return c.object(s, name, at, object)
	case "array":
		array, ok := v.([]any)
		if !ok {
			return bad("%v is no array", v)
		}
		for i, each := range array {
			wrong = append(wrong, c.check(s.Items, fmt.Sprintf("%s[%d]", at, i), each)...)
		}
	case "string":
		text, ok := v.(string)
		when, err := time.Parse(time.RFC3339, text)
		switch {
		case !ok:
			return bad("%v is no string", v)
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
			return bad("%q is none of %q", text, s.Enum)
		case s.Format == "date-time" && (err != nil || when.IsZero()):
			return bad("%q is no time", text)
		}
	case "integer":
		if n, ok := v.(float64); !ok || n != float64(int64(n)) {
			return bad("%v is no integer", v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return bad("%v is no boolean", v)
		}
	default:
		return bad("the schema has the type %q", s.Type)
	}
	return wrong
}

// object checks the members of an object. A schema without members takes any.
func (c *checker) object(s *schema, name, at string, object map[string]any) (wrong []string) {
	if s.Properties == nil {
		return nil
	}
	for _, must := range s.Required {
		if _, there := object[must]; !there {
			wrong = append(wrong, at+": lacks "+must)
		}
	}
	for _, member := range slices.Sorted(maps.Keys(object)) {
		p, known := s.Properties[member]
		if !known {
			wrong = append(wrong, at+": has "+member+", which "+name+" does not describe")
			continue
		}
		c.seen[name+"."+member] = true
		wrong = append(wrong, c.check(p, at+"."+member, object[member])...)
	}
	return wrong
}

// The checker itself finds what it is for.
func TestCheckerChecks(t *testing.T) {
	t.Parallel()
	c := &checker{d: describe(t), seen: map[string]bool{}}
	s := &schema{Ref: "#/components/schemas/Finding"}
	for document, says := range map[string]string{
		`{"rule":"r","severity":"error","message":"m"}`:             "",
		`{"rule":"r","severity":"error"}`:                           "lacks message",
		`{"rule":"r","severity":"awful","message":"m"}`:             "none of",
		`{"rule":1,"severity":"error","message":"m"}`:               "no string",
		`{"rule":"r","severity":"error","message":"m","line":1.5}`:  "no integer",
		`{"rule":"r","severity":"error","message":"m","extra":"x"}`: "does not describe",
		`[]`: "no object",
	} {
		var v any
		if err := json.Unmarshal([]byte(document), &v); err != nil {
			t.Fatal(err)
		}
		wrong := strings.Join(c.check(s, "x", v), "; ")
		if (wrong == "") != (says == "") || !strings.Contains(wrong, says) {
			t.Errorf("%s: %q, want %q", document, wrong, says)
		}
	}
}
