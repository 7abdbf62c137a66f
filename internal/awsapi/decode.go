package awsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"unicode/utf8"
)

// decode brings the members of an operation's input together from path, query and body, checks
// them against the model, and returns them as one JSON object with the names of 2021-01-01. Members
// the model does not know are left out, as AWS ignores them.
func (m *model) decode(op *operation, path map[string]string, rawQuery string, body []byte) (json.RawMessage, error) {
	if op.Input == "" {
		return json.RawMessage("{}"), nil
	}
	sent, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, validation("The query string is malformed.")
	}
	shapes := m.Shapes[op.Version]
	input := shapes[op.Input]
	for name, mem := range input.Members {
		if mem.In == "" {
			continue
		}
		delete(sent, name) // it belongs elsewhere: the body has no say
		value, there := path[mem.As]
		if mem.In == "query" {
			value, there = query.Get(mem.As), query.Has(mem.As)
		}
		if !there || (mem.In == "query" && value == "") {
			continue
		}
		if sent[name], err = shapes[mem.Shape].fromText(mem, value); err != nil {
			return nil, err
		}
	}
	v := &validator{shapes: shapes}
	clean := v.structure(input, sent, "")
	if err := v.err(op); err != nil {
		return nil, err
	}
	if op.Version == legacy {
		return marshal(modern(shapes, op.Input, clean))
	}
	return marshal(clean)
}

// fromText gives a member of path or query the type that its shape has.
func (s *shape) fromText(mem *member, text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, serialization("%s is not valid UTF-8.", mem.As)
	}
	if s.Type != "integer" {
		return text, nil
	}
	if _, err := strconv.ParseInt(text, 10, 32); err != nil {
		return nil, serialization("%s: a string that is no whole number cannot be converted to an integer.", mem.As)
	}
	return json.Number(text), nil
}

// parseObject reads a body as one JSON object. An empty body is an empty object: clients send none
// where all members are elsewhere.
func parseObject(body []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	if !utf8.Valid(body) {
		return nil, serialization("The request body is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, serialization("The request body is not valid JSON: %s.", jsonProblem(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, serialization("The request body goes on after its JSON value.")
	}
	switch v := v.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return v, nil
	default:
		return nil, serialization("The request body must be a JSON object, not %s.", jsonKind(v))
	}
}

// jsonProblem keeps Go's own words for the position, not its type names.
func jsonProblem(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return "it cannot be decoded"
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// marshal writes JSON without HTML escapes, as AWS does.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
