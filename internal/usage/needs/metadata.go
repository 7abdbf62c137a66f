package needs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// MaxMetadata is how many bytes of the cluster's metadata are read: an index with hundreds of fields
// takes some 50 KB, so this is more than a thousand of such. It stays on the node.
const MaxMetadata = 64 << 20

// MetadataPath and MetadataQuery ask the elected manager for what Read reads, all of one state version:
// of indices and templates the settings, and of mappings the keys that hold names; pipelines, the
// languages of scripts and the types of snapshot repositories.
const MetadataPath = "/_cluster/state/version,metadata"

// MetadataQuery is the query string that goes with MetadataPath.
func MetadataQuery() url.Values {
	parts := []string{
		"cluster_uuid", "version",
		"metadata.cluster_coordination.term",
		"metadata.indices.*.state",
		"metadata.index_template.index_template.*.composed_of",
		"metadata.ingest.pipeline",
		"metadata.search_pipeline.pipeline",
		"metadata.stored_scripts.*.lang",
		"metadata.repositories.*.type",
	}
	for _, where := range []string{
		"metadata.indices.*.",
		"metadata.templates.*.",
		"metadata.index_template.index_template.*.template.",
		"metadata.component_template.component_template.*.template.",
	} {
		parts = append(parts, where+"settings", where+"mappings._*.enabled", where+"mappings._doc._*.enabled")
		for _, key := range []string{"type", "*analyzer", "normalizer", "similarity"} {
			parts = append(parts, where+"mappings.**."+key)
		}
	}
	return url.Values{"filter_path": {strings.Join(parts, ",")}, "expand_wildcards": {"all"}}
}

type template struct {
	Settings any    `json:"settings"`
	Mappings any    `json:"mappings"`
	State    string `json:"state"` // of an index
}

type composable struct {
	Template   template `json:"template"`
	ComposedOf []string `json:"composed_of"`
}

// pipelines are those of one kind.
type pipelines struct {
	Pipeline []struct {
		ID     string `json:"id"`
		Config any    `json:"config"`
	} `json:"pipeline"`
}

// Read reads the answer to MetadataPath: the names that the cluster uses. An error means that it cannot
// be understood, and must never be taken for "nobody uses anything". Indices are taken one by one, so
// that memory is bounded by the largest.
func Read(r io.Reader) (*Names, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	n, seen := NewNames(), false
	err := object(d, func(key string) error {
		if key != "metadata" {
			return skip(d)
		}
		seen = true
		return n.metadata(d)
	})
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("there is something after the JSON document")
		}
	}
	if err == nil && !seen {
		err = fmt.Errorf("it has no metadata")
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster's metadata cannot be read: %w", err)
	}
	return n, nil
}

// object calls member at each member of the object that comes next, to read its value.
func object(d *json.Decoder, member func(key string) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("at byte %d stands no object", d.InputOffset())
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := member(key.(string)); err != nil { // the decoder takes no other keys
			return err
		}
	}
	_, err = d.Token()
	return err
}

func skip(d *json.Decoder) error {
	var v json.RawMessage
	return d.Decode(&v)
}

// metadata reads its members, whatever their order.
func (n *Names) metadata(d *json.Decoder) error {
	var templates map[string]template
	var composed struct {
		All map[string]composable `json:"index_template"`
	}
	var components struct {
		All map[string]composable `json:"component_template"`
	}
	var ingest, search pipelines
	var scripts map[string]struct {
		Lang string `json:"lang"`
	}
	var repositories map[string]struct {
		Type string `json:"type"`
	}
	into := map[string]any{
		"templates": &templates, "index_template": &composed, "component_template": &components,
		"ingest": &ingest, "search_pipeline": &search, "stored_scripts": &scripts, "repositories": &repositories,
	}
	err := object(d, func(key string) error {
		if key == "indices" {
			return n.indices(d)
		}
		if v, known := into[key]; known {
			if err := d.Decode(v); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return nil
		}
		return skip(d)
	})
	if err != nil {
		return err
	}
	if err := n.templates(templates, composed.All, components.All); err != nil {
		return err
	}
	for _, p := range ingest.Pipeline {
		n.ingest(p.Config, "ingest pipeline "+p.ID, 0)
	}
	for _, p := range search.Pipeline {
		n.searchPipeline(p.Config, "search pipeline "+p.ID)
	}
	for _, id := range sorted(scripts) {
		n.Add(ScriptLanguage, scripts[id].Lang, "stored script "+id)
	}
	for _, name := range sorted(repositories) {
		n.Add(Repository, repositories[name].Type, "snapshot repository "+name)
	}
	return nil
}

func (n *Names) indices(d *json.Decoder) error {
	return object(d, func(name string) error {
		var x template
		if err := d.Decode(&x); err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
		user := "index " + name
		if x.State == "close" {
			user += " (closed)"
		}
		return n.template(user, x)
	})
}

// templates of all kinds. A composable one is looked at with its components, which may define what it
// names; a component alone with all others, since any may stand beside it.
func (n *Names) templates(legacy map[string]template, composed, components map[string]composable) error {
	for _, name := range sorted(legacy) {
		if err := n.template("legacy template "+name, legacy[name]); err != nil {
			return err
		}
	}
	var all []template
	for _, name := range sorted(components) {
		all = append(all, components[name].Template)
	}
	for _, name := range sorted(components) {
		if err := n.template("component template "+name, components[name].Template, all...); err != nil {
			return err
		}
	}
	for _, name := range sorted(composed) {
		var parts []template
		for _, c := range composed[name].ComposedOf {
			parts = append(parts, components[c].Template)
		}
		if err := n.template("index template "+name, composed[name].Template, parts...); err != nil {
			return err
		}
	}
	return nil
}
