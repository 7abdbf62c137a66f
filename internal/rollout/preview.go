package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// PreviewAsk is what somebody wants to see: a text through an analyzer of an index.
type PreviewAsk struct {
	PackageID, VersionID string
	Index                string
	Analyzer             string // "": the only one of the index that uses the package
	Text                 string
}

// NewPreview finds out how a node can be asked. The world has the package and the version. The result
// lacks its id and times. ErrInvalid: the index does not use the package, or not by that analyzer, or
// no single one is named. ErrUnsupported: it cannot be shown. ErrUnavailable: it is not known yet.
// ErrLimit: too many previews of the domain are open.
func NewPreview(w World, ask PreviewAsk) (searchpack.Preview, error) {
	d := newDecider(w, guards{})
	d.takeStock()
	p := searchpack.Preview{
		Domain: w.Domain.DomainKey, PackageID: ask.PackageID, VersionID: ask.VersionID,
		Index: ask.Index, Analyzer: ask.Analyzer, Text: ask.Text,
	}
	switch {
	case w.Domain.FilesOnly:
		return p, searchpack.Errorf(searchpack.ErrUnsupported, "Domain %s has no OpenSearch that could analyze a text.", w.Domain.Name)
	case len(w.Previews) >= searchpack.MaxPreviews:
		return p, searchpack.Errorf(searchpack.ErrLimit, "Domain %s has %d open previews. Try again when they have ended.", w.Domain.Name, len(w.Previews))
	case d.usage() == nil:
		return p, searchpack.Errorf(searchpack.ErrUnavailable, "No node of domain %s has said yet what its indices use. searchpack nodes %s says what hinders.", w.Domain.Name, w.Domain.Name)
	}
	uses := d.usesOf(ask.PackageID, ask.Index)
	if len(uses) == 0 {
		return p, searchpack.Errorf(searchpack.ErrInvalid, "Index %s of domain %s does not use package %s. searchpack usage %s --domain %s lists what does.",
			ask.Index, w.Domain.Name, ask.PackageID, ask.PackageID, w.Domain.Name)
	}
	var err error
	if p.Analyzer, err = analyzerOf(uses, ask); err == nil {
		p.Body, p.Partial, err = bodyOf(uses, p.Analyzer)
	}
	return p, err
}

// usesOf the package by one index.
func (d *decider) usesOf(packageID, index string) []searchpack.Use {
	return slices.DeleteFunc(d.uses(packageID), func(u searchpack.Use) bool {
		return u.UserKind != searchpack.UserIndex || u.Name != index
	})
}

