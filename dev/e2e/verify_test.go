package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// verified: a version comes with checks. One that passes them serves; one that fails by an analysis or by a
// search leaves the former version in place, loaded on every node, and the message names the check.
func (c *cluster) verified(t *testing.T) {
	defer explainFailure(t, c.u)
	next := func(analyze, search string) {
		t.Helper()
		doc := fmt.Sprintf(`{"schema": 1, "checks": [
			{"name": "the newest word means notebook", "index": "books", "analyze": {"analyzer": "with_synonyms", "text": "version%d"}, "expect": {%s}},
			{"name": "the notebook is found by it", "index": "books", "search": {"match": {"title": "version%[1]d"}}, "expect": {%[3]s}},
			{"name": "of an index to come", "index": "films", "search": {"match": {"title": "x"}}, "expect": {"min_hits": 1}}]}`, c.version+1, analyze, search)
		c.p.checks = "checks/synonyms.json"
		putObject(t, c.u, c.p.checks, []byte(doc))
		c.next(t)
		c.p.askAssociate(t)
	}
	const isNotebook, isFound = `"equals": ["notebook", "version%d"]`, `"min_hits": 1, "max_hits": 1, "ids": ["1"], "excludes_ids": ["2"]`
	next(fmt.Sprintf(isNotebook, c.version+1), isFound)
	c.p.active(t, c.version)
	c.provenLoaded(t, c.version)
	searchable(t, c.p, "books", c.version)
	good := c.version
	if _, versions := cli(t, c.u, "versions", c.p.id, "--output", "json"); strings.Count(versions, `"checks": 3`) != 1 {
		t.Errorf("versions: %s", versions)
	}
	if _, domain := cli(t, c.u, "domains", "demo", "--output", "json"); !strings.Contains(domain, `check \"of an index to come\" was not run: there is no index films`) || strings.Count(domain, "was not run") != 1 {
		t.Errorf("domains demo: %s", domain)
	}

	for _, bad := range []struct{ analyze, search, want string }{
		{`"contains": ["tablet"]`, isFound, fmt.Sprintf(`Check "the newest word means notebook" of v%d of synonyms failed on node n`, good+1)},
		{fmt.Sprintf(isNotebook, good+2), `"ids": ["9"]`, fmt.Sprintf(`Check "the notebook is found by it" of v%d of synonyms failed on node n`, good+2)},
	} {
		next(bad.analyze, bad.search)
		eventually(t, func() string {
			s := c.p.state(t)
			if !strings.HasPrefix(s, fmt.Sprintf("ASSOCIATION_FAILED v%d: ", good)) {
				return "it does not fail: " + s
			}
			if !strings.Contains(s, bad.want) || !strings.Contains(s, fmt.Sprintf("v%d of synonyms still serves", good)) {
				t.Errorf("it says %s, want %s", s, bad.want)
			}
			t.Log(s)
			return ""
		})
		if why := c.p.onDisk(good); why != "" {
			t.Error(why)
		}
		searchable(t, c.p, "books", good)
		for _, n := range c.u.document().Domains[0].Nodes {
			if why := hit(t.Context(), n, "books", fmt.Sprintf("version%d", c.version)); why == "" {
				t.Errorf("%s still finds by v%d, whose check has failed", n.Name, c.version)
			}
		}
	}
	c.p.checks = ""
	c.next(t)
	c.p.askAssociate(t)
	c.p.active(t, c.version)
}
