package diff

import (
	"fmt"
	"strings"

	"github.com/searchpack/searchpack"
)

// Files compares what two versions unpack to, by path and digest.
func Files(from, to []searchpack.ManifestEntry) Result {
	res := Result{Way: ByFile}
	before := map[string]searchpack.ManifestEntry{}
	for _, f := range from {
		before[f.Path] = f
	}
	left := map[Sort]int{Added: MaxShown, Removed: MaxShown, Changed: MaxShown}
	add := func(c Change) {
		if left[c.Sort]--; left[c.Sort] >= 0 {
			res.Changes = append(res.Changes, c)
		}
	}
	for _, f := range to {
		old, there := before[f.Path]
		delete(before, f.Path)
		switch {
		case !there:
			res.Added++
			add(Change{Sort: Added, Key: f.Path, New: []string{described(f)}, NewCount: 1})
		case old != f:
			res.Changed++
			add(Change{Sort: Changed, Key: f.Path, Old: []string{described(old)}, OldCount: 1, New: []string{described(f)}, NewCount: 1})
		default:
			res.Same++
		}
	}
	for _, f := range from {
		if _, gone := before[f.Path]; gone {
			res.Removed++
			add(Change{Sort: Removed, Key: f.Path, Old: []string{described(f)}, OldCount: 1})
		}
	}
	return res
}

// described says what a file is, as far as a difference may lie in it.
func described(f searchpack.ManifestEntry) string {
	s := fmt.Sprintf("%d bytes, SHA-256 %s", f.Size, f.Digest.Short())
	if f.Mode&0o111 != 0 {
		s += ", executable"
	}
	return s
}

// Descriptors compares what the descriptors of two plugins say; nil = there is none.
func Descriptors(from, to *searchpack.PluginProperties) []Change {
	var a, b searchpack.PluginProperties
	if from != nil {
		a = *from
	}
	if to != nil {
		b = *to
	}
	var out []Change
	for _, p := range []struct{ name, old, new string }{
		{"name", a.Name, b.Name}, {"description", a.Description, b.Description},
		{"version", a.Version, b.Version}, {"classname", a.ClassName, b.ClassName},
	} {
		c := Change{Sort: Changed, Key: p.name}
		switch {
		case p.old == p.new:
			continue
		case p.old == "":
			c.Sort = Added
		case p.new == "":
			c.Sort = Removed
		}
		note(&c.Old, &c.OldCount, []byte(strings.TrimSpace(p.old)))
		note(&c.New, &c.NewCount, []byte(strings.TrimSpace(p.new)))
		out = append(out, c)
	}
	return out
}
