package awsapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever is sent to an operation, what passes is valid JSON of members that the newer version
// knows, and passes again unchanged; what does not is an error for the client.
func FuzzDecode(f *testing.F) {
	m := mustModel(f)
	ops := servedOperations(m)
	f.Add(0, "F1", "", `{"Filters":[{"Name":"PackageID","Value":["F1"]}]}`)
	f.Add(5, "my-dom", "maxResults=1&nextToken=AQ", "")
	f.Add(40, "my-dom", "changeid=01890a5d-ac96-774b-bcce-b302099a8057", `{"ElasticsearchVersion":"7.10","ElasticsearchClusterConfig":{"InstanceCount":1e0}}`)
	f.Add(3, "\xff", "%zz", `{"LogPublishingOptions":{"INDEX_SLOW_LOGS":null},"A":[[[[`)
	f.Fuzz(func(t *testing.T, n int, param, query, body string) {
		op := ops[uint(n)%uint(len(ops))]
		path := map[string]string{"PackageID": param, "DomainName": param}
		clean, err := m.decode(op, path, query, []byte(body))
		if err != nil {
			wire := toWire(op, "id", err)
			if wire.Status != 400 || !op.declares(wire.Type) && wire.Type != typeSerialization || !utf8.ValidString(wire.Message) {
				t.Fatalf("%s: %d %s %q", op.Name, wire.Status, wire.Type, wire.Message)
			}
			return
		}
		var in map[string]any
		if err := json.Unmarshal(clean, &in); err != nil {
			t.Fatalf("%s: %v: %s", op.Name, err, clean)
		}
		if _, err := m.optionsOf(clean); err != nil {
			t.Fatal(err)
		}
		if op.Version == version {
			again, err := m.decode(op, path, query, clean)
			if err != nil || string(again) != string(clean) {
				t.Fatalf("%s: %s, then %s, %v", op.Name, clean, again, err)
			}
		}
	})
}

// A token is refused or is one that was given; it never breaks anything.
func FuzzToken(f *testing.F) {
	c := &call{op: &operation{Name: "DescribePackages"}, caller: testCaller}
	first, err := c.page(1, "", "q")
	if err != nil {
		f.Fatal(err)
	}
	good := first.token("F135140295")
	f.Add(good, "q")
	f.Add("AQECAwQFBgcIRjE", "q")
	f.Add("", "")
	f.Add(strings.Repeat("_", 2000), "q")
	f.Fuzz(func(t *testing.T, token, query string) {
		p, err := c.page(1, token, query)
		if err != nil {
			if wire := toWire(c.op, "id", err); wire.Type != typeValidation || wire.Status != 400 {
				t.Fatalf("%v", err)
			}
			return
		}
		if token != "" && p.token(p.After) != strings.TrimRight(token, "\r\n") && !strings.ContainsAny(token, "\r\n") {
			t.Fatalf("%q was taken, %q is what was given", token, p.token(p.After))
		}
	})
}

// A path leads to one operation or none, and its parameters are what the path has in their places.
func FuzzRoute(f *testing.F) {
	m := mustModel(f)
	r := newRouter(m.Operations)
	for _, path := range []string{"/2021-01-01/packages/F1", "/2021-01-01/packages/a%2Fb/history", "/2015-01-01/tags/", "/2015-01-01/tags", "//", "/2021-01-01/packages/associate//d", "/%zz", "/2021-01-01/%70ackages"} {
		f.Add("GET", path)
		f.Add("POST", path)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		op, params := r.find(method, path)
		if op == nil {
			return
		}
		if op.Method != method {
			t.Fatalf("%s %s is %s", method, path, op.Name)
		}
		rebuilt := op.URI
		for name, value := range params {
			rebuilt = strings.ReplaceAll(rebuilt, "{"+name+"}", escape(value))
		}
		if again, same := r.find(method, rebuilt); again != op || len(same) != len(params) {
			t.Fatalf("%s is %s, %s is %v", path, op.Name, rebuilt, again)
		}
	})
}

// Any run of random requests, by its seed.
func FuzzRequests(f *testing.F) {
	f.Add(uint64(2))
	f.Add(uint64(3))
	m := mustModel(f)
	h := testHandler(f, everything(f, m, 1)[0])
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, op := range servedOperations(m) {
			s := newSampler(m.Shapes[op.Version], seed)
			c := s.sample(op)
			for range s.IntN(4) {
				s.spoil(&c)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, c.request(s.shapes))
			checkAnswer(t, m, op, w)
		}
	})
}
