package awsapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxViolations bounds a message: a body of 1 MiB can break a rule 100,000 times.
	maxViolations = 50
	// maxEcho bounds the value in a message, in characters.
	maxEcho = 256
	// maxItems bounds a list to which the model gives no bound. Some items cost far more to answer
	// than to send: 100,000 times a domain's name are 700 KB, their descriptions 185 MB.
	maxItems = 1000
)

// validator walks an input beside its shape. It collects every broken constraint, in AWS's words,
// the first member of a wrong JSON type, and the first member that is valid but not offered.
type validator struct {
	shapes     map[string]*shape // of the operation's version
	violations []string
	count      int
	wrongType  *apiError
	refused    string
}

// err says what is wrong: wrong types come before constraints, as nothing else can be read then;
// what is not offered comes last, so that such a request is valid otherwise.
func (v *validator) err(op *operation) error {
	switch {
	case v.wrongType != nil:
		return v.wrongType
	case v.count > 0:
		s, more := "s", ""
		if v.count == 1 {
			s = ""
		}
		if n := v.count - len(v.violations); n > 0 {
			more = fmt.Sprintf("; and %d more", n)
		}
		return validation("%d validation error%s detected: %s%s", v.count, s, strings.Join(v.violations, "; "), more)
	case v.refused != "":
		return validation("%s of %s is not offered by Searchpack", v.refused, op.Name)
	}
	return nil
}

// violate notes a broken constraint. path is as AWS writes it: "filters.1.member.value".
func (v *validator) violate(s *shape, value any, path, rule string) {
	v.count++
	if len(v.violations) >= maxViolations {
		return
	}
	shown := "Value " + echo(value) + " at"
	if s.Sensitive {
		shown = "Value at"
	}
	v.violations = append(v.violations, fmt.Sprintf("%s '%s' failed to satisfy constraint: Member must %s", shown, path, rule))
}

// echo is a value as it stands in a message; what was meant as a list is told by its size.
func echo(value any) string {
	text := fmt.Sprint(value)
	switch x := value.(type) {
	case nil:
		return "null"
	case []any, map[string]any:
		text = fmt.Sprintf("%d items", size(x))
	}
	if utf8.RuneCountInString(text) > maxEcho {
		text = string([]rune(text)[:maxEcho]) + "..."
	}
	return "'" + text + "'"
}

func size(v any) int {
	switch x := v.(type) {
	case []any:
		return len(x)
	case map[string]any:
		return len(x)
	}
	return 0
}

// structure returns the members that the shape knows and that are not null.
func (v *validator) structure(s *shape, in map[string]any, path string) map[string]any {
	out := make(map[string]any, len(s.Members))
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		mem, value := s.Members[name], in[name]
		at := join(path, lowerFirst(name))
		if value == nil {
			if slices.Contains(s.Required, name) {
				v.violate(v.shapes[mem.Shape], nil, at, "not be null")
			}
			continue
		}
		clean := v.value(mem.Shape, value, at)
		v.bounds(v.shapes[mem.Shape], mem.Min, mem.Max, clean, at)
		if v.refused == "" && mem.refuses(clean) {
			v.refused = modelName(at)
			if mem.Refuse == "true" {
				v.refused += " true"
			}
		}
		out[name] = clean
	}
	return out
}

// refuses reports whether the value asks for something that is not offered.
func (m *member) refuses(value any) bool {
	switch m.Refuse {
	case "present":
		return true
	case "true":
		return value == true
	case "nonempty":
		return size(value) > 0
	}
	return false
}

