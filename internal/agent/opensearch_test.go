package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/opensearch"
)

var _ OpenSearch = (*opensearch.Client)(nil)

// fakeNode answers like an OpenSearch node as far as the agent asks, and reads the files that an
// inline _analyze names, as a node does. The real one is asked in the end-to-end tests.
type fakeNode struct {
	srv    *httptest.Server
	config string

	mu        sync.Mutex
	away      bool
	busy      int // _analyze answers 503 that many times
	ephemeral string
	version   int64
	index     string // the name of the one index that uses F1
	calls     []string
	noAPI     bool
	loaded    string // bytes that the index's analyzer has loaded
	moving    bool   // a refresh leaves it as it is
}

func newFakeNode(t *testing.T) *fakeNode {
	f := &fakeNode{ephemeral: "e1", version: 1, index: "shop"}
	f.srv = httptest.NewServer(f)
	t.Cleanup(f.srv.Close)
	return f
}

func (f *fakeNode) set(edit func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit()
}

func (f *fakeNode) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	p := r.URL.Path
	switch {
	case strings.HasPrefix(p, "/_nodes/_local/http"):
		fmt.Fprint(w, `{"cluster_name":"t","nodes":{"N1":{"name":"n1","version":"3.8.0","roles":["data"],"http":{"publish_address":"127.0.0.1:9200"}}}}`)
	case strings.HasPrefix(p, "/_cluster/state/version,nodes"):
		fmt.Fprintf(w, `{"cluster_name":"t","cluster_uuid":"U","version":%d,"cluster_manager_node":"N1","nodes":{"N1":{"name":"n1","ephemeral_id":%q}},"metadata":{"cluster_coordination":{"term":1}}}`, f.version, f.ephemeral)
	case strings.HasPrefix(p, "/_cluster/state/version,metadata"):
		fmt.Fprintf(w, `{"cluster_uuid":"U","version":%d,"metadata":{"cluster_coordination":{"term":1},"indices":{%q:{"state":"open","settings":{"index":{"analysis":{"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":"true"}}}}}}}}}`, f.version, f.index)
	case p == "/_analyze":
		f.analyze(w, r)
	case p == "/_cluster/state/routing_nodes":
		fmt.Fprintf(w, `{"cluster_name":"t","routing_nodes":{"nodes":{"N1":[{"state":"STARTED","index":%q,"shard":0}]}}}`, f.index)
	case strings.HasSuffix(p, "/_termvectors"):
		f.vectors(w, r)
	case p == "/_cluster/health", strings.HasPrefix(p, "/_cluster/health/"):
		fmt.Fprint(w, `{"status":"green","timed_out":false,"active_shards":1,"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0}`)
	case strings.HasPrefix(p, "/_plugins/_refresh_search_analyzers"):
		f.refresh(w, r)
	case strings.HasSuffix(p, "/_cache/clear"), p == "/_cluster/reroute":
		f.calls = append(f.calls, r.Method+" "+p)
		fmt.Fprint(w, `{"_shards":{"total":1,"successful":1,"failed":0},"acknowledged":true}`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"no handler found for uri [%s] and method [%s]"}`, p, r.Method)
	}
}

func (f *fakeNode) refresh(w http.ResponseWriter, r *http.Request) {
	index := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/_plugins/_refresh_search_analyzers"), "/")
	switch {
	case f.noAPI:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"no handler found for uri [%s] and method [POST]"}`, r.URL.Path)
	case index == "":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"type":"illegal_argument_exception","reason":"Missing indices"},"status":400}`)
	case index != f.index:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}`)
	default:
		f.calls = append(f.calls, "refresh "+index)
		if b, err := os.ReadFile(filepath.Join(f.config, "analyzers", "F1")); err == nil && !f.moving {
			f.loaded = string(b)
		}
		fmt.Fprintf(w, `{"_shards":{"total":1,"successful":1,"failed":0},"successful_refresh_details":[{"index":%q,"refreshed_analyzers":["a"]}]}`, index)
	}
}

