package doctor

import (
	"time"

	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// server: is it there, and is it the one that the agent trusts?
func server(s *Seen) []Check {
	const name = "server"
	v := s.Server
	switch {
	case v.Error != "":
		return []Check{failure(name, "check --server, DNS, firewalls and proxies (HTTPS_PROXY); curl -vk "+v.Address, "%s", v.Error)}
	case !v.Known && v.Protocol != "":
		return []Check{failure(name, "upgrade whichever is older: the server first, then the agents", "%s speaks protocol %.20q, which this agent does not", v.Address, v.Protocol)}
	case !v.Known:
		return []Check{failure(name, "--server https://HOST:9401, the address of --agent-listen", "%s answers, but not as a Searchpack server for agents", v.Address)}
	case v.DistrustThen != "":
		return []Check{failure(name, "name the right server with --server; its agents' port needs TCP pass-through, no TLS in between", "%s: %s", v.Address, v.DistrustThen)}
	case v.Distrust != "":
		return []Check{failure(name, "mend the clock: chronyc makestep", "%s is the right one, but by this machine's clock its certificate is not valid: %s", v.Address, v.Distrust)}
	case v.Refused != "":
		return []Check{failure(name, "do what it says", "%s says: %s", v.Address, v.Refused)}
	case v.Unchecked:
		return []Check{warning(name, "--token-file FILE", "%s answers; without a token nobody can tell whether it is the right one", v.Address)}
	}
	return []Check{ok(name, "%s answers, and its certificate is of the authority that this agent trusts", v.Address)}
}

// Bounds of the clock. Certificates are dated an hour back, live 24 hours (the agent's) or seven days
// (the server's, replaced after half of it).
const (
	clockNear   = 30 * time.Second
	clockBehind = time.Hour
	clockAhead  = 24 * time.Hour
)

// clock: by how much is this machine's another than the server's?
func clock(s *Seen) []Check {
	const (
		name = "clock"
		do   = "chronyc tracking; chronyc makestep   (or: timedatectl set-ntp true)"
	)
	v := s.Server
	if v.Error != "" || v.DistrustThen != "" || !v.Known {
		return nil // whose clock would that be?
	}
	if v.Date.IsZero() {
		return []Check{warning(name, "timedatectl", "the server does not say its time: it cannot be compared")}
	}
	ahead := s.Now.Sub(v.Date).Truncate(time.Second)
	switch {
	case ahead <= -clockBehind:
		return []Check{failure(name, do, "%s behind the server's: certificates that it makes are not valid here yet, so this agent can neither enrol nor connect", -ahead)}
	case ahead >= clockAhead:
		return []Check{failure(name, do, "%s ahead of the server's: this agent takes each certificate for ended as soon as it has it, and the server's, too, after some days", ahead)}
	case ahead.Abs() > clockNear:
		return []Check{warning(name, do, "%s off the server's: times of incidents and proofs are wrong by that, and signed calls from this machine are refused from five minutes on", ahead.Abs())}
	}
	return []Check{ok(name, "within %s of the server's", clockNear)}
}

// enrolment: has the agent an identity, or what it needs to get one?
func enrolment(s *Seen) []Check {
	const (
		name   = "enrolment"
		create = "searchpack token create --domain DOMAIN > FILE   (on a client; then --token-file FILE here)"
	)
	e := s.Enrolment
	switch {
	case e.Error != "":
		return nil // said of the state folder
	case e.Enrolled && s.Now.Sub(e.CertUntil) >= enroll.RenewGrace:
		return []Check{failure(name, create, "the certificate of %s ended at %s, too long ago to be renewed without a join token", e.Name, stamp(e.CertUntil))}
	case e.Enrolled && !s.Now.Before(e.CertUntil):
		return []Check{warning(name, "systemctl start searchpack-agent; in a container, start searchpack agent run", "the certificate of %s ended at %s; the agent renews it when it runs and reaches the server", e.Name, stamp(e.CertUntil))}
	case e.Enrolled:
		return []Check{ok(name, "%s of domain %s, certificate until %s", e.Name, e.Domain, stamp(e.CertUntil))}
	case !e.TokenGiven:
		return []Check{failure(name, create, "this agent has not enrolled and has no join token")}
	case e.TokenError != "":
		return []Check{failure(name, create, "%s", e.TokenError)}
	case e.Refused != "":
		return []Check{failure(name, create, "the server says: %s", e.Refused)}
	case !e.Tried:
		return []Check{warning(name, "mend what is said of the server, then try again", "the join token looks right; the server could not be asked about it")}
	}
	return []Check{ok(name, "not enrolled yet; the server takes the join token")}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
