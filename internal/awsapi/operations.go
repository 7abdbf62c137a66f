package awsapi

import (
	"context"
	"encoding/json"
	"fmt"
)

// operations are those served, by name. Everything else in the model is refused by name.
func operations() map[string]serveFunc {
	return map[string]serveFunc{
		"CreatePackage":         serve(createPackage),
		"UpdatePackage":         serve(updatePackage),
		"DeletePackage":         serve(deletePackage),
		"DescribePackages":      serve(describePackages),
		"AssociatePackage":      serve(associatePackage),
		"DissociatePackage":     serve(dissociatePackage),
		"ListPackagesForDomain": serve(listPackagesForDomain),
		"ListDomainsForPackage": serve(listDomainsForPackage),
		"CreateDomain":          serve(createDomain),
		"DescribeDomain":        serve(describeDomain),
		"DescribeDomains":       serve(describeDomains),
		"ListDomainNames":       serve(listDomainNames),
		"DeleteDomain":          serve(deleteDomain),
	}
}

// serve makes a serveFunc of an operation with typed input and output. The input has been checked
// against the model, so it always fits.
func serve[In, Out any](f func(ctx context.Context, h *handler, c *call, in In) (Out, error)) serveFunc {
	return func(ctx context.Context, h *handler, c *call) (any, error) {
		var in In
		if err := json.Unmarshal(c.input, &in); err != nil {
			return nil, fmt.Errorf("the checked input of %s does not fit its type: %w", c.op.Name, err)
		}
		return f(ctx, h, c, in)
	}
}