// analyze reads the synonyms_path of the first filter; "---" is a bad rule.
func (f *fakeNode) analyze(w http.ResponseWriter, r *http.Request) {
	if f.busy > 0 {
		f.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var body struct {
		Filter []json.RawMessage
		Text   json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Filter) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var filter map[string]any
	_ = json.Unmarshal(body.Filter[0], &filter)
	name, _ := filter["synonyms_path"].(string)
	f.calls = append(f.calls, "analyze "+filepath.Base(name))
	b, err := os.ReadFile(filepath.Join(f.config, name))
	reason := ""
	if err != nil {
		reason = "IOException while reading synonyms_path_path: file not readable"
	} else if strings.Contains(string(b), "---") {
		reason = "Failed to build synonyms"
	}
	if reason == "" {
		_, _ = io.WriteString(w, tokens(mapped(string(b)), texts(body.Text)))
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":{"type":"illegal_argument_exception","reason":%q},"status":400}`, reason)
}

func (s *site) nodeWith(f *fakeNode) *beside {
	s.t.Helper()
	b := s.node(func(c *Config) {
		client, err := opensearch.New(opensearch.Config{URL: f.srv.URL})
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(client.Close)
		c.OpenSearch, c.FilesOnly = client, false
	})
	f.config = b.cfg.ConfigDir
	return b
}

func probeOf(id, path string, d searchpack.Digest, more string) searchpack.Probe {
	body := func(p string) string {
		return fmt.Sprintf(`{"tokenizer":"whitespace","filter":[{"type":"synonym_graph","synonyms_path":%q}%s],"text":"x"}`, p, more)
	}
	return searchpack.Probe{ID: id, PackageID: "F1", Path: path, Digest: d, Body: body(path), Control: body(searchpack.ControlPath(searchpack.KindSynonyms))}
}

// verdicts of a report by probe id.
func verdicts(r *searchpack.Report) map[string]searchpack.Verdict {
	out := map[string]searchpack.Verdict{}
	for _, p := range r.Probes {
		out[p.ID] = p.Verdict
	}
	return out
}

func TestProbes(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	good, bad, live := b.live("F1", "a, b\n"), b.live("F1", "---\n"), b.live("F2", "c, d\n")
	f.set(func() { f.busy = 1 })
	o := b.order(searchpack.Order{
		Files: []searchpack.FileOrder{live},
		Candidates: []searchpack.Candidate{
			{PackageID: "F1", Digest: good.Digest, Size: good.Size}, {PackageID: "F1", Digest: bad.Digest, Size: bad.Size}},
		Probes: []searchpack.Probe{
			probeOf("good", searchpack.CandidatePath(good.Digest), good.Digest, ""),
			probeOf("bad", searchpack.CandidatePath(bad.Digest), bad.Digest, ""),
			probeOf("elsewhere", searchpack.CandidatePath(bad.Digest), bad.Digest, `,{"type":"stop","stopwords_path":"opensearch.yml"}`),
			probeOf("live", "analyzers/F2", live.Digest, ""),
			probeOf("other bytes", "analyzers/F2", good.Digest, ""),
		},
	})
	r := b.taken(o, "all are answered", func(r *searchpack.Report) bool {
		v := verdicts(r)
		return v["good"] == searchpack.VerdictGood && v["bad"] == searchpack.VerdictBad && v["live"] == searchpack.VerdictGood && v["elsewhere"] == searchpack.VerdictBad
	})
	if v := verdicts(r); len(v) != 4 {
		t.Errorf("verdicts: %v", v)
	}
	for _, p := range r.Probes {
		if p.ID == "bad" && p.Reason != "Failed to build synonyms" {
			t.Errorf("reason %q", p.Reason)
		}
		if p.ID == "elsewhere" && strings.Contains(p.Reason, "Failed to build") {
			t.Errorf("a reason that may quote another file is sent on: %q", p.Reason)
		}
	}
	// The same questions are not asked twice.
	before := len(f.called())
	o2 := o
	o2.Duties = []searchpack.Duty{{ID: "d", Kind: searchpack.DutyReroute}}
	o = b.order(o2)
	b.taken(o, "the duty is done", func(r *searchpack.Report) bool { return len(r.Duties) == 1 && r.Duties[0].Done })
	if got := f.called()[before:]; slices.ContainsFunc(got, func(c string) bool { return strings.HasPrefix(c, "analyze") }) {
		t.Errorf("asked again: %v", got)
	}
}

func TestProbeIsAboutTheBytesThatLieThere(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	one, two := b.live("F1", "a, b\n"), b.live("F1", "---\n")
	both := []searchpack.Probe{probeOf("1", "analyzers/F1", one.Digest, ""), probeOf("2", "analyzers/F1", two.Digest, "")}
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{one}, Probes: both})
	b.taken(o, "v1 answers", func(r *searchpack.Report) bool {
		v := verdicts(r)
		return len(v) == 1 && v["1"] == searchpack.VerdictGood
	})
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{two}, Probes: both})
	b.taken(o, "v2 answers, v1 no longer", func(r *searchpack.Report) bool {
		v := verdicts(r)
		return len(v) == 1 && v["2"] == searchpack.VerdictBad
	})
}

