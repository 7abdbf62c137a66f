package awsapi

import (
	"fmt"

	"github.com/searchpack/searchpack/internal/catalog"
)

// encode writes an answer. What the operation's version of the API does not know is left out: the
// answers are made for the newest version, and 2015-01-01 has narrower shapes.
func (m *model) encode(op *operation, out any) ([]byte, error) {
	body, err := marshal(out)
	if err != nil || op.Version == version || op.Output == "" {
		return body, err
	}
	full, err := catalog.ParseOptions(string(body))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s is no JSON object: %w", op.Name, err)
	}
	return marshal(narrow(m.Shapes[op.Version], op.Output, full))
}
