package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxProbes bounds the chains asked about one package: each takes an agent a moment, and a node's
// analyze pool has one thread. Chains are deduplicated, so this many differ from each other.
const maxProbes = 200

// probeFailed is the ErrorDetails type of a file that a node refuses.
const probeFailed = "ProbeFailed"

// question is a chain to ask a node about, whatever the path.
type question struct {
	user, analyzer string // what people are told; user "" = no index or template
	equivalent     bool
	body           string // with PathMark
	since, before  string // versions of OpenSearch, see searchpack.Chain
	hot            bool   // a refresh of the index builds it
	control        searchpack.Kind
}

// questionsAbout a version: the chains of everybody who uses the package, else the generic one.
func (d *decider) questionsAbout(v searchpack.Version) []question {
	if d.Domain.FilesOnly || v.Tree || d.isPlugin(v.PackageID) { // what reads folders keeps them for the node's life
		return nil
	}
	if qs, made := d.questions[v.ID]; made {
		return qs
	}
	var qs []question
	seen := map[searchpack.Chain]bool{}
	sure := v.SureKind()
	kind := sure
	for _, u := range d.uses(v.PackageID) {
		if kind == searchpack.KindUnknown {
			kind = u.FileKind
		}
		for _, c := range u.Chains {
			same := searchpack.Chain{Body: c.Body, Since: c.Since, Before: c.Before}
			if seen[same] {
				continue
			}
			seen[same] = true
			qs = append(qs, question{userName(u), c.Analyzer, c.Equivalent, c.Body, c.Since, c.Before, d.refreshReaches(u), controlKind(u.FileKind, sure)})
		}
	}
	u := d.usage()
	if body := GenericChain(kind); body != "" && (len(qs) == 0 || u != nil && u.Truncated) {
		qs = append(qs, question{analyzer: "generic chain", body: body, control: controlKind(kind, sure)})
	}
	d.questions[v.ID] = qs
	return qs
}

func controlKind(first, second searchpack.Kind) searchpack.Kind {
	if first != searchpack.KindUnknown {
		return first
	}
	return second
}

// userName is an index's bare name, or "index template logs".
func userName(u searchpack.Use) string {
	if u.UserKind == searchpack.UserIndex {
		return u.Name
	}
	return string(u.UserKind) + " " + u.Name
}

// questionsTo a node of this version of OpenSearch: chains that it would not build so are left out.
// Whoever does not say its version is asked everything.
func (d *decider) questionsTo(version string, v searchpack.Version) []question {
	var qs []question
	for _, q := range d.questionsAbout(v) {
		if version != "" && (q.since != "" && olderThan(version, q.since) || q.before != "" && !olderThan(version, q.before)) {
			continue
		}
		qs = append(qs, q)
	}
	return qs
}

// openSearch is the version of OpenSearch that the node reports; "" while it does not.
func (n *node) openSearch() string {
	if f := n.facts(); f != nil {
		return f.Version
	}
	return ""
}

// olderThan compares major and minor of a version, "3.8.0", with a bound, "3.6".
func olderThan(version, bound string) bool {
	var is, than [2]int
	if _, err := fmt.Sscanf(version, "%d.%d", &is[0], &is[1]); err != nil {
		return false
	}
	_, err := fmt.Sscanf(bound, "%d.%d", &than[0], &than[1])
	return err == nil && slices.Compare(is[:], than[:]) < 0
}

// probesAt makes the probes of the file at path for nodes of a version, with the control at control.
// salt tells apart controls that have one path but other bytes.
func (d *decider) probesAt(version string, v searchpack.Version, path string, control func(searchpack.Kind) string, salt string) []searchpack.Probe {
	return d.asProbes(d.questionsTo(version, v), v, path, control, salt)
}

