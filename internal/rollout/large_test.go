package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// TestThousandsOfPrerequisites: calls are judged inside the transaction that writes them, and
// nothing but AWS's quotas, where they are switched on, bounds what a domain has.
func TestThousandsOfPrerequisites(t *testing.T) {
	var ids []string
	var asks []Ask
	manyOf := func(others searchpack.PackageType) Call {
		c := Call{Associations: map[string]searchpack.Association{}, Packages: map[string]searchpack.Package{}}
		ids, asks = nil, nil
		for i := range 1000 { // each needs all before it
			id, kind := fmt.Sprintf("F%09d", i), others
			if i == 0 {
				kind = searchpack.TypePlugin
			}
			c.Packages[id] = searchpack.Package{ID: id, Type: kind, AvailableID: "v"}
			c.Associations[id] = searchpack.Association{PackageID: id, Status: searchpack.AssociationFailed, Prerequisites: slices.Clone(ids)}
			ids, asks = append(ids, id), append(asks, Ask{PackageID: id})
		}
		return c
	}
	// One plugin has one license: so many are from before that was asked for.
	words, licenses := manyOf(searchpack.TypeDictionary), manyOf(searchpack.TypeLicense)
	// Many times what each takes; with a search through a list for each pair "taken along" took 6 s.
	const patience = 3 * time.Second
	for name, call := range map[string]func() (Change, error){
		"associate":      func() (Change, error) { return Associate(words, asks...) },
		"dissociate all": func() (Change, error) { return Dissociate(licenses, ids...) },
		"taken along":    func() (Change, error) { return Dissociate(licenses, ids[0]) },
	} {
		start := time.Now()
		ch, err := call()
		if took := time.Since(start); err != nil || len(ch.Rollout.Steps) != len(ids) || took > patience {
			t.Errorf("%s: %d steps in %s, %v", name, len(ch.Rollout.Steps), took, err)
		}
	}
}