// value checks one value and returns it with unknown members removed; nil if its type is wrong.
func (v *validator) value(shapeName string, value any, path string) any {
	s := v.shapes[shapeName]
	var clean any
	var ok bool
	switch s.Type {
	case "structure":
		var x map[string]any
		if x, ok = value.(map[string]any); ok {
			clean = v.structure(s, x, path)
		}
	case "list":
		var x []any
		if x, ok = value.([]any); ok {
			clean = v.list(s, x, path)
		}
	case "map":
		var x map[string]any
		if x, ok = value.(map[string]any); ok {
			clean = v.dict(s, x, path)
		}
	case "string":
		clean, ok = value.(string)
	case "boolean":
		clean, ok = value.(bool)
	case "integer", "long":
		clean, ok = wholeNumber(value, s.Type)
	case "timestamp":
		clean, ok = moment(value)
	default: // double
		clean, ok = value.(json.Number)
	}
	if !ok {
		if v.wrongType == nil {
			v.wrongType = serialization("%s: %s cannot be converted to a value of type %s.", clip(path), jsonKind(value), s.Type)
		}
		return nil
	}
	v.constraints(s, clean, path)
	return clean
}

// lastMoment is the end of the year 9999 in seconds since 1970: clients cannot read a later time back.
const lastMoment = 253402300799

// moment reads a timestamp as SDKs send it: seconds since 1970, with a fraction.
func moment(value any) (json.Number, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return "", false
	}
	seconds, err := n.Float64()
	return n, err == nil && seconds >= 0 && seconds <= lastMoment
}

func (v *validator) list(s *shape, in []any, path string) []any {
	if s.Max == nil && len(in) > maxItems {
		v.violate(s, in, path, fmt.Sprintf("have length less than or equal to %d", maxItems))
		return in
	}
	out := make([]any, 0, len(in))
	for i, item := range in {
		at := path + "." + strconv.Itoa(i+1) + ".member"
		if item == nil {
			v.violate(v.shapes[s.Member], nil, at, "not be null")
			continue
		}
		out = append(out, v.value(s.Member, item, at))
	}
	return out
}

func (v *validator) dict(s *shape, in map[string]any, path string) map[string]any {
	out := make(map[string]any, len(in))
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if in[key] == nil {
			continue
		}
		at := path + "." + clip(key) + ".member"
		v.constraints(v.shapes[s.Key], key, at)
		out[key] = v.value(s.Value, in[key], at)
	}
	return out
}

// constraints checks pattern, values and bounds of a value whose type is right.
func (v *validator) constraints(s *shape, value any, path string) {
	if text, ok := value.(string); ok {
		if s.match == nil && strings.ContainsRune(text, 0) { // PostgreSQL has no such text
			v.violate(s, value, path, "not contain the character U+0000")
		}
		if !s.matches(text) {
			v.violate(s, value, path, "satisfy regular expression pattern: "+s.Pattern)
		}
		if s.Enum != nil && !slices.Contains(s.Enum, text) {
			v.violate(s, value, path, "satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
		}
	}
	v.bounds(s, s.Min, s.Max, value, path)
}

// bounds compares a length in characters or items, or a number.
func (v *validator) bounds(s *shape, least, most *int64, value any, path string) {
	if least == nil && most == nil {
		return
	}
	var n int64
	what := "length"
	switch x := value.(type) {
	case string:
		n = int64(utf8.RuneCountInString(x))
	case []any, map[string]any:
		n = int64(size(x))
	case int64:
		n, what = x, "value"
	default:
		return
	}
	if most != nil && n > *most {
		v.violate(s, value, path, fmt.Sprintf("have %s less than or equal to %d", what, *most))
	}
	if least != nil && n < *least {
		v.violate(s, value, path, fmt.Sprintf("have %s greater than or equal to %d", what, *least))
	}
}

// wholeNumber reads integers in any notation, "1e2" too, without growing with the exponent.
func wholeNumber(value any, kind string) (any, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return nil, false
	}
	text := number.String()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven)
		if err != nil || !f.IsInt() || f.MantExp(nil) > 63 {
			return nil, false
		}
		n, _ = f.Int64()
	}
	if kind == "integer" && int64(int32(n)) != n {
		return nil, false
	}
	return n, true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip bounds what came from outside and stands in a path.
func clip(s string) string { return clipTo(s, maxEcho) }

// clipTo cuts s to most bytes, an ellipsis and whole characters.
func clipTo(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// modelName turns "packageVendingOptions.vendingEnabled" back into the model's names.
func modelName(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, ".")
}
