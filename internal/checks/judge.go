package checks

import (
	"encoding/json"
	"slices"

	"github.com/searchpack/searchpack"
)

// Tokens says what is wrong with the tokens of an analysis; wrong is false if nothing is. missing and
// unwanted are of the check's own tokens only.
func Tokens(e searchpack.Expectation, tokens []string) (wrong bool, missing, unwanted []string) {
	for _, s := range e.Contains {
		if !slices.Contains(tokens, s) {
			missing = append(missing, s)
		}
	}
	for _, s := range e.Excludes {
		if slices.Contains(tokens, s) {
			unwanted = append(unwanted, s)
		}
	}
	if e.Equals == nil {
		return len(missing)+len(unwanted) > 0, missing, unwanted
	}
	left := slices.Clone(tokens)
	for _, s := range e.Equals {
		if i := slices.Index(left, s); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			missing = append(missing, s)
		}
	}
	return len(missing)+len(left) > 0, missing, unwanted
}

// Hits says what is wrong with a search: how many hits there are, and which of the check's ids are
// among them.
func Hits(e searchpack.Expectation, hits int64, found []string) (wrong bool, missing, unwanted []string) {
	for _, id := range e.IDs {
		if !slices.Contains(found, id) {
			missing = append(missing, id)
		}
	}
	for _, id := range e.ExcludesIDs {
		if slices.Contains(found, id) {
			unwanted = append(unwanted, id)
		}
	}
	wrong = len(missing)+len(unwanted) > 0 || e.MinHits != nil && hits < *e.MinHits || e.MaxHits != nil && hits > *e.MaxHits
	return wrong, missing, unwanted
}

// Counting is the body of the _search that counts the hits of a check, as far as it matters.
func Counting(c searchpack.Check) []byte {
	most := int64(0)
	for _, n := range []*int64{c.Expect.MinHits, c.Expect.MaxHits} {
		if n != nil {
			most = max(most, *n)
		}
	}
	return encode(map[string]any{"size": 0, "track_total_hits": most + 1, "query": c.Search})
}

// Finding is the body of the _search that finds which of the check's ids are hits, wherever they rank;
// nil if it names none.
func Finding(c searchpack.Check) []byte {
	ids := slices.Concat(c.Expect.IDs, c.Expect.ExcludesIDs)
	if len(ids) == 0 {
		return nil
	}
	return encode(map[string]any{
		"size": len(ids), "_source": false, "track_total_hits": false,
		"query": map[string]any{"bool": map[string]any{
			"must": c.Search, "filter": map[string]any{"ids": map[string]any{"values": ids}},
		}},
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("a query of strings and numbers cannot be written: " + err.Error())
	}
	return b
}
