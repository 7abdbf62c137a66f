package awsapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

func mustModel(t testing.TB) *model {
	t.Helper()
	m, err := loadModel()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every operation of the table is found under its own method and URI and no other one's.
func TestEveryOperationHasItsRoute(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	r := newRouter(m.Operations)
	if len(m.Operations) < 139 {
		t.Errorf("the table has %d operations only", len(m.Operations))
	}
	for _, op := range m.Operations {
		path := strings.NewReplacer("{", "%7B", "}", "%7D").Replace(op.URI)
		got, params := r.find(op.Method, path)
		if hits := matching(r, op.Method, op.URI); hits != 1 {
			t.Errorf("%s %s fits %d operations", op.Method, op.URI, hits)
		}
		if got != op {
			t.Errorf("%s %s leads to %v, want %s", op.Method, path, got, op.Name)
		}
		for name, value := range params {
			if value != "{"+name+"}" {
				t.Errorf("%s: parameter %s is %q", op.Name, name, value)
			}
		}
	}
}

// matching counts the routes that fit, not only the first.
func matching(r *router, method, uri string) (n int) {
	for _, route := range r.routes {
		if segments := splitPath(uri); route.op.Method == method && len(route.segments) == len(segments) {
			if _, ok := route.match(segments); ok {
				n++
			}
		}
	}
	return n
}

func TestEveryServedOperationIsInTheTable(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	if n := len(servedOperations(m)); n != 28+25 {
		t.Errorf("%d operations are served", n)
	}
	for v, ops := range operations() {
		for name := range ops {
			if op := findOperation(t, m, v, name); m.Shapes[v][op.Input] == nil || !op.Served {
				t.Errorf("%s of %s has no input in the table", name, v)
			}
		}
	}
	for _, op := range m.Operations {
		if op.Served != served(op) {
			t.Errorf("%s of %s: served %v, the table says %v", op.Name, op.Version, served(op), op.Served)
		}
	}
}

// Every operation that is not served says so by its name, in both versions.
func TestEveryOtherOperationIsRefusedByName(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	h := testHandler(t, new(fakeCatalog))
	refused := 0
	for _, op := range m.Operations {
		if served(op) {
			continue
		}
		refused++
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(op.Method, strings.NewReplacer("{", "", "}", "").Replace(op.URI), strings.NewReader("{}")))
		if w.Code != 400 || w.Header().Get("X-Amzn-Errortype") != typeValidation || w.Body.String() != `{"message":"`+op.Name+` is not offered by Searchpack"}` {
			t.Errorf("%s of %s: %d %s", op.Name, op.Version, w.Code, w.Body)
		}
	}
	if refused < 80 {
		t.Errorf("%d operations are refused", refused)
	}
}

// What is sent in any path is found again as its parameter, or refused; nothing is cleaned.
func TestRouterKeepsSegments(t *testing.T) {
	t.Parallel()
	r := newRouter(mustModel(t).Operations)
	rapid.Check(t, func(t *rapid.T) {
		id, domain := rapid.String().Draw(t, "id"), rapid.String().Draw(t, "domain")
		op, params := r.find("POST", "/2021-01-01/packages/associate/"+escape(id)+"/"+escape(domain))
		if len(escape(id)+escape(domain)) > 1900 {
			t.Skip("too long")
		}
		if op == nil || op.Name != "AssociatePackage" || params["PackageID"] != id || params["DomainName"] != domain {
			t.Fatalf("%v %q", op, params)
		}
	})
}

// escape encodes every byte.
func escape(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}

func TestPatternsWithLookahead(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	for shape, cases := range map[string]map[string]bool{
		"LicenseFilepath": {"a/b.txt": true, "a..b": false, "/a": false, "a/": false, "a//b": false, "a/.b": true, "": false},
		"DomainNameFqdn":  {"a.example.com": true, "-a.example.com": false, "a-.com": false, "com": false, "a.c": false, "a.-c": false},
		"JwksUrl": {"": true, "https://a.example.com/x?y=z": true, "https://10.example.com": false, "https://192.168.0.example": false,
			"http://a.example.com": false, "https://1000.example.com": true},
		"PackageName":   {"abc": true, "abc\n": false, "Abc": false, "a b": false, "abc_": false},
		"PackageID":     {"F1": true, "G22": true, "pkg-0af": true, "F1\n": false, "xF1": false, "F": false, "pkg-": false, "F１": false},
		"EngineVersion": {"OpenSearch_2.19": true, "OpenSearch_2.19.1": false, "Elasticsearch_7.10": true, "xOpenSearch_2.19": false},
	} {
		for text, want := range cases {
			if got := m.Shapes[version][shape].matches(text); got != want {
				t.Errorf("%s %q: %v, want %v", shape, text, got, want)
			}
		}
	}
}