func TestDuties(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	o := b.order(searchpack.Order{Duties: []searchpack.Duty{
		{ID: "look", Kind: searchpack.DutyLook},
		{ID: "refresh", Kind: searchpack.DutyRefresh, Indices: []string{"gone", "shop"}},
	}})
	r := b.taken(o, "both are done", func(r *searchpack.Report) bool {
		return len(r.Duties) == 2 && r.Duties[0].Done && r.Duties[1].Done
	})
	if x := r.Duties[1].Refreshed; len(x) != 2 || !x[0].Gone || x[1].Gone || len(x[1].Analyzers) != 1 {
		t.Errorf("refreshed: %s", jsonOf(x))
	}
	if got := f.called(); !slices.Equal(got, []string{"refresh shop", "POST /shop/_cache/clear"}) {
		t.Errorf("calls: %v", got)
	}
	if u := b.usage(); u == nil || u.DutyID != "look" || len(u.Uses) != 1 || u.Uses[0].PackageID != "F1" {
		t.Errorf("usage: %s", jsonOf(u))
	}
	f.set(func() { f.noAPI = true })
	o = b.order(searchpack.Order{Duties: []searchpack.Duty{{ID: "again", Kind: searchpack.DutyRefresh, Indices: []string{"shop"}}}})
	r = b.taken(o, "done without the API", func(r *searchpack.Report) bool { return len(r.Duties) == 1 && r.Duties[0].Done })
	if !r.Duties[0].NoRefreshAPI {
		t.Error("not said that there is no refresh API")
	}
	f.set(func() { f.away = true })
	o = b.order(searchpack.Order{Duties: []searchpack.Duty{{ID: "later", Kind: searchpack.DutyReroute}}})
	b.taken(o, "the failure is told", func(r *searchpack.Report) bool {
		return len(r.Duties) == 1 && !r.Duties[0].Done && r.Duties[0].Error != ""
	})
	f.set(func() { f.away = false })
	b.taken(o, "and tried again", func(r *searchpack.Report) bool { return r.Duties[0].Done && r.Duties[0].Error == "" })
}

func (b *beside) usage() *searchpack.Usage {
	var u *searchpack.Usage
	_ = b.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
		u, err = tx.Usage(context.Background(), testDomain)
		return err
	})
	return u
}

// reported is what the agent last said of its node; the zero value while it has said nothing.
func (b *beside) reported() searchpack.NodeFacts {
	if r := b.agent().Report; r != nil && r.Node != nil {
		return *r.Node
	}
	return searchpack.NodeFacts{}
}

func TestSpeaker(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	s := newSite(t)
	b := s.nodeWith(f).run()
	b.order(searchpack.Order{Speaker: true})
	b.eventually("it speaks at once", func() bool { u := b.usage(); return u != nil && u.Version == 1 })
	f.set(func() { f.version = 2 })
	b.eventually("the newer state is seen", func() bool { return b.reported().StateVersion == 2 })
	if u := b.usage(); u.Version != 1 {
		t.Errorf("sent again although only the version changed: %d", u.Version)
	}
	f.set(func() { f.version, f.index = 3, "other" })
	b.eventually("another index", func() bool { u := b.usage(); return u.Version == 3 && u.Uses[0].Name == "other" })
}

func TestOpenSearchGoesAndComes(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	b.eventually("facts", func() bool {
		n := b.reported()
		return n.NodeID == "N1" && n.RefreshAPI && len(n.Members) == 1
	})
	f.set(func() { f.away = true })
	b.eventually("away", func() bool { r := b.agent().Report; return r.Node == nil && r.NodeError != "" })
	f.set(func() { f.away, f.ephemeral = false, "e2" })
	b.eventually("back", func() bool {
		r := b.agent().Report
		return r.Node != nil && r.Node.EphemeralID == "e2" && r.NodeError == ""
	})
}

// The candidate is fetched for the preview, both files are read, and when the order names neither any
// more they are forgotten; what is live stays.
func TestPreviewByOrder(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t)
	b := newSite(t).nodeWith(f).run()
	live := b.live("F1", "a, b\n")
	candidate, size := b.blob("a, c\n")
	body := func(path string) string {
		return `{"tokenizer":"standard","filter":[{"type":"synonym","synonyms_path":"` + path + `"}],"text":"searchpack"}`
	}
	o := b.order(searchpack.Order{
		Files: []searchpack.FileOrder{live}, Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: candidate, Size: size}},
		Duties: []searchpack.Duty{{ID: "p", Kind: searchpack.DutyPreview, Preview: &searchpack.PreviewTask{
			PackageID: "F1", Text: "a", Before: body("analyzers/F1"), Live: live.Digest, After: body(searchpack.CandidatePath(candidate)), Candidate: candidate,
		}}},
	})
	r := b.taken(o, "it is answered", func(r *searchpack.Report) bool { return len(r.Duties) == 1 && r.Duties[0].Done })
	if p := r.Duties[0].Preview; p == nil || p.Refused != "" || p.Before == nil || p.After == nil {
		t.Errorf("answered %s", jsonOf(r.Duties[0]))
	}
	if got := f.called(); !slices.Equal(got, []string{"analyze F1", "analyze " + string(candidate)}) {
		t.Errorf("calls %v", got)
	}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{live}})
	b.taken(o, "it is forgotten", func(r *searchpack.Report) bool {
		return len(r.Duties) == 0 && len(r.Candidates) == 0 && b.lies(searchpack.CandidatePath(candidate)) == "<none>"
	})
	if got := b.lies("analyzers/F1"); got != "a, b\n" {
		t.Errorf("live is %q", got)
	}
}
