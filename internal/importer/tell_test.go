package importer

import (
	"context"
	"testing"

	"github.com/searchpack/searchpack"
)

// Which domains are reconciled when a version becomes AVAILABLE: those that follow the package, and of a
// plugin all that have one of its name, because their nodes may want it when they have another OpenSearch.
func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind            searchpack.PackageType
		content         string
		sibling         string // its name
		own, namesake   searchpack.Track
		wantOwn, wantOf bool
	}{
		"dictionary, follows":       {searchpack.TypeDictionary, "a, b\n", "synonyms", searchpack.TrackLatest, searchpack.TrackLatest, true, false},
		"dictionary, pinned":        {searchpack.TypeDictionary, "a, b\n", "synonyms", searchpack.TrackPinned, searchpack.TrackLatest, false, false},
		"plugin and its namesake":   {searchpack.TypePlugin, pluginZip(t, "3.8.0"), "synonyms", searchpack.TrackPinned, searchpack.TrackCalls, true, true},
		"plugin and another":        {searchpack.TypePlugin, pluginZip(t, "3.8.0"), "other", searchpack.TrackLatest, searchpack.TrackLatest, true, false},
		"plugin that is not usable": {searchpack.TypePlugin, pluginZip(t, "2.19.0"), "synonyms", searchpack.TrackLatest, searchpack.TrackLatest, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTyped(t, c.kind, map[searchpack.PackageType]string{searchpack.TypeDictionary: "synonyms.txt", searchpack.TypePlugin: "lemmas.zip"}[c.kind], Options{})
			domain := func(name string) searchpack.DomainKey {
				return searchpack.DomainKey{Account: account, Region: region, Name: name}
			}
			w.update(func(ctx context.Context, tx searchpack.Tx) error {
				sibling := &searchpack.Package{
					ID: "F7", Account: account, Region: region, Name: c.sibling, Type: c.kind, EngineVersion: "OpenSearch_3.7",
					Status: searchpack.PackageAvailable, CreatedAt: start, UpdatedAt: start,
				}
				if c.kind == searchpack.TypeDictionary { // names of dictionaries are unique
					sibling.Name, sibling.EngineVersion = "more-synonyms", ""
				}
				return tx.PutPackage(ctx, sibling)
			})
			w.ask("v-0")
			w.claim()
			w.update(func(ctx context.Context, tx searchpack.Tx) error {
				for _, a := range []searchpack.Association{
					{Domain: domain("own"), PackageID: packageID, Track: c.own},
					{Domain: domain("namesake"), PackageID: "F7", Track: c.namesake},
				} {
					if err := tx.PutDomain(ctx, &searchpack.Domain{DomainKey: a.Domain, CreatedAt: start}); err != nil {
						return err
					}
					a.Status, a.CreatedAt = searchpack.Active, start
					if err := tx.PutAssociation(ctx, &a); err != nil {
						return err
					}
				}
				return nil
			})
			w.importOne("v-1", c.content)
			told := map[string]bool{}
			for range 3 {
				item, err := w.store.Claim(t.Context(), w.clock.Now(), ttl, "test", searchpack.WorkReconcile)
				if err != nil {
					t.Fatal(err)
				}
				if item != nil {
					told[item.Key] = true
				}
			}
			if told[domain("own").String()] != c.wantOwn || told[domain("namesake").String()] != c.wantOf {
				t.Errorf("told: %v", told)
			}
		})
	}
}
