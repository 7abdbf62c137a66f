package usage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// names is a cluster state with one index whose synonym filter names a file.
func names(t *testing.T, path string) string {
	t.Helper()
	quoted, err := json.Marshal(path)
	if err != nil {
		t.Fatal(err)
	}
	return `{"cluster_uuid":"uuid","version":7,"metadata":{"indices":{"shop":{"state":"open","settings":{"index":{"analysis":{
		"filter":{"syn":{"type":"synonym_graph","synonyms_path":` + string(quoted) + `,"updateable":"true"}},
		"analyzer":{"srch":{"type":"custom","tokenizer":"standard","filter":["lowercase","syn"]}}}}},
		"mappings":{"_doc":{"properties":{"title":{"type":"text","analyzer":"standard","search_analyzer":"srch"}}}}}}}}`
}

// Every spelling that ends at the path of an adopted file is a use of its package, and the path that the
// package would have otherwise is none.
func TestAdoptedFiles(t *testing.T) {
	t.Parallel()
	adopted := map[string]string{"F7": "analysis/synonyms.txt", "F8": "synonyms.txt"}
	for path, want := range map[string]string{
		"analysis/synonyms.txt": "F7", "./analysis/synonyms.txt": "F7", "x/../analysis//synonyms.txt": "F7",
		" analysis/synonyms.txt ": "F7", "/etc/opensearch/analysis/synonyms.txt": "F7", "../config/analysis/synonyms.txt": "F7",
		"synonyms.txt": "F8", "./synonyms.txt": "F8", "/etc/opensearch/synonyms.txt": "F8",
		"other/synonyms.txt": "", "analysis/synonyms.txt.bak": "", "analysis/Synonyms.txt": "", "analyzers/F7": "",
		"analyzers/F9": "F9", "/etc/opensearch/analyzers/F9": "F9", "/etc/opensearch/analyzers/F7": "",
	} {
		r := searchpack.UsageReport{Schema: 1, ClusterUUID: "uuid", Version: 7, State: json.RawMessage(names(t, path))}
		u, err := usage.Parse(r, adopted, at)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if len(u.Uses) > 0 {
				t.Errorf("%q counts as a use of %s", path, u.Uses[0].PackageID)
			}
			continue
		}
		if len(u.Uses) != 1 || u.Uses[0].PackageID != want || u.Uses[0].Path != adopted[want] {
			t.Errorf("%q: %+v", path, u.Uses)
			continue
		}
		use := u.Uses[0]
		if len(use.Chains) == 0 || !strings.Contains(use.Chains[0].Body, searchpack.PathMark) || len(use.Witnesses) != 1 || !strings.Contains(use.Witnesses[0].Body, searchpack.PathMark) {
			t.Errorf("%q: chains %+v, witnesses %+v", path, use.Chains, use.Witnesses)
		}
	}
}
