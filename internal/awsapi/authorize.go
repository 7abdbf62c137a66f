package awsapi

import (
	"encoding/json"
	"fmt"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// authorize asks whether the caller may do the operation: on each domain that the input names, on
// the ARN it names, or on "*", as the Service Authorization Reference has it.
func (h *handler) authorize(caller searchpack.Caller, op *operation, input json.RawMessage) error {
	if h.Authorize == nil {
		return nil
	}
	var on struct {
		DomainName, ARN string
		DomainNames     []string
	}
	if err := json.Unmarshal(input, &on); err != nil {
		return fmt.Errorf("the checked input of %s: %w", op.Name, err)
	}
	var resources []string
	for _, name := range append(on.DomainNames, on.DomainName) {
		if name != "" {
			resources = append(resources, caller.Key(name).ARN())
		}
	}
	if key, ok := catalog.ParseDomainARN(on.ARN); ok {
		// Written anew: a domain answers to the ARNs of all partitions, a policy names it by one.
		resources = append(resources, key.ARN())
	} else if on.ARN != "" {
		resources = append(resources, on.ARN)
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, resource := range resources {
		if err := h.Authorize(caller, "es:"+op.Name, resource, nil); err != nil {
			return err
		}
	}
	return nil
}
