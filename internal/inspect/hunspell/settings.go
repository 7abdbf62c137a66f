package hunspell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// maxSettings is how much of a settings file is looked at. One needs a line.
	maxSettings = 64 << 10
	// maxNested bounds how deep settings are nested here; OpenSearch reads ignore_case at the top.
	maxNested = 50
)

// settingsFiles are what HunspellService.loadDictionarySettings looks for in a dictionary's folder,
// the second only if there is no first.
var settingsFiles = []string{"settings.yml", "settings.json"}

// ignoreCaseKey is all that HunspellService reads there.
const ignoreCaseKey = "ignore_case"

// settingsReader is Settings.Builder.loadFromStream, for a file of one dictionary.
type settingsReader struct {
	path string
	c    *dict.Config
	json bool // lines are not known
	keys map[string]*yaml.Node
}

// readSettings reads the settings of a dictionary and returns whether it ignores case.
func readSettings(in io.Reader, path string, c *dict.Config) (bool, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxSettings+1))
	if err != nil {
		return false, err
	}
	s := &settingsReader{path: path, c: c, json: strings.HasSuffix(path, ".json"), keys: map[string]*yaml.Node{}}
	switch {
	case len(text) > maxSettings:
		s.report(unreadSettings, nil, "it is longer than 64 KiB")
		return false, nil
	case s.json && len(bytes.TrimSpace(text)) > 0:
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			s.report(unreadSettings, nil, "it is no strict JSON: "+err.Error())
			return false, nil
		}
		text = compact.Bytes() // YAML on one line
	case !s.json && !typed(text):
		s.report(unreadSettings, nil, "there are characters in it that versions of OpenSearch take differently")
		return false, nil
	}
	return s.read(text), nil
}

// typed reports text that every parser of YAML takes for the same characters: UTF-8 without separators
// of lines that only some know, and outside of comments what can be typed on any keyboard.
func typed(text []byte) bool {
	if !utf8.Valid(text) || bytes.ContainsAny(text, "\u0085\u2028\u2029\ufeff") {
		return false
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(bytes.TrimLeft(line, " "), "\r\n")
		odd := func(r rune) bool { return r < ' ' || r > '~' }
		if bytes.ContainsFunc(line, odd) && line[0] != '#' {
			return false
		}
	}
	return true
}

func (s *settingsReader) read(text []byte) bool {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF):
		return false
	case err != nil:
		s.fault(err)
		return false
	}
	top := document.Content[0]
	switch {
	case top.Kind != yaml.MappingNode:
		s.report(badSettings, top, "it is no list of names with values")
		return false
	}
	if !s.mapping("", top, 0) {
		return false
	}
	switch err := d.Decode(new(yaml.Node)); {
	case err == nil:
		s.report(badSettings, nil, "something stands behind the settings")
		return false
	case !errors.Is(err, io.EOF):
		s.fault(err)
		return false
	}
	return s.ignoreCase()
}

// fault reports what is no YAML.
func (s *settingsReader) fault(err error) {
	said := strings.TrimPrefix(err.Error(), "yaml: ")
	if s.json || strings.HasPrefix(said, "unknown anchor") || strings.Contains(said, "incompatible") {
		s.report(unreadSettings, nil, said) // OpenSearch takes an alias for text, and knows other versions
		return
	}
	s.report(badSettings, nil, "it is no YAML: "+said)
}

// mapping takes up the settings of a level, as Settings.fromXContent does, and reports whether it could.
func (s *settingsReader) mapping(prefix string, node *yaml.Node, depth int) bool {
	if depth > maxNested {
		s.report(unreadSettings, node, "it is nested too deep")
		return false
	}
	here := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			s.report(badSettings, key, "a name is no text")
			return false
		case here[key.Value]:
			s.report(badSettings, key, fmt.Sprintf("%q stands twice", key.Value))
			return false
		}
		here[key.Value] = true
		name := prefix + key.Value
		ok := true
		switch {
		case value.Kind == yaml.MappingNode:
			ok = s.mapping(name+".", value, depth+1)
		case value.Kind == yaml.SequenceNode:
			ok = s.list(name, value)
		case isNull(value):
			s.report(badSettings, value, fmt.Sprintf("%q has no value", name))
			ok = false
		}
		if !ok {
			return false
		}
		s.keys[name] = value
	}
	return true
}

