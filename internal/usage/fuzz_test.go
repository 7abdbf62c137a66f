package usage_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// FuzzParse: whatever a node sends, Parse does not panic, says the same twice, and its chains are
// JSON documents that name the file where PathMark stands.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.state.json")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(string(b))
		}
	}
	for _, tt := range chainTests {
		if len(tt.analysis) < 4<<10 {
			f.Add(index(tt.analysis, `{"_doc":{"properties":{"t":{"analyzer":"a"}}}}`))
		}
	}
	f.Add(`{"metadata":{"indices":{"":{"settings":{"index":{"analysis.filter..type":null,"analysis":[]}}}}}}`)
	f.Add(`{"metadata":{"index_template":{"index_template":{"t":{"composed_of":["t","t"],"template":{"mappings":[]}}}}}}`)
	f.Fuzz(func(t *testing.T, state string) {
		u, err := usage.Parse(report(state), nil, at)
		if err != nil {
			return
		}
		again, err := usage.Parse(report(state), nil, at)
		if diff := cmp.Diff(u, again); diff != "" || err != nil {
			t.Fatalf("not the same twice: %v\n%s", err, diff)
		}
		for _, use := range u.Uses {
			for _, c := range use.Chains {
				body := strings.ReplaceAll(c.Body, searchpack.PathMark, searchpack.ReferencePath(use.PackageID))
				if !json.Valid([]byte(body)) || body == c.Body {
					t.Fatalf("chain of %s: %s", use.Component, c.Body)
				}
			}
		}
	})
}
