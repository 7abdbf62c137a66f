package awsapi

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// packageDetails is AWS's PackageDetails. EngineVersion is left out for dictionaries: Terraform
// would replace the package on every plan. PackageSource is never returned.
type packageDetails struct {
	PackageID                     string
	PackageName                   string
	PackageType                   searchpack.PackageType
	PackageDescription            string `json:",omitempty"`
	PackageStatus                 searchpack.PackageStatus
	CreatedAt                     *timestamp                `json:",omitempty"`
	LastUpdatedAt                 *timestamp                `json:",omitempty"`
	AvailablePackageVersion       string                    `json:",omitempty"`
	ErrorDetails                  *errorDetails             `json:",omitempty"`
	EngineVersion                 string                    `json:",omitempty"`
	AvailablePluginProperties     *pluginProperties         `json:",omitempty"`
	AvailablePackageConfiguration *packageConfiguration     `json:",omitempty"`
	AllowListedUserList           []string                  `json:",omitzero"` // nil: not the owner
	PackageOwner                  string                    `json:",omitempty"`
	PackageVendingOptions         *packageVendingOptions    `json:",omitempty"`
	PackageEncryptionOptions      *packageEncryptionOptions `json:",omitempty"`
}

type packageVendingOptions struct{ VendingEnabled bool }

type packageEncryptionOptions struct{ EncryptionEnabled bool }

// packageView shows a package to the caller; who else may use it, to its owner only.
func packageView(who searchpack.Caller, p *searchpack.Package) packageDetails {
	failed := p.Status == searchpack.PackageCopyFailed || p.Status == searchpack.PackageValidationFailed
	out := packageDetails{
		PackageID: p.ID, PackageName: p.Name, PackageType: p.Type, PackageDescription: p.Description,
		PackageStatus: p.Status, CreatedAt: stamp(p.CreatedAt), LastUpdatedAt: stamp(p.UpdatedAt),
		AvailablePackageVersion: versionName(p.AvailableNumber), ErrorDetails: details(failed, p.Error),
		AvailablePluginProperties:     pluginView(p.AvailablePlugin),
		AvailablePackageConfiguration: configurationView(p.AvailableConfiguration),
		PackageOwner:                  p.Account,
	}
	if p.Type != searchpack.TypeDictionary {
		out.EngineVersion = p.EngineVersion
	}
	if p.Account == who.Account {
		out.AllowListedUserList = append([]string{}, p.SharedWith...)
	}
	if p.Vending != nil {
		out.PackageVendingOptions = &packageVendingOptions{*p.Vending}
	}
	if p.Encryption != nil {
		out.PackageEncryptionOptions = &packageEncryptionOptions{*p.Encryption}
	}
	return out
}

type pluginProperties struct {
	Name, Description, Version, ClassName string
	UncompressedSizeInBytes               int64
}

func pluginView(p *searchpack.PluginProperties) *pluginProperties {
	if p == nil {
		return nil
	}
	return &pluginProperties{p.Name, p.Description, p.Version, p.ClassName, p.UncompressedSize}
}

type packageConfiguration struct {
	LicenseRequirement                    searchpack.RequirementLevel
	LicenseFilepath                       string `json:",omitempty"`
	ConfigurationRequirement              searchpack.RequirementLevel
	RequiresRestartForConfigurationUpdate *bool `json:",omitempty"`
}

func configurationView(c *searchpack.PackageConfiguration) *packageConfiguration {
	if c == nil {
		return nil
	}
	return &packageConfiguration{c.License, c.LicenseFilepath, c.Configuration, c.RestartForConfiguration}
}

// domain is nil if nothing was given.
func (c *packageConfiguration) domain() *searchpack.PackageConfiguration {
	if c == nil {
		return nil
	}
	return &searchpack.PackageConfiguration{
		License: c.LicenseRequirement, Configuration: c.ConfigurationRequirement,
		LicenseFilepath: c.LicenseFilepath, RestartForConfiguration: c.RequiresRestartForConfigurationUpdate,
	}
}

// domainPackageDetails is AWS's DomainPackageDetails.
type domainPackageDetails struct {
	PackageID                 string
	PackageName               string
	PackageType               searchpack.PackageType
	LastUpdated               *timestamp `json:",omitempty"`
	DomainName                string
	DomainPackageStatus       searchpack.AssociationStatus
	PackageVersion            string                    `json:",omitempty"`
	PrerequisitePackageIDList []string                  `json:",omitempty"`
	ReferencePath             string                    `json:",omitempty"`
	ErrorDetails              *errorDetails             `json:",omitempty"`
	AssociationConfiguration  *associationConfiguration `json:",omitempty"`
}

// associationView shows the version that serves, and while none has ever served the one wanted.
func associationView(a *catalog.AssociationView) domainPackageDetails {
	number := a.ServingNumber
	if number == 0 {
		number = a.WantedNumber
	}
	failed := a.Status == searchpack.AssociationFailed || a.Status == searchpack.DissociationFailed
	out := domainPackageDetails{
		PackageID: a.PackageID, PackageName: a.Package.Name, PackageType: a.Package.Type,
		LastUpdated: stamp(a.UpdatedAt), DomainName: a.Domain.Name, DomainPackageStatus: a.Status,
		PackageVersion: versionName(number), PrerequisitePackageIDList: a.Prerequisites, ErrorDetails: details(failed, a.Error),
	}
	if a.Package.Type == searchpack.TypeDictionary {
		out.ReferencePath = a.FilePath()
	}
	if k := a.KeyStore; k != nil {
		out.AssociationConfiguration = &associationConfiguration{&keyStoreAccessOption{k.Enabled, k.RoleARN}}
	}
	return out
}
