package awsapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// sampler makes requests from the model: valid ones, and ones with something wrong.
type sampler struct {
	*rand.Rand
	shapes map[string]*shape
	// known are values by member name that name things which may be there.
	known map[string][]string
	full  bool                                // every member, not some
	texts map[string]*rapid.Generator[string] // by pattern
	stamp any                                 // a timestamp
}

func newSampler(shapes map[string]*shape, seed uint64) *sampler {
	return &sampler{
		Rand: rand.New(rand.NewPCG(seed, 0)), shapes: shapes, texts: map[string]*rapid.Generator[string]{}, stamp: 1704164645.5,
		known: map[string][]string{
			"DomainName": {"my-dom", "other-dom", "no-such-dom"}, "PackageID": {"F1"},
			"ARN":           {testCaller.Key("my-dom").ARN(), testCaller.Key("no-such-dom").ARN()},
			"TargetVersion": {"OpenSearch_3.1", "7.10"}, "EngineVersion": {"OpenSearch_2.19"},
		},
	}
}

// sample is a request to an operation before it is written.
type sample struct {
	op    *operation
	input map[string]any
}

func (s *sampler) sample(op *operation) sample {
	out := sample{op: op, input: map[string]any{}}
	if op.Input != "" {
		out.input = s.structure(s.shapes[op.Input], 0)
	}
	return out
}

// deepest bounds structures within structures; the model's are not deeper.
const deepest = 8

func (s *sampler) structure(sh *shape, depth int) map[string]any {
	out := map[string]any{}
	required := map[string]bool{}
	for _, name := range sh.Required {
		required[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(sh.Members)) {
		mem := sh.Members[name]
		if mem.Refuse == "present" || depth > deepest || !required[name] && !s.full && s.IntN(3) > 0 {
			continue
		}
		if mem.Refuse == "true" {
			out[name] = false
		} else if pool := s.fitting(s.known[name], s.shapes[mem.Shape]); len(pool) > 0 && s.IntN(4) > 0 {
			out[name] = pool[s.IntN(len(pool))]
		} else {
			out[name] = s.value(mem.Shape, mem, depth+1)
		}
	}
	return out
}

// fitting are those of the values that the shape takes: versions are written in two ways.
func (s *sampler) fitting(values []string, sh *shape) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return sh.Type != "string" || !sh.matches(v) })
}

func (s *sampler) value(shapeName string, mem *member, depth int) any {
	sh := s.shapes[shapeName]
	low, high := tighter(sh, mem)
	if sh.Type == "string" && mem.In != "" {
		low = max(low, 1) // an empty parameter is none
	}
	switch sh.Type {
	case "structure":
		return s.structure(sh, depth)
	case "list":
		out := []any{}
		for range max(low, int64(s.IntN(3)+1)) {
			out = append(out, s.value(sh.Member, new(member), depth+1))
		}
		return out
	case "map":
		return map[string]any{s.text(s.shapes[sh.Key], 1, 20).(string): s.value(sh.Value, new(member), depth+1)}
	case "string":
		return s.text(sh, low, high)
	case "boolean":
		return s.IntN(2) == 0
	case "integer", "long":
		return low + s.Int64N(min(high-low, 50)+1)
	}
	return s.stamp
}

// tighter are the bounds of shape and member together.
func tighter(sh *shape, mem *member) (low, high int64) {
	high = 1 << 30
	for _, b := range []*int64{sh.Min, mem.Min} {
		if b != nil {
			low = max(low, *b)
		}
	}
	for _, b := range []*int64{sh.Max, mem.Max} {
		if b != nil {
			high = min(high, *b)
		}
	}
	return low, high
}

// text fits the shape's enum, pattern and bounds.
func (s *sampler) text(sh *shape, low, high int64) any {
	if len(sh.Enum) > 0 {
		return sh.Enum[s.IntN(len(sh.Enum))]
	}
	if sh.match == nil {
		n := max(low, min(high, int64(s.IntN(20))))
		return strings.Repeat(string(rune('a'+s.IntN(26))), int(n))
	}
	expr := strings.TrimSuffix(strings.TrimPrefix(sh.match.String(), `\A(?:`), `)\z`)
	if s.texts[expr] == nil {
		s.texts[expr] = rapid.StringMatching(expr)
	}
	var v string
	for range 500 {
		v = s.texts[expr].Example(s.IntN(1 << 30))
		if n := int64(utf8.RuneCountInString(v)); n >= low && n <= high && sh.matches(v) {
			break
		}
	}
	return v
}

// request writes the sample as SDKs do.
func (c sample) request(shapes map[string]*shape) *http.Request {
	path, query, body := c.op.URI, url.Values{}, map[string]any{}
	members := map[string]*member{}
	if c.op.Input != "" {
		members = shapes[c.op.Input].Members
	}
	for name, value := range c.input {
		mem := members[name]
		switch {
		case mem == nil || mem.In == "":
			body[name] = value
		case mem.In == "path":
			path = strings.ReplaceAll(path, "{"+mem.As+"}", url.PathEscape(jsonOrText(value)))
		default:
			query.Set(mem.As, jsonOrText(value))
		}
	}
	var payload []byte
	if c.op.Method != http.MethodGet && c.op.Method != http.MethodDelete {
		payload, _ = json.Marshal(body) // strings, numbers, lists and objects only
	}
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	return httptest.NewRequest(c.op.Method, target, bytes.NewReader(payload))
}

func jsonOrText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// spoil puts something wrong anywhere into the sample.
func (s *sampler) spoil(c *sample) {
	bad := []any{
		nil, "", "\x00", "ü", strings.Repeat("x", 3000), -1, 1 << 40, 0.5, true, []any{}, map[string]any{}, "../..", "a/b", "%2f", "*", "1e999",
		[]any{nil, []any{map[string]any{"a": nil}}}, map[string]any{"Unknown": map[string]any{}},
	}
	holder := c.input
	for {
		names := slices.Sorted(maps.Keys(holder))
		if len(names) == 0 {
			holder["Unknown"] = bad[s.IntN(len(bad))]
			return
		}
		name := names[s.IntN(len(names))]
		if below, ok := holder[name].(map[string]any); ok && s.IntN(2) == 0 {
			holder = below
			continue
		}
		if s.IntN(6) == 0 {
			delete(holder, name)
		} else {
			holder[name] = bad[s.IntN(len(bad))]
		}
		return
	}
}
