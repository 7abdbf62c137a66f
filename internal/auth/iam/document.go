package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sizes of a document. AWS's limit of a managed policy is 6,144 characters, white space not
// counted; the second bounds the white space.
const (
	maxCharacters = 6144
	maxBytes      = 32 << 10
)

// object is a JSON object with its members in order, so that a member that stands there twice can
// be refused: which one counts is not the same everywhere.
type object []member

type member struct {
	name  string
	value any // object, []any, string, json.Number, bool, nil
}

// readDocument reads one JSON document strictly.
func readDocument(text string) (any, error) {
	switch {
	case len(text) > maxBytes:
		return nil, fmt.Errorf("it is longer than %d bytes", maxBytes)
	case !utf8.ValidString(text):
		return nil, errors.New("it is not valid UTF-8")
	case characters(text) > maxCharacters:
		return nil, fmt.Errorf("it has %d characters without white space; a policy has up to %d", characters(text), maxCharacters)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("it is no JSON document: %w", problem(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows after the JSON document")
	}
	return v, nil
}

func characters(s string) int {
	n := 0
	for _, c := range s {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}

func problem(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}

// maxDepth is more than a policy needs: Statement, one of it, Condition, operator, values.
const maxDepth = 8

func readValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, nested := token.(json.Delim)
	switch {
	case !nested:
		return token, nil
	case depth == maxDepth:
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	case delim == '[':
		return readArray(dec, depth)
	}
	return readObject(dec, depth)
}

func readArray(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		v, err := readValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return list, err
}

func readObject(dec *json.Decoder, depth int) (any, error) {
	o := object{}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // in an object the decoder gives no other
		if seen[name] {
			return nil, fmt.Errorf("the member %q stands there twice", clip(name))
		}
		seen[name] = true
		v, err := readValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name, v})
	}
	_, err := dec.Token()
	return o, err
}
