package catalog

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// TestNeedsOf: the newest report that says who needs the plugin counts.
func TestNeedsOf(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	agent := func(seconds int, packageID string, r *searchpack.NeedsReport) *searchpack.AgentState {
		return &searchpack.AgentState{
			Report:     &searchpack.Report{Plugins: []searchpack.PluginReport{{PackageID: packageID, Needs: r}}},
			ReportedAt: at.Add(time.Duration(seconds) * time.Second),
		}
	}
	old, newest, other := &searchpack.NeedsReport{MoreNeeds: 1}, &searchpack.NeedsReport{MoreNeeds: 2}, &searchpack.NeedsReport{MoreNeeds: 3}
	retired := agent(99, "P1", other)
	retired.RetiredAt = at
	all := []*searchpack.AgentState{
		{}, agent(1, "P1", old), agent(5, "P1", newest), agent(3, "P1", other), agent(9, "P2", other), agent(10, "P1", nil),
		agent(11, "P1", &searchpack.NeedsReport{Absent: true}), retired,
	}
	if got := needsOf(all, "P1"); got != newest {
		t.Errorf("%+v", got)
	}
	if got := needsOf(all, "P3"); got != nil {
		t.Errorf("%+v", got)
	}
}
