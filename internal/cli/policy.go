package cli

import "net/url"

// DomainsPolicyCmd shows or changes a domain's policy.
type DomainsPolicyCmd struct {
	Domain         string `arg:"" help:"The domain."`
	UnmanagedNodes string `env:"-" enum:",block,ignore" default:"" placeholder:"block|ignore" help:"Members of the cluster without an agent: block rollouts (the default), or are ignored."`
	AbsentNodes    string `env:"-" enum:",owe,wait" default:"" placeholder:"owe|wait" help:"Nodes that are down: owe their proof after two minutes (the default), or are waited for."`
	Restart        string `env:"-" enum:",careful,any" default:"" placeholder:"careful|any" help:"Restarts for plugins: only of nodes without which every shard has a copy and a manager can be elected (the default), or of any."`
	Level          string `env:"-" enum:",highest,placed,probed,loaded" default:"" placeholder:"highest|placed|probed|loaded" help:"What a proof must show for ACTIVE: the highest that the node can (the default), or no more than that."`
}

// Help stands below the flags.
func (*DomainsPolicyCmd) Help() string {
	return "Without a flag it shows the policy. What is not named stays as it is; open rollouts go by the new one at once.\n\n" +
		"Examples:\n  searchpack domains policy products\n  searchpack domains policy products --unmanaged-nodes ignore\n" +
		"  searchpack domains policy products --absent-nodes wait --level highest"
}

// policy is a domain's policy as the extension API tells it.
type policy struct {
	Domain         string `json:"domain"`
	Level          string `json:"level"`
	UnmanagedNodes string `json:"unmanaged_nodes"`
	AbsentNodes    string `json:"absent_nodes"`
	Restart        string `json:"restart"`
}

// Run shows or changes.
func (d *DomainsPolicyCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	body := map[string]string{}
	for name, value := range map[string]string{"level": d.Level, "unmanaged_nodes": d.UnmanagedNodes, "absent_nodes": d.AbsentNodes, "restart": d.Restart} {
		if value != "" {
			body[name] = value
		}
	}
	method, in := "GET", any(nil)
	if len(body) > 0 {
		method, in = "PATCH", body
	}
	var p policy
	document, err := cl.call(c, method, "/domains/"+url.PathEscape(d.Domain)+"/policy", in, &p)
	if err != nil {
		return err
	}
	return c.print(document, func(out *page) {
		t := newTable("DOMAIN", "LEVEL", "UNMANAGED-NODES", "ABSENT-NODES", "RESTART")
		t.row(p.Domain, p.Level, p.UnmanagedNodes, p.AbsentNodes, p.Restart)
		out.table(t)
	})
}
