package importer

import (
	"context"
	"testing"

	"github.com/searchpack/searchpack"
)

// use writes that an index of a domain of the account uses the package as a file of the kinds.
func (w *world) use(domainAccount, domain string, kinds ...searchpack.Kind) {
	w.t.Helper()
	k := searchpack.DomainKey{Account: domainAccount, Region: region, Name: domain}
	u := &searchpack.Usage{Uses: []searchpack.Use{{PackageID: "F2", FileKind: searchpack.KindNori}}}
	for _, kind := range kinds {
		u.Uses = append(u.Uses, searchpack.Use{PackageID: packageID, FileKind: kind})
	}
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		if err := tx.PutDomain(ctx, &searchpack.Domain{DomainKey: k, ID: domainAccount + domain, CreatedAt: start}); err != nil {
			return err
		}
		if err := tx.PutAssociation(ctx, &searchpack.Association{Domain: k, PackageID: packageID, CreatedAt: start}); err != nil {
			return err
		}
		return tx.PutUsage(ctx, k, u)
	})
}

// What the owner's indices take a file for counts more than a guess, and less than a declaration.
func TestKindIsLearnt(t *testing.T) {
	t.Parallel()
	const mapping = "a => b => c\n" // no synonyms, but a rule of a mapping character filter
	for name, c := range map[string]struct {
		use      func(w *world)
		declared string
		kind     searchpack.Kind
		learnt   bool
		fails    bool
	}{
		"not used":       {func(*world) {}, "", searchpack.KindSynonyms, false, true},
		"used":           {func(w *world) { w.use(account, "a", searchpack.KindMapping) }, "", searchpack.KindMapping, true, false},
		"used and named": {func(w *world) { w.use(account, "a", searchpack.KindMapping) }, "solr-synonyms", searchpack.KindSynonyms, false, true},
		"by a plugin nobody knows": {
			func(w *world) { w.use(account, "a", searchpack.KindUnknown, searchpack.KindMapping) }, "", searchpack.KindMapping, true, false},
		"in two domains": {func(w *world) {
			w.use(account, "a", searchpack.KindMapping)
			w.use(account, "b", searchpack.KindMapping)
		}, "", searchpack.KindMapping, true, false},
		"in two ways": {func(w *world) {
			w.use(account, "a", searchpack.KindMapping)
			w.use(account, "b", searchpack.KindWords)
		}, "", searchpack.KindSynonyms, false, true},
		"by others":  {func(w *world) { w.use("111111111111", "a", searchpack.KindMapping) }, "", searchpack.KindSynonyms, false, true},
		"but seldom": {func(w *world) { w.use(account, "a") }, "", searchpack.KindSynonyms, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			w.s3.content, w.s3.kind = "x => y\n"+mapping, c.declared
			w.ask("v1")
			c.use(w)
			for w.once() {
			}
			v := w.version("v1")
			if v.Kind != c.kind || v.KindLearnt != c.learnt || (v.Status == searchpack.PackageValidationFailed) != c.fails {
				t.Errorf("%s, learnt %v, %s (%+v)", v.Kind, v.KindLearnt, v.Status, v.Error)
			}
		})
	}
}
