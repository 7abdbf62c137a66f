package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// way is one way in which an index or template reads a package's file, and a version that only it
// refuses.
type way struct {
	name string
	p    *pack
	kind string // declared with the bad version, so that the inspection has nothing against it
	bad  string
	says []string // of the refusal
}

// fill makes a package of texts that tests append to.
func fill(t *testing.T, u *up, name, kind, first string) (p *pack, texts *[]string) {
	t.Helper()
	texts = &[]string{first}
	p = &pack{u: u, name: name, kind: kind, released: map[searchpack.Digest]int{}, content: func(version int) []byte { return []byte((*texts)[version-1]) }}
	p.create(t)
	p.askAssociate(t)
	p.active(t, 1)
	return p, texts
}

// waysOfUse: however an index or template reads a file, a version that it could not read is refused
// with its name before anything is placed, and one that it can read is loaded by it.
func (c *cluster) waysOfUse(t *testing.T) {
	defer explainFailure(t, c.u)
	n1 := c.node(t, "n1")
	v, err := target.Parse(clusterVersion())
	if err != nil {
		t.Fatal(err)
	}
	scripts := !v.Before(3, 0) // else laid out without lang-painless, and a condition has a script
	// A synonym_analyzer of the index reads the rules from 3.6 on, but not those of a reload. Before, it
	// reads none, and must refuse none.
	first := "notebook, version1\n"
	if v.Before(3, 6) {
		first = "notebook, version1, stoprules\n"
	}
	synonyms, texts := fill(t, c.u, "ways-synonyms", "", first)
	words, wordTexts := fill(t, c.u, "ways-words", "words", "version1\n")
	unused, unusedTexts := fill(t, c.u, "ways-unused", "words", "version1\n")
	mapping, mappingTexts := fill(t, c.u, "ways-mapping", "mapping", "version1 => notebook\n")
	all := map[*pack]*[]string{synonyms: texts, words: wordTexts, unused: unusedTexts, mapping: mappingTexts}
	makeWays(t, c, synonyms, words, unused, mapping, scripts)

	const latin1 = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<hyphenation-info><patterns>caf\xe9</patterns></hyphenation-info>\n"
	ways := []way{
		{"branch of a multiplexer", synonyms, "", "notebook, stopbranch\n", []string{"index ways, analyzer branch"}},
		{"synonym_analyzer", synonyms, "", "notebook, stopbefore\n", []string{"index ways, analyzer through"}},
		{"closed index", synonyms, "", "notebook, stopclosed\n", []string{"index ways-closed, analyzer shut"}},
		{"component template", synonyms, "", "notebook, stoptemplate\n", []string{"index template ways-template, analyzer made"}},
		{"built-in analyzer", words, "hyphenation", latin1, []string{"index ways-words, analyzer brief (by an equivalent component)", "UTF-8"}},
		{"unused filter", unused, "hyphenation", latin1, []string{"index ways-unused, analyzer filter.idle", "UTF-8"}},
		{"normalizer", mapping, "solr-synonyms", "notebook, version2\n", []string{"index ways-mapping, analyzer normalizer.plain", "Line [1]: Invalid mapping rule"}},
	}
	if scripts {
		ways = append(ways, way{"condition", synonyms, "", "notebook, stopcondition\n", []string{"index ways, analyzer conditional"}})
	}
	if !v.Before(3, 6) {
		ways = append(ways, way{"synonym_analyzer of the index", synonyms, "", "notebook, stoprules\n", []string{"index ways, analyzer through"}})
	}
	for _, w := range ways {
		c.refuses(t, w, all[w.p])
	}
	for _, p := range []*pack{synonyms, words, unused, mapping} {
		*all[p] = append(*all[p], strings.ReplaceAll((*all[p])[0], "version1", fmt.Sprintf("version%d", len(*all[p])+1)))
		c.takes(t, p, len(*all[p]))
	}
	c.loadedByWays(t, len(*texts), len(*wordTexts), len(*mappingTexts), scripts)
	c.brokenBefore(t, synonyms, texts)

	for _, path := range []string{"/ways*?expand_wildcards=all", "/_index_template/ways-template", "/_component_template/ways-filters"} {
		require(t, n1, http.MethodDelete, path, nil)
	}
	for p := range all {
		p.askDissociate(t)
	}
	for p := range all {
		p.gone(t)
	}
}

