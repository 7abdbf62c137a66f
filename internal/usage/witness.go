package usage

import (
	"strings"

	"github.com/searchpack/searchpack"
)

// maxWitnesses per use. Real components are in a handful of analyzers.
const maxWitnesses = 64

// witnesses lists how to see what the analyzers that hold c have loaded: those that the refresh API
// rebuilds, each with its whole chain, because what comes back is the terms of the whole chain.
func (u *user) witnesses(c *component, ref reference, holders []*component, steps *int) []searchpack.WitnessPoint {
	if u.kind != searchpack.UserIndex || u.closed {
		return nil
	}
	var out []searchpack.WitnessPoint
	for _, h := range holders {
		if *steps < 0 || len(out) == maxWitnesses {
			break
		}
		if !u.analysis.reloads([]*component{h}, "", steps) {
			continue
		}
		p := searchpack.WitnessPoint{Analyzer: h.name, Field: u.fieldFor(h.name)}
		w := &walker{an: u.analysis, target: c, id: ref.packageID, quiet: true, left: maxWalk}
		if p.Body, p.Blind = w.whole(h); c.get("type") == "hunspell" {
			p.Blind = "nodes keep Hunspell dictionaries apart from the analyzers that use them"
		}
		*steps -= maxWalk - w.left
		if p.Blind != "" {
			p.Body = ""
		}
		out = append(out, p)
	}
	return out
}

// whole writes the whole chain of a custom analyzer inline, or says why that cannot be.
func (w *walker) whole(h *component) (body, blind string) {
	for _, n := range h.list("filter") {
		f := w.an.comps[kindFilter][n]
		switch {
		case f == nil:
		case f.get("synonym_analyzer") != "":
			return "", "its filter " + n + " has a synonym_analyzer, which cannot be written inline"
		case f.kids != nil && !w.inlinable(f):
			return "", "its filter " + n + " holds filters that only the index knows"
		}
	}
	l, _ := w.start(h)
	l = w.filters(l, nil, h.list("filter"), 0)
	switch body = l.body(); {
	case w.left < 0:
		return "", "it is made of too many parts"
	case len(body) > maxChainBody:
		return "", "its settings are too large to be written inline"
	case l.equivalent || !strings.Contains(body, searchpack.PathMark):
		return "", "its chain cannot be written inline"
	}
	return body, ""
}

// fieldFor returns a field that names the analyzer; "" if none does, and then whoever asks looks for a
// text field of the index: _termvectors takes another analyzer for a field by name, but gives no
// terms for a field that is not mapped.
func (u *user) fieldFor(analyzer string) string {
	for _, named := range u.fields[analyzer] {
		if name, _, ok := strings.Cut(named, " ("); ok && !strings.HasPrefix(named, dynamicTemplate) {
			return name
		}
	}
	return ""
}
