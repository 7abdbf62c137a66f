// Package settings reads the settings of an index, in whatever form they come: nested, flat or mixed,
// with or without the prefix "index.". It knows which keys name files and what text those hold, not
// what analyzers make of it. It is pure, and bounded by the JSON it is given.
package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxDepth of nested settings.
	maxDepth = 64
	// maxKeys bounds the flat keys of one index together, in bytes: nested ones repeat what is above
	// them, so a document could make thousands of times its own length of them.
	maxKeys = 32 << 20
)

// Value is one setting: a string, or a list of them.
type Value struct {
	List   []string // one element if it is no list
	IsList bool
}

// Items splits a comma-separated string as Settings.getAsList does.
func (v Value) Items() []string {
	if v.IsList {
		return v.List
	}
	var out []string
	for _, s := range v.List {
		out = append(out, SplitNames(s)...)
	}
	return out
}

// JSON is the value as it goes into an inline component.
func (v Value) JSON() any {
	if v.IsList {
		return v.List
	}
	return v.List[0]
}

// SplitNames splits at commas and drops what is empty.
func SplitNames(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Flatten turns settings, nested or flat or mixed, into flat keys without the prefix "index.".
// Where a key comes twice the alphabetically later spelling wins, so the result does not depend on
// the order of the JSON.
func Flatten(v any) (map[string]Value, error) {
	out := map[string]Value{}
	left := maxKeys
	switch m := v.(type) {
	case nil:
	case map[string]any:
		if err := flattenInto(out, "", m, 0, &left); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("they are a %T, not an object", v)
	}
	foldLists(out)
	return out, nil
}

func flattenInto(out map[string]Value, prefix string, m map[string]any, depth int, left *int) error {
	if depth > maxDepth {
		return fmt.Errorf("they are nested deeper than %d", maxDepth)
	}
	for _, k := range Sorted(m) {
		if *left -= len(prefix) + len(k); *left < 0 {
			return fmt.Errorf("their keys, written out, have more than %d bytes", maxKeys)
		}
		key := prefix + k
		if prefix == "" {
			if key == "index" {
				if inner, ok := m[k].(map[string]any); ok {
					if err := flattenInto(out, "", inner, depth+1, left); err != nil {
						return err
					}
					continue
				}
			}
			key = strings.TrimPrefix(key, "index.")
		}
		if err := flattenValue(out, key, m[k], depth, left); err != nil {
			return err
		}
	}
	return nil
}

func flattenValue(out map[string]Value, key string, v any, depth int, left *int) error {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		return flattenInto(out, key+".", v, depth+1, left)
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := scalar(e)
			if !ok {
				return fmt.Errorf("%s holds a list of something other than values", key)
			}
			list = append(list, s)
		}
		out[key] = Value{List: list, IsList: true}
	default:
		if s, ok := scalar(v); ok {
			out[key] = Value{List: []string{s}}
		}
	}
	return nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// foldLists turns k.0, k.1, ... into the list k, as Settings.Builder.processLegacyLists does.
func foldLists(m map[string]Value) {
	for _, key := range Sorted(m) {
		base, ok := strings.CutSuffix(key, ".0")
		if !ok {
			continue
		}
		var list []string
		for i := 0; ; i++ {
			k := base + "." + strconv.Itoa(i)
			v, ok := m[k]
			if !ok {
				break
			}
			list = append(list, v.List...)
			delete(m, k)
		}
		if _, taken := m[base]; !taken {
			m[base] = Value{List: list, IsList: true}
		}
	}
}

// Sorted returns the keys of m in order.
func Sorted[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
