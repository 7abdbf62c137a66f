package extapi

import (
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// associationJSON is an association with what AWS's API cannot show of it.
type associationJSON struct {
	PackageID string                       `json:"package_id"`
	Name      string                       `json:"name"`
	Type      searchpack.PackageType       `json:"type"`
	Status    searchpack.AssociationStatus `json:"status"`
	Serving   string                       `json:"serving,omitempty"` // version; absent: none serves
	Wanted    string                       `json:"wanted,omitempty"`  // version pinned by the last AssociatePackage
	Track     string                       `json:"track"`             // pinned, latest or calls
	// File is where the package's file lies on the nodes; absent: it has none (plugins). Adopted: it was
	// there before the package.
	File      string                   `json:"file,omitempty"`
	Adopted   bool                     `json:"adopted,omitempty"`
	Error     *searchpack.ErrorDetails `json:"error,omitempty"`
	Note      string                   `json:"note,omitempty"` // what an unfinished rollout waits for, else which nodes owe the proof
	Findings  []searchpack.Finding     `json:"findings"`       // "reopen needed: ..." and the like
	CreatedAt time.Time                `json:"created_at"`
	UpdatedAt time.Time                `json:"updated_at"`
}

func (e *edge) associations(c call) (any, error) {
	out := []associationJSON{}
	for page := (catalog.Page{}); ; {
		views, next, err := e.Catalog.ListPackagesForDomain(c.Context(), c.who, c.PathValue("domain"), page)
		if err != nil {
			return nil, err
		}
		for _, v := range views {
			out = append(out, associationOf(v))
		}
		if next == "" || next == page.After {
			return map[string]any{"domain": c.PathValue("domain"), "associations": out}, nil
		}
		page.After = next
	}
}

func associationOf(v *catalog.AssociationView) associationJSON {
	findings := v.Findings
	if findings == nil {
		findings = []searchpack.Finding{}
	}
	file := ""
	if v.Package.Type == searchpack.TypeDictionary {
		file = v.FilePath()
	}
	return associationJSON{
		File: file, Adopted: v.Path != "",
		PackageID: v.PackageID, Name: v.Package.Name, Type: v.Package.Type, Status: v.Status,
		Serving: VersionName(v.ServingNumber), Wanted: VersionName(v.WantedNumber),
		Track: trackName(v.Track), Error: v.Error, Note: v.Note, Findings: findings, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
}
