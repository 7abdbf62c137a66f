package awsapi

import (
	"context"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

type packageSource struct{ S3BucketName, S3Key string }

func (s packageSource) source() searchpack.Source {
	return searchpack.Source{Bucket: s.S3BucketName, Key: s.S3Key}
}

type packageOutput struct{ PackageDetails packageDetails }

type createPackageInput struct {
	PackageName        string
	PackageType        searchpack.PackageType
	PackageDescription string
	PackageSource      packageSource
	EngineVersion      string
}

func createPackage(ctx context.Context, h *handler, c *call, in createPackageInput) (*packageOutput, error) {
	if in.PackageType != searchpack.TypeDictionary {
		return nil, validation("PackageType %s is not offered by this version of Searchpack; it serves %s only", in.PackageType, searchpack.TypeDictionary)
	}
	p, err := h.Catalog.CreatePackage(ctx, c.caller, catalog.CreatePackageInput{
		Name: in.PackageName, Type: in.PackageType, Description: in.PackageDescription,
		EngineVersion: in.EngineVersion, Source: in.PackageSource.source(),
	})
	if err != nil {
		return nil, err
	}
	return &packageOutput{packageView(p)}, nil
}

type updatePackageInput struct {
	PackageID          string
	PackageSource      packageSource
	PackageDescription *string
	CommitMessage      string
}

func updatePackage(ctx context.Context, h *handler, c *call, in updatePackageInput) (*packageOutput, error) {
	p, err := h.Catalog.UpdatePackage(ctx, c.caller, catalog.UpdatePackageInput{
		ID: in.PackageID, Source: in.PackageSource.source(),
		Description: in.PackageDescription, CommitMessage: in.CommitMessage,
	})
	if err != nil {
		return nil, err
	}
	return &packageOutput{packageView(p)}, nil
}

type packageIDInput struct{ PackageID string }

// statusDeleted is AWS's DELETED. No row has it: it is only said in the answer to the deletion.
const statusDeleted searchpack.PackageStatus = "DELETED"

func deletePackage(ctx context.Context, h *handler, c *call, in packageIDInput) (*packageOutput, error) {
	p, err := h.Catalog.DeletePackage(ctx, c.caller, in.PackageID)
	if err != nil {
		return nil, err
	}
	view := packageView(p)
	view.PackageStatus, view.ErrorDetails = statusDeleted, nil
	return &packageOutput{view}, nil
}

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
	return &describePackagesOutput{views(list, packageView), place.token(next)}, nil
}

// catalogFilter joins the filters. Those of one name go together like those of different names,
// so only values in all of them count; none reports that nothing is left, which an empty list
// in the catalog's filter would not say.
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
		default:
			return f, false, validation("The filter %s of DescribePackages is not offered by Searchpack", name)
		}
	}
	return f, none, nil
}
