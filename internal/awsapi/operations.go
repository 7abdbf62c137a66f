package awsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// operations are those served, by version and name. Everything else in the model is refused by name.
// What both versions have is the same code: decode and encode know how they differ.
func operations() map[string]map[string]endpoint {
	both := map[string]endpoint{
		"CreatePackage":            serve(createPackage),
		"UpdatePackage":            serve(updatePackage),
		"DeletePackage":            serve(deletePackage),
		"DescribePackages":         serve(describePackages),
		"GetPackageVersionHistory": serve(getPackageVersionHistory),
		"AssociatePackage":         serve(associatePackage),
		"DissociatePackage":        serve(dissociatePackage),
		"ListPackagesForDomain":    serve(listPackagesForDomain),
		"ListDomainsForPackage":    serve(listDomainsForPackage),

		"ListDomainNames":              serve(listDomainNames),
		"DescribeDomainChangeProgress": serve(describeDomainChangeProgress),
		"GetUpgradeStatus":             serve(getUpgradeStatus),
		"GetUpgradeHistory":            serve(getUpgradeHistory),

		"AddTags":    serve(addTags),
		"ListTags":   serve(listTags),
		"RemoveTags": serve(removeTags),
	}
	renamed := []struct {
		name, legacyName string // "" = only the newer version has it
		endpoint         endpoint
	}{
		{"UpdatePackageScope", "", serve(updatePackageScope)},
		{"AssociatePackages", "", serve(associatePackages)},
		{"DissociatePackages", "", serve(dissociatePackages)},
		{"CreateDomain", "CreateElasticsearchDomain", serve(createDomain)},
		{"DescribeDomain", "DescribeElasticsearchDomain", serve(describeDomain)},
		{"DescribeDomains", "DescribeElasticsearchDomains", serve(describeDomains)},
		{"DescribeDomainConfig", "DescribeElasticsearchDomainConfig", serve(describeDomainConfig)},
		{"UpdateDomainConfig", "UpdateElasticsearchDomainConfig", serve(updateDomainConfig)},
		{"DeleteDomain", "DeleteElasticsearchDomain", serve(deleteDomain)},
		{"ListVersions", "ListElasticsearchVersions", serve(listVersions)},
		{"GetCompatibleVersions", "GetCompatibleElasticsearchVersions", serve(getCompatibleVersions)},
		{"UpgradeDomain", "UpgradeElasticsearchDomain", serve(upgradeDomain)},
	}
	out := map[string]map[string]endpoint{version: {}, legacy: {}}
	for name, each := range both {
		out[version][name], out[legacy][name] = each, each
	}
	for _, each := range renamed {
		out[version][each.name] = each.endpoint
		if each.legacyName != "" {
			out[legacy][each.legacyName] = each.endpoint
		}
	}
	return out
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
