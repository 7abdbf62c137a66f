package catalog

import (
	"context"
	"fmt"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/diff"
)

// maxFiles is how many files and properties a plan names: a page of them. searchpack diff shows them all.
const maxFiles = 20

// filesNote says what the numbers of such a difference count.
const filesNote = "by file"

// unpackedForPlan says what a version of a plugin or a configuration changes: its files, and of a plugin what
// its descriptor says. nil if there is nothing to compare it with.
func (c *Catalog) unpackedForPlan(ctx context.Context, who searchpack.Caller, v *PlanView) (*Difference, error) {
	if v.Former == nil || v.Former.PackageID != v.Package.ID {
		return nil, nil
	}
	d, err := c.Diff(ctx, who, v.Package.ID, v.Former.Number, v.Version.Number)
	if err != nil {
		return nil, err
	}
	out := &Difference{Added: d.Added, Removed: d.Removed, Changed: d.Changed, Note: d.Note}
	if d.Way == diff.ByFile {
		out.Note = filesNote
	}
	for _, p := range d.Descriptor {
		out.Texts = append(out.Texts, propertyText(p))
	}
	for _, f := range d.Changes {
		if len(out.Texts) == maxFiles {
			break
		}
		out.Texts = append(out.Texts, map[diff.Sort]string{diff.Added: "+ ", diff.Removed: "- ", diff.Changed: "~ "}[f.Sort]+f.Key)
	}
	return out, nil
}

// propertyText is a property of the descriptor as it was and is: "version: 1.0 => 1.1".
func propertyText(p diff.Change) string {
	first := func(values []string) string {
		if len(values) == 0 {
			return "nothing"
		}
		return values[0]
	}
	return fmt.Sprintf("%s: %s => %s", p.Key, first(p.Old), first(p.New))
}
