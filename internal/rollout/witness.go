package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// ReloadPause is how long a reload that has not reached every analyzer stands before the next:
	// copies that were moving arrive meanwhile.
	ReloadPause = 5 * time.Second
	// maxPoints bounds what one node is asked about one package: each is a call. Searches for more
	// would take longer than anybody waits, and they differ in nothing but the index's name.
	maxPoints = 5_000
	// maxTexts of a witness.
	maxTexts = 20
)

// seen is what is to be seen of one version on a node: who asks for it, how, and what came.
type seen struct {
	points int               // that can be asked
	blind  map[string]string // analyzer of an index -> why it cannot be asked
	more   int               // left out
	duty   searchpack.Duty   // without witnesses: nothing to ask
}

// witnessLevel: the domain wants to see what is loaded, and there is an OpenSearch that has loaded
// something.
func (d *decider) witnessLevel() bool {
	p := d.Domain.Policy.Level
	return !d.Domain.FilesOnly && !d.off.witness && d.canReload() && p != searchpack.LevelPlaced && p != searchpack.LevelProbed
}

// noTurn asks about all analyzers.
const noTurn = -1

// asks makes the duty that shows what nodes have loaded of the version: one witness for each chain,
// with every index that has it, or with those of a turn. former is what they had before; zero =
// nothing, or the same bytes.
func (d *decider) asks(id string, v, former searchpack.Version, texts []string, turn int64) seen {
	key := seenKey{v.ID, former.ID, turn}
	s, made := d.seen[key]
	if !made {
		s = d.makeWitness(v, former, texts, turn)
		d.seen[key] = s
	}
	s.duty.ID = id + "-" + s.duty.ID
	return s
}

// seenKey names a duty that is made once for all nodes, but for its id.
type seenKey struct {
	versionID, formerID string
	turn                int64
}

// chainPlace is an analyzer that can be asked, and its chain.
type chainPlace struct {
	body  string
	place searchpack.WitnessPlace
}

// makeWitness makes a duty whose id is a hash of what it asks.
func (d *decider) makeWitness(v, former searchpack.Version, texts []string, turn int64) seen {
	s := seen{blind: map[string]string{}}
	if !d.witnessLevel() {
		return s
	}
	var all []chainPlace
	for _, u := range d.uses(v.PackageID) {
		for _, p := range u.Witnesses {
			switch {
			case p.Blind != "":
				s.blind[u.Name+"/"+p.Analyzer] = p.Blind
			case len(all) == maxPoints:
				s.more++
			default:
				all = append(all, chainPlace{p.Body, searchpack.WitnessPlace{Index: u.Name, Analyzer: p.Analyzer, Field: p.Field}})
			}
		}
	}
	s.points = len(all)
	byBody := map[string][]searchpack.WitnessPlace{}
	for _, p := range ofTurn(all, turn) {
		byBody[p.body] = append(byBody[p.body], p.place)
	}
	parts := []string{string(v.Digest), string(former.Digest)}
	for _, body := range slices.Sorted(maps.Keys(byBody)) {
		w := searchpack.Witness{
			PackageID: v.PackageID, Digest: v.Digest, Texts: texts[:min(len(texts), maxTexts)],
			Live: strings.ReplaceAll(body, searchpack.PathMark, d.filePath(v.PackageID)), Points: byBody[body],
		}
		if former.Digest != "" && former.Digest != v.Digest {
			w.Former = strings.ReplaceAll(body, searchpack.PathMark, searchpack.CandidatePath(former.Digest))
		}
		s.duty.Witnesses = append(s.duty.Witnesses, w)
		parts = append(parts, body, fmt.Sprint(w.Points))
	}
	parts = append(parts, texts...)
	s.duty.ID = shortHash(parts...)
	s.duty.Kind = searchpack.DutyWitness
	return s
}

// ofTurn cuts out what a turn asks: maxRepeated, from where the turn before ended.
func ofTurn(all []chainPlace, turn int64) []chainPlace {
	if turn == noTurn || len(all) <= maxRepeated {
		return all
	}
	turns := int64((len(all) + maxRepeated - 1) / maxRepeated)
	from := int(turn%turns) * maxRepeated
	return all[from:min(from+maxRepeated, len(all))]
}

// stepWitness is what nodes are to show for a step of the running rollout.
func (d *decider) stepWitness(r *searchpack.Rollout, s searchpack.RolloutStep) seen {
	former := d.Versions[s.FormerID]
	return d.asks(d.dutyID(r, searchpack.DutyWitness, 0), d.Versions[s.VersionID], former, s.Texts, noTurn)
}

