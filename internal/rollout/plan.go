package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// Reach is how a new version reaches somebody who uses the file.
type Reach string

// The reaches.
const (
	ReachHot     Reach = "hot reload" // the rollout has the search analyzers of the index refreshed
	ReachReopen  Reach = "reopen"     // the index must be closed and opened
	ReachReindex Reach = "reindex"    // and its documents indexed anew
	ReachRestart Reach = "restart"    // the nodes must be restarted: they keep what they have read
	// ReachNothing: nothing is to be done. The same bytes serve already, or the file is read only later,
	// when a closed index opens or a template makes an index.
	ReachNothing Reach = "nothing"
)

// Outlook is what Plan foresees. It holds no promise: what nodes and callers do meanwhile changes it.
type Outlook struct {
	// Refused is why the call would be refused, or the rollout end before a node hears of it; nil if
	// neither.
	Refused *searchpack.Error
	// Serves: the version serves already and nothing would be rolled out.
	Serves bool
	// Identical: the bytes are those that serve, so nothing is reloaded.
	Identical bool
	// Members are the nodes, with what would keep a rollout from moving.
	Members Membership
	// Before are the open rollouts that end first, oldest first.
	Before []searchpack.Rollout
	// Probes is how many chains of analysis each node is asked to build from the file, before it is
	// placed; Generic: they are not those of an index or template, because none is known to use it.
	Probes  int
	Generic bool
	// UsageKnown: a node has told who uses the file. Truncated: not of everybody.
	UsageKnown, Truncated bool
	Users                 []UserOutlook
	// Points is how many analyzers of indices nodes can be asked what they have loaded. NoWitness says
	// why nothing is asked at all; "" if it is.
	Points    int
	NoWitness string
	// Checks is how many verify checks are run at the end. NoChecks says why those that the version has
	// are not; "" if they are.
	Checks   int
	NoChecks string
	// Restarts is what a plugin's rollout does with the nodes; nil = it is no plugin.
	Restarts *RestartOutlook
}

// UserOutlook is one index or template and how the version reaches it.
type UserOutlook struct {
	searchpack.Use
	Reach Reach
	Note  string // what that means here
}

// Plan says what would happen if the package were associated now as ask says: the tables of Associate
// and the rules of Decide on a copy of the world, which stays as it is. The world has the package, the
// version asked for and the one that serves; allowed is what else the caller found against it, nil if
// nothing.
func Plan(w World, ask Ask, allowed error) Outlook {
	d := newDecider(w, guards{})
	d.takeStock()
	d.chooseSpeaker()
	out := Outlook{Members: d.who, Truncated: d.usage() != nil && d.usage().Truncated, UsageKnown: d.usage() != nil}
	call := w.Call("plan")
	a, there := call.Associations[ask.PackageID]
	id := ask.VersionID
	if id == "" {
		id = w.Packages[ask.PackageID].AvailableID
	}
	v, former := w.Versions[id], searchpack.Version{}
	if there {
		former = w.Versions[a.ServingID]
	}
	out.Serves = there && a.Status == searchpack.Active && a.ServingID == id && id != ""
	out.Identical = former.Digest != "" && former.Digest == v.Digest
	ch, err := Associate(call, ask)
	if allowed != nil { // the catalog looks at its quotas first
		err = allowed
	}
	out.Before = before(w.Rollouts, ch)
	out.Refused = refused(err)
	if id == "" {
		return out
	}
	if d.isPlugin(ask.PackageID) {
		out.NoWitness = "a plugin is proven by each node's own list of plugins, and by its files"
		d.foreseeRestarts(&out, v, former)
		return out
	}
	d.foreseeProbes(&out, v)
	d.foreseeUsers(&out, v)
	d.foreseeWitness(&out, v)
	switch {
	case d.Domain.FilesOnly && v.CheckCount > 0:
		out.NoChecks = "the domain has no OpenSearch"
	default:
		out.Checks = v.CheckCount
	}
	return out
}

// before leaves out what the call itself would abort.
func before(open []searchpack.Rollout, ch Change) []searchpack.Rollout {
	var out []searchpack.Rollout
	for _, r := range open {
		aborted := slices.ContainsFunc(ch.Replaced, func(x searchpack.Rollout) bool { return x.ID == r.ID && !x.State.Open() })
		if r.State.Open() && !aborted {
			out = append(out, r)
		}
	}
	return out
}

// refused is the answer to the call; nil = it is taken.
func refused(err error) *searchpack.Error {
	if err == nil {
		return nil
	}
	return &searchpack.Error{Code: searchpack.ErrorCode(err), Message: searchpack.ErrorMessage(err)}
}

func (d *decider) foreseeProbes(out *Outlook, v searchpack.Version) {
	asked := d.questionsAbout(v)
	if nodes := d.must(); len(nodes) > 0 {
		asked = d.questionsTo(nodes[0].openSearch(), v)
	}
	out.Probes = min(len(asked), maxProbes)
	out.Generic = len(asked) > 0 && !slices.ContainsFunc(asked, func(q question) bool { return q.user != "" })
}

func (d *decider) foreseeUsers(out *Outlook, v searchpack.Version) {
	noAPI := d.speaker != nil && d.speaker.facts() != nil && !d.speaker.facts().RefreshAPI
	for _, u := range d.uses(v.PackageID) {
		x := UserOutlook{Use: u}
		switch {
		case out.Identical:
			x.Reach, x.Note = ReachNothing, "the same bytes serve already"
		case u.UserKind != searchpack.UserIndex:
			x.Reach, x.Note = ReachNothing, "each index that it makes reads the new version"
		case u.Closed && u.FileKind != searchpack.KindHunspell:
			x.Reach, x.Note = ReachNothing, "the index reads the new version when it is opened"
		default:
			x.Reach, x.Note = reach(u, noAPI, d.hotReload(u))
		}
		out.Users = append(out.Users, x)
	}
}

// foreseeWitness counts what nodes can be asked. It knows of no texts: those come from what differs
// between the versions.
func (d *decider) foreseeWitness(out *Outlook, v searchpack.Version) {
	switch p := d.Domain.Policy.Level; {
	case d.Domain.FilesOnly:
		out.NoWitness = "the domain has no OpenSearch"
	case p == searchpack.LevelPlaced || p == searchpack.LevelProbed:
		out.NoWitness = "the domain's policy is level " + string(p)
	case len(d.must()) == 0:
		out.NoWitness = noNodeReports
	case !d.witnessLevel():
		out.NoWitness = "OpenSearch here has no _refresh_search_analyzers: nothing is loaded while an index is open"
	case out.Identical:
		out.NoWitness = "the same bytes serve already"
	default:
		out.Points = d.asks("plan", v, searchpack.Version{}, nil, noTurn).points
	}
}
