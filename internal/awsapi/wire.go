package awsapi

import (
	"fmt"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// errorBody is the body of every error: one member, lower case.
type errorBody struct {
	Message string `json:"message"`
}

// timestamp is written as SDKs demand it: a number, seconds since 1970 with milliseconds.
type timestamp time.Time

// MarshalJSON writes for example 1704164645.123.
func (t timestamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// stamp is nil for the zero time, so that the member is left out.
func stamp(t time.Time) *timestamp {
	if t.IsZero() || t.UnixMilli() < 0 {
		return nil
	}
	ts := timestamp(t)
	return &ts
}

// errorDetails is left out unless something failed: to Terraform an empty object is a failure.
type errorDetails struct {
	ErrorType    string
	ErrorMessage string
}

// details returns nil unless the status is a failed one.
func details(failed bool, e *searchpack.ErrorDetails) *errorDetails {
	if !failed || e == nil {
		return nil
	}
	return &errorDetails{e.Type, e.Message}
}

// packageDetails is AWS's PackageDetails. EngineVersion is left out for dictionaries: Terraform
// would replace the package on every plan. PackageSource is never returned.
type packageDetails struct {
	PackageID               string
	PackageName             string
	PackageType             searchpack.PackageType
	PackageDescription      string `json:",omitempty"`
	PackageStatus           searchpack.PackageStatus
	CreatedAt               *timestamp    `json:",omitempty"`
	LastUpdatedAt           *timestamp    `json:",omitempty"`
	AvailablePackageVersion string        `json:",omitempty"`
	ErrorDetails            *errorDetails `json:",omitempty"`
	PackageOwner            string        `json:",omitempty"`
}

func packageView(p *searchpack.Package) packageDetails {
	failed := p.Status == searchpack.PackageCopyFailed || p.Status == searchpack.PackageValidationFailed
	return packageDetails{
		PackageID: p.ID, PackageName: p.Name, PackageType: p.Type, PackageDescription: p.Description,
		PackageStatus: p.Status, CreatedAt: stamp(p.CreatedAt), LastUpdatedAt: stamp(p.UpdatedAt),
		AvailablePackageVersion: versionName(p.AvailableNumber), ErrorDetails: details(failed, p.Error),
		PackageOwner: p.Account,
	}
}

// versionName is "v1" for 1, and "" (left out) for 0.
func versionName(number int) string {
	if number <= 0 {
		return ""
	}
	return fmt.Sprintf("v%d", number)
}

// domainPackageDetails is AWS's DomainPackageDetails.
type domainPackageDetails struct {
	PackageID           string
	PackageName         string
	PackageType         searchpack.PackageType
	LastUpdated         *timestamp `json:",omitempty"`
	DomainName          string
	DomainPackageStatus searchpack.AssociationStatus
	PackageVersion      string        `json:",omitempty"`
	ReferencePath       string        `json:",omitempty"`
	ErrorDetails        *errorDetails `json:",omitempty"`
}

// associationView shows the version that serves, and while none has ever served the one wanted.
func associationView(a *catalog.AssociationView) domainPackageDetails {
	number := a.ServingNumber
	if number == 0 {
		number = a.WantedNumber
	}
	path := ""
	if a.Package.Type == searchpack.TypeDictionary {
		path = searchpack.ReferencePath(a.PackageID)
	}
	failed := a.Status == searchpack.AssociationFailed || a.Status == searchpack.DissociationFailed
	return domainPackageDetails{
		PackageID: a.PackageID, PackageName: a.Package.Name, PackageType: a.Package.Type,
		LastUpdated: stamp(a.UpdatedAt), DomainName: a.Domain.Name, DomainPackageStatus: a.Status,
		PackageVersion: versionName(number), ReferencePath: path, ErrorDetails: details(failed, a.Error),
	}
}

// views maps a list; an empty one is [], never null.
func views[T, V any](list []*T, view func(*T) V) []V {
	out := make([]V, 0, len(list))
	for _, each := range list {
		out = append(out, view(each))
	}
	return out
}
