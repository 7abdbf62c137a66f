package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// instanceCount is the one option whose change is work for whoever owns the cluster.
const instanceCount = "ClusterConfig.InstanceCount"

// CurrentOptions are the options of a domain as they are now, by AWS's names: those that were asked
// for, over defaults, which are not changed. Where nobody asked how many instances, it is how many
// there are.
func CurrentOptions(v *DomainView, defaults map[string]any) (map[string]any, error) {
	asked, err := ParseOptions(v.Options)
	if err != nil {
		return nil, fmt.Errorf("the stored options of domain %s: %w", v.DomainKey, err)
	}
	out := maps.Clone(defaults)
	if out == nil {
		out = map[string]any{}
	}
	for option, value := range asked {
		out[option] = MergeOptions(out[option], value)
	}
	if cluster, _ := asked["ClusterConfig"].(map[string]any); cluster["InstanceCount"] == nil {
		there := json.Number(fmt.Sprint(max(v.Domain.Nodes, v.Nodes, 1)))
		out["ClusterConfig"] = MergeOptions(out["ClusterConfig"], map[string]any{"InstanceCount": there})
	}
	return out, nil
}

// ParseOptions reads a JSON object without changing its numbers; "" is an empty one.
func ParseOptions(text string) (map[string]any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	return out, nil
}

// MergeOptions lays over upon under: objects member by member, everything else as a whole. It
// changes neither.
func MergeOptions(under, over any) any {
	a, isObject := under.(map[string]any)
	b, too := over.(map[string]any)
	if !isObject || !too {
		return over
	}
	out := maps.Clone(a)
	for k, v := range b {
		out[k] = MergeOptions(out[k], v)
	}
	return out
}

// byMember are the options of which AWS names each member that changes; the others it names as a
// whole.
var byMember = []string{"AIMLOptions", "AdvancedSecurityOptions", "ClusterConfig"}

// differences lists what becomes different if asked is laid over now, by name.
func differences(now, asked map[string]any) []searchpack.ChangedProperty {
	changed := []searchpack.ChangedProperty{}
	for _, option := range slices.Sorted(maps.Keys(asked)) {
		was, will := now[option], MergeOptions(now[option], asked[option])
		members, isObject := asked[option].(map[string]any)
		switch {
		case same(was, will) || option == "AccessPolicies" && samePolicy(was, will):
		case isObject && slices.Contains(byMember, option):
			before, _ := was.(map[string]any)
			after := will.(map[string]any)
			for _, m := range slices.Sorted(maps.Keys(members)) {
				if !same(before[m], after[m]) {
					changed = append(changed, searchpack.ChangedProperty{Name: option + "." + m, From: jsonText(before[m]), To: jsonText(after[m])})
				}
			}
		default:
			changed = append(changed, searchpack.ChangedProperty{Name: option, From: jsonText(was), To: jsonText(will)})
		}
	}
	return changed
}

// same compares values. What is not there is the same as false, 0, "" and what holds only those:
// clients send both.
func same(a, b any) bool {
	if blank(a) && blank(b) {
		return true
	}
	x, isObject := a.(map[string]any)
	y, too := b.(map[string]any)
	if isObject && too {
		for k := range x {
			if !same(x[k], y[k]) {
				return false
			}
		}
		for k := range y {
			if _, there := x[k]; !there && !blank(y[k]) {
				return false
			}
		}
		return true
	}
	if n, ok := a.(json.Number); ok {
		m, ok := b.(json.Number)
		return ok && sameNumber(n, m)
	}
	return reflect.DeepEqual(a, b)
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err := a.Float64()
	y, too := b.Float64()
	return err == nil && too == nil && x == y
}

func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == ""
	case json.Number:
		return sameNumber(x, "0")
	case []any:
		return len(x) == 0
	case map[string]any:
		for _, each := range x {
			if !blank(each) {
				return false
			}
		}
		return true
	}
	return false
}

// samePolicy: a policy is a JSON document in a string; clients format it as they like.
func samePolicy(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	p, err := ParseOptions(x)
	q, too := ParseOptions(y)
	return err == nil && too == nil && same(p, q)
}

// jsonText writes a value that came out of JSON; "" for none.
func jsonText(v any) string {
	if v == nil {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("a value out of JSON does not go into it: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
