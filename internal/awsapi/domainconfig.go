package awsapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// optionStatus is AWS's OptionStatus, and AutoTuneStatus with a State of its own.
type optionStatus struct {
	CreationDate    *timestamp
	UpdateDate      *timestamp
	UpdateVersion   int
	State           string
	PendingDeletion bool
}

// configOption is one option of a DomainConfig.
type configOption struct {
	Options any
	Status  optionStatus
}

// domainConfig is AWS's DomainConfig as a JSON object: every option with when it was set.
type domainConfig map[string]any

func (h *handler) domainConfig(d *catalog.DomainView) (domainConfig, error) {
	options, err := h.options(d)
	if err != nil {
		return nil, err
	}
	out := domainConfig{"ModifyingProperties": modifyingProperties(d)}
	for option, value := range options {
		out[option] = configOption{outputForm(option, value), statusOf(d, option)}
	}
	tune := configOption{options["AutoTuneOptions"], statusOf(d, "AutoTuneOptions")}
	if asked, ok := options["AutoTuneOptions"].(map[string]any); ok {
		tune.Status.State = fmt.Sprint(asked["DesiredState"])
	}
	out["AutoTuneOptions"] = tune
	if d.EngineVersion != "" {
		out["EngineVersion"] = configOption{d.EngineVersion, statusOf(d, "EngineVersion")}
	}
	if details := changeDetails(d.Change); details != nil {
		out["ChangeProgressDetails"] = details
	}
	return out, nil
}

// statusOf says when the option was set, and whether an open change touches it.
func statusOf(d *catalog.DomainView, option string) optionStatus {
	set := catalog.Stamp(&d.Domain, option)
	s := optionStatus{stamp(set.CreatedAt), stamp(set.UpdatedAt), set.Version, "Active", false}
	if d.Changing() {
		for _, p := range d.Change.Properties {
			if p.Name == option || strings.HasPrefix(p.Name, option+".") {
				s.State = "Processing"
			}
		}
	}
	return s
}

type domainConfigOutput struct{ DomainConfig domainConfig }

func describeDomainConfig(ctx context.Context, h *handler, c *call, in domainInput) (*domainConfigOutput, error) {
	d, err := h.Catalog.DescribeDomain(ctx, c.caller, in.DomainName)
	if err != nil {
		return nil, err
	}
	config, err := h.domainConfig(d)
	if err != nil {
		return nil, err
	}
	return &domainConfigOutput{config}, nil
}

type updateDomainConfigInput struct {
	DomainName string
	DryRun     bool
	DryRunMode string
}

type updateDomainConfigOutput struct {
	DomainConfig         domainConfig
	DryRunResults        *dryRunResults        `json:",omitempty"`
	DryRunProgressStatus *dryRunProgressStatus `json:",omitempty"`
}

// dryRunResults says how the change would be carried out.
type dryRunResults struct{ DeploymentType, Message string }

// dryRunProgressStatus: a dry run has ended when it is answered, so there is nothing to ask for later.
type dryRunProgressStatus struct {
	DryRunID                               string `json:"DryRunId"`
	DryRunStatus, CreationDate, UpdateDate string
}

func updateDomainConfig(ctx context.Context, h *handler, c *call, in updateDomainConfigInput) (*updateDomainConfigOutput, error) {
	options, err := h.model.optionsOf(c.input)
	if err != nil {
		return nil, err
	}
	d, change, err := h.Catalog.UpdateDomainConfig(ctx, c.caller, catalog.UpdateDomainInput{
		Name: in.DomainName, Options: options, Defaults: h.defaults.text, DryRun: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	out := new(updateDomainConfigOutput)
	if out.DomainConfig, err = h.domainConfig(d); err != nil || !in.DryRun {
		return out, err
	}
	out.DryRunResults = dryRun(d, change)
	if in.DryRunMode == "Verbose" {
		now := h.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		out.DryRunProgressStatus = &dryRunProgressStatus{h.newID(), "completed", now, now}
	}
	return out, nil
}

// dryRun tells what the change would be; nil is none. AWS's other type, Blue/Green, never happens.
func dryRun(d *catalog.DomainView, change *searchpack.DomainChange) *dryRunResults {
	switch {
	case change != nil:
		names := make([]string, len(change.Properties))
		for i, p := range change.Properties {
			names[i] = p.Name
		}
		return &dryRunResults{"DynamicUpdate", "This change will be carried out in the running cluster. It touches " + strings.Join(names, ", ") + "."}
	case d.Processing:
		return &dryRunResults{"Undetermined", "Another change is in progress. Ask again when it has ended."}
	}
	return &dryRunResults{"None", "Nothing differs from the domain as it is."}
}