// asProbes puts the path into the questions, at most maxProbes of them.
func (d *decider) asProbes(qs []question, v searchpack.Version, path string, control func(searchpack.Kind) string, salt string) []searchpack.Probe {
	if len(qs) > maxProbes {
		qs = qs[:maxProbes]
	}
	out := make([]searchpack.Probe, 0, len(qs))
	for _, q := range qs {
		p := searchpack.Probe{
			PackageID: v.PackageID, Path: path, Digest: v.Digest,
			Index: q.user, Analyzer: q.analyzer, Equivalent: q.equivalent,
			Body:    strings.ReplaceAll(q.body, searchpack.PathMark, path),
			Control: strings.ReplaceAll(q.body, searchpack.PathMark, control(q.control)),
		}
		p.ID = shortHash(p.PackageID, p.Path, string(p.Digest), p.Index, p.Analyzer,
			strconv.FormatBool(p.Equivalent), p.Body, p.Control, salt)
		out = append(out, p)
	}
	return out
}

// shortHash names a list of strings; 64 bits, as ids need to differ only within a domain.
func shortHash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// candidateProbes ask the node about a candidate, and about what is reloaded with it. The control is the
// file that serves there, if the former version does, else a minimal file of the kind.
func (d *decider) candidateProbes(n *node, s searchpack.RolloutStep) []searchpack.Probe {
	v, former := d.Versions[s.VersionID], d.Versions[s.FormerID].Digest
	control, salt := searchpack.ControlPath, ""
	if s.FormerID != "" && former != v.Digest && d.shows(n, s.PackageID, former) {
		control, salt = func(searchpack.Kind) string { return d.filePath(s.PackageID) }, string(former)
	}
	key := setKey{v.ID, n.openSearch(), salt, true}
	if _, made := d.sets[key]; !made {
		d.sets[key] = d.probesAt(key.version, v, searchpack.CandidatePath(v.Digest), control, salt)
	}
	return slices.Concat(d.sets[key], d.neighbourProbes(n, s))
}

// liveProbes ask a node about the file in place.
func (d *decider) liveProbes(n *node, v searchpack.Version) []searchpack.Probe {
	if d.Domain.Policy.Level == searchpack.LevelPlaced {
		return nil
	}
	key := setKey{v.ID, n.openSearch(), "", false}
	if _, made := d.sets[key]; !made {
		d.sets[key] = d.probesAt(key.version, v, d.filePath(v.PackageID), searchpack.ControlPath, "")
	}
	return d.sets[key]
}

// setKey names probes that are made once for all nodes of a version of OpenSearch.
type setKey struct {
	versionID, version, salt string
	candidate                bool
}

// verdict is the node's answer to a probe, "" if there is none about these bytes.
func (n *node) verdict(p searchpack.Probe) searchpack.Verdict {
	res := n.probes[p.ID]
	if res.Digest != p.Digest {
		return ""
	}
	return res.Verdict
}

// passed: every probe was answered, and none by a refusal.
func (d *decider) passed(n *node, probes []searchpack.Probe) bool {
	for _, p := range probes {
		switch n.verdict(p) {
		case searchpack.VerdictGood, searchpack.VerdictNone:
		case searchpack.VerdictBad:
			if !d.off.verdicts {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// stepProbes are the probes of a node that count in this phase: of the candidate until the node
// was told to place it, then of the file in place.
func (d *decider) stepProbes(r *searchpack.Rollout, n *node, s searchpack.RolloutStep) []searchpack.Probe {
	switch r.Phase {
	case searchpack.PhaseProbe:
		return d.candidateProbes(n, s)
	case searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve, searchpack.PhaseVerify:
		if !d.toldToPlace(n, s) {
			return d.candidateProbes(n, s)
		}
		if proving(r.Phase) {
			return d.liveProbes(n, d.Versions[s.VersionID])
		}
	}
	return nil
}

// toldToPlace: the stored order has the new version live. It stays so until the rollout ends, even
// if the agent forgets what it had answered.
func (d *decider) toldToPlace(n *node, s searchpack.RolloutStep) bool {
	o := n.ordered(s.PackageID)
	return lies(o.State) && o.Digest == d.Versions[s.VersionID].Digest
}

// badVerdict explains the first refusal of a node that must prove; "" if there is none.
func (d *decider) badVerdict(r *searchpack.Rollout) string {
	if d.off.verdicts {
		return ""
	}
	for _, n := range d.must() {
		for _, s := range r.Steps {
			for _, p := range d.stepProbes(r, n, s) {
				if n.verdict(p) == searchpack.VerdictBad {
					return d.refusal(n, s, p)
				}
			}
		}
	}
	return ""
}
