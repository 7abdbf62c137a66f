package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticsearchservice"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack/internal/catalog"
)

// recorder keeps the body of the last answer.
type recorder struct{ body []byte }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	r.body, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(r.body))
	return res, err
}

// The Go SDK calls every operation of both versions with every member, and what it makes of the
// answers is what was sent, to the last member.
func TestGoSDKReadsEveryAnswer(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	for i, fake := range everything(t, m, 1) {
		url := startServer(t, fake).URL
		rec := new(recorder)
		clients := map[string]reflect.Value{
			version: reflect.ValueOf(opensearch.New(client(url, "test").Options(), func(o *opensearch.Options) { o.HTTPClient = rec })),
			legacy:  reflect.ValueOf(elasticsearchservice.New(legacyClient(url).Options(), func(o *elasticsearchservice.Options) { o.HTTPClient = rec })),
		}
		for _, op := range servedOperations(m) {
			out := callByName(t, m, clients[op.Version], op)
			body, err := catalog.ParseOptions(string(rec.body))
			if err != nil || op.Output == "" && len(body) > 0 {
				t.Fatalf("%s: %v, %s", op.Name, err, rec.body)
			}
			for _, problem := range sameValue(op.Name, body, out) {
				t.Errorf("%d: %s: %s", i, op.Version, problem)
			}
		}
	}
}

// callByName calls the operation through the SDK with every member that the SDK knows.
func callByName(t *testing.T, m *model, client reflect.Value, op *operation) reflect.Value {
	t.Helper()
	s := newSampler(m.Shapes[op.Version], 2)
	s.full, s.stamp = true, "2024-01-02T03:04:05Z"
	c := s.sample(op)
	for _, name := range []string{"NextToken", "ChangeId", "Filters", "EngineType"} {
		delete(c.input, name)
	}
	text, err := json.Marshal(c.input)
	if err != nil {
		t.Fatal(err)
	}
	method := client.MethodByName(op.Name)
	in := reflect.New(method.Type().In(1).Elem())
	if err := json.Unmarshal(text, in.Interface()); err != nil {
		t.Fatalf("%s: %v: %s", op.Name, err, text)
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	if err, _ := results[1].Interface().(error); err != nil {
		t.Fatalf("%s of %s: %v", op.Name, op.Version, err)
	}
	return results[0].Elem()
}

// sameValue compares what was sent with what the SDK made of it.
func sameValue(at string, sent any, got reflect.Value) []string {
	for got.Kind() == reflect.Pointer {
		if got.IsNil() {
			return []string{at + " is nil to the SDK, and " + fmt.Sprint(sent) + " was sent"}
		}
		got = got.Elem()
	}
	var problems []string
	switch v := sent.(type) {
	case map[string]any:
		for name, each := range v {
			field := fieldOrKey(got, name)
			if !field.IsValid() {
				if !newer(got.Type().Name(), name) {
					problems = append(problems, at+"."+name+" does not arrive")
				}
				continue
			}
			problems = append(problems, sameValue(at+"."+name, each, field)...)
		}
		return problems
	case []any:
		if got.Kind() != reflect.Slice || got.Len() != len(v) || got.IsNil() {
			return []string{fmt.Sprintf("%s has %d items, %v arrived", at, len(v), got)}
		}
		for i, each := range v {
			problems = append(problems, sameValue(at+"[]", each, got.Index(i))...)
		}
		return problems
	}
	text := fmt.Sprint(got.Interface())
	switch v := got.Interface().(type) {
	case time.Time:
		text = strconv.FormatFloat(float64(v.UnixMilli())/1000, 'f', 3, 64)
		if n, ok := sent.(json.Number); ok {
			f, _ := n.Float64()
			sent = strconv.FormatFloat(f, 'f', 3, 64)
		}
	}
	if text != fmt.Sprint(sent) {
		problems = append(problems, fmt.Sprintf("%s is %v to the SDK, %v was sent", at, text, sent))
	}
	return problems
}

func fieldOrKey(v reflect.Value, name string) reflect.Value {
	if v.Kind() == reflect.Map {
		return v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key()))
	}
	return v.FieldByName(name)
}

// newer reports whether the SDK does not have the member yet.
func newer(structure, member string) bool {
	return newerThanSDK[version+" "+structure+"."+member] || newerThanSDK[legacy+" "+structure+"."+member]
}
