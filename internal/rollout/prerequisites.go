package rollout

import (
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// distinct refuses a call without packages, or with one twice.
func distinct(ids []string) error {
	if len(ids) == 0 {
		return searchpack.Errorf(searchpack.ErrInvalid, "The call names no package.")
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package %s is named twice.", id)
		}
		seen[id] = true
	}
	return nil
}

// once leaves out ids that came before.
func once(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (c Call) copyOfAssociations() map[string]searchpack.Association {
	rows := map[string]searchpack.Association{}
	maps.Copy(rows, c.Associations)
	return rows
}

// missing refuses packages that need what is neither in the same call nor serving on the domain: a
// first association that has not ended may still fail.
func (c Call) missing(rows map[string]searchpack.Association, asked []string) error {
	in := setOf(asked)
	for _, id := range asked {
		var missing []string
		for _, p := range rows[id].Prerequisites {
			a := c.Associations[p]
			if !in[p] && (a.ServingID == "" || a.Status == searchpack.Dissociating) {
				missing = append(missing, p)
			}
		}
		if len(missing) > 0 {
			return searchpack.Errorf(searchpack.ErrInvalid,
				"Package %s needs its prerequisites first: %s is not associated with domain %s. Associate that before, or in one call with AssociatePackages.",
				id, strings.Join(missing, ", "), c.Domain.Name)
		}
	}
	return nil
}

// inOrder returns the ids asked for so that each comes after its prerequisites, and else as asked.
// ErrInvalid: the prerequisites go round in a circle.
func inOrder(rows map[string]searchpack.Association, asked []string) ([]string, error) {
	var out, path []string
	done := map[string]bool{}
	var visit func(id string) error
	visit = func(id string) error {
		if done[id] {
			return nil
		}
		if i := slices.Index(path, id); i >= 0 {
			return searchpack.Errorf(searchpack.ErrInvalid,
				"The prerequisites go round in a circle: %s. Leave one of them out.", strings.Join(append(path[i:], id), " needs "))
		}
		path = append(path, id)
		for _, p := range rows[id].Prerequisites {
			if err := visit(p); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		done[id] = true
		if slices.Contains(asked, id) {
			out = append(out, id)
		}
		return nil
	}
	for _, id := range asked {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// takenAlong adds the licenses and configurations that go with a plugin: those that name it, or one
// that goes with it, as a prerequisite.
func (c Call) takenAlong(asked []string) []string {
	ids, going, needs := slices.Clone(asked), setOf(asked), c.neededBy()
	for i := 0; i < len(ids); i++ { // ids grows
		if i < len(asked) && c.Packages[ids[i]].Type != searchpack.TypePlugin {
			continue
		}
		for _, other := range needs[ids[i]] {
			kind := c.Packages[other].Type
			if kind != searchpack.TypeLicense && kind != searchpack.TypeConfig || going[other] {
				continue
			}
			going[other] = true
			ids = append(ids, other)
		}
	}
	return ids
}

// needed refuses to take away what a package that stays names as a prerequisite, whatever the
// status of that one: even a dissociation that runs may fail yet.
func (c Call) needed(ids []string) error {
	going, needs := setOf(ids), c.neededBy()
	for _, id := range ids {
		for _, other := range needs[id] {
			if !going[other] {
				return searchpack.Errorf(searchpack.ErrConflict,
					"Package %s is a prerequisite of package %s, which is %s on domain %s. Dissociate that first, or both in one call with DissociatePackages.",
					id, other, c.Associations[other].Status, c.Domain.Name)
			}
		}
	}
	return nil
}

// neededBy lists for each package which associations name it as a prerequisite, by id. A domain may
// have a thousand associations with a thousand prerequisites each.
func (c Call) neededBy() map[string][]string {
	needs := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.Associations)) {
		for _, p := range c.Associations[id].Prerequisites {
			needs[p] = append(needs[p], id)
		}
	}
	return needs
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
