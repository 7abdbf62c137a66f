package importer

import (
	"context"

	"github.com/searchpack/searchpack"
)

// learnt says what the indices and templates of the owner's domains that the package is associated
// with take its file for: KindUnknown if nobody uses it, or if they do not agree. Others with whom it
// is shared have no say: what they do must not make the owner's import fail.
func (i *Importer) learnt(ctx context.Context, p *searchpack.Package) (searchpack.Kind, error) {
	kinds := map[searchpack.Kind]bool{}
	if p.Type != searchpack.TypeDictionary {
		return searchpack.KindUnknown, nil
	}
	err := i.store.View(ctx, func(tx searchpack.Tx) error {
		all, err := tx.AssociationsOf(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.Domain.Account != p.Account {
				continue
			}
			u, err := tx.Usage(ctx, a.Domain)
			if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
				continue // no node of the domain has looked yet
			}
			if err != nil {
				return err
			}
			for _, use := range u.Uses {
				if use.PackageID == p.ID {
					kinds[use.FileKind] = true
				}
			}
		}
		return nil
	})
	delete(kinds, searchpack.KindUnknown)
	if len(kinds) != 1 {
		return searchpack.KindUnknown, err
	}
	for kind := range kinds {
		return kind, err
	}
	return searchpack.KindUnknown, err
}
