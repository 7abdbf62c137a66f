package cli

import (
	"maps"
	"strings"
	"testing"
)

func init() {
	maps.Copy(commands, map[string]commandTest{
		"plan":        {&PlanCmd{Package: "synonyms", Domain: "shop", Version: "v3"}, []string{"GET /domains/shop/packages/F111111111/plan?version=3"}, "plan"},
		"plan-plugin": {&PlanCmd{Package: "F333333333", Domain: "shop"}, []string{"GET /domains/shop/packages/F333333333/plan"}, "plan-plugin"},
		"plan-of":     {&PlanCmd{Package: "F111111111", Domain: "empty"}, []string{"GET /domains/empty/packages/F111111111/plan"}, "plan-none"},
	})
	maps.Copy(recorded, map[string]string{
		"GET /domains/shop/packages/F111111111/plan":  "plan",
		"GET /domains/shop/packages/F333333333/plan":  "plan-plugin",
		"GET /domains/empty/packages/F111111111/plan": "plan-none",
	})
}

// What each plan says in its lines.
func TestPlanLines(t *testing.T) {
	t.Parallel()
	type says struct {
		plan planLine
		want string
	}
	known := func(f func(x *planLine)) planLine {
		x := planLine{Name: "synonyms", Domain: "shop", Version: "v3", Former: "v1"}
		x.Usage.Known = true
		f(&x)
		return x
	}
	for name, c := range map[string]says{
		"update":     {known(func(*planLine) {}), "synonyms in shop: v3, v1 serves\n"},
		"first":      {known(func(x *planLine) { x.Former = "" }), "synonyms in shop: v3, nothing serves yet\n"},
		"serves":     {known(func(x *planLine) { x.Serves, x.Identical = true, true }), "v3 serves already, nothing would change"},
		"identical":  {known(func(x *planLine) { x.Identical = true }), "v3, with the bytes of v1 that serve"},
		"unused":     {known(func(*planLine) {}), "users: no index and no template uses the file"},
		"unknown":    {known(func(x *planLine) { x.Usage.Known = false }), "users: no node has said yet"},
		"no probe":   {known(func(*planLine) {}), "probes: none"},
		"generic":    {known(func(x *planLine) { x.Probes.Chains, x.Probes.Generic = 1, true }), "probes: the generic chain"},
		"chains":     {known(func(x *planLine) { x.Probes.Chains = 4 }), "probes: 4 of the chains"},
		"witnesses":  {known(func(x *planLine) { x.Witnesses.Analyzers, x.Witnesses.Blind = 2, 1 }), "witnesses: 2 analyzers can be seen to have it loaded, 1 cannot"},
		"checks":     {known(func(x *planLine) { x.Checks.Count = 2 }), "checks: 2, run at the end on each node; one that fails brings v1 back"},
		"of a first": {known(func(x *planLine) { x.Checks.Count, x.Former = 2, "" }), "checks: 2, run at the end on each node\n"},
		"no checks":  {known(func(x *planLine) { x.Checks.Reason = "the domain has no OpenSearch" }), "checks: none is run: the domain has no OpenSearch"},
		"findings":   {known(func(x *planLine) { x.Findings.Count = 3 }), "findings: 3 that were not kept"},
	} {
		p := &page{}
		c.plan.show(p)
		if got := p.text.String(); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q lacks %q", name, got, c.want)
		}
	}
}