// analyzerOf returns the analyzer asked for, or the only one.
func analyzerOf(uses []searchpack.Use, ask PreviewAsk) (string, error) {
	var names []string
	for _, u := range uses {
		names = append(names, u.Analyzers...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0:
		return "", searchpack.Errorf(searchpack.ErrInvalid, "No analyzer of index %s holds %s, which names the file: there is nothing to analyze with.", ask.Index, uses[0].Component)
	case ask.Analyzer == "" && len(names) > 1:
		return "", searchpack.Errorf(searchpack.ErrInvalid, "Several analyzers of index %s use package %s. Name one of them: %s.", ask.Index, ask.PackageID, list(names))
	case ask.Analyzer == "":
		return names[0], nil
	case !slices.Contains(names, ask.Analyzer):
		return "", searchpack.Errorf(searchpack.ErrInvalid, "Analyzer %s of index %s does not use package %s. These do: %s.", ask.Analyzer, ask.Index, ask.PackageID, list(names))
	}
	return ask.Analyzer, nil
}

// bodyOf is the analyzer's whole chain, where that is known; else the part of it that ends with the
// component that reads the file.
func bodyOf(uses []searchpack.Use, analyzer string) (body string, partial bool, err error) {
	blind := "it is not known how to write its chain inline"
	for _, u := range uses {
		for _, p := range u.Witnesses {
			switch {
			case p.Analyzer != analyzer:
			case p.Body != "":
				return p.Body, false, nil
			default:
				blind = p.Blind
			}
		}
	}
	var parts []string
	for _, u := range uses {
		for _, c := range u.Chains {
			if c.Analyzer == analyzer && !c.Equivalent && !c.Rules {
				parts = append(parts, c.Body)
			}
		}
	}
	slices.Sort(parts)
	if parts = slices.Compact(parts); len(parts) == 1 {
		return parts[0], true, nil
	}
	return "", false, searchpack.Errorf(searchpack.ErrUnsupported, "Analyzer %s cannot be previewed: %s.", analyzer, blind)
}

// takePreviews sorts the previews: those that a node has answered, those whose time is over, and those
// that are still to be asked.
func (d *decider) takePreviews() {
	for _, p := range d.World.Previews {
		switch {
		case !p.ExpiresAt.After(d.Now):
			d.forgotten = append(d.forgotten, p.ID)
		case p.Answer == nil:
			d.previews = append(d.previews, p)
		}
	}
	d.takeAnswers()
}

// takeAnswers looks for answers to the previews that wait.
func (d *decider) takeAnswers() {
	waiting := d.previews
	d.previews = nil
	for _, p := range waiting {
		if d.takeAnswer(&p) {
			d.shown = append(d.shown, p)
		} else {
			d.previews = append(d.previews, p)
		}
	}
}

// takeAnswer fills in what a node said that was asked.
func (d *decider) takeAnswer(p *searchpack.Preview) bool {
	for _, n := range d.nodes {
		for _, duty := range n.Order.Duties {
			res := n.duties[duty.ID]
			if !previewOf(duty, p) || !res.Done || res.Preview == nil {
				continue
			}
			answer := *res.Preview
			answer.Refused = quote(answer.Refused)
			p.Node, p.Answer = n.called(), &answer
			for _, a := range d.World.Associations {
				if v := d.Versions[a.ServingID]; a.PackageID == p.PackageID && duty.Preview.Before != "" && v.Digest == duty.Preview.Live {
					p.LiveID = v.ID
				}
			}
			return true
		}
	}
	return false
}

// previewOf reports whether the duty asks the preview.
func previewOf(duty searchpack.Duty, p *searchpack.Preview) bool {
	return duty.Kind == searchpack.DutyPreview && duty.Preview != nil && strings.HasPrefix(duty.ID, previewID(p))
}

func previewID(p *searchpack.Preview) string { return "preview/" + p.ID + "/" }

// addPreviews has the speaker fetch the candidates of what is to be previewed, and analyze. Packages
// that have changed meanwhile are left out: those previews just end.
func (d *decider) addPreviews(o *searchpack.Order) {
	for i := range d.previews {
		duty, c, ok := d.previewDuty(&d.previews[i])
		if !ok {
			continue
		}
		o.Duties = append(o.Duties[:len(o.Duties):len(o.Duties)], duty)
		if !slices.ContainsFunc(o.Candidates, func(x searchpack.Candidate) bool { return x.Digest == c.Digest && !x.Later }) {
			o.Candidates = append(o.Candidates, c)
		}
	}
}

func (d *decider) previewDuty(p *searchpack.Preview) (searchpack.Duty, searchpack.Candidate, bool) {
	v, there := d.Versions[p.VersionID]
	if !there || v.Digest == "" {
		return searchpack.Duty{}, searchpack.Candidate{}, false
	}
	at := func(path string) string { return strings.ReplaceAll(p.Body, searchpack.PathMark, path) }
	task := &searchpack.PreviewTask{
		PackageID: p.PackageID, Text: p.Text, After: at(searchpack.CandidatePath(v.Digest)), Candidate: v.Digest,
	}
	if a := d.associations[p.PackageID]; a != nil && a.ServingID != "" {
		task.Before, task.Live = at(d.filePath(p.PackageID)), d.Versions[a.ServingID].Digest
	}
	return searchpack.Duty{
			// Another file in place is another question.
			ID: previewID(p) + shortHash(string(task.Live)), Kind: searchpack.DutyPreview, Preview: task,
		}, searchpack.Candidate{
			PackageID: p.PackageID, Digest: v.Digest, Size: v.Size, Kind: v.Kind, Tree: v.Tree,
		}, true
}

// PreviewHindrance says why a preview has no answer yet, in a sentence.
func PreviewHindrance(w World, p searchpack.Preview) string {
	d := newDecider(w, guards{})
	d.takeStock()
	d.chooseSpeaker()
	switch n := d.speaker; {
	case d.who.Frozen != "":
		return d.who.Frozen
	case n == nil || !canSpeak(n):
		return "no node of the domain can be asked now: searchpack nodes " + w.Domain.Name + " says why"
	default:
		return d.hindered(n, p)
	}
}

// hindered says what the node that is asked says of it.
func (d *decider) hindered(n *node, p searchpack.Preview) string {
	v := d.Versions[p.VersionID]
	if c := n.ready[v.Digest]; !c.Ready && c.Error != "" {
		return fmt.Sprintf("%s cannot fetch v%d: %s", n.called(), v.Number, quote(c.Error))
	}
	for id, res := range n.duties {
		if strings.HasPrefix(id, previewID(&p)) && res.Error != "" {
			return n.called() + " says: " + quote(res.Error)
		}
	}
	if c := n.ready[v.Digest]; !c.Ready && c.Fetched > 0 {
		return fmt.Sprintf("%s has fetched %d of %d bytes of v%d", n.called(), c.Fetched, v.Size, v.Number)
	}
	return n.called() + " has not answered"
}
