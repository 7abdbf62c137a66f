package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fill puts what was saved into an input.
func (s *scenario) fill(v any) any {
	switch x := v.(type) {
	case string:
		for name, value := range s.saved {
			x = strings.ReplaceAll(x, "${"+name+"}", value)
		}
		return x
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = s.fill(x[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, each := range x {
			out[k] = s.fill(each)
		}
		return out
	}
	return v
}

// neutral is an answer without what differs between clients and runs: times are checked and become
// "TIME", what was saved becomes ${…}, and absent members are absent.
func (s *scenario) neutral(a answer) any {
	if a.Error != nil {
		return map[string]any{"error": a.Error.Code, "message": s.hide(a.Error.Message)}
	}
	return s.strip("", a.Output)
}

// hide replaces what was saved by its name, longest first: one value may hold another.
func (s *scenario) hide(text string) string {
	names := slices.SortedFunc(maps.Keys(s.saved), func(a, b string) int { return len(s.saved[b]) - len(s.saved[a]) })
	for _, name := range names {
		if s.saved[name] != "" && name != "client" {
			text = strings.ReplaceAll(text, s.saved[name], "${"+name+"}")
		}
	}
	// The client's name is short and may be part of any word: it stands before a hyphen only.
	return strings.ReplaceAll(text, s.saved["client"]+"-", "${client}-")
}

func (s *scenario) strip(key string, v any) any {
	switch x := v.(type) {
	case string:
		if isTime(key) {
			return s.time(key, x)
		}
		return s.hide(x)
	case float64:
		if isTime(key) {
			return s.time(key, strconv.FormatFloat(x, 'f', -1, 64))
		}
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = s.strip("", x[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, each := range x {
			if each = s.strip(k, each); !empty(k, each) {
				out[k] = each
			}
		}
		return out
	}
	return v
}

// empty: nil is absent. Enumerations and numbers of the SDK for Go have no nil, so an empty text
// and these members with 0 cannot be told from absent ones.
func empty(key string, v any) bool {
	return v == nil || v == "" || v == float64(0) && slices.Contains([]string{"UpdateVersion", "TotalNumberOfStages", "AutomatedSnapshotStartHour"}, key)
}

// isTime reports whether the member is a timestamp.
func isTime(key string) bool {
	return slices.Contains([]string{"CreatedAt", "LastUpdatedAt", "LastUpdated", "CreationDate", "UpdateDate", "StartTime",
		"LastUpdatedTime", "StartTimestamp", "AutomatedUpdateDate"}, key)
}

// time checks that it is about now: a client that misreads the unit, or the zone, shows.
func (s *scenario) time(key, text string) string {
	when, err := time.Parse(time.RFC3339Nano, text)
	if seconds, numeric := strconv.ParseFloat(text, 64); numeric == nil {
		when, err = time.UnixMilli(int64(seconds*1000)), nil
	}
	if key == "AutomatedUpdateDate" && when.Unix() <= 0 {
		return "NEVER"
	}
	if err != nil || time.Since(when).Abs() > time.Hour {
		s.t.Errorf("%s is %q", key, text)
	}
	return "TIME"
}

// at finds what stands at a place such as PackageDetailsList.0.PackageStatus; nil if nothing does.
func at(v any, place string) any {
	for part := range strings.SplitSeq(place, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// asJSON makes any value what a JSON decoder would give.
func asJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}
