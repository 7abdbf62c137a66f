package awsapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/searchpack/searchpack/internal/catalog"
)

// defaults are what AWS was seen to answer for a domain that asked for nothing.
type defaults struct {
	Options map[string]any // as a client would ask for them, by name
	Status  map[string]any // what DomainStatus has beside the options
	text    string         // Options as JSON
}

func loadDefaults() (*defaults, error) {
	var d defaults
	top, err := catalog.ParseOptions(string(defaultsJSON))
	if err != nil {
		return nil, fmt.Errorf("model/domain-defaults.json: %w", err)
	}
	d.Options, _ = top["options"].(map[string]any)
	d.Status, _ = top["status"].(map[string]any)
	text, err := marshal(d.Options)
	d.text = string(text)
	return &d, err
}

// optionsOf returns of a checked input what is an option of a domain, as a JSON object. Members that
// carry a password are refused by the model, so it holds none.
func (m *model) optionsOf(input json.RawMessage) (string, error) {
	all, err := catalog.ParseOptions(string(input))
	if err != nil {
		return "", fmt.Errorf("the checked input: %w", err)
	}
	maps.DeleteFunc(all, func(name string, _ any) bool { return !slices.Contains(m.Returned, name) })
	text, err := marshal(all)
	return string(text), err
}

// options are those of the domain as they are now, by name, in the form they are asked for: what was
// asked for over what AWS has by default.
func (h *handler) options(d *catalog.DomainView) (map[string]any, error) {
	all, err := catalog.CurrentOptions(d, h.defaults.Options)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ any) bool { return !slices.Contains(h.model.Returned, name) })
	return all, nil
}

// outputForm turns the few options whose output has another form than their input.
func outputForm(option string, asked any) any {
	in, ok := asked.(map[string]any)
	if !ok {
		return asked
	}
	out := maps.Clone(in)
	switch option {
	case "AIMLOptions":
		if nlq, ok := out["NaturalLanguageQueryGenerationOptions"].(map[string]any); ok {
			state := "NOT_ENABLED"
			if nlq["DesiredState"] == "ENABLED" {
				state = "ENABLE_COMPLETE"
			}
			out["NaturalLanguageQueryGenerationOptions"] = catalog.MergeOptions(nlq, map[string]any{"CurrentState": state})
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

// autoTuneStatus is AutoTuneOptions as DomainStatus has them: DesiredState goes in, State comes out.
func autoTuneStatus(asked any) any {
	in, ok := asked.(map[string]any)
	if !ok {
		return asked
	}
	return map[string]any{"State": in["DesiredState"], "UseOffPeakWindow": in["UseOffPeakWindow"]}
}
