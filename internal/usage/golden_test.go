package usage_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

var update = flag.Bool("update", false, "write what Parse gives into testdata/*.uses.json")

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// report makes a report around a state as opensearch.Client.State returns it.
func report(state string) searchpack.UsageReport {
	var head struct {
		ClusterUUID string `json:"cluster_uuid"`
		Version     int64  `json:"version"`
	}
	_ = json.Unmarshal([]byte(state), &head)
	return searchpack.UsageReport{
		Schema: 1, ClusterUUID: head.ClusterUUID, Term: 1, Version: head.Version, State: json.RawMessage(state),
	}
}

func parse(t *testing.T, state string) searchpack.Usage {
	t.Helper()
	u, err := usage.Parse(report(state), nil, at)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The states were recorded from real nodes with the very request of StatePath and StateQuery, and
// every chain was asked there: each let good bytes pass and refused a missing file and bad UTF-8.
func TestRecordedStates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.state.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded states", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			state, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			enc := json.NewEncoder(&text)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(parse(t, string(state)).Uses); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".state.json") + ".uses.json"
			if *update {
				if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text.String()); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
		})
	}
}
