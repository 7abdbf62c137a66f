package agent

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestCheckOrder(t *testing.T) {
	t.Parallel()
	d := searchpack.DigestOf([]byte("x"))
	file := searchpack.FileOrder{PackageID: "F1", State: searchpack.FileLive, Digest: d, Size: 1}
	probe := probeOf("p", searchpack.CandidatePath(d), d, "")
	with := func(edit func(*searchpack.Order)) searchpack.Order {
		o := searchpack.Order{Schema: 1, Files: []searchpack.FileOrder{file}, Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: d, Size: 1}},
			Probes: []searchpack.Probe{probe, probeOf("q", "analyzers/F1", d, "")},
			Duties: []searchpack.Duty{{ID: "d", Kind: searchpack.DutyRefresh, Indices: []string{"shop", ".hidden", "größe", "a-b_c+d"}}}}
		edit(&o)
		return o
	}
	if o := with(func(*searchpack.Order) {}); checkOrder(&o) != nil {
		t.Fatal(checkOrder(&o))
	}
	verifyOf := func(edit func(q *searchpack.VerifyTask)) func(*searchpack.Order) {
		return func(o *searchpack.Order) {
			q := &searchpack.VerifyTask{PackageID: "F1", Digest: d, Checks: []searchpack.Check{{
				Name: "n", Index: "Alias", Search: &searchpack.SearchCheck{Match: map[string]searchpack.CheckQuery{"title": {Query: "x"}}},
				Expect: searchpack.Expectation{IDs: []string{"1"}},
			}}}
			edit(q)
			o.Duties = []searchpack.Duty{{ID: "v", Kind: searchpack.DutyVerify, Verify: q}}
		}
	}
	if o := with(verifyOf(func(*searchpack.VerifyTask) {})); checkOrder(&o) != nil {
		t.Fatal(checkOrder(&o))
	}
	pathOf := func(p string) func(*searchpack.Order) {
		return func(o *searchpack.Order) { o.Probes[0].Path = p }
	}
	indexOf := func(n string) func(*searchpack.Order) {
		return func(o *searchpack.Order) { o.Duties[0].Indices[0] = n }
	}
	for name, edit := range map[string]func(*searchpack.Order){
		"schema":                 func(o *searchpack.Order) { o.Schema = searchpack.OrderSchemaParts + 1 },
		"package is a path":      func(o *searchpack.Order) { o.Files[0].PackageID = "../x" },
		"package is hidden":      func(o *searchpack.Order) { o.Files[0].PackageID = ".searchpack" },
		"package is empty":       func(o *searchpack.Order) { o.Files[0].PackageID = "" },
		"package has a NUL":      func(o *searchpack.Order) { o.Files[0].PackageID = "F\x00" },
		"twice":                  func(o *searchpack.Order) { o.Files = append(o.Files, file) },
		"digest":                 func(o *searchpack.Order) { o.Files[0].Digest = "../../../etc/passwd" },
		"upper-case digest":      func(o *searchpack.Order) { o.Files[0].Digest = searchpack.Digest(strings.ToUpper(string(d))) },
		"size":                   func(o *searchpack.Order) { o.Files[0].Size = -1 },
		"huge":                   func(o *searchpack.Order) { o.Candidates[0].Size = maxBlob + 1 },
		"unknown state":          func(o *searchpack.Order) { o.Files[0].State = "executed" },
		"candidate's package":    func(o *searchpack.Order) { o.Candidates[0].PackageID = "a/b" },
		"candidate's digest":     func(o *searchpack.Order) { o.Candidates[0].Digest = "" },
		"probe without id":       func(o *searchpack.Order) { o.Probes[0].ID = "" },
		"probe of the keystore":  pathOf("opensearch.keystore"),
		"probe outside":          pathOf("analyzers/../opensearch.yml"),
		"probe of a folder":      pathOf("analyzers/"),
		"probe of another blob":  pathOf(searchpack.CandidatePath(searchpack.DigestOf(nil))),
		"probe, absolute":        pathOf("/etc/passwd"),
		"probe of an index":      func(o *searchpack.Order) { o.Probes[0].Body = `{"index":"shop","text":"x"}` },
		"probe is not JSON":      func(o *searchpack.Order) { o.Probes[0].Control = `x` },
		"probe is a list":        func(o *searchpack.Order) { o.Probes[0].Body = `[]` },
		"long probe":             func(o *searchpack.Order) { o.Probes[0].Body = `{"text":"` + strings.Repeat("x", maxBody) + `"}` },
		"unknown duty":           func(o *searchpack.Order) { o.Duties[0].Kind = "shell" },
		"duty without id":        func(o *searchpack.Order) { o.Duties[0].ID = "" },
		"index: all":             indexOf("_all"),
		"index: pattern":         indexOf("a*"),
		"index: list":            indexOf("a,b"),
		"index: path":            indexOf("a/../_cluster"),
		"index: query":           indexOf("a?x=y"),
		"index: escape":          indexOf("a%2fb"),
		"index: dots":            indexOf(".."),
		"index: upper":           indexOf("Shop"),
		"index: nothing":         indexOf(""),
		"index: line":            indexOf("a\nb"),
		"index: exclusion":       indexOf("-a"),
		"index: another cluster": indexOf("c:a"),
		"checks of nothing":      func(o *searchpack.Order) { o.Duties[0] = searchpack.Duty{ID: "d", Kind: searchpack.DutyVerify} },
		"checks of a path":       verifyOf(func(q *searchpack.VerifyTask) { q.PackageID = "../x" }),
		"checks of no bytes":     verifyOf(func(q *searchpack.VerifyTask) { q.Digest = "x" }),
		"check of every index":   verifyOf(func(q *searchpack.VerifyTask) { q.Checks[0].Index = "_all" }),
		"check of a path":        verifyOf(func(q *searchpack.VerifyTask) { q.Checks[0].Index = "a/_delete_by_query" }),
		"check without a query":  verifyOf(func(q *searchpack.VerifyTask) { q.Checks[0].Search = &searchpack.SearchCheck{} }),
		"check that is twice": verifyOf(func(q *searchpack.VerifyTask) {
			q.Checks = append(q.Checks, q.Checks[0])
		}),
		"too many": func(o *searchpack.Order) { o.Duties = make([]searchpack.Duty, maxDuties+1) },
	} {
		o := with(edit)
		if err := checkOrder(&o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReadsElsewhere(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"filter":["lowercase",{"type":"synonym","synonyms_path":"analyzers/F1"}],"text":"x"}`:                          false,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/.searchpack/control-words"}]}`:                            false,
		`{"filter":[{"type":"stop","stopwords_path":"opensearch.yml"}]}`:                                                 true,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/../opensearch.yml"}]}`:                                    true,
		`{"filter":[{"type":"stop","stopwords_path":"/etc/passwd"}]}`:                                                    true,
		`{"filter":[{"type":"stop","index.analysis.filter.x.stopwords_path":"certs/key.pem"}]}`:                          true,
		`{"tokenizer":{"type":"kuromoji_tokenizer","user_dictionary":"keystore"}}`:                                       true,
		`{"filter":[{"type":"stemmer","language":"english"},{"type":"snowball","language":"German2"}]}`:                  false,
		`{"filter":[{"type":"stemmer","language":"english","stopwords_path":"a.txt"}]}`:                                  true,
		`{"filter":[{"type":"hunspell","language":"en_US"}]}`:                                                            true,
		`{"filter":[{"type":"hunspell","locale":"en_US"}]}`:                                                              true,
		`{"filter":[{"type":"multi","filters":[{"type":"keep","keep_words_path":["opensearch.yml"]}]}]}`:                 true,
		`{"filter":[{"type":"stop","stopwords":["the"]}],"text":"opensearch.yml"}`:                                       false,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/customers"}]}`:                                            true,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/.searchpack/customers.gone"}]}`:                           true,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/.searchpack/../customers"}]}`:                             true,
		`{"filter":[{"type":"stop","stopwords_path":"analyzers/.searchpack/` + string(searchpack.DigestOf(nil)) + `"}]}`: false,
		`{"filter":[{"type":"synonym","synonyms_path":"analysis/synonyms.txt"}]}`:                                        false,
		`{"filter":[{"type":"synonym","synonyms_path":"analysis/others.txt"}]}`:                                          true,
		`not JSON`: true,
	} {
		if got := readsElsewhere(body, func(name string) bool { return name == "analyzers/F1" || name == "analysis/synonyms.txt" }); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func FuzzCheckOrder(f *testing.F) {
	d := searchpack.DigestOf([]byte("x"))
	f.Add([]byte(`{"schema":1}`))
	f.Add([]byte(fmt.Sprintf(`{"schema":1,"files":[{"package_id":"F1","state":"live","digest":%q}],"probes":[{"id":"p","path":"analyzers/F1","digest":%q,"body":"{}","control":"{}"}],"duties":[{"id":"d","kind":"refresh","indices":["a"]}]}`, d, d)))
	f.Add([]byte(fmt.Sprintf(`{"schema":1,"plugins":[{"package_id":"F1","state":"installed","name":"lemmas","digest":%q,"size":3},{"package_id":"F2","state":"removed","name":"x"}],"restart":{"id":"r/1"},"duties":[{"id":"d","kind":"allocation","allocation":{"persistent":"primaries"},"flush":true},{"id":"e","kind":"settle","baseline":["a[0]"]},{"id":"h","kind":"health"}]}`, d)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var o searchpack.Order
		if json.Unmarshal(raw, &o) != nil || checkOrder(&o) != nil {
			return
		}
		for _, x := range o.Plugins {
			if filepath.Base(x.Name) != x.Name || strings.HasPrefix(x.Name, ".") {
				t.Errorf("plugin %q", x.Name)
			}
		}
		for _, x := range o.Duties {
			if a := x.Allocation; x.Kind == searchpack.DutyAllocation && a.Persistent != nil && !slices.Contains(allocations, strings.ToLower(*a.Persistent)) {
				t.Errorf("allocation %q", *a.Persistent)
			}
		}
		// Whatever is accepted leads to names inside analyzers/ only.
		var names []string
		for _, x := range o.Files {
			names = append(names, searchpack.ReferencePath(x.PackageID), searchpack.HiddenPath(x.PackageID), newName(x.PackageID))
		}
		for _, c := range o.Candidates {
			names = append(names, searchpack.CandidatePath(c.Digest))
		}
		for _, p := range o.Probes {
			names = append(names, p.Path)
		}
		for _, n := range names {
			if filepath.Clean(n) != n || !filepath.IsLocal(n) || !strings.HasPrefix(n, "analyzers/") || strings.Count(n, "/") > 2 {
				t.Errorf("name %q", n)
			}
		}
	})
}

func FuzzReadsElsewhere(f *testing.F) {
	f.Add(`{"filter":[{"synonyms_path":"analyzers/F1"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if readsElsewhere(body, func(id string) bool { return id == "F1" }) {
			return
		}
		var m map[string]any
		if json.Unmarshal([]byte(body), &m) != nil {
			return
		}
		if p, ok := m["synonyms_path"].(string); ok && !strings.HasPrefix(p, "analyzers/") {
			t.Errorf("%s is taken for our own", body)
		}
	})
}
