package awsapi

import (
	"maps"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// domainStatus is AWS's DomainStatus, as a JSON object: what was asked for over what AWS answers
// by default. Terraform reads CognitoOptions, EBSOptions and ClusterConfig without looking whether
// they are there; Endpoints and VPCOptions, even empty, mean a VPC to it and are never sent.
type domainStatus map[string]any

func (h *handler) domainStatus(d *catalog.DomainView) (domainStatus, error) {
	options, err := h.options(d)
	if err != nil {
		return nil, err
	}
	out := domainStatus(maps.Clone(h.defaults.Status))
	for option, value := range options {
		out[option] = outputForm(option, value)
	}
	out["AutoTuneOptions"] = autoTuneStatus(options["AutoTuneOptions"])
	out["DomainId"], out["DomainName"], out["ARN"] = d.ID, d.Name, d.ARN()
	if d.ID == "" {
		out["DomainId"] = d.Account + "/" + d.Name
	}
	gone := deleted(d)
	out["Created"], out["Deleted"], out["Processing"] = true, gone, d.Processing || gone
	out["DomainProcessingStatus"] = processingStatus(d)
	out["UpgradeProcessing"] = changing(d, searchpack.ChangeUpgrade)
	out["ModifyingProperties"] = modifyingProperties(d)
	if details := changeDetails(d.Change); details != nil {
		out["ChangeProgressDetails"] = details
	}
	if d.EngineVersion != "" {
		out["EngineVersion"] = d.EngineVersion
	}
	if d.Endpoint != "" && !gone && (!d.Processing || d.Changing()) {
		out["Endpoint"] = d.Endpoint
	}
	return out, nil
}

// deleted: a domain is gone to its client from the call on, however long its nodes take.
func deleted(d *catalog.DomainView) bool { return d.Deleted || !d.DeletedAt.IsZero() }

// changing reports whether a change of the kind is open.
func changing(d *catalog.DomainView, kind searchpack.ChangeKind) bool {
	return d.Changing() && d.Change.Kind == kind
}

// processingStatus is AWS's DomainProcessingStatus.
func processingStatus(d *catalog.DomainView) string {
	switch {
	case deleted(d):
		return "Deleting"
	case changing(d, searchpack.ChangeUpgrade):
		return "UpgradingEngineVersion"
	case changing(d, searchpack.ChangeConfig):
		return "Modifying"
	case d.Processing:
		return "Creating"
	}
	return "Active"
}
