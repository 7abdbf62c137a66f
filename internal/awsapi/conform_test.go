package awsapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/searchpack/searchpack/internal/catalog"
)

// conforms says how an answer differs from what the model says about it: members that the shape has
// not, required ones that are missing, wrong types, values outside their enum, lists that are null.
func conforms(m *model, op *operation, body []byte) []string {
	value, err := catalog.ParseOptions(string(body))
	if err != nil {
		return []string{err.Error()}
	}
	if op.Output == "" {
		if len(value) > 0 {
			return []string{"an answer where there is no output"}
		}
		return nil
	}
	c := &conformer{shapes: m.Shapes[op.Version]}
	c.value(op.Output, value, op.Name)
	return c.problems
}

type conformer struct {
	shapes   map[string]*shape
	problems []string
}

func (c *conformer) problem(at, format string, args ...any) {
	c.problems = append(c.problems, at+": "+fmt.Sprintf(format, args...))
}

func (c *conformer) value(shapeName string, value any, at string) {
	s := c.shapes[shapeName]
	var ok bool
	switch s.Type {
	case "structure":
		var x map[string]any
		if x, ok = value.(map[string]any); ok {
			c.structure(s, x, at)
		}
	case "map":
		var x map[string]any
		if x, ok = value.(map[string]any); ok {
			for key, each := range x {
				c.value(s.Value, each, at+"."+key)
			}
		}
	case "list":
		var x []any
		if x, ok = value.([]any); ok {
			for _, each := range x {
				c.value(s.Member, each, at+"[]")
			}
		}
	case "string":
		var x string
		if x, ok = value.(string); ok && s.Enum != nil && !slices.Contains(s.Enum, x) && !newerType(shapeName, x) {
			c.problem(at, "%q is none of %v", x, s.Enum)
		}
	case "boolean":
		_, ok = value.(bool)
	default: // numbers, and timestamps, which are numbers too
		_, ok = value.(json.Number)
	}
	if !ok {
		c.problem(at, "%v (%T) is no %s", value, value, s.Type)
	}
}

// newerType: both versions show the same packages, and 2015-01-01 has no word for a plugin. Clients
// take values that they do not know.
func newerType(shapeName, value string) bool {
	return shapeName == "PackageType" && slices.Contains([]string{"ZIP-PLUGIN", "PACKAGE-LICENSE", "PACKAGE-CONFIG"}, value)
}

func (c *conformer) structure(s *shape, in map[string]any, at string) {
	for _, name := range s.Required {
		if in[name] == nil {
			c.problem(at, "lacks %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		mem := s.Members[name]
		if mem == nil {
			c.problem(at, "has %s, which the model does not know", name)
			continue
		}
		c.value(mem.Shape, in[name], at+"."+name)
	}
}

// The check itself finds what is wrong.
func TestConforms(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	op := findOperation(t, m, version, "DescribeDomain")
	for body, want := range map[string]int{
		`{"DomainStatus":{"DomainId":"x","DomainName":"abc","ARN":"x","ClusterConfig":{"InstanceCount":1}}}`:                                    0,
		`{"DomainStatus":{"DomainId":"x","DomainName":"abc","ClusterConfig":{"InstanceCount":"1"}},"Other":1}`:                                  3,
		`{"DomainStatus":{"DomainId":"x","DomainName":"abc","ARN":"x","ClusterConfig":null,"ModifyingProperties":null,"IPAddressType":"ipv5"}}`: 4,
	} {
		if got := conforms(m, op, []byte(body)); len(got) != want {
			t.Errorf("%s: %q, want %d", body, got, want)
		}
	}
}

func findOperation(t testing.TB, m *model, version, name string) *operation {
	t.Helper()
	i := slices.IndexFunc(m.Operations, func(op *operation) bool { return op.Name == name && op.Version == version })
	if i < 0 {
		t.Fatalf("no %s in %s", name, version)
	}
	return m.Operations[i]
}
