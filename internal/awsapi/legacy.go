package awsapi

import (
	"maps"
	"strings"
)

// The program works in the words of 2021-01-01; 2015-01-01 has the same things under other names and
// in other forms. The model says where: members by their names, values by their shapes.

// legacyNames are the members that 2015-01-01 names otherwise.
var legacyNames = map[string]string{
	"ElasticsearchVersion":            "EngineVersion",
	"ElasticsearchVersions":           "Versions",
	"ElasticsearchClusterConfig":      "ClusterConfig",
	"CompatibleElasticsearchVersions": "CompatibleVersions",
}

// modernName is the member's name in 2021-01-01.
func modernName(name string) string {
	if modern, differs := legacyNames[name]; differs {
		return modern
	}
	return name
}

// modern rewrites a checked value of 2015-01-01. It does not change value.
func modern(shapes map[string]*shape, shapeName string, value any) any {
	s := shapes[shapeName]
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, each := range v {
			if s.Type == "map" {
				out[name] = modern(shapes, s.Value, each)
			} else {
				out[modernName(name)] = modern(shapes, s.Members[name].Shape, each)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = modern(shapes, s.Member, each)
		}
		return out
	case string:
		return modernText(shapeName, v)
	}
	return value
}

// narrow turns an answer into what 2015-01-01 knows of it: other names and forms, and nothing that
// its shapes do not have. It does not change value.
func narrow(shapes map[string]*shape, shapeName string, value any) any {
	s := shapes[shapeName]
	switch v := value.(type) {
	case map[string]any:
		if s.Type == "map" {
			out := maps.Clone(v)
			for name, each := range v {
				out[name] = narrow(shapes, s.Value, each)
			}
			return out
		}
		out := make(map[string]any, len(s.Members))
		for name, mem := range s.Members {
			if each, there := v[modernName(name)]; there {
				out[name] = narrow(shapes, mem.Shape, each)
			}
		}
		if name, ok := v["Name"].(string); ok && shapeName == "ModifyingProperties" {
			out["Name"] = legacyProperty(name)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = narrow(shapes, s.Member, each)
			if text, ok := each.(string); ok && shapeName == "StringList" {
				out[i] = legacyProperty(text)
			}
		}
		return out
	case string:
		return legacyText(shapeName, v)
	}
	return value
}

// legacyProperty names a property of a change: "ElasticsearchClusterConfig.InstanceCount".
func legacyProperty(name string) string {
	option, member, dot := strings.Cut(name, ".")
	for theirs, ours := range legacyNames {
		if option == ours {
			option = theirs
		}
	}
	if dot {
		option += "."
	}
	return option + member
}

// modernText: "7.10" is Elasticsearch_7.10, "OS_1.0" is OpenSearch_1.0, "m5.large.elasticsearch" is
// m5.large.search.
func modernText(shapeName, text string) string {
	switch shapeName {
	case "ElasticsearchVersionString":
		if number, ok := strings.CutPrefix(text, "OS_"); ok {
			return "OpenSearch_" + number
		}
		if !strings.HasPrefix(text, "OpenSearch_") {
			return "Elasticsearch_" + text
		}
	case "ESPartitionInstanceType", "ESWarmPartitionInstanceType":
		if kind, ok := strings.CutSuffix(text, ".elasticsearch"); ok {
			return kind + ".search"
		}
	}
	return text
}

// legacyText is the way back.
func legacyText(shapeName, text string) string {
	switch shapeName {
	case "ElasticsearchVersionString":
		return strings.TrimPrefix(text, "Elasticsearch_")
	case "ESPartitionInstanceType", "ESWarmPartitionInstanceType":
		if kind, ok := strings.CutSuffix(text, ".search"); ok {
			return kind + ".elasticsearch"
		}
	}
	return text
}
