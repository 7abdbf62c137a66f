package needs

import (
	"errors"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// MaxConfig bounds opensearch.yml, in bytes.
const MaxConfig = 1 << 20

// maxKeys bounds the keys of one opensearch.yml: aliases could make more of them than it has bytes.
const maxKeys = 10_000

// ConfigKeys returns the keys of an opensearch.yml, nested or not, as OpenSearch knows them
// ("my.plugin.mode"), in order.
func ConfigKeys(text []byte) ([]string, error) {
	if len(text) > MaxConfig {
		return nil, fmt.Errorf("it has more than %d bytes", MaxConfig)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	var keys []string
	for _, n := range doc.Content {
		var err error
		if keys, err = configKeys(keys, "", n, 0); err != nil {
			return nil, err
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// configKeys adds those of a value. A list is one setting, or a list of values of one.
func configKeys(keys []string, at string, n *yaml.Node, depth int) ([]string, error) {
	if len(keys) > maxKeys || depth > maxDepth {
		return nil, errors.New("it has too many keys, or they are nested too deep")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return configKeys(keys, at, n.Alias, depth+1)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if at != "" {
				key = at + "." + key
			}
			var err error
			if keys, err = configKeys(keys, key, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
		return keys, nil
	}
	if at == "" {
		return keys, nil
	}
	return append(keys, at), nil
}
