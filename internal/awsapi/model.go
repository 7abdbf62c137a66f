package awsapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// apiJSON is the table of the AWS API; model/generate.py makes it from botocore's service models.
//
//go:embed model/api.json
var apiJSON []byte

// defaultsJSON is what AWS was seen to answer for the options that a CreateDomain left out.
//
//go:embed model/domain-defaults.json
var defaultsJSON []byte

// model drives routes, constraints and declared errors, so that no operation repeats them.
type model struct {
	Operations []*operation
	Errors     map[string]int // HTTP status of each error type
	Returned   []string       // options of CreateDomain that DomainStatus shows
	// Shapes by version of the API, then name: the same name may mean less in 2015-01-01.
	Shapes map[string]map[string]*shape
}

// operation is one operation of one version of the API, served or not.
type operation struct {
	Name    string
	Version string // "2021-01-01" or "2015-01-01"
	Method  string
	URI     string   // "/2021-01-01/packages/{PackageID}"
	Errors  []string // the types it declares
	Served  bool
	Input   string // shape; "" if it has no input or is not served
	Output  string // shape; "" if it has no output or is not served
}

func (op *operation) declares(errorType string) bool { return slices.Contains(op.Errors, errorType) }

// shape is a type of the model with its constraints. Min and Max bound a length, or a number.
type shape struct {
	Type      string
	Min, Max  *int64
	Pattern   string // as AWS writes it, for messages; always a full match
	RE2       string // what to match instead, where Pattern uses lookahead
	Without   string // and what must not occur then
	Enum      []string
	Sensitive bool
	Required  []string
	Members   map[string]*member
	Member    string // of a list
	Key       string // of a map
	Value     string // of a map

	match, without *regexp.Regexp
}

// member is a member of a structure. Its bounds, if any, add to its shape's.
type member struct {
	Shape    string
	In       string // "path", "query" or "" (body)
	As       string // its name there
	Min, Max *int64
	Refuse   string // "present", "true", "nonempty": valid, but not offered
}

// loadModel reads the embedded tables. They are part of the program, so an error is a bug.
func loadModel() (*model, error) {
	m := new(model)
	if err := json.Unmarshal(apiJSON, m); err != nil {
		return nil, fmt.Errorf("model/api.json: %w", err)
	}
	for version, shapes := range m.Shapes {
		for name, s := range shapes {
			if err := s.compile(); err != nil {
				return nil, fmt.Errorf("model/api.json: shape %s of %s: %w", name, version, err)
			}
		}
	}
	return m, nil
}

func (s *shape) compile() (err error) {
	pattern := s.RE2
	if pattern == "" {
		pattern = s.Pattern
	}
	if pattern != "" {
		if s.match, err = regexp.Compile(`\A(?:` + pattern + `)\z`); err != nil {
			return err
		}
	}
	if s.Without != "" {
		s.without, err = regexp.Compile(s.Without)
	}
	return err
}

func (s *shape) matches(v string) bool {
	return (s.match == nil || s.match.MatchString(v)) && (s.without == nil || !s.without.MatchString(v))
}
