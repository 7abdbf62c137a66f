package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// planPreviews has users ask for previews at random, whatever else goes on.
func (s *sim) planPreviews() {
	s.after(s.upTo(90*time.Second), func() {
		if s.calm {
			return
		}
		s.somePreview()
		s.planPreviews()
	})
}

func (s *sim) somePreview() {
	v := s.server
	pkg := v.packages[fmt.Sprintf("F%d", 1+s.rng.IntN(3))]
	number := 1 + s.rng.IntN(pkg.AvailableNumber)
	p := searchpack.Preview{
		ID: fmt.Sprintf("p%d", s.count), Domain: simDomain, PackageID: pkg.ID, VersionID: fmt.Sprintf("%s-v%d", pkg.ID, number),
		Index: "i", Analyzer: "a", Body: searchpack.PathMark, Text: "text", CreatedAt: s.now, ExpiresAt: s.now.Add(searchpack.PreviewLife),
	}
	s.log("preview %s of %s", p.ID, p.VersionID)
	v.previews = append(v.previews, p)
	v.fence++
	v.dirty()
}

// preview answers with the digests of what was read.
func (a *simAgent) preview(q *searchpack.PreviewTask) *searchpack.PreviewReport {
	read := func(d searchpack.Digest) *searchpack.Tokens {
		return &searchpack.Tokens{Tokens: []searchpack.Token{{Text: string(d)}}}
	}
	if !a.node.cands[q.Candidate] || q.Before != "" && a.node.lies(q.PackageID, a.pathOf(q.PackageID)) != q.Live {
		return nil
	}
	r := &searchpack.PreviewReport{After: read(q.Candidate)}
	if q.Before != "" {
		r.Before = read(q.Live)
	}
	return r
}

// takePreviews writes what a decision says of previews.
func (v *simServer) takePreviews(d Decision) {
	for _, p := range d.Previews {
		i := slices.IndexFunc(v.previews, func(x searchpack.Preview) bool { return x.ID == p.ID })
		v.previews[i] = p
	}
	v.previews = slices.DeleteFunc(v.previews, func(p searchpack.Preview) bool { return slices.Contains(d.Forgotten, p.ID) })
}

// checkPreviews: one agent is asked, nothing is asked of a preview that has ended or was answered, and
// an answer is about the versions that it names.
func (v *simServer) checkPreviews(w World, d Decision) {
	open := map[string]bool{}
	for _, p := range w.Previews {
		open[p.ID] = p.Answer == nil && p.ExpiresAt.After(w.Now)
	}
	for _, p := range d.Previews {
		open[p.ID] = false
		if got := p.Answer.After.Tokens[0].Text; got != string(v.versions[p.VersionID].Digest) {
			v.fail("preview %s of %s is answered about %s", p.ID, p.VersionID, got)
		}
		if b := p.Answer.Before; p.LiveID != "" && b.Tokens[0].Text != string(v.versions[p.LiveID].Digest) {
			v.fail("preview %s says that %s served, but read %s", p.ID, p.LiveID, b.Tokens[0].Text)
		}
	}
	for id, o := range d.Orders {
		for _, duty := range o.Duties {
			asked := strings.Split(duty.ID, "/")
			if duty.Kind == searchpack.DutyPreview && (!o.Speaker || !open[asked[1]]) {
				v.fail("%s is asked %s", id, duty.ID)
			}
		}
	}
}
