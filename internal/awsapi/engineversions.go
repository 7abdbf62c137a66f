package awsapi

import (
	"context"
)

type pageInput struct {
	MaxResults int
	NextToken  string
}

type versionsOutput struct {
	Versions  []string
	NextToken string `json:",omitempty"`
}

func listVersions(_ context.Context, h *handler, c *call, in pageInput) (*versionsOutput, error) {
	place, err := c.page(in.MaxResults, in.NextToken, nil)
	if err != nil {
		return nil, err
	}
	list, next := cut(h.Catalog.EngineVersions(), place.Page, func(v string) string { return v })
	return &versionsOutput{append([]string{}, list...), place.token(next)}, nil
}

type compatibleVersions struct {
	SourceVersion  string
	TargetVersions []string
}

type compatibleVersionsOutput struct{ CompatibleVersions []compatibleVersions }

// getCompatibleVersions: Terraform takes anything but exactly one element for a domain as a reason to
// replace it. A domain whose version is not known yet has none.
func getCompatibleVersions(ctx context.Context, h *handler, c *call, in domainInput) (*compatibleVersionsOutput, error) {
	list, err := h.Catalog.CompatibleVersions(ctx, c.caller, in.DomainName)
	if err != nil {
		return nil, err
	}
	out := &compatibleVersionsOutput{CompatibleVersions: []compatibleVersions{}}
	for _, each := range list {
		if each.Source != "" {
			out.CompatibleVersions = append(out.CompatibleVersions, compatibleVersions{each.Source, append([]string{}, each.Targets...)})
		}
	}
	return out, nil
}
