package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// planFaults stops agents and nodes, replaces disks and moves the election, again and again.
func (s *sim) planFaults() {
	rest := 5 * time.Second
	if s.seed%3 != 0 { // in some runs rollouts are mostly left in peace
		rest = 40 * time.Second
	}
	if s.engines() { // upgrades are faults enough
		rest = 3 * time.Minute
	}
	s.after(rest+s.upTo(40*time.Second), func() {
		if s.calm {
			return
		}
		s.someFault()
		s.planFaults()
	})
}

func (s *sim) someFault() {
	a := s.agents[s.rng.IntN(len(s.agents))]
	if s.chance(0.4) {
		s.agents[s.rng.IntN(len(s.agents))].node.turnBack()
	}
	switch s.rng.IntN(8) {
	case 0, 1: // the agent dies, the node serves on
		a.stop()
		s.after(s.absence(), a.start)
	case 2, 3: // the node dies, the agent lives
		a.node.stop()
		s.after(s.absence(), a.node.start)
	case 4, 5: // the host dies
		a.stop()
		a.node.stop()
		back := s.absence()
		s.after(back, a.start)
		s.after(back+s.upTo(20*time.Second), a.node.start)
	case 6:
		if up := s.cluster.upNodes(); len(up) > 0 {
			s.cluster.elect(up[s.rng.IntN(len(up))])
		}
	case 7: // the host comes back with an empty disk
		a.stop()
		a.node.stop()
		s.after(s.absence(), func() {
			if a.running || a.node.up {
				return // came back otherwise
			}
			a.node.newDisk()
			a.order = searchpack.Order{}
			s.log("node %s has a new disk", a.node.name)
			a.start()
			s.after(s.upTo(20*time.Second), a.node.start)
		})
	}
}

// absence is mostly short, sometimes longer than a node is waited for.
func (s *sim) absence() time.Duration {
	if s.chance(0.2) {
		return s.upTo(6 * time.Minute)
	}
	return time.Second + s.upTo(time.Minute)
}

// planCalls has users call at random.
func (s *sim) planCalls() {
	s.after(s.upTo(40*time.Second), func() {
		if s.calm {
			return
		}
		s.someCall()
		s.planCalls()
	})
}

func (s *sim) someCall() {
	if s.chance(0.25) {
		s.someAdoption()
		return
	}
	pkg := fmt.Sprintf("F%d", 1+s.rng.IntN(3))
	if s.chance(0.3) {
		s.someChoice(pkg)
		return
	}
	if s.nodes <= 30 && s.chance(0.15) { // hundreds of nodes, one after the other, would take hours
		s.somePlugin()
		return
	}
	switch s.rng.IntN(13) {
	case 0, 1:
		s.server.update(pkg, s.someBadness())
		s.call(searchpack.ActionAssociate, false, pkg)
	case 2, 3:
		s.call(searchpack.ActionAssociate, false, pkg)
	case 9:
		pkgs := s.somePackages()
		if s.chance(0.5) {
			s.server.update(pkgs[0], s.someBadness())
		}
		s.call(searchpack.ActionAssociate, s.chance(0.5), pkgs...)
	case 10:
		s.call(searchpack.ActionDissociate, false, s.somePackages()...)
	case 4, 5:
		if names := s.cluster.names(); len(names) > 0 && s.chance(0.7) {
			for _, name := range names {
				if s.cluster.users[name].pkg == pkg {
					s.cluster.delete(name)
				}
			}
		}
		s.call(searchpack.ActionDissociate, false, pkg)
	case 6:
		if names := s.cluster.names(); len(names) > 0 {
			s.cluster.delete(names[s.rng.IntN(len(names))])
		}
	case 7, 11, 12:
		s.cluster.create(simUser{kind: searchpack.UserIndex, pkg: pkg, strict: s.chance(0.3)})
	case 8:
		s.cluster.create(simUser{kind: searchpack.UserComponentTemplate, pkg: pkg})
	}
}

// somePlugin is a call about the plugin, or somebody changing settings that its rollouts change too.
func (s *sim) somePlugin() {
	if a := s.server.associations[simPlugin]; s.seed%3 == 0 && a.Status == searchpack.Active {
		s.cluster.create(simUser{kind: searchpack.UserIndex, plug: true})
		s.call(searchpack.ActionDissociate, false, simPlugin) // while somebody needs it
		return
	}
	switch s.rng.IntN(10) {
	case 8:
		s.server.update(simLicense, "")
		s.call(searchpack.ActionAssociate, false, simLicense)
	case 9:
		s.server.update(simPlugin, []string{"", "", "start n1"}[s.rng.IntN(3)])
		s.call(searchpack.ActionAssociate, false, simPlugin, simLicense)
	case 6:
		s.cluster.create(simUser{kind: searchpack.UserIndex, plug: true, unseen: s.cluster.made%3 == 2})
	case 7:
		for _, name := range s.cluster.names() {
			if s.cluster.users[name].plug {
				s.cluster.delete(name)
			}
		}
	case 0, 1:
		fault := []string{"", "", "", "all", "start", "n2", "start n1", "start n3"}[s.rng.IntN(8)]
		if s.engines() && fault != "all" { // a build that one node does not take needs more than a push
			fault = ""
		}
		s.server.update(s.plug(), fault)
		s.call(searchpack.ActionAssociate, false, s.plug())
	case 2:
		s.call(searchpack.ActionAssociate, false, s.plug())
	case 3:
		s.call(searchpack.ActionDissociate, false, s.plug())
	case 4:
		s.call(searchpack.ActionAssociate, s.chance(0.5), s.plug(), "F1")
	case 5:
		s.settings()
	}
}

