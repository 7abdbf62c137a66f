package agentapi_test

import (
	"encoding/json"
	"testing"

	"github.com/searchpack/searchpack"
)

// Whose file a path is, the associations of the domain say at the moment of the report.
func TestUsageOfAdoptedFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.order(m.got.AgentID, searchpack.Order{Generation: 1, Speaker: true})
	report := func(version int64) *searchpack.UsageReport {
		return &searchpack.UsageReport{Schema: 1, ClusterUUID: "c", Version: version, State: json.RawMessage(
			`{"metadata":{"indices":{"books":{"state":"open","settings":{"index":{"analysis":{"filter":{"syn":{"type":"synonym","synonyms_path":"analysis/synonyms.txt"}}}}}}}}}`)}
	}
	for i, c := range []struct {
		path string
		uses int
	}{{"", 0}, {"analysis/synonyms.txt", 1}, {"other.txt", 0}} {
		s.update(func(tx searchpack.Tx) error {
			return tx.PutAssociation(t.Context(), &searchpack.Association{Domain: m.got.Domain, PackageID: "F1", Status: searchpack.Active, Path: c.path})
		})
		if err := m.Usage(t.Context(), report(int64(i+1))); err != nil {
			t.Fatal(err)
		}
		u := s.usage()
		if len(u.Uses) != c.uses || c.uses > 0 && (u.Uses[0].PackageID != "F1" || u.Uses[0].Path != c.path) {
			t.Errorf("with path %q: %+v", c.path, u.Uses)
		}
	}
}

func TestReportPathsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Files: []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileAdopt, Path: string(make([]byte, 1000))}}}
	if _, err := m.Report(t.Context(), r); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("a path of 1,000 bytes: %v", err)
	}
}