// makeWays makes the indices and templates, each analyzer with a stop word of its own before the file,
// so that a rule about the word can be read by all others.
func makeWays(t *testing.T, c *cluster, synonyms, words, unused, mapping *pack, scripts bool) {
	t.Helper()
	file := func(p *pack) string { return "analyzers/" + p.id }
	rules := func(hot bool) object {
		return object{"type": "synonym_graph", "synonyms_path": file(synonyms), "updateable": hot}
	}
	stop := func(word string) object { return object{"type": "stop", "stopwords": []string{word}} }
	custom := func(filters ...string) object {
		return object{"type": "custom", "tokenizer": "standard", "filter": filters}
	}
	searched := func(analyzer string) object {
		return object{"type": "text", "analyzer": "standard", "search_analyzer": analyzer}
	}
	filters := object{
		"s": rules(true), "zb": stop("stopbranch"), "zr": stop("stoprules"), "zp": stop("stopbefore"),
		"branches": object{"type": "multiplexer", "filters": []string{"lowercase", "zb, s"}},
		"sx":       object{"type": "synonym_graph", "synonyms_path": file(synonyms), "updateable": true, "synonym_analyzer": "rules"},
	}
	analyzers := object{"branch": custom("branches"), "rules": custom("zr"), "through": custom("zp", "sx")}
	fields := object{"branch": searched("branch"), "through": searched("through")}
	if scripts {
		filters["sc"], filters["zc"] = rules(false), stop("stopcondition")
		filters["c"] = object{"type": "condition", "filter": []string{"zc", "sc"}, "script": object{"source": "true"}}
		analyzers["conditional"], fields["conditional"] = custom("c"), searched("conditional")
	}
	one := object{"number_of_shards": 1, "number_of_replicas": len(c.u.document().Domains[0].Nodes) - 1}
	index := func(name string, analysis, fields object) {
		t.Helper()
		fillIndex(t, c.node(t, "n1"), name, object{
			"settings": object{"index": one, "analysis": analysis}, "mappings": object{"properties": fields}})
	}
	index("ways", object{"filter": filters, "analyzer": analyzers}, fields)
	index("ways-closed", object{"filter": object{"s": rules(true), "z": stop("stopclosed")}, "analyzer": object{"shut": custom("z", "s")}},
		object{"shut": searched("shut")})
	index("ways-words", object{
		"filter": object{"s": rules(true), "w": object{"type": "stop", "stopwords_path": file(words)}},
		"analyzer": object{
			"brief": object{"type": "english", "stopwords_path": file(words)}, "beside": custom("s", "w")},
	}, object{"brief": searched("brief"), "beside": searched("beside")})
	index("ways-unused", object{"filter": object{"idle": object{"type": "stop", "stopwords_path": file(unused)}}}, object{})
	index("ways-mapping", object{
		"char_filter": object{"m": object{"type": "mapping", "mappings_path": file(mapping)}},
		"normalizer":  object{"plain": object{"type": "custom", "char_filter": []string{"m"}, "filter": []string{"lowercase"}}},
	}, object{"plain": object{"type": "keyword", "normalizer": "plain"}})
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPut, "/ways/_doc/1?refresh=true", object{"branch": "notebook", "through": "notebook", "conditional": "notebook"}},
		{http.MethodPut, "/ways-closed/_doc/1?refresh=true", object{"shut": "notebook"}},
		{http.MethodPost, "/ways-closed/_close", nil},
		{http.MethodPut, "/_component_template/ways-filters", object{"template": object{"settings": object{"analysis": object{
			"filter": object{"s": rules(true), "z": stop("stoptemplate")}}}}}},
		{http.MethodPut, "/_index_template/ways-template", object{
			"index_patterns": []string{"ways-made*"}, "composed_of": []string{"ways-filters"},
			"template": object{
				"settings": object{"index": one, "analysis": object{"analyzer": object{"made": custom("z", "s")}}},
				"mappings": object{"properties": object{"made": searched("made")}}}}},
	} {
		require(t, c.node(t, "n1"), call.method, call.path, call.body)
	}
}

// refuses: the bad version of the way ends in a failure that names who cannot read it, and the version
// that served goes on to.
func (c *cluster) refuses(t *testing.T, w way, texts *[]string) {
	t.Helper()
	serving := w.p.serving(t)
	kind := w.p.kind
	w.p.kind = w.kind
	*texts = append(*texts, w.bad)
	w.p.update(t, len(*texts))
	w.p.kind = kind
	files := watch(t, w.p, false)
	w.p.askAssociate(t)
	message := w.p.failed(t, "ASSOCIATION_FAILED")
	files.end(t)
	if len(files.seen) != 1 || !files.seen[serving] {
		t.Errorf("%s: while v%d was refused the nodes had versions %v", w.name, len(*texts), files.seen)
	}
	for _, want := range append(w.says, "Nothing was placed", fmt.Sprintf("v%d of %s still serves", serving, w.p.name)) {
		if !strings.Contains(message, want) {
			t.Errorf("%s: the refusal does not say %q: %s", w.name, want, message)
		}
	}
	t.Logf("%s: %s", w.name, message)
}

