package awsapi

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/elasticsearchservice"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
)

// newerThanSDK are members of our model that the Go SDK of go.mod does not have yet: botocore, from
// which the model is made, was newer. An entry goes when the SDK has caught up.
var newerThanSDK = map[string]bool{
	"2021-01-01 DomainStatus.UseCase": true, "2021-01-01 DomainStatus.EngineMode": true,
	"2021-01-01 DomainConfig.UseCase": true, "2021-01-01 DomainConfig.EngineMode": true,
	"2015-01-01 ElasticsearchDomainStatus.UseCase": true, "2015-01-01 ElasticsearchDomainStatus.EngineMode": true,
	"2015-01-01 ElasticsearchDomainConfig.UseCase": true, "2015-01-01 ElasticsearchDomainConfig.EngineMode": true,
}

// newerThanModel are members that the Go SDK has and our model lacks, with the reason. A member that
// AWS adds shows as one that is missing here: make model/api.json anew.
var newerThanModel = map[string]string{}

// sdkOutput is the type of the answer of an operation in the Go SDK.
func sdkOutput(op *operation) (reflect.Type, bool) {
	client := reflect.TypeFor[*opensearch.Client]()
	if op.Version == legacy {
		client = reflect.TypeFor[*elasticsearchservice.Client]()
	}
	method, ok := client.MethodByName(op.Name)
	if !ok {
		return nil, false
	}
	return method.Type.Out(0).Elem(), true
}

// Every answer has in our model the members that it has in the Go SDK, as deep as they go.
func TestModelAgreesWithGoSDK(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	c := &comparison{seen: map[string]bool{}, excused: map[string]bool{}}
	for _, op := range servedOperations(m) {
		out, ok := sdkOutput(op)
		if !ok {
			t.Errorf("the Go SDK has no %s of %s", op.Name, op.Version)
			continue
		}
		c.shapes, c.version = m.Shapes[op.Version], op.Version
		if op.Output == "" {
			if out.NumField() > 2 { // ResultMetadata and a mark
				t.Errorf("%s of %s has an output now: %v", op.Name, op.Version, out)
			}
			continue
		}
		c.compare(op.Output, out)
	}
	for _, problem := range c.problems {
		t.Error(problem)
	}
	if len(c.seen) < 60 {
		t.Errorf("only %d structures were compared", len(c.seen))
	}
	for key := range newerThanSDK {
		if !c.excused[key] {
			t.Errorf("newerThanSDK has %s, which the SDK has too", key)
		}
	}
	for key := range newerThanModel {
		if !c.excused[key] {
			t.Errorf("newerThanModel has %s, which the model has too", key)
		}
	}
}

type comparison struct {
	shapes   map[string]*shape
	version  string
	seen     map[string]bool
	excused  map[string]bool
	problems []string
}

// compare walks a shape of the model and a type of the SDK side by side.
func (c *comparison) compare(shapeName string, t reflect.Type) {
	s := c.shapes[shapeName]
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch s.Type {
	case "list":
		if t.Kind() != reflect.Slice {
			c.problem(shapeName, t)
			return
		}
		c.compare(s.Member, t.Elem())
	case "map":
		if t.Kind() != reflect.Map {
			c.problem(shapeName, t)
			return
		}
		c.compare(s.Value, t.Elem())
	case "structure":
		if t.Kind() != reflect.Struct {
			c.problem(shapeName, t)
			return
		}
		c.structure(shapeName, s, t)
	default:
		kinds := map[string][]reflect.Kind{
			"string": {reflect.String}, "boolean": {reflect.Bool}, "integer": {reflect.Int32}, "long": {reflect.Int64},
			"double": {reflect.Float64}, "timestamp": {reflect.Struct},
		}
		for _, kind := range kinds[s.Type] {
			if t.Kind() == kind {
				return
			}
		}
		c.problem(shapeName, t)
	}
}

func (c *comparison) problem(shapeName string, t reflect.Type) {
	c.problems = append(c.problems, c.version+": "+shapeName+" is a "+c.shapes[shapeName].Type+" in the model, in the SDK "+t.String())
}

func (c *comparison) structure(name string, s *shape, t reflect.Type) {
	if c.seen[c.version+name] {
		return
	}
	c.seen[c.version+name] = true
	for i := range t.NumField() {
		f := t.Field(i)
		key := c.version + " " + name + "." + f.Name
		mem := s.Members[f.Name]
		switch {
		case !f.IsExported() || f.Name == "ResultMetadata":
		case mem != nil:
			c.compare(mem.Shape, f.Type)
		case newerThanModel[key] != "":
			c.excused[key] = true
		default:
			c.problems = append(c.problems, key+" is in the Go SDK, and not in model/api.json")
		}
	}
	for member := range s.Members {
		key := c.version + " " + name + "." + member
		if _, there := t.FieldByName(member); there {
			continue
		}
		if c.excused[key] = newerThanSDK[key]; !newerThanSDK[key] {
			c.problems = append(c.problems, key+" is not in the Go SDK")
		}
	}
}

// What the test would say of a member that AWS adds.
func TestNewMembersShow(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	c := &comparison{shapes: m.Shapes[version], version: version, seen: map[string]bool{}, excused: map[string]bool{}}
	type tag struct {
		Key, Value *string
		Colour     *string
	}
	c.compare("TagList", reflect.TypeFor[[]tag]())
	if len(c.problems) != 1 || !strings.Contains(c.problems[0], "Tag.Colour is in the Go SDK") {
		t.Errorf("%q", c.problems)
	}
}
