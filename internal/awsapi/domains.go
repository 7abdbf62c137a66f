package awsapi

import (
	"context"
	"strings"

	"github.com/searchpack/searchpack/internal/catalog"
)

type domainInput struct{ DomainName string }

type domainOutput struct{ DomainStatus domainStatus }

type createDomainInput struct {
	DomainName    string
	EngineVersion string
	ClusterConfig struct{ InstanceCount int }
	TagList       []tagOf
}

// createDomain hands on the options that were asked for, so that they come back.
func createDomain(ctx context.Context, h *handler, c *call, in createDomainInput) (*domainOutput, error) {
	options, err := h.model.optionsOf(c.input)
	if err != nil {
		return nil, err
	}
	return h.domain(h.Catalog.CreateDomain(ctx, c.caller, catalog.CreateDomainInput{
		Name: in.DomainName, EngineVersion: in.EngineVersion, InstanceCount: in.ClusterConfig.InstanceCount,
		Options: options, Tags: tags(in.TagList),
	}))
}

func describeDomain(ctx context.Context, h *handler, c *call, in domainInput) (*domainOutput, error) {
	return h.domain(h.Catalog.DescribeDomain(ctx, c.caller, in.DomainName))
}

func deleteDomain(ctx context.Context, h *handler, c *call, in domainInput) (*domainOutput, error) {
	return h.domain(h.Catalog.DeleteDomain(ctx, c.caller, in.DomainName))
}

func (h *handler) domain(d *catalog.DomainView, err error) (*domainOutput, error) {
	if err != nil {
		return nil, err
	}
	status, err := h.domainStatus(d)
	if err != nil {
		return nil, err
	}
	return &domainOutput{status}, nil
}

type domainsInput struct{ DomainNames []string }

type domainsOutput struct{ DomainStatusList []domainStatus }

func describeDomains(ctx context.Context, h *handler, c *call, in domainsInput) (*domainsOutput, error) {
	out := &domainsOutput{DomainStatusList: []domainStatus{}}
	if len(in.DomainNames) == 0 {
		return out, nil // as AWS: no names, no domains
	}
	list, err := h.Catalog.DescribeDomains(ctx, c.caller, in.DomainNames)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		status, err := h.domainStatus(d)
		if err != nil {
			return nil, err
		}
		out.DomainStatusList = append(out.DomainStatusList, status)
	}
	return out, nil
}

type listDomainNamesInput struct{ EngineType string }

type domainInfo struct{ DomainName, EngineType string }

type listDomainNamesOutput struct{ DomainNames []domainInfo }

func listDomainNames(ctx context.Context, h *handler, c *call, in listDomainNamesInput) (*listDomainNamesOutput, error) {
	list, err := h.Catalog.ListDomainNames(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	out := &listDomainNamesOutput{DomainNames: []domainInfo{}}
	for _, d := range list {
		info := domainInfo{d.Name, engineType(d.EngineVersion)}
		if in.EngineType == "" || in.EngineType == info.EngineType {
			out.DomainNames = append(out.DomainNames, info)
		}
	}
	return out, nil
}

// engineType: a domain whose version nobody knows yet is one of OpenSearch.
func engineType(version string) string {
	if strings.HasPrefix(version, "Elasticsearch_") {
		return "Elasticsearch"
	}
	return "OpenSearch"
}