// serving is the version that the association shows.
func (p *pack) serving(t *testing.T) (version int) {
	t.Helper()
	fields := strings.Fields(p.state(t))
	if len(fields) < 2 {
		t.Fatalf("%s: %v", p.name, fields)
	}
	if _, err := fmt.Sscanf(strings.TrimSuffix(fields[1], ":"), "v%d", &version); err != nil {
		t.Fatalf("%s: %v", p.name, fields)
	}
	return version
}

// failed waits until the association has the status and returns what it says.
func (p *pack) failed(t *testing.T, status string) (message string) {
	t.Helper()
	defer explainFailure(t, p.u)
	eventually(t, func() string {
		s := p.state(t)
		if !strings.HasPrefix(s, status) {
			return fmt.Sprintf("%s does not become %s: %s", p.name, status, s)
		}
		message = s
		return ""
	})
	return message
}

// gone waits until the package is dissociated and no node has its file.
func (p *pack) gone(t *testing.T) {
	t.Helper()
	defer explainFailure(t, p.u)
	eventually(t, func() string {
		if s := p.state(t); s != "none" {
			return fmt.Sprintf("%s is not dissociated: %s", p.name, s)
		}
		return p.onDisk(0)
	})
}

// takes: the version is ACTIVE on every node.
func (c *cluster) takes(t *testing.T, p *pack, version int) {
	t.Helper()
	p.update(t, version)
	p.askAssociate(t)
	p.active(t, version)
}

// findings of the package's association, a line each.
func (p *pack) findings(t *testing.T) []string {
	t.Helper()
	_, out := cli(t, p.u, "domains", "demo")
	var found []string
	for line := range strings.Lines(out) {
		found = append(found, strings.TrimSpace(line))
	}
	return found
}

// loadedByWays: what can be reloaded is at once, the rest when its index is opened, as it was said.
func (c *cluster) loadedByWays(t *testing.T, synonyms, words, mapping int, scripts bool) {
	t.Helper()
	n1 := c.node(t, "n1")
	everywhere := func(index, field string, version int) {
		t.Helper()
		eventually(t, func() string {
			for _, n := range c.u.document().Domains[0].Nodes {
				if why := hitIn(t.Context(), n, index, field, fmt.Sprintf("version%d", version)); why != "" {
					return why
				}
			}
			return ""
		})
	}
	reopen := func(index string) {
		t.Helper()
		for _, action := range []string{"_close", "_open"} {
			require(t, n1, http.MethodPost, "/"+index+"/"+action, nil)
		}
		c.green(t, index)
	}
	everywhere("ways", "branch", synonyms)
	everywhere("ways", "through", synonyms)

	said := (&pack{u: c.u}).findings(t)
	needs := []string{
		"reopen needed: index ways-words: analyzer.brief cannot be reloaded",
		"reindex needed: index ways-mapping: char_filter.m is used at index time",
	}
	if scripts {
		needs = append(needs, "reopen needed: index ways: filter.sc cannot be reloaded")
	}
	for _, want := range needs {
		if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("searchpack domains does not say %q:\n%s", want, strings.Join(said, "\n"))
		}
	}
	if scripts {
		reopen("ways")
		everywhere("ways", "conditional", synonyms)
		everywhere("ways", "branch", synonyms)
	}
	require(t, n1, http.MethodPost, "/ways-closed/_open", nil)
	c.green(t, "ways-closed")
	everywhere("ways-closed", "shut", synonyms)
	require(t, n1, http.MethodPut, "/ways-made/_doc/1?refresh=true", object{"made": "notebook"})
	c.green(t, "ways-made")
	everywhere("ways-made", "made", synonyms)

	kept := fmt.Sprintf("version%d kept", words)
	if got := terms(t, n1, "ways-words", object{"analyzer": "beside"}, kept); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("stop words beside updateable synonyms make %v", got)
	}
	reopen("ways-words")
	if got := terms(t, n1, "ways-words", object{"analyzer": "brief"}, kept); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the built-in analyzer makes %v", got)
	}
	reopen("ways-mapping")
	if got := terms(t, n1, "ways-mapping", object{"normalizer": "plain"}, fmt.Sprintf("version%d", mapping)); !slices.Equal(got, []string{"notebook"}) {
		t.Errorf("the normalizer makes %v", got)
	}
}

// green waits until every copy of the index is there.
func (c *cluster) green(t *testing.T, index string) {
	t.Helper()
	require(t, c.node(t, "n1"), http.MethodGet, "/_cluster/health/"+index+"?wait_for_status=green&timeout=60s", nil)
}
