package awsapi

import (
	"context"

	"github.com/searchpack/searchpack/internal/catalog"
)

type associationInput struct{ PackageID, DomainName string }

type associationOutput struct{ DomainPackageDetails domainPackageDetails }

func associatePackage(ctx context.Context, h *handler, c *call, in associationInput) (*associationOutput, error) {
	a, err := h.Catalog.AssociatePackage(ctx, c.caller, in.DomainName, catalog.AssociateInput{PackageID: in.PackageID})
	if err != nil {
		return nil, err
	}
	return &associationOutput{associationView(a)}, nil
}

func dissociatePackage(ctx context.Context, h *handler, c *call, in associationInput) (*associationOutput, error) {
	a, err := h.Catalog.DissociatePackage(ctx, c.caller, in.DomainName, in.PackageID)
	if err != nil {
		return nil, err
	}
	return &associationOutput{associationView(a)}, nil
}

// associationsInput has PackageID or DomainName, as the operation says.
type associationsInput struct {
	PackageID, DomainName string
	MaxResults            int
	NextToken             string
}

type associationsOutput struct {
	DomainPackageDetailsList []domainPackageDetails
	NextToken                string `json:",omitempty"`
}

func listPackagesForDomain(ctx context.Context, h *handler, c *call, in associationsInput) (*associationsOutput, error) {
	place, err := c.page(in.MaxResults, in.NextToken, in.DomainName)
	if err != nil {
		return nil, err
	}
	list, next, err := h.Catalog.ListPackagesForDomain(ctx, c.caller, in.DomainName, place.Page)
	if err != nil {
		return nil, err
	}
	return &associationsOutput{views(list, associationView), place.token(next)}, nil
}

func listDomainsForPackage(ctx context.Context, h *handler, c *call, in associationsInput) (*associationsOutput, error) {
	place, err := c.page(in.MaxResults, in.NextToken, in.PackageID)
	if err != nil {
		return nil, err
	}
	list, next, err := h.Catalog.ListDomainsForPackage(ctx, c.caller, in.PackageID, place.Page)
	if err != nil {
		return nil, err
	}
	return &associationsOutput{views(list, associationView), place.token(next)}, nil
}
