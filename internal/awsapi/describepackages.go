package awsapi

import (
	"context"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

type describePackagesInput struct {
	Filters    []packageFilter
	MaxResults int
	NextToken  string
}

type packageFilter struct {
	Name  string
	Value []string
}

type describePackagesOutput struct {
	PackageDetailsList []packageDetails
	NextToken          string `json:",omitempty"`
}

func describePackages(ctx context.Context, h *handler, c *call, in describePackagesInput) (*describePackagesOutput, error) {
	filter, none, err := catalogFilter(in.Filters)
	if err != nil {
		return nil, err
	}
	place, err := c.page(in.MaxResults, in.NextToken, in.Filters)
	if err != nil {
		return nil, err
	}
	if none {
		return &describePackagesOutput{PackageDetailsList: []packageDetails{}}, nil
	}
	list, next, err := h.Catalog.DescribePackages(ctx, c.caller, filter, place.Page)
	if err != nil {
		return nil, err
	}
	view := func(p *searchpack.Package) packageDetails { return packageView(c.caller, p) }
	return &describePackagesOutput{views(list, view), place.token(next)}, nil
}

// catalogFilter joins the filters. Those of one name go together like those of different names,
// so only values in all of them count; none reports that nothing is left, which an empty list
// in the catalog's filter would not say. A value means itself: * and ? are characters like others.
func catalogFilter(filters []packageFilter) (f catalog.PackageFilter, none bool, err error) {
	values := map[string][]string{}
	for _, each := range filters {
		if have, seen := values[each.Name]; seen {
			each.Value = slices.DeleteFunc(slices.Clone(each.Value), func(v string) bool { return !slices.Contains(have, v) })
		}
		values[each.Name] = each.Value
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		none = none || len(v) == 0
		switch name {
		case "PackageID":
			f.IDs = v
		case "PackageName":
			f.Names = v
		case "PackageStatus":
			for _, s := range v {
				f.Statuses = append(f.Statuses, searchpack.PackageStatus(s))
			}
		case "PackageType":
			for _, s := range v {
				f.Types = append(f.Types, searchpack.PackageType(s))
			}
		case "EngineVersion":
			f.EngineVersions = v
		case "PackageOwner":
			f.Owners = v
		default: // a name that the model has gained
			return f, false, validation("The filter %s of DescribePackages is not offered by Searchpack", name)
		}
	}
	return f, none, nil
}
