package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// A plan of a plugin says how many restarts by whom, and what that puts at risk.
func TestPlanOfRestarts(t *testing.T) {
	t.Parallel()
	const own, other = `{"name":"n1","restart":"own"}`, `{"name":"n2","restart":"external","manager":true}`
	for name, c := range map[string]struct {
		restarts string
		want     []string
		without  string
	}{
		"by agents": {
			restarts: `{"nodes":[` + own + `,` + own + `],"policy":"careful"}`,
			want:     []string{"expected duration: not known: no agent has restarted a node of this domain yet\n", "restarts: 2, by the nodes' agents, one node after the other", "indices at risk: none loses its last copy;", "looked at before each stop, not here", "the first does not come back", "2     n1    its agent"},
		},
		"as before": {
			restarts: `{"nodes":[` + own + `,` + own + `],"policy":"careful","expected":{"seconds":91,"seconds_a_node":46,"former_restarts":6}}`,
			want:     []string{"expected duration: about 1m31s, 46s a node, by 6 former restarts in this domain\n"},
		},
		"as before, and by somebody": {
			restarts: `{"nodes":[` + own + `,` + other + `],"policy":"careful","expected":{"seconds":1,"seconds_a_node":1,"former_restarts":1}}`,
			want:     []string{"about 1s, 1s a node", "; how long somebody else takes is not known"},
		},
		"by somebody": {
			restarts: `{"nodes":[` + other + `],"policy":"careful"}`,
			want:     []string{"restarts: 1, by somebody else: the rollout waits", "does not hold them back", "any   n2    somebody else  manager"}, without: "does not come back",
		},
		"by both": {restarts: `{"nodes":[` + own + `,` + other + `],"policy":"careful"}`, want: []string{"1 by the nodes' agents, one after the other; then 1 by somebody else"}},
		"any":     {restarts: `{"nodes":[` + own + `],"policy":"any"}`, want: []string{"those without a replica"}},
		"one":     {restarts: `{"nodes":[` + own + `],"policy":"any","one_node":true}`, want: []string{"indices at risk: all, the domain has one node"}},
		"none":    {restarts: `{"nodes":[],"policy":"careful"}`, want: []string{"restarts: none, every node has it already"}, without: "indices"},
		"files":   {restarts: `{"nodes":[` + own + `],"policy":"careful","files_only":true}`, want: []string{"restarts: none, the domain has no OpenSearch"}, without: "TURN"},
	} {
		x := planLine{Name: "lemmas", Domain: "shop", Version: "v2", Restarts: &planRestarts{}}
		if err := json.Unmarshal([]byte(c.restarts), x.Restarts); err != nil {
			t.Fatal(err)
		}
		p := &page{}
		x.show(p)
		got := p.text.String()
		for _, want := range append(c.want, "lemmas in shop: v2") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
		if c.without != "" && strings.Contains(got, c.without) || strings.Contains(got, "probes:") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