// list reports whether the list holds values only.
func (s *settingsReader) list(name string, node *yaml.Node) bool {
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode && item.Kind != yaml.AliasNode || isNull(item) {
			s.report(badSettings, item, fmt.Sprintf("%q is a list of something else than values", name))
			return false
		}
	}
	return true
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// ignoreCase is Settings.getAsBoolean.
func (s *settingsReader) ignoreCase() bool {
	for _, name := range slices.Sorted(maps.Keys(s.keys)) {
		node := s.keys[name]
		if name != ignoreCaseKey && node.Kind != yaml.MappingNode {
			s.report(otherSetting, node, name)
		}
	}
	node := s.keys[ignoreCaseKey]
	switch {
	case node == nil || node.Kind == yaml.MappingNode:
		return false
	case node.Kind == yaml.AliasNode, node.Style&yaml.TaggedStyle != 0:
		s.report(unreadSettings, node, "ignore_case has a tag or is an alias")
		return false
	case node.Kind != yaml.ScalarNode:
		s.report(badIgnoreCase, node, "a list")
		return false
	case node.Style == 0 && node.Value != "":
		if value, ok := plainBooleans[lowered(node.Value)]; ok {
			return value
		}
	}
	switch text := node.Value; {
	case text == "true":
		return true
	case text == "false" || strings.TrimSpace(text) == "":
	default:
		s.report(badIgnoreCase, node, text)
	}
	return false
}

// plainBooleans are what Jackson's YAMLParser takes for a boolean if it is not quoted: in lower or
// upper case, or with a capital.
var plainBooleans = map[string]bool{"true": true, "yes": true, "on": true, "false": false, "no": false, "off": false}

// lowered is the word in lower case, if it is in upper case or begins with a capital.
func lowered(s string) string {
	if rest := s[1:]; s == strings.ToUpper(s) || rest == strings.ToLower(rest) {
		return strings.ToLower(s)
	}
	return s
}

func (s *settingsReader) report(r *rule.Rule, at *yaml.Node, args ...any) {
	p := rule.Place{Path: s.path}
	if at != nil && !s.json {
		p.Line, p.Column = int64(at.Line), at.Column
	}
	r.Report(s.c.Findings, p, args...)
}

var (
	badSettings = &rule.Rule{
		ID: "hunspell.settings", Severity: searchpack.SeverityError, Title: "settings that cannot be read",
		Message: "OpenSearch reads the settings beside a dictionary and fails to load it, because %s",
		Remedy:  "write ignore_case: true into the file and nothing else, or leave it out",
	}
	badIgnoreCase = &rule.Rule{
		ID: "hunspell.ignore-case", Severity: searchpack.SeverityError, Title: "ignore_case that is neither true nor false",
		Message: "ignore_case is %q: OpenSearch takes true and false only, and fails to load the dictionary",
		Remedy:  "write ignore_case: true, or ignore_case: false",
	}
	otherSetting = &rule.Rule{
		ID: "hunspell.other-setting", Severity: searchpack.SeverityWarning, Title: "a setting that OpenSearch does not read",
		Message: "OpenSearch reads nothing but ignore_case in the settings of a dictionary: %q does nothing (strict_affix_parsing neither, whatever the documentation says)",
		Remedy:  "take it out",
	}
	unreadSettings = &rule.Rule{
		ID: "hunspell.settings-unread", Severity: searchpack.SeverityWarning, Title: "settings that were not looked at",
		Message: "the settings beside the dictionary were not looked at, because %s: OpenSearch may fail to load the dictionary",
		Remedy:  "write ignore_case: true into settings.yml and nothing else, or leave the file out",
	}
)
