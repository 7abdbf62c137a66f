package awsapi

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/searchpack/searchpack"
)

// encode writes an answer. What the operation's version of the API does not know is left out: the
// answers are made for the newest version, and 2015-01-01 has narrower shapes.
func (m *model) encode(op *operation, out any) ([]byte, error) {
	body, err := marshal(out)
	if err != nil || op.Version == version || op.Output == "" {
		return body, err
	}
	full, err := object(body)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s is no JSON object: %w", op.Name, err)
	}
	return marshal(project(m.Shapes[op.Version], op.Output, full))
}

// project returns value without the members that the shape does not have. It does not change value.
func project(shapes map[string]*shape, shapeName string, value any) any {
	s := shapes[shapeName]
	switch v := value.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for name, each := range v {
			mem, known := s.Members[name]
			switch {
			case s.Type == "map":
				out[name] = project(shapes, s.Value, each)
			case known:
				out[name] = project(shapes, mem.Shape, each)
			default:
				delete(out, name)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = project(shapes, s.Member, each)
		}
		return out
	}
	return value
}

// authorize asks whether the caller may do the operation: on the domain that the input names, on
// the ARN it names, or on "*", as the Service Authorization Reference has it.
func (h *handler) authorize(caller searchpack.Caller, op *operation, input json.RawMessage) error {
	if h.Authorize == nil {
		return nil
	}
	var on struct{ DomainName, ARN string }
	if err := json.Unmarshal(input, &on); err != nil {
		return fmt.Errorf("the checked input of %s: %w", op.Name, err)
	}
	resource := "*"
	switch {
	case on.DomainName != "":
		resource = caller.Key(on.DomainName).ARN()
	case on.ARN != "":
		resource = on.ARN
	}
	return h.Authorize(caller, "es:"+op.Name, resource, nil)
}
