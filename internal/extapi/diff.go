package extapi

import (
	"github.com/searchpack/searchpack/internal/inspect/diff"
)

// changeJSON is one key, file or property that differs.
type changeJSON struct {
	Change   diff.Sort `json:"change"`
	Key      string    `json:"key"`
	Old      []string  `json:"old,omitempty"`
	New      []string  `json:"new,omitempty"`
	OldCount int       `json:"old_count"`
	NewCount int       `json:"new_count"`
	OldLine  int64     `json:"old_line,omitempty"`
	NewLine  int64     `json:"new_line,omitempty"`
}

func changesOf(changes []diff.Change) []changeJSON {
	out := make([]changeJSON, len(changes))
	for i, c := range changes {
		out[i] = changeJSON{c.Sort, c.Key, c.Old, c.New, c.OldCount, c.NewCount, c.OldLine, c.NewLine}
	}
	return out
}

func (e *edge) diff(c call) (any, error) {
	var numbers [2]int64
	for i, name := range []string{"from", "to"} {
		n, err := c.number(name, 1, maxVersion, 0)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	id := c.PathValue("package")
	d, err := e.Catalog.Diff(c.Context(), c.who, id, int(numbers[0]), int(numbers[1]))
	if err != nil {
		return nil, err
	}
	answer := map[string]any{
		"package_id": id, "from": versionOf(d.From), "to": versionOf(d.To), "way": d.Way,
		"added": d.Added, "removed": d.Removed, "changed": d.Changed, "same": d.Same,
		"changes": changesOf(d.Changes), "descriptor": changesOf(d.Descriptor),
	}
	if d.Note != "" {
		answer["note"] = d.Note
	}
	return answer, nil
}
