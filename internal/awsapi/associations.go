package awsapi

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

type keyStoreAccessOption struct {
	KeyStoreAccessEnabled bool
	KeyAccessRoleArn      string `json:",omitempty"`
}

type associationConfiguration struct {
	KeyStoreAccessOption *keyStoreAccessOption `json:",omitempty"`
}

// keyStore is nil if nothing was said about it.
func (a *associationConfiguration) keyStore() *searchpack.KeyStoreAccess {
	if a == nil || a.KeyStoreAccessOption == nil {
		return nil
	}
	return &searchpack.KeyStoreAccess{Enabled: a.KeyStoreAccessOption.KeyStoreAccessEnabled, RoleARN: a.KeyStoreAccessOption.KeyAccessRoleArn}
}

// packageToAssociate is AWS's PackageDetailsForAssociation.
type packageToAssociate struct {
	PackageID                 string
	PrerequisitePackageIDList []string
	AssociationConfiguration  *associationConfiguration
}

// asked is what the catalog is asked for. Whether the caller may pass the role, the catalog asks.
func (p packageToAssociate) asked() catalog.AssociateInput {
	return catalog.AssociateInput{PackageID: p.PackageID, Prerequisites: p.PrerequisitePackageIDList, KeyStore: p.AssociationConfiguration.keyStore()}
}

type associatePackageInput struct {
	DomainName string
	packageToAssociate
}

type associationOutput struct{ DomainPackageDetails domainPackageDetails }

func associatePackage(ctx context.Context, h *handler, c *call, in associatePackageInput) (*associationOutput, error) {
	a, err := h.Catalog.AssociatePackage(ctx, c.caller, in.DomainName, in.asked())
	if err != nil {
		return nil, err
	}
	return &associationOutput{associationView(a)}, nil
}

type dissociatePackageInput struct{ PackageID, DomainName string }

func dissociatePackage(ctx context.Context, h *handler, c *call, in dissociatePackageInput) (*associationOutput, error) {
	a, err := h.Catalog.DissociatePackage(ctx, c.caller, in.DomainName, in.PackageID)
	if err != nil {
		return nil, err
	}
	return &associationOutput{associationView(a)}, nil
}

type associationsOutput struct {
	DomainPackageDetailsList []domainPackageDetails
	NextToken                string `json:",omitempty"`
}

type associatePackagesInput struct {
	DomainName  string
	PackageList []packageToAssociate
}

func associatePackages(ctx context.Context, h *handler, c *call, in associatePackagesInput) (*associationsOutput, error) {
	var asked []catalog.AssociateInput
	for _, p := range in.PackageList {
		asked = append(asked, p.asked())
	}
	return associations(h.Catalog.AssociatePackages(ctx, c.caller, in.DomainName, asked))
}

type dissociatePackagesInput struct {
	DomainName  string
	PackageList []string
}

func dissociatePackages(ctx context.Context, h *handler, c *call, in dissociatePackagesInput) (*associationsOutput, error) {
	return associations(h.Catalog.DissociatePackages(ctx, c.caller, in.DomainName, in.PackageList))
}

func associations(list []*catalog.AssociationView, err error) (*associationsOutput, error) {
	if err != nil {
		return nil, err
	}
	return &associationsOutput{DomainPackageDetailsList: views(list, associationView)}, nil
}

type listPackagesInput struct {
	DomainName string
	MaxResults int
	NextToken  string
}

func listPackagesForDomain(ctx context.Context, h *handler, c *call, in listPackagesInput) (*associationsOutput, error) {
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

func listDomainsForPackage(ctx context.Context, h *handler, c *call, in packageInput) (*associationsOutput, error) {
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
