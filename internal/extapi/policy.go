package extapi

import (
	"cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// The defaults of a domain's policy have names on the wire, so that they can be asked for.
const (
	levelHighest   = "highest"
	unmanagedBlock = "block"
	absentOwe      = "owe"
	restartCareful = "careful"
)

// policyJSON is a domain's policy.
type policyJSON struct {
	Domain         string `json:"domain,omitempty"`
	Level          string `json:"level"`
	UnmanagedNodes string `json:"unmanaged_nodes"`
	AbsentNodes    string `json:"absent_nodes"`
	Restart        string `json:"restart"`
}

func policyOf(domain string, p *searchpack.DomainPolicy) policyJSON {
	return policyJSON{
		Domain: domain, Level: cmp.Or(string(p.Level), levelHighest),
		UnmanagedNodes: cmp.Or(p.UnmanagedNodes, unmanagedBlock), AbsentNodes: cmp.Or(p.AbsentNodes, absentOwe),
		Restart: cmp.Or(p.Restart, restartCareful),
	}
}

// defaultNames by member.
var defaultNames = map[string]string{
	"level": levelHighest, "unmanaged_nodes": unmanagedBlock, "absent_nodes": absentOwe, "restart": restartCareful,
}

// policyRequest is the body that changes a policy; a member that is left out stays as it is.
type policyRequest struct {
	Level          *string `json:"level"`
	UnmanagedNodes *string `json:"unmanaged_nodes"`
	AbsentNodes    *string `json:"absent_nodes"`
	Restart        *string `json:"restart"`
}

// change puts the defaults' names back into the empty texts that stand for them. An empty text on the
// wire is no value: it would look like "as it is".
func (in policyRequest) change() (catalog.PolicyChange, error) {
	ch := catalog.PolicyChange{UnmanagedNodes: in.UnmanagedNodes, AbsentNodes: in.AbsentNodes, Restart: in.Restart}
	for name, v := range map[string]*string{"level": in.Level, "unmanaged_nodes": in.UnmanagedNodes, "absent_nodes": in.AbsentNodes, "restart": in.Restart} {
		if v == nil {
			continue
		}
		if *v == "" {
			return ch, searchpack.Errorf(searchpack.ErrInvalid, "%s is empty: leave it out, or give it a value.", name)
		}
		if *v == defaultNames[name] {
			*v = ""
		}
	}
	if in.Level != nil {
		level := searchpack.Level(*in.Level)
		ch.Level = &level
	}
	return ch, nil
}

func (e *edge) policy(c call) (any, error) {
	p, err := e.Catalog.DomainPolicy(c.Context(), c.who, c.PathValue("domain"))
	if err != nil {
		return nil, err
	}
	return policyOf(c.PathValue("domain"), p), nil
}

func (e *edge) updatePolicy(c call) (any, error) {
	var in policyRequest
	if err := decode(c.body, &in); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of level, unmanaged_nodes, absent_nodes and restart.")
	}
	ch, err := in.change()
	if err != nil {
		return nil, err
	}
	p, err := e.Catalog.UpdateDomainPolicy(c.Context(), c.who, c.PathValue("domain"), ch)
	if err != nil {
		return nil, err
	}
	return policyOf(c.PathValue("domain"), p), nil
}
