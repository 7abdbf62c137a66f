package awsapi

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// ask sends a request that must succeed and reads its answer.
func (w *world) ask(method, target, body string, out any) {
	w.t.Helper()
	got := httptest.NewRecorder()
	w.ServeHTTP(got, httptest.NewRequest(method, target, strings.NewReader(body)))
	if got.Code != 200 {
		w.t.Fatalf("%s %s: %d %s", method, target, got.Code, got.Body)
	}
	if err := json.Unmarshal(got.Body.Bytes(), out); err != nil {
		w.t.Fatal(err)
	}
}

// Pages go on where they ended while rows come and go: nothing that was there all the time is left
// out, nothing comes twice.
func TestPagesWhileRowsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	var made struct{ PackageDetails struct{ PackageID string } }
	create := func(name string) string {
		w.ask("POST", "/2021-01-01/packages", `{"PackageName":"`+name+`","PackageType":"TXT-DICTIONARY","PackageSource":{"S3BucketName":"bucket","S3Key":"k"}}`, &made)
		return made.PackageDetails.PackageID
	}
	var stays []string
	for i := range 9 {
		stays = append(stays, create(fmt.Sprintf("stays-%d", i)))
	}
	goes := create("goes-0")
	var seen []string
	token := ""
	for i := 0; ; i++ {
		var page struct {
			PackageDetailsList []struct{ PackageID, PackageName string }
			NextToken          string
		}
		w.ask("POST", "/2021-01-01/packages/describe", `{"MaxResults":2,"NextToken":"`+token+`"}`, &page)
		if len(page.PackageDetailsList) > 2 {
			t.Fatalf("%d rows", len(page.PackageDetailsList))
		}
		for _, p := range page.PackageDetailsList {
			if strings.HasPrefix(p.PackageName, "stays") {
				seen = append(seen, p.PackageID)
			}
		}
		if token = page.NextToken; token == "" {
			break
		}
		w.ask("DELETE", "/2021-01-01/packages/"+goes, "", &made)
		goes = create(fmt.Sprintf("goes-%d", i+1))
	}
	slices.Sort(stays)
	if d := cmp.Diff(stays, seen); d != "" {
		t.Errorf("(-there +seen):\n%s", d)
	}
}

// The lists that this edge cuts itself.
func TestCut(t *testing.T) {
	t.Parallel()
	list := make([]string, 250)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	self := func(s string) string { return s }
	for _, most := range []int{0, 1, 7, 100, 5000} {
		var got []string
		after := ""
		for {
			var page []string
			page, after = cut(list, catalog.Page{After: after, Max: most}, self)
			if size := min(max(most, 0), 100); len(page) > 100 || size > 0 && len(page) > size {
				t.Fatalf("%d rows for %d", len(page), most)
			}
			if got = append(got, page...); after == "" {
				break
			}
		}
		if d := cmp.Diff(list, got); d != "" {
			t.Errorf("pages of %d: %s", most, d)
		}
	}
	if page, after := cut(list, catalog.Page{After: "gone"}, self); len(page) > 0 || after != "" {
		t.Errorf("after what is gone: %v %q", page, after)
	}
}

// Lists of versions and upgrades in pages, through their tokens; a token of one is none of the other.
func TestVersionsAndHistoryInPages(t *testing.T) {
	t.Parallel()
	fake := &fakeCatalog{outcome: outcome{Engines: []string{"OpenSearch_3.8", "OpenSearch_2.19", "OpenSearch_1.0"}}}
	for i := range 5 {
		fake.Changes = append(fake.Changes, &searchpack.DomainChange{ID: fmt.Sprint(i), Kind: searchpack.ChangeUpgrade, FromVersion: fmt.Sprint(i), ToVersion: "x", StartedAt: created})
	}
	w := &world{Handler: testHandler(t, fake), t: t}
	tokens := map[string]string{}
	for path, want := range map[string]int{"opensearch/versions": 3, "opensearch/upgradeDomain/my-dom/history": 5} {
		var rows int
		for token := ""; ; {
			var page struct {
				Versions         []string
				UpgradeHistories []struct{ UpgradeName string }
				NextToken        string
			}
			w.ask("GET", "/2021-01-01/"+path+"?maxResults=2&nextToken="+url.QueryEscape(token), "", &page)
			rows += len(page.Versions) + len(page.UpgradeHistories)
			if token = page.NextToken; token == "" {
				break
			}
			tokens[path] = token
		}
		if rows != want {
			t.Errorf("%s: %d rows, want %d", path, rows, want)
		}
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, httptest.NewRequest("GET", "/2021-01-01/opensearch/versions?nextToken="+tokens["opensearch/upgradeDomain/my-dom/history"], nil))
	if got.Code != 400 || !strings.Contains(got.Body.String(), "NextToken is not one that ListVersions gave") {
		t.Errorf("a foreign token: %d %s", got.Code, got.Body)
	}
}