// canReload: some node has the refresh route. Without it nothing can be reloaded while it is open,
// which findings say, and nothing is asked.
func (d *decider) canReload() bool {
	return slices.ContainsFunc(d.nodes, func(n *node) bool { f := n.facts(); return f != nil && f.RefreshAPI })
}

// witnessed reports whether the node has shown all that it was asked; open says what else it has
// loaded, why what hinders it.
func (d *decider) witnessed(n *node, s seen) (ok bool, open []searchpack.WitnessFinding, why string) {
	if len(s.duty.Witnesses) == 0 {
		return true, nil, ""
	}
	res, answered := n.duties[s.duty.ID]
	if !answered || !res.Done || len(res.Witnessed) != len(s.duty.Witnesses) {
		return false, nil, res.Error
	}
	ok = true
	for _, w := range res.Witnessed {
		for state, count := range w.Counts {
			ok = ok && (state.Loaded() || count == 0)
		}
		open = append(open, w.Open...)
	}
	return ok, open, ""
}

// stale says which node goes on with something else than the new version, and in which index: "n2 to load
// v2 of synonyms: index ..."; "" if none does.
func (d *decider) stale(r *searchpack.Rollout) string {
	for _, s := range r.Steps {
		asked := d.stepWitness(r, s)
		for _, n := range d.must() {
			ok, open, _ := d.witnessed(n, asked)
			if _, done := n.duties[asked.duty.ID]; ok || !done || !n.duties[asked.duty.ID].Done {
				continue
			}
			return fmt.Sprintf("%s to load %s%s", n.called(), d.versionText(s), openText(open))
		}
	}
	return ""
}

// repeat has everything reloaded again because of what stale says. That stays with the rollout: the answer
// itself goes with the question, long before the reload is through.
func (d *decider) repeat(r *searchpack.Rollout, stale string) bool {
	if d.enter(r, searchpack.PhaseReload); r.Steps[0].Stale != stale {
		r.Steps[0].Stale = stale
		d.event("reload repeated", d.subject(r), "waiting for "+stale)
	}
	return d.wait(r, staleText(stale))
}

// repeatedFor is what the reload that runs, or has just run, is repeated for; "" if it is the first.
func repeatedFor(r *searchpack.Rollout) string {
	if r.Phase != searchpack.PhaseReload && r.Phase != searchpack.PhaseProve || len(r.Steps) == 0 {
		return ""
	}
	return r.Steps[0].Stale
}

func staleText(stale string) string { return "waiting for " + stale + "; the reload is repeated" }

// openText says what the first point that is not loaded showed.
func openText(open []searchpack.WitnessFinding) string {
	if len(open) == 0 {
		return ""
	}
	f := open[0]
	what := map[searchpack.WitnessState]string{
		searchpack.WitnessFormer:     "still answers like the former version",
		searchpack.WitnessOther:      "answers like neither the new nor the former version",
		searchpack.WitnessUnanswered: "gives no answer",
	}[f.State]
	text := fmt.Sprintf(": index %s, analyzer %s %s", quote(f.Index), quote(f.Analyzer), what)
	if f.Text != "" {
		text += fmt.Sprintf(" to the text %q", quote(f.Text))
	}
	if f.Reason != "" {
		text += " (" + quote(f.Reason) + ")"
	}
	if more := len(open) - 1; more > 0 {
		text += ", and " + count(more, "more", "more")
	}
	return text
}

// witnessWords says what a node has shown, for its proof.
func witnessWords(n *node, s seen) string {
	total := map[searchpack.WitnessState]int{}
	for _, w := range n.duties[s.duty.ID].Witnessed {
		for state, count := range w.Counts {
			total[state] += count
		}
	}
	total[searchpack.WitnessBlind] += len(s.blind)
	var parts []string
	for _, state := range []searchpack.WitnessState{
		searchpack.WitnessMatched, searchpack.WitnessSame, searchpack.WitnessBlind, searchpack.WitnessNothing,
	} {
		if total[state] > 0 {
			parts = append(parts, count(total[state], "analyzer", "analyzers")+" "+string(state))
		}
	}
	if s.more > 0 {
		parts = append(parts, fmt.Sprintf("%d not asked", s.more))
	}
	if len(parts) == 0 {
		return "no open index has it loaded"
	}
	return strings.Join(parts, ", ")
}
