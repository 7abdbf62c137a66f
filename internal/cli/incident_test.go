package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// An incident says what was found: other bytes, nothing at all, or something that has no bytes.
func TestIncidentsInWords(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]searchpack.Incident{
		"F1 had other bytes (0123456789ab), healed":                                         {Kind: searchpack.IncidentChanged, Found: searchpack.Digest(strings.Repeat("0123456789abcdef", 4)), Healed: true},
		"F1 had another owner or mode, healed at 2026-01-02T03:04:05Z":                      {Kind: searchpack.IncidentRights, Healed: true, HealedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		`F1 is not what index shop, analyzer srch has loaded (text "sofa"), not healed yet`: {Kind: searchpack.IncidentTurnedBack, Index: "shop", Analyzer: "srch", Text: "sofa"},
		"F1 was gone, not healed yet":                                                       {Kind: searchpack.IncidentMissing},
		"F1 was replaced by something that is no file, not healed yet":                      {Kind: searchpack.IncidentChanged},
	} {
		i.PackageID = "F1"
		p := &page{}
		addTroubles(p, catalog.NodeView{Name: "n1", Incidents: []*searchpack.NodeIncident{{Incident: i}}})
		if got := p.text.String(); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
