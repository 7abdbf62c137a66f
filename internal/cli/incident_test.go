package cli

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// An incident says what was found: other bytes, nothing at all, or something that has no bytes.
func TestIncidentsInWords(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]searchpack.Incident{
		"F1 had other bytes (0123456789ab), healed":                    {Kind: searchpack.IncidentChanged, Found: searchpack.Digest(strings.Repeat("0123456789abcdef", 4)), Healed: true},
		"F1 was gone, not healed yet":                                  {Kind: searchpack.IncidentMissing},
		"F1 was replaced by something that is no file, not healed yet": {Kind: searchpack.IncidentChanged},
	} {
		i.PackageID = "F1"
		p := &page{}
		addTroubles(p, catalog.NodeView{Name: "n1", Incidents: []*searchpack.NodeIncident{{Incident: i}}})
		if got := p.text.String(); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
