package awsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
)

// operations are those served, by version and name. Everything else in the model is refused by name.
func operations() map[string]map[string]endpoint {
	out := map[string]map[string]endpoint{version: {}, legacy: {}}
	for _, each := range []map[string]map[string]endpoint{packageOperations(), domainOperations()} {
		for v, ops := range each {
			maps.Copy(out[v], ops)
		}
	}
	return out
}

// packageOperations: what both versions have is the same code; encode narrows the answers.
func packageOperations() map[string]map[string]endpoint {
	both := map[string]endpoint{
		"CreatePackage":         serve(createPackage),
		"UpdatePackage":         serve(updatePackage),
		"DeletePackage":         serve(deletePackage),
		"DescribePackages":      serve(describePackages),
		"AssociatePackage":      serve(associatePackage),
		"DissociatePackage":     serve(dissociatePackage),
		"ListPackagesForDomain": serve(listPackagesForDomain),
		"ListDomainsForPackage": serve(listDomainsForPackage),
	}
	return map[string]map[string]endpoint{version: both, legacy: both}
}

// serve makes an endpoint of an operation with typed input and output. The input has been checked
// against the model, so it always fits.
func serve[In, Out any](f func(ctx context.Context, h *handler, c *call, in In) (Out, error)) endpoint {
	return endpoint{
		run: func(ctx context.Context, h *handler, c *call) (any, error) {
			var in In
			if err := json.Unmarshal(c.input, &in); err != nil {
				return nil, fmt.Errorf("the checked input of %s does not fit its type: %w", c.op.Name, err)
			}
			return f(ctx, h, c, in)
		},
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
	}
}