// somePackages are two or three packages, now and then with the license of the plugin.
func (s *sim) somePackages() []string {
	pkgs := []string{"F1", "F2", "F3"}
	if s.chance(0.2) {
		pkgs[2] = simLicense
	}
	s.rng.Shuffle(len(pkgs), func(i, j int) { pkgs[i], pkgs[j] = pkgs[j], pkgs[i] })
	return pkgs[:2+s.rng.IntN(2)]
}

func (s *sim) someBadness() string {
	switch s.rng.IntN(9) {
	case 0:
		return "all"
	case 5, 6:
		return "check"
	case 1, 3:
		return "strict"
	case 4:
		return "load"
	case 2:
		return s.agents[s.rng.IntN(len(s.agents))].node.name
	}
	return ""
}

// call is a call that associates or dissociates, as the catalog does it, in one transaction. Each
// package needs, if it is given, the one before it.
func (s *sim) call(action searchpack.Action, chained bool, pkgs ...string) bool {
	if action == searchpack.ActionDissociate {
		ch, err := Dissociate(s.server.call(), pkgs...)
		return s.made("dissociate", ch, err, searchpack.Dissociating, pkgs...)
	}
	var asks []Ask
	for i, pkg := range pkgs {
		asks = append(asks, Ask{PackageID: pkg, Prerequisites: []string{}})
		if chained && i > 0 {
			asks[i].Prerequisites = []string{pkgs[i-1]}
		}
		if pkg == simLicense && !slices.Contains(asks[i].Prerequisites, simPlugin) {
			asks[i].Prerequisites = append(asks[i].Prerequisites, simPlugin)
		}
	}
	ch, err := Associate(s.server.call(), asks...)
	return s.made("associate", ch, err, searchpack.Associating, pkgs...)
}

// call is what a call finds.
func (v *simServer) call() Call {
	return v.world().Call(fmt.Sprintf("r%d", len(v.rollouts)+1))
}

// made writes what a call has made.
func (s *sim) made(what string, ch Change, err error, want searchpack.AssociationStatus, pkgs ...string) bool {
	v := s.server
	if err != nil {
		var e *searchpack.Error
		if !errors.As(err, &e) || e.Message == "" {
			s.fail("%s %s: %v", what, pkgs, err)
		}
		s.log("%s %s refused: %v", what, pkgs, err)
		return false
	}
	s.log("%s %s as %s", what, pkgs, ch.Rollout.ID)
	for _, a := range ch.Associations {
		if a.Status != want {
			s.fail("rule 10: after %s %s the status of %s is %s", what, pkgs, a.PackageID, a.Status)
		}
		v.associations[a.PackageID] = a
	}
	for _, r := range ch.Replaced {
		v.put(r)
	}
	v.rollouts = append(v.rollouts, ch.Rollout)
	v.fence++
	v.dirty()
	return true
}

// put writes a rollout that is there.
func (v *simServer) put(r searchpack.Rollout) {
	for i := range v.rollouts {
		if v.rollouts[i].ID == r.ID {
			if v.rollouts[i].Round != r.Round {
				v.rounds[r.ID] = v.now
			}
			v.rollouts[i] = r
		}
	}
}

// simCall is a step of a script.
type simCall struct {
	action searchpack.Action // "" = only what is below
	pkg    string
	with   []string // more packages of the same call, each of which needs the one before
	fault  string   // of the new version that is made first; "-" = no new version
	create bool     // an index of the package first
	delete bool     // all users of the package first
}

// nextCall makes the next call of the script once nothing is open and every node is there.
func (s *sim) nextCall() {
	if len(s.script) == 0 || s.failure != "" {
		return
	}
	if len(s.server.world().Rollouts) > 0 {
		s.after(time.Second, s.nextCall)
		return
	}
	c := s.script[0]
	if c.create {
		had := len(s.cluster.users)
		if s.cluster.create(simUser{kind: searchpack.UserIndex, pkg: c.pkg}); len(s.cluster.users) == had {
			s.after(time.Second, s.nextCall) // no manager, or it lacks the file for a moment
			return
		}
	}
	if c.delete {
		for _, u := range s.cluster.usedBy(c.pkg) {
			s.cluster.delete(u.name)
		}
	}
	if c.action == searchpack.ActionAssociate && c.fault != "-" {
		s.server.update(c.pkg, c.fault)
	}
	s.script = s.script[1:]
	if c.action != "" && !s.call(c.action, len(c.with) > 0, append([]string{c.pkg}, c.with...)...) {
		s.fail("the script's %s %s was refused", c.action, c.pkg)
	}
	s.after(2*time.Second, s.nextCall)
}

// containsPath reports whether a body names a path.
func containsPath(body, path string) bool { return strings.Contains(body, path) }
