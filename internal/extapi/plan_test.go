package extapi

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// The plans that the fake catalog answers with.
var (
	plan = &catalog.PlanView{
		Domain: "shop", Adopted: "analysis/synonyms.txt", Package: searchpack.Package{ID: "F111111111", Name: "synonyms", Type: searchpack.TypeDictionary},
		Version: &searchpack.Version{Number: 3, Kind: searchpack.KindSynonyms}, Former: good, UsageAt: moment,
		Outlook: rollout.Outlook{
			Refused: &searchpack.Error{Code: searchpack.ErrConflict, Message: "Another version is being associated"},
			Serves:  true, Identical: true,
			Members: rollout.Membership{
				Frozen: "two clusters", Hold: "the nodes name different managers",
				Nodes: []rollout.NodeStanding{
					{AgentID: "agent-1", NodeID: "node-1", Name: "n1", Standing: rollout.MustProve, Manager: true},
					{AgentID: "agent-2", Name: "n2", Standing: rollout.Owed, Reason: "its node is in no cluster"},
				},
			},
			Before: []searchpack.Rollout{{
				ID: "roll-1", State: searchpack.RolloutRunning, Phase: searchpack.PhaseProbe, Waiting: "n2 is silent",
				Steps: []searchpack.RolloutStep{{PackageID: "F222222222", Action: searchpack.ActionAssociate, VersionID: "ver-3", FormerID: "ver-1"}},
			}},
			Probes: 3, Generic: true, UsageKnown: true, Truncated: true, Points: 2, NoWitness: "the same bytes serve already",
			Checks: 2, NoChecks: "the domain has no OpenSearch",
			Users: []rollout.UserOutlook{
				{
					Use: searchpack.Use{
						UserKind: searchpack.UserIndex, Name: "products", Closed: true, Component: "filter.synonyms", Analyzers: []string{"search"}, Fields: []string{"title (search)"},
						Witnesses: []searchpack.WitnessPoint{{Analyzer: "search", Blind: "its chain cannot be written inline"}, {Analyzer: "other", Body: "{}"}},
					},
					Reach: rollout.ReachHot, Note: "note",
				},
				{Use: searchpack.Use{UserKind: searchpack.UserTemplate, Name: "logs", Component: "filter.synonyms"}, Reach: rollout.ReachNothing, Note: "each index that it makes reads the new version"},
			},
		},
		Findings: map[searchpack.Severity]int{searchpack.SeverityWarning: 2, searchpack.SeverityNote: 1}, FindingCount: 4,
		Difference: &catalog.Difference{Added: 3, Removed: 1, Changed: 2, Texts: []string{"laptop", "tv"}, Note: "by meaning"},
		Names:      map[string]string{"F222222222": "stop-words"}, Versions: map[string]*searchpack.Version{"ver-3": {Number: 3}},
	}
	planOfPlugin = &catalog.PlanView{
		Domain: "shop", Package: searchpack.Package{ID: "F333333333", Name: "lemmas"}, Version: &searchpack.Version{Number: 2}, Former: good,
		Outlook: rollout.Outlook{
			Members: rollout.Membership{Nodes: []rollout.NodeStanding{
				{AgentID: "agent-1", NodeID: "node-1", Name: "n1", Standing: rollout.MustProve, Manager: true},
				{AgentID: "agent-2", NodeID: "node-2", Name: "n2", Standing: rollout.MustProve},
			}},
			NoWitness: "a plugin is proven by each node's own list of plugins, and by its files",
			Restarts: &rollout.RestartOutlook{Nodes: []rollout.NodeRestart{
				{AgentID: "agent-1", Name: "n1", Manager: true, Own: true}, {AgentID: "agent-2", Name: "n2", Note: "it gets v1 of package F999999999, which is made for its OpenSearch 3.7.0"},
			}},
		},
		TurnTime: 45500 * time.Millisecond, FormerRestarts: 6,
		Findings: map[searchpack.Severity]int{}, Difference: &catalog.Difference{Changed: 1, Note: "by file"},
	}
	planOfNothing = &catalog.PlanView{
		Domain: "empty", Package: searchpack.Package{ID: "F111111111", Name: "synonyms"},
		Outlook:  rollout.Outlook{NoWitness: "no node of the domain reports", Members: rollout.Membership{Hold: "no node of the domain reports"}},
		Findings: map[searchpack.Severity]int{},
	}
)

func TestPlanRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v3", "0", "-1", "99999999999", "latest"} {
		s := newSite(t)
		if w := s.ask("GET /domains/shop/packages/F1/plan?version="+version, ""); w.Code != 400 || s.catalog.asked != nil {
			t.Errorf("%s: status %d, the catalog was asked %v", version, w.Code, s.catalog.asked)
		}
	}
}
