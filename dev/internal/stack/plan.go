package stack

import (
	"slices"
	"strconv"

	"github.com/searchpack/searchpack"
)

// situation is what a domain's rows ask for and which nodes there are.
type situation struct {
	nodes   int                      // asked for
	change  *searchpack.DomainChange // the open one; nil: none
	have    []has                    // n1, n2, ...
	manager string                   // name of the elected cluster manager, "" if none is known
}

// has is a node that is laid out, whether it runs or not.
type has struct{ name, engine string }

// verb is what is to be done next.
type verb string

const (
	toRest     verb = "rest"     // until something changes
	toCheck    verb = "check"    // whether the cluster may be upgraded
	toSnapshot verb = "snapshot" // the step of an upgrade that is none here
	toAdd      verb = "add"      // a node
	toRemove   verb = "remove"   // the node
	toUpgrade  verb = "upgrade"  // the node
	toFinish   verb = "finish"   // the change
)

// action is the next thing to do to a domain, and how far its change is then.
type action struct {
	verb verb
	node string
	// done and of count nodes: of an upgrade those with the new version, of a new instance count
	// those that came or went.
	done, of int
}

// next decides. It looks at nothing but the situation, so that whoever comes after a kill -9 goes
// on where the last one was.
func next(s situation) action {
	if c := s.change; c != nil && c.Kind == searchpack.ChangeUpgrade {
		return nextOfUpgrade(s)
	}
	of := 0
	if s.change != nil {
		of = apart(countBefore(s.change, s.nodes), s.nodes)
	}
	left := apart(len(s.have), s.nodes)
	a := action{verb: toRest, done: max(of-left, 0), of: max(of, left)}
	switch {
	case len(s.have) < s.nodes:
		a.verb = toAdd
	case len(s.have) > s.nodes:
		a.verb, a.node = toRemove, s.have[len(s.have)-1].name
	case s.change != nil:
		a.verb = toFinish
	}
	return a
}

// nextOfUpgrade takes the nodes one by one, the elected manager last: whenever the manager changes,
// the others stop for a moment.
func nextOfUpgrade(s situation) action {
	switch s.change.Step {
	case searchpack.UpgradeCheck, "":
		return action{verb: toCheck}
	case searchpack.UpgradeSnapshot:
		return action{verb: toSnapshot}
	}
	old := slices.DeleteFunc(slices.Clone(s.have), func(n has) bool { return n.engine == s.change.ToVersion })
	a := action{done: len(s.have) - len(old), of: len(s.have)}
	if len(old) == 0 {
		a.verb = toFinish
		return a
	}
	a.verb, a.node = toUpgrade, old[0].name
	if a.node == s.manager && len(old) > 1 {
		a.node = old[1].name
	}
	return a
}

// countBefore is how many nodes there were before a change of the instance count, which now asks for
// nodes.
func countBefore(c *searchpack.DomainChange, nodes int) int {
	for _, p := range c.Properties {
		if p.Name == "ClusterConfig.InstanceCount" {
			if n, err := strconv.Atoi(p.From); err == nil {
				return n
			}
		}
	}
	return nodes
}

func apart(a, b int) int { return max(a-b, b-a) }
