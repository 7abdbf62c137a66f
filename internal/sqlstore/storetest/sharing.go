package storetest

import (
	"context"
	"testing"

	"github.com/searchpack/searchpack"
)

func testSharing(t *testing.T, s searchpack.Store) {
	const owner, friend, stranger = "111111111111", "222222222222", "333333333333"
	ctx := t.Context()
	put := func(id, account, region, engine string, shared ...string) {
		update(t, s, func(tx searchpack.Tx) error {
			return tx.PutPackage(ctx, &searchpack.Package{ID: id, Account: account, Region: region, Name: "one", EngineVersion: engine, SharedWith: shared})
		})
	}
	put("a", owner, region, "OpenSearch_3.8", friend)
	put("b", owner, region, "OpenSearch_2.19", searchpack.Global)
	put("c", owner, region, "")
	put("d", owner, "eu-west-1", "OpenSearch_3.8", friend, searchpack.Global)
	put("e", friend, region, "OpenSearch_3.8", friend, searchpack.Global) // the owner among those it is shared with
	put("f", "GLOBAL", region, "")                                        // no account has this name

	ids := func(q searchpack.PackageQuery) []string {
		if q.Region == "" {
			q.Region = region
		}
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) (ids []string, err error) {
			all, err := tx.Packages(ctx, q)
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			return ids, err
		})
	}
	tests := []struct {
		name string
		q    searchpack.PackageQuery
		want []string
	}{
		{"the owner's own", searchpack.PackageQuery{Account: owner}, []string{"a", "b", "c"}},
		{"the owner's, and shared", searchpack.PackageQuery{Account: owner, Shared: true}, []string{"a", "b", "c", "e"}},
		{"the friend's own", searchpack.PackageQuery{Account: friend}, []string{"e"}},
		{"the friend's, and shared, each once", searchpack.PackageQuery{Account: friend, Shared: true}, []string{"a", "b", "e"}},
		{"a stranger's", searchpack.PackageQuery{Account: stranger}, nil},
		{"a stranger's, and shared", searchpack.PackageQuery{Account: stranger, Shared: true}, []string{"b", "e"}},
		{"in the other region", searchpack.PackageQuery{Account: friend, Region: "eu-west-1", Shared: true}, []string{"d"}},
		{"of an owner", searchpack.PackageQuery{Account: friend, Shared: true, Owners: []string{owner}}, []string{"a", "b"}},
		{"of several owners", searchpack.PackageQuery{Account: friend, Shared: true, Owners: []string{owner, friend, stranger}}, []string{"a", "b", "e"}},
		{"own of another owner", searchpack.PackageQuery{Account: friend, Owners: []string{owner}}, nil},
		{"for an engine", searchpack.PackageQuery{Account: friend, Shared: true, EngineVersions: []string{"OpenSearch_3.8"}}, []string{"a", "e"}},
		{"for several engines", searchpack.PackageQuery{Account: owner, EngineVersions: []string{"OpenSearch_3.8", "OpenSearch_2.19"}}, []string{"a", "b"}},
		{"all lists together", searchpack.PackageQuery{Account: friend, Shared: true, IDs: []string{"a", "b", "c"}, Names: []string{"one"}, Owners: []string{owner}, EngineVersions: []string{"OpenSearch_2.19"}}, []string{"b"}},
		{"after, limited", searchpack.PackageQuery{Account: friend, Shared: true, AfterID: "a", Limit: 1}, []string{"b"}},
	}
	for _, test := range tests {
		same(t, test.name, test.want, ids(test.q))
	}

	// Whoever is left out of a new list sees it no more, and a deleted package leaves nothing behind.
	put("a", owner, region, "", stranger)
	update(t, s, func(tx searchpack.Tx) error { return tx.DeletePackage(ctx, "b") })
	same(t, "the friend, afterwards", []string{"e"}, ids(searchpack.PackageQuery{Account: friend, Shared: true}))
	same(t, "the stranger, afterwards", []string{"a", "e"}, ids(searchpack.PackageQuery{Account: stranger, Shared: true}))
	put("b", owner, region, "")
	same(t, "made again", []string(nil), read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]string, error) {
		p, err := tx.Package(ctx, "b")
		if err != nil {
			return nil, err
		}
		return p.SharedWith, nil
	}))
}
