package cli

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Of several packages of one name a command takes the one that its domain has, and names all others that a
// person could mean where that does not tell.
func TestPackageOfTheDomain(t *testing.T) {
	t.Parallel()
	const line = `{"PackageDetailsList":[
		{"PackageID":"pkg-1","PackageName":"lemmas","PackageType":"ZIP-PLUGIN","EngineVersion":"OpenSearch_2.19"},
		{"PackageID":"pkg-2","PackageName":"lemmas","PackageType":"ZIP-PLUGIN","EngineVersion":"OpenSearch_3.8"}]}`
	const both = "pkg-1 (ZIP-PLUGIN 2.19), pkg-2 (ZIP-PLUGIN 3.8)"
	inShop := inDomain{Domain: "shop"}
	for name, tt := range map[string]struct {
		has     []string // the packages of the domain
		command command
		asks    string // the last request; "" = none is made for the package
		says    string // of the error
	}{
		"plan":              {[]string{"F9", "pkg-2"}, &PlanCmd{Package: "lemmas", Domain: "shop"}, "GET /domains/shop/packages/pkg-2/plan", ""},
		"preview":           {[]string{"pkg-2"}, &PreviewCmd{Package: "lemmas", Domain: "shop"}, "POST /domains/shop/packages/pkg-2/preview", ""},
		"rollback":          {[]string{"pkg-1"}, &RollbackCmd{Package: "lemmas", Domain: "shop"}, "PUT /domains/shop/associations/pkg-1/version", ""},
		"pin":               {[]string{"pkg-2"}, &PinCmd{Package: "lemmas", Domain: "shop"}, "PUT /domains/shop/associations/pkg-2/version", ""},
		"usage":             {[]string{"pkg-2"}, &UsageCmd{Package: "lemmas", Domain: "shop"}, "GET /domains/shop/usage", ""},
		"versions":          {[]string{"pkg-2"}, &VersionsCmd{"lemmas", inShop}, "GET /packages/pkg-2/versions", ""},
		"findings":          {[]string{"pkg-1"}, &FindingsCmd{Package: "lemmas", inDomain: inShop}, "GET /packages/pkg-1/findings", ""},
		"sbom":              {[]string{"pkg-2"}, &SBOMCmd{Package: "lemmas", inDomain: inShop}, "GET /packages/pkg-2/sbom", ""},
		"diff":              {[]string{"pkg-2"}, &DiffCmd{Package: "lemmas", From: "1", To: "2", inDomain: inShop}, "GET /packages/pkg-2/diff", ""},
		"an id":             {[]string{"pkg-2"}, &PlanCmd{Package: "pkg-1", Domain: "shop"}, "GET /domains/shop/packages/pkg-1/plan", ""},
		"no domain":         {nil, &VersionsCmd{Package: "lemmas"}, "", "2 packages are named lemmas: give the id of one, " + both},
		"none of them":      {[]string{"F9"}, &PlanCmd{Package: "lemmas", Domain: "shop"}, "", "domain shop has none of them: give the id of one, " + both},
		"both of them":      {[]string{"pkg-1", "pkg-2"}, &PlanCmd{Package: "lemmas", Domain: "shop"}, "", "domain shop has more than one of them: give the id of one, " + both},
		"no such domain":    {nil, &VersionsCmd{"lemmas", inDomain{Domain: "shops"}}, "", "There is no GET"},
		"no such package":   {nil, &VersionsCmd{"lemma", inShop}, "", "there is no package lemma"},
		"one, domain or no": {nil, &VersionsCmd{"pkg-1", inDomain{Domain: "shops"}}, "GET /packages/pkg-1/versions", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var has []string
			for _, id := range tt.has {
				has = append(has, fmt.Sprintf(`{"package_id":%q,"name":"lemmas"}`, id))
			}
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) bool {
				text := map[string]string{"/2021-01-01/packages/describe": line, "/searchpack/v1/domains/shop/associations": `{"associations":[` + strings.Join(has, ",") + `]}`}[r.URL.Path]
				if _, asked := strings.CutPrefix(tt.asks, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/searchpack/v1")); asked {
					text = "{}"
				}
				if text != "" {
					_, _ = w.Write([]byte(text))
				}
				return text != ""
			})
			_, err := s.run(t, tt.command, "json", Terminal{})
			last := strings.Replace(s.requests[len(s.requests)-1], "/searchpack/v1", "", 1)
			switch {
			case tt.says != "":
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v; want %s", err, tt.says)
				}
			case err != nil || !strings.HasPrefix(last, tt.asks):
				t.Errorf("%v; asked last %s", err, last)
			}
		})
	}
}

// Packages of one name are told apart by what a person knows: the type, and a plugin's OpenSearch.
func TestIDsOf(t *testing.T) {
	t.Parallel()
	got := idsOf([]packageLine{
		{ID: "F1", Type: "TXT-DICTIONARY"}, {ID: "pkg-1", Type: "ZIP-PLUGIN", EngineVersion: "OpenSearch_3.8"}, {ID: "F2"},
	})
	if want := "F1 (TXT-DICTIONARY), pkg-1 (ZIP-PLUGIN 3.8), F2 ()"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// What push says to type next names the package so that it is found.
func TestPushReference(t *testing.T) {
	t.Parallel()
	s := &push{PushCmd: &PushCmd{Name: "lemmas"}}
	if got := s.reference(); got != "lemmas" {
		t.Errorf("%q", got)
	}
	s.plugin, s.PackageID = true, "pkg-1"
	if got := s.reference(); got != "pkg-1" {
		t.Errorf("%q", got)
	}
}
