package awsapi

import (
	"net/url"
	"strings"
)

// maxPath bounds a path. The longest of the API has about 200 bytes.
const maxPath = 2048

// router finds the operation of a request. It splits the path as it came and decodes afterwards,
// never cleans it and never redirects: both would break signatures, and a mux's own error pages
// are not JSON. No path of the API fits two operations of one method, so the order says nothing; a
// test holds every new table to that.
type router struct {
	routes []route
}

type route struct {
	op       *operation
	segments []string // "{Name}" is a parameter
}

func newRouter(ops []*operation) *router {
	r := new(router)
	for _, op := range ops {
		r.routes = append(r.routes, route{op, splitPath(op.URI)})
		if bare, ok := strings.CutSuffix(op.URI, "/"); ok {
			// ListTags: SDKs call it with and without the slash of the model.
			r.routes = append(r.routes, route{op, splitPath(bare)})
		}
	}
	return r
}

// find returns the operation and its decoded path parameters, or nil.
func (r *router) find(method, escapedPath string) (*operation, map[string]string) {
	if len(escapedPath) > maxPath || !strings.HasPrefix(escapedPath, "/") {
		return nil, nil
	}
	segments := splitPath(escapedPath)
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return nil, nil
		}
		segments[i] = decoded
	}
	for _, route := range r.routes {
		if route.op.Method == method && len(route.segments) == len(segments) {
			if params, ok := route.match(segments); ok {
				return route.op, params
			}
		}
	}
	return nil, nil
}

// match compares segment by segment. A parameter takes anything, also "" and "..": its constraints
// decide about it.
func (r route) match(segments []string) (map[string]string, bool) {
	params := map[string]string{}
	for i, want := range r.segments {
		switch {
		case isParam(want):
			params[want[1:len(want)-1]] = segments[i]
		case want != segments[i]:
			return nil, false
		}
	}
	return params, true
}

func splitPath(p string) []string { return strings.Split(strings.TrimPrefix(p, "/"), "/") }

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }
