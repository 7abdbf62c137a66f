package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/searchpack/searchpack/internal/catalog"
)

// domainStatus is AWS's DomainStatus, as a JSON object: what was asked for over what AWS answers
// by default. Terraform reads CognitoOptions, EBSOptions and ClusterConfig without looking whether
// they are there; Endpoints and VPCOptions, even empty, mean a VPC to it and are never sent.
type domainStatus map[string]any

func loadDefaults() (map[string]any, error) {
	defaults, err := object(defaultsJSON)
	if err != nil {
		return nil, fmt.Errorf("model/domain-defaults.json: %w", err)
	}
	return defaults, nil
}

func (h *handler) domainStatus(d *catalog.DomainView) (domainStatus, error) {
	out := domainStatus(maps.Clone(h.defaults))
	asked := map[string]any{}
	if d.Options != "" {
		var err error
		if asked, err = object([]byte(d.Options)); err != nil {
			return nil, fmt.Errorf("the stored request of domain %s: %w", d.DomainKey, err)
		}
	}
	for _, option := range h.model.Returned {
		if value, there := asked[option]; there {
			out[option] = merge(out[option], outputForm(option, value))
		}
	}
	out["ClusterConfig"] = merge(out["ClusterConfig"], instances(asked, d))
	out["DomainId"], out["DomainName"], out["ARN"] = d.ID, d.Name, d.ARN()
	if d.ID == "" {
		out["DomainId"] = d.Account + "/" + d.Name
	}
	out["Created"], out["Deleted"], out["Processing"] = true, d.Deleted, d.Processing || d.Deleted
	out["DomainProcessingStatus"] = processingStatus(d)
	if d.EngineVersion != "" {
		out["EngineVersion"] = d.EngineVersion
	}
	if d.Endpoint != "" && !d.Processing && !d.Deleted {
		out["Endpoint"] = d.Endpoint
	}
	return out, nil
}

func processingStatus(d *catalog.DomainView) string {
	switch {
	case d.Deleted:
		return "Deleting"
	case d.Processing:
		return "Creating"
	}
	return "Active"
}

// instances is how many nodes were asked for; where nobody asked, how many there are.
func instances(asked map[string]any, d *catalog.DomainView) map[string]any {
	if cluster, ok := asked["ClusterConfig"].(map[string]any); ok && cluster["InstanceCount"] != nil {
		return nil
	}
	return map[string]any{"InstanceCount": max(d.Domain.Nodes, d.Nodes, 1)}
}

// outputForm turns the few options whose output has another form than their input.
func outputForm(option string, asked any) any {
	in, ok := asked.(map[string]any)
	if !ok {
		return asked
	}
	out := maps.Clone(in)
	switch option {
	case "AutoTuneOptions": // DesiredState goes in, State comes out
		if desired, ok := out["DesiredState"]; ok {
			out["State"] = desired
		}
		delete(out, "DesiredState")
		delete(out, "MaintenanceSchedules")
	case "AIMLOptions":
		if nlq, ok := out["NaturalLanguageQueryGenerationOptions"].(map[string]any); ok && nlq["DesiredState"] == "ENABLED" {
			out["NaturalLanguageQueryGenerationOptions"] = merge(nlq, map[string]any{"CurrentState": "ENABLE_COMPLETE"})
		}
	case "AdvancedSecurityOptions": // who the master user is goes in only
		delete(out, "MasterUserOptions")
		if saml, ok := out["SAMLOptions"].(map[string]any); ok {
			saml = maps.Clone(saml)
			delete(saml, "MasterUserName")
			delete(saml, "MasterBackendRole")
			out["SAMLOptions"] = saml
		}
	}
	return out
}

// merge lays over upon under: objects member by member, everything else as a whole. It changes
// neither.
func merge(under, over any) any {
	a, isObject := under.(map[string]any)
	b, too := over.(map[string]any)
	if !isObject || !too {
		return over
	}
	out := maps.Clone(a)
	for k, v := range b {
		out[k] = merge(out[k], v)
	}
	return out
}

// object reads a JSON object without changing its numbers.
func object(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	return out, nil
}
