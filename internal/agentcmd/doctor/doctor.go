// Package doctor judges an agent's installation: from what was seen on the node, at the server and
// at OpenSearch to checks, each with what to type. It is pure: package agentcmd looks, this package
// only says what that means, so that every fault can be tested without having it.
package doctor

import "fmt"

// Level says how bad a check is.
type Level string

// The levels. An Error keeps the agent from its work, now or at the next file; with a Warning it
// works, and something is missing or will break.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Error   Level = "error"
)

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Type  string `json:"type,omitempty"` // what to type or change; "" if there is nothing to do
}

func ok(name, format string, args ...any) Check {
	return Check{Name: name, Level: OK, Says: fmt.Sprintf(format, args...)}
}

func warning(name, do, format string, args ...any) Check {
	return Check{Name: name, Level: Warning, Says: fmt.Sprintf(format, args...), Type: do}
}

func failure(name, do, format string, args ...any) Check {
	return Check{Name: name, Level: Error, Says: fmt.Sprintf(format, args...), Type: do}
}

// Judge returns the checks in the order in which to mend what is wrong. What cannot be told because
// something before it is wrong is left out.
func Judge(s *Seen) []Check {
	var out []Check
	for _, judge := range []func(*Seen) []Check{
		user, configFolder, owner, fileSystem, adopted, stateFolder, disk, label, oneAgent,
		server, clock, enrolment,
		node, version, permissions, refresh, nodesFolder, start, plugins,
	} {
		out = append(out, judge(s)...)
	}
	return out
}

// Failed counts the errors.
func Failed(checks []Check) int {
	n := 0
	for _, c := range checks {
		if c.Level == Error {
			n++
		}
	}
	return n
}
