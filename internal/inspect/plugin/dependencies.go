package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// errDependencies says what the property dependencies is to look like.
var errDependencies = errors.New(`write it as { opensearch: "~3.8.0" }`)

// parseDependencies reads the property dependencies: a JSON object of texts whose names need no
// quotation marks, as Jackson reads it for PluginInfo.readFromProperties. What follows the object is
// not looked at. Of names that come again the last counts.
func parseDependencies(text string) (map[string]string, error) {
	s := jsonText{rest: text}
	out := map[string]string{}
	if !s.eat('{') {
		return nil, fmt.Errorf("it is no JSON object: %w", errDependencies)
	}
	for !s.eat('}') {
		if len(out) > 0 && !s.eat(',') {
			return nil, fmt.Errorf("a comma or } is missing: %w", errDependencies)
		}
		name, err := s.name()
		if err == nil && !s.eat(':') {
			err = errors.New("a colon is missing")
		}
		if err == nil {
			out[name], err = s.value()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errDependencies)
		}
	}
	return out, nil
}

// jsonText is what is left of a JSON text.
type jsonText struct{ rest string }

func (s *jsonText) eat(c byte) bool {
	s.rest = strings.TrimLeft(s.rest, " \t\r\n")
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// name takes a name, with or without quotation marks.
func (s *jsonText) name() (string, error) {
	s.eat(0) // skips what is blank
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	name := s.take(func(r rune) bool { return strings.ContainsRune("_$@#*-+", r) || letterOrDigit(r) })
	if name == "" {
		return "", errors.New("a name is missing")
	}
	return name, nil
}

// value takes a text, or a number, true or false, which count as texts.
func (s *jsonText) value() (string, error) {
	s.eat(0)
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	value := s.take(func(r rune) bool { return strings.ContainsRune("+-.", r) || letterOrDigit(r) })
	if value == "null" || !json.Valid([]byte(value)) {
		return "", errors.New("a text in quotation marks is missing")
	}
	return value, nil
}

func letterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (s *jsonText) take(belongs func(rune) bool) string {
	end := strings.IndexFunc(s.rest, func(r rune) bool { return !belongs(r) })
	if end < 0 {
		end = len(s.rest)
	}
	var out string
	out, s.rest = s.rest[:end], s.rest[end:]
	return out
}

func (s *jsonText) quoted() (string, error) {
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			var out string
			err := json.Unmarshal([]byte(s.rest[:i+1]), &out)
			s.rest = s.rest[i+1:]
			return out, err
		}
	}
	return "", errors.New("a text does not end")
}
