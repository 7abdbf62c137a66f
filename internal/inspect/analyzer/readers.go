package analyzer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// Bounds of a document of settings.
const (
	// MaxSettings is the longest document, in bytes: an index with inline word lists has some hundred
	// KiB, and the answer of GET _settings one of these per index.
	MaxSettings = 32 << 20
	// maxWrapped is how deep the settings of an index may lie inside a document of OpenSearch's.
	maxWrapped = 8
	// maxSteps bounds the walk through analyzers and their filters. The settings of a cluster of 3,000
	// indices with ten analyzers each take some 300,000.
	maxSteps = 1 << 19
	// keyStep is how many bytes of a flat key count as a step.
	keyStep = 256
	// maxReaders bounds how often one file is checked.
	maxReaders = 64
)

// Reader is a component of an index that reads a file, and what it takes it for.
type Reader struct {
	Index     string // or template; "" if the document does not say
	Component string // "filter.synonyms"
	Key       string // "synonyms_path"
	Path      string // what the setting says
	Kind      searchpack.Kind
	// NoExpand and Lenient are those of a synonym filter.
	NoExpand, Lenient bool
	// Chain is what a synonym filter gives its terms to; nil for other components, and for filters
	// that no analyzer uses.
	Chain *Chain
}

// String names the reader: "filter.synonyms of index products (analyzers/F1)".
func (r Reader) String() string {
	where := r.Component
	if r.Chain != nil && r.Chain.name != "" {
		where += " in analyzer " + r.Chain.name
	}
	if r.Index != "" {
		where += " of " + r.Index
	}
	return where + " (" + r.Path + ")"
}

var errTooMany = errors.New("the settings have too many analyzers and filters to be looked through: give those of one index")

// Readers returns who reads the file, in a fixed order: the components of which a setting ends in
// its name; if there is none, those that read the only file that is read at all. kind, unless it is
// KindUnknown, leaves only components that read such files. The document is what
// GET INDEX/_settings, GET _index_template and their like answer, or settings as PUT INDEX takes
// them, nested or flat. An error says what the document lacks, and lists who reads which file if it
// cannot be told who reads this one.
func Readers(document []byte, name string, kind searchpack.Kind) ([]Reader, error) {
	found, err := indices(document)
	if err != nil {
		return nil, err
	}
	var all []Reader
	for _, x := range found {
		all = append(all, x.readers()...)
		if *x.left < 0 {
			return nil, errTooMany
		}
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(r Reader) bool { return kind != searchpack.KindUnknown && r.Kind != kind })
	chosen := slices.DeleteFunc(slices.Clone(wanted), func(r Reader) bool { return path.Base(r.Path) != path.Base(name) })
	if len(chosen) == 0 {
		chosen = wanted
		for _, r := range chosen {
			if r.Path != chosen[0].Path {
				return nil, fmt.Errorf("several components of the settings read a file, and none reads one that is named %s: %s", path.Base(name), list(wanted))
			}
		}
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("no component of the settings reads a file")
	case len(chosen) == 0:
		return nil, fmt.Errorf("no component of the settings reads a file of the kind %s: %s", kind, list(all))
	}
	chosen = distinct(chosen)
	if len(chosen) > maxReaders {
		return nil, fmt.Errorf("more than %d components of the settings read the file, each in another way: give the settings of one index", maxReaders)
	}
	return chosen, nil
}

// distinct leaves one of the readers that would say the same.
func distinct(all []Reader) []Reader {
	var out []Reader
	seen := map[string]bool{}
	for _, r := range all {
		chain := ""
		if r.Chain != nil {
			chain = r.Chain.key
		}
		key := fmt.Sprint(r.Kind, r.NoExpand, r.Lenient, "\x00", chain)
		if !seen[key] {
			seen[key] = true
			out = append(out, r)
		}
	}
	return out
}

// listed is how many readers an error names.
const listed = 10

func list(all []Reader) string {
	var names []string
	for _, r := range all[:min(len(all), listed)] {
		names = append(names, r.String())
	}
	if len(all) > listed {
		names = append(names, fmt.Sprintf("and %d more", len(all)-listed))
	}
	return strings.Join(names, ", ")
}

// indices finds the settings in the document.
func indices(document []byte) ([]*index, error) {
	if len(document) > MaxSettings {
		return nil, fmt.Errorf("the settings have more than %d bytes", MaxSettings)
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("the settings are no JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the settings are more than one JSON document")
	}
	var out []*index
	left := maxSteps
	wrapped(v, "", 0, &out, &left)
	if left < 0 {
		return nil, errTooMany
	}
	if len(out) == 0 {
		return nil, fmt.Errorf(`there are no analysis settings in it: what GET INDEX/_settings answers will do, or {"settings": {"analysis": …}}`)
	}
	slices.SortStableFunc(out, func(a, b *index) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

// wrappers are keys that do not name an index or a template.
var wrappers = []string{"settings", "template", "index_template", "component_template", "index_templates", "component_templates", "index", "defaults"}

// wrapped looks for settings in a value of the document.
func wrapped(v any, name string, depth int, out *[]*index, left *int) {
	if depth > maxWrapped || *left < 0 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			wrapped(e, name, depth+1, out, left)
		}
	case map[string]any:
		if holdsAnalysis(v) {
			if flat, err := settings.Flatten(v); err == nil {
				for key := range flat { // they are kept
					*left -= len(key) / keyStep
				}
				if x := newIndex(name, flat, left); x != nil {
					*out = append(*out, x)
					return
				}
			}
		}
		if s, ok := v["name"].(string); ok {
			name = s
		}
		for _, key := range settings.Sorted(v) {
			inner := name
			if !slices.Contains(wrappers, key) {
				inner = key
			}
			wrapped(v[key], inner, depth+1, out, left)
		}
	}
}

// holdsAnalysis reports whether the object looks like settings, so that mappings and the like need
// not be flattened to find that they are none.
func holdsAnalysis(m map[string]any) bool {
	for key, v := range m {
		if key == "analysis" || strings.HasPrefix(key, "analysis.") || strings.HasPrefix(key, "index.") {
			return true
		}
		if inner, ok := v.(map[string]any); ok && key == "index" && holdsAnalysis(inner) {
			return true
		}
	}
	return false
}
