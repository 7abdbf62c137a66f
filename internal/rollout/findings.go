package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// The rules of findings that a rollout leaves on its association.
const (
	ruleReload = "association.reload"          // "reopen needed: ...", "reindex needed: ...", "restart needed: ..."
	ruleProbe  = "association.not-probed"      // a chain that says nothing about the file
	ruleUsage  = "association.usage-truncated" // who uses the file is not known in full
	ruleVerify = "association.not-verified"    // a check of the version that was not run
)

// maxFindings bounds what one rule leaves on an association; one more counts the rest.
const maxFindings = 20

func warning(rule, message, remedy string) searchpack.Finding {
	return searchpack.Finding{Rule: rule, Severity: searchpack.SeverityWarning, Message: message, Remedy: remedy}
}

// cut keeps maxFindings and counts the rest.
func cut(rule string, fs []searchpack.Finding) []searchpack.Finding {
	if len(fs) <= maxFindings {
		return fs
	}
	return append(fs[:maxFindings:maxFindings], warning(rule, fmt.Sprintf("and %d more like these", len(fs)-maxFindings), ""))
}

// notReloaded names what goes on with the former version although the rollout ended well: indices
// that the refresh API does not reach. Closed ones read the file when they open.
func (d *decider) notReloaded(s searchpack.RolloutStep, noAPI map[string]bool) []searchpack.Finding {
	var out []searchpack.Finding
	for _, u := range d.uses(s.PackageID) {
		if u.UserKind != searchpack.UserIndex || u.Closed && u.FileKind != searchpack.KindHunspell {
			continue
		}
		how, why := reach(u, noAPI[u.Name], d.hotReload(u))
		var message, remedy string
		switch how {
		case ReachRestart:
			if s.FormerID == "" {
				continue // nothing is kept yet
			}
			message, remedy = "restart needed", restartRemedy(u, noAPI[u.Name])
		case ReachReindex:
			message, remedy = "reindex needed", "close and open the index, then reindex its documents"
		case ReachReopen:
			message, remedy = "reopen needed", "close and open the index"
			if noAPI[u.Name] {
				remedy = "install the index-management plugin, or close and open the index"
			}
		default:
			continue
		}
		message += ": index " + u.Name + ": " + why
		if f := warning(ruleReload, message, remedy); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return cut(ruleReload, out)
}

// restartRemedy is what to do about a Hunspell dictionary that goes on being what it was.
func restartRemedy(u searchpack.Use, noAPI bool) string {
	const restart = "restart the nodes one after another"
	switch {
	case noAPI:
		return restart
	case atIndexTime(u):
		return restart + ", then reindex the index's documents"
	}
	return restart + `; with "updateable": true in the filter and OpenSearch 3.7 or newer, new versions are loaded without that`
}

// reach is how a new version reaches an index, and why so; noAPI: OpenSearch cannot reload there, hot:
// a refresh reaches the use. Nodes keep Hunspell dictionaries that they have read, and closing and
// opening an index does not change that.
func reach(u searchpack.Use, noAPI, hot bool) (Reach, string) {
	hunspell := u.FileKind == searchpack.KindHunspell
	switch {
	case hunspell && noAPI:
		return ReachRestart, "OpenSearch here has no _refresh_search_analyzers"
	case hunspell && atIndexTime(u):
		return ReachRestart, u.Component + " is used at index time, and OpenSearch keeps Hunspell dictionaries for the life of the node"
	case hunspell && (u.Closed || !hot):
		return ReachRestart, u.Component + " cannot be reloaded, and OpenSearch keeps Hunspell dictionaries for the life of the node"
	case atIndexTime(u):
		return ReachReindex, u.Component + " is used at index time, so documents that are there keep their old terms"
	case noAPI && (u.Updateable || hot && len(u.Analyzers) > 0):
		return ReachReopen, "OpenSearch here has no _refresh_search_analyzers"
	case !hot:
		return ReachReopen, u.Component + " cannot be reloaded while the index is open"
	}
	return ReachHot, ""
}

// atIndexTime: a field's index analyzer or normalizer holds the component. Only what cannot be
// reloaded can be used so; internal/usage writes the role behind the field's name.
func atIndexTime(u searchpack.Use) bool {
	return !u.HotReload && slices.ContainsFunc(u.Fields, func(f string) bool {
		return strings.HasSuffix(f, " (index)") || strings.HasSuffix(f, " (normalizer)")
	})
}

// truncated says that not every user is known.
func (d *decider) truncated() []searchpack.Finding {
	if u := d.usage(); u == nil || !u.Truncated {
		return nil
	}
	return []searchpack.Finding{warning(ruleUsage,
		"usage truncated: the cluster state is too large to see every index that uses the package; indices not seen were neither probed with their own analyzers nor reloaded",
		"close and open indices that use the package")}
}

// unprobed names the chains that say nothing about the version, and on which nodes. probes are those of
// one node.
func (d *decider) unprobed(s searchpack.RolloutStep, probes func(*node) []searchpack.Probe) []searchpack.Finding {
	v := d.Versions[s.VersionID]
	var out []searchpack.Finding
	extra := 0
	var asked []string // ids, in order
	silent := map[string]*unanswered{}
	for _, n := range d.must() {
		extra = max(extra, len(d.questionsTo(n.openSearch(), v))-maxProbes)
		for _, p := range probes(n) {
			if n.verdict(p) != searchpack.VerdictNone {
				continue
			}
			u := silent[p.ID]
			if u == nil {
				u = &unanswered{probe: p}
				silent[p.ID], asked = u, append(asked, p.ID)
			}
			u.nodes, u.why = append(u.nodes, n.called()), quote(n.probes[p.ID].Reason)
		}
	}
	if extra > 0 {
		out = append(out, warning(ruleProbe, fmt.Sprintf("%d of the analyzers that use the package were not probed: more than %d differ", extra, maxProbes), ""))
	}
	for _, id := range asked {
		u := silent[id]
		slices.Sort(u.nodes)
		message := fmt.Sprintf("cannot be probed: %s on %s", where(u.probe), list(u.nodes))
		if u.why != "" {
			message += ": OpenSearch says: " + u.why
		}
		out = append(out, warning(ruleProbe, message, "mend what else is wrong with this analyzer; whether it takes the file is not known"))
	}
	return cut(ruleProbe, out)
}

// brokenBefore names the chains that could be built with no file before anything was placed: a reload
// that fails for them is not the version's fault.
func (d *decider) brokenBefore(r *searchpack.Rollout) string {
	var all []string
	for _, s := range r.Steps {
		if a := d.associations[s.PackageID]; a != nil {
			for _, f := range a.Findings {
				if _, what, ok := strings.Cut(f.Message, "cannot be probed: "); ok && f.Rule == ruleProbe {
					all = append(all, what)
				}
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " Broken before that, whatever the file: " + strings.TrimSuffix(strings.Join(all[:min(len(all), maxNamed)], "; "), ".") + "."
}

// unanswered is a probe that says nothing about the file, where and why.
type unanswered struct {
	probe searchpack.Probe
	nodes []string
	why   string
}

// where names what a probe was about: "index shop, analyzer srch".
func where(p searchpack.Probe) string {
	if p.Index == "" {
		return p.Analyzer
	}
	user := p.Index
	if !strings.Contains(user, " ") { // a template is named with its kind
		user = "index " + user
	}
	if p.Equivalent {
		return user + ", analyzer " + p.Analyzer + " (by an equivalent component)"
	}
	return user + ", analyzer " + p.Analyzer
}

// refusal is the reason of a rollout that a node's verdict ends.
func (d *decider) refusal(n *node, s searchpack.RolloutStep, p searchpack.Probe) string {
	if p.PackageID != s.PackageID {
		return d.refusesNeighbour(n, s, p)
	}
	said := strings.TrimSuffix(quote(n.probes[p.ID].Reason), ".")
	text := fmt.Sprintf("Node %s refuses %s (%s): OpenSearch says: %s.", n.called(), d.versionText(s), where(p), said)
	lines := d.suspects(d.Versions[s.VersionID])
	switch {
	case len(lines) > 0:
		return text + " Look at " + strings.Join(lines, " and ") + "."
	case strings.Contains(said, "Line ["):
		return text
	}
	return text + " OpenSearch does not say which line; the node's log has it."
}

// suspects are the first lines that the inspection found fault with under a rule of the kind: those
// that OpenSearch or most analyzers refuse, not those that are merely odd.
func (d *decider) suspects(v searchpack.Version) []string {
	const most = 2
	var out []string
	for _, f := range d.Findings[v.ID] {
		if f.Line == 0 || !refusable(f.Severity) || !aboutKind(f.Rule, v.Kind) || len(out) == most {
			continue
		}
		line := fmt.Sprintf("line %d", f.Line)
		if f.Text != "" {
			line += " (`" + quote(f.Text) + "`)"
		}
		out = append(out, line)
	}
	return out
}

func refusable(s searchpack.Severity) bool {
	return s == searchpack.SeverityError || s == searchpack.SeverityMostly
}

// aboutKind: the rule is about the text of such a file, not about the file as a whole. Rules are
// named "synonyms.two-arrows", "mapping.no-arrow".
func aboutKind(rule string, kind searchpack.Kind) bool {
	group, _, _ := strings.Cut(rule, ".")
	first, _, _ := strings.Cut(string(kind), "-")
	return group == "synonyms" || group != "" && (group == string(kind) || group == first)
}