// Whatever goes wrong inside, a client gets a type that the operation declares, with a status that
// SDKs treat alike (retry on 5xx).
func TestErrorsAreDeclared(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	codes := []searchpack.Code{
		searchpack.ErrInternal, searchpack.ErrInvalid, searchpack.ErrNotFound, searchpack.ErrAlreadyExists, searchpack.ErrConflict,
		searchpack.ErrDenied, searchpack.ErrLimit, searchpack.ErrUnsupported, searchpack.ErrType, searchpack.ErrTooLarge,
		searchpack.ErrUnavailable, "disabled", "a code of the future",
	}
	for _, op := range servedOperations(m) {
		name := op.Version + " " + op.Name
		for _, code := range codes {
			wire := toWire(op, "id", &searchpack.Error{Code: code, Message: "text"})
			if !op.declares(wire.Type) {
				t.Errorf("%s, %s: %s is not declared", name, code, wire.Type)
			}
			if status := m.Errors[wire.Type]; wire.Status != status && wire.Type != typeBase {
				t.Errorf("%s, %s: %s with status %d, the model says %d", name, code, wire.Type, wire.Status, status)
			}
			inside := code == searchpack.ErrInternal || code == searchpack.ErrUnavailable || wireErrors[code] == wireError{}
			if (wire.Status >= http.StatusInternalServerError) != inside {
				t.Errorf("%s, %s: status %d", name, code, wire.Status)
			}
		}
	}
}

// A token serves only the list it came from.
func TestTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		after := rapid.StringN(1, 100, 300).Draw(t, "after")
		query := rapid.String().Draw(t, "query")
		c := &call{op: &operation{Name: "ListPackagesForDomain"}, caller: testCaller}
		first, err := c.page(5, "", query)
		if err != nil || first.After != "" || first.Max != 5 {
			t.Fatalf("%+v %v", first, err)
		}
		token := first.token(after)
		if second, err := c.page(9, token, query); err != nil || second.After != after || second.Max != 9 {
			t.Fatalf("%+v %v, want to go on after %q", second, err, after)
		}
		other := *c
		other.op = &operation{Name: "ListDomainsForPackage"}
		stranger := *c
		stranger.caller.Account = "111111111111"
		for name, try := range map[string]func() (place, error){
			"operation": func() (place, error) { return other.page(5, token, query) },
			"account":   func() (place, error) { return stranger.page(5, token, query) },
			"query":     func() (place, error) { return c.page(5, token, query+"x") },
			"changed":   func() (place, error) { return c.page(5, token[:len(token)-1], query) },
			"long":      func() (place, error) { return c.page(5, strings.Repeat("A", maxToken+1), query) },
		} {
			if got, err := try(); err == nil {
				t.Fatalf("%s: a foreign token was taken: %+v", name, got)
			}
		}
	})
}

// Many broken rules make a message of bounded size that still counts them all.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	op := findOperation(t, m, version, "DescribePackages")
	values := strings.Repeat(`"`+strings.Repeat("ü", 300)+`",`, 999)
	_, err := m.decode(op, nil, "", []byte(`{"Filters":[{"Name":"PackageID","Value":[`+values+`"ok"]}]}`))
	if err == nil {
		t.Fatal("accepted")
	}
	text := err.Error()
	if !strings.Contains(text, "999 validation errors detected") || !strings.HasSuffix(text, "and 949 more") || len(text) > 64<<10 {
		t.Errorf("%d bytes: %.200s ... %s", len(text), text, text[len(text)-40:])
	}
}

// A list that the model leaves open is bounded all the same: answering may cost far more than asking.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	for name, body := range map[string]string{
		"DescribeDomains":  `{"DomainNames":[%s]}`,
		"DescribePackages": `{"Filters":[{"Name":"PackageID","Value":[%s]}]}`,
	} {
		op := findOperation(t, m, version, name)
		for n, want := range map[int]string{maxItems: "", maxItems + 1: "Member must have length less than or equal to 1000"} {
			items := strings.TrimSuffix(strings.Repeat(`"abc",`, n), ",")
			_, err := m.decode(op, nil, "", fmt.Appendf(nil, body, items))
			if got := fmt.Sprint(err); want == "" && err != nil || !strings.HasSuffix(got, want) && want != "" {
				t.Errorf("%s with %d items: %.300s", name, n, got)
			}
		}
	}
}
