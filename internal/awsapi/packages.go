package awsapi

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

type packageSource struct{ S3BucketName, S3Key string }

func (s packageSource) source() searchpack.Source {
	return searchpack.Source{Bucket: s.S3BucketName, Key: s.S3Key}
}

type packageOutput struct{ PackageDetails packageDetails }

func (c *call) packageOutput(p *searchpack.Package, err error) (*packageOutput, error) {
	if err != nil {
		return nil, err
	}
	return &packageOutput{packageView(c.caller, p)}, nil
}

type createPackageInput struct {
	PackageName              string
	PackageType              searchpack.PackageType
	PackageDescription       string
	PackageSource            packageSource
	PackageConfiguration     *packageConfiguration
	EngineVersion            string
	PackageVendingOptions    *packageVendingOptions
	PackageEncryptionOptions *packageEncryptionOptions
}

func createPackage(ctx context.Context, h *handler, c *call, in createPackageInput) (*packageOutput, error) {
	asked := catalog.CreatePackageInput{
		Name: in.PackageName, Type: in.PackageType, Description: in.PackageDescription,
		EngineVersion: in.EngineVersion, Source: in.PackageSource.source(), Configuration: in.PackageConfiguration.domain(),
	}
	if v := in.PackageVendingOptions; v != nil {
		asked.Vending = &v.VendingEnabled
	}
	if e := in.PackageEncryptionOptions; e != nil {
		asked.Encryption = &e.EncryptionEnabled
	}
	return c.packageOutput(h.Catalog.CreatePackage(ctx, c.caller, asked))
}

type updatePackageInput struct {
	PackageID            string
	PackageSource        packageSource
	PackageDescription   *string
	CommitMessage        string
	PackageConfiguration *packageConfiguration
}

func updatePackage(ctx context.Context, h *handler, c *call, in updatePackageInput) (*packageOutput, error) {
	return c.packageOutput(h.Catalog.UpdatePackage(ctx, c.caller, catalog.UpdatePackageInput{
		ID: in.PackageID, Source: in.PackageSource.source(), Description: in.PackageDescription,
		CommitMessage: in.CommitMessage, Configuration: in.PackageConfiguration.domain(),
	}))
}

type packageIDInput struct{ PackageID string }

// statusDeleted is AWS's DELETED. No row has it: it is only said in the answer to the deletion.
const statusDeleted searchpack.PackageStatus = "DELETED"

func deletePackage(ctx context.Context, h *handler, c *call, in packageIDInput) (*packageOutput, error) {
	out, err := c.packageOutput(h.Catalog.DeletePackage(ctx, c.caller, in.PackageID))
	if err != nil {
		return nil, err
	}
	out.PackageDetails.PackageStatus, out.PackageDetails.ErrorDetails = statusDeleted, nil
	return out, nil
}

type updatePackageScopeInput struct {
	PackageID       string
	Operation       catalog.ScopeOperation
	PackageUserList []string
}

type updatePackageScopeOutput struct {
	PackageID       string
	Operation       catalog.ScopeOperation
	PackageUserList []string // who has access now
}

func updatePackageScope(ctx context.Context, h *handler, c *call, in updatePackageScopeInput) (*updatePackageScopeOutput, error) {
	p, err := h.Catalog.UpdatePackageScope(ctx, c.caller, in.PackageID, in.Operation, in.PackageUserList)
	if err != nil {
		return nil, err
	}
	return &updatePackageScopeOutput{p.ID, in.Operation, append([]string{}, p.SharedWith...)}, nil
}

// packageInput names a package, and a page of what it has.
type packageInput struct {
	PackageID  string
	MaxResults int
	NextToken  string
}

type packageVersionHistory struct {
	PackageVersion       string                `json:",omitempty"`
	CommitMessage        string                `json:",omitempty"`
	CreatedAt            *timestamp            `json:",omitempty"`
	PluginProperties     *pluginProperties     `json:",omitempty"`
	PackageConfiguration *packageConfiguration `json:",omitempty"`
}

type packageVersionHistoryOutput struct {
	PackageID                 string
	PackageVersionHistoryList []packageVersionHistory
	NextToken                 string `json:",omitempty"`
}

func getPackageVersionHistory(ctx context.Context, h *handler, c *call, in packageInput) (*packageVersionHistoryOutput, error) {
	place, err := c.page(in.MaxResults, in.NextToken, in.PackageID)
	if err != nil {
		return nil, err
	}
	list, next, err := h.Catalog.PackageVersionHistory(ctx, c.caller, in.PackageID, place.Page)
	if err != nil {
		return nil, err
	}
	return &packageVersionHistoryOutput{in.PackageID, views(list, versionView), place.token(next)}, nil
}

func versionView(v *searchpack.Version) packageVersionHistory {
	return packageVersionHistory{
		PackageVersion: versionName(v.Number), CommitMessage: v.CommitMessage, CreatedAt: stamp(v.CreatedAt),
		PluginProperties: pluginView(v.Plugin), PackageConfiguration: configurationView(v.Configuration),
	}
}
