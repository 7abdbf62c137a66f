package doctor

import (
	"fmt"
	"strings"
)

// answers reports whether OpenSearch told who it is.
func (n Node) answers() bool {
	return !n.Skipped && n.Error == "" && n.Unreachable == "" && n.Denied == "" && n.Name != ""
}

// node: is OpenSearch there, and does it take the credentials?
func node(s *Seen) []Check {
	const name = "OpenSearch"
	n := s.Node
	switch {
	case n.Skipped:
		return nil
	case n.Error != "":
		return []Check{failure(name, "check --opensearch, --opensearch-ca and --opensearch-credentials", "%s", n.Error)}
	case n.Unreachable != "" && strings.Contains(n.Unreachable, "x509:"):
		return []Check{failure(name, "--opensearch-ca FILE, the authority of the node's certificate; and a name in --opensearch that the certificate has", "%s: %s", n.Address, n.Unreachable)}
	case n.Unreachable != "" && strings.Contains(n.Unreachable, "HTTP response to HTTPS client"):
		return []Check{failure(name, "--opensearch http://…", "%s speaks no TLS", n.Address)}
	case n.Unreachable != "":
		return []Check{failure(name, "start OpenSearch, or name its address with --opensearch (http or https)", "%s: %s", n.Address, n.Unreachable)}
	case n.Denied != "":
		return []Check{failure(name, "--opensearch-credentials FILE with user:password of the role of docs/operations.md", "%s", n.Denied)}
	case n.Plain:
		return []Check{warning(name, "--opensearch https://…", "%s answers as %s; the password goes there unencrypted", n.Address, n.Name)}
	}
	return []Check{ok(name, "%s answers as %s of cluster %s", n.Address, n.Name, n.Cluster)}
}

func version(s *Seen) []Check {
	const name = "version"
	if !s.Node.answers() {
		return nil
	}
	switch major, _, _ := strings.Cut(s.Node.Version, "."); major {
	case "2", "3":
		return []Check{ok(name, "OpenSearch %s", s.Node.Version)}
	}
	return []Check{warning(name, "use OpenSearch 2 or 3", "OpenSearch %s is one that Searchpack has not been tried with", s.Node.Version)}
}

func permissions(s *Seen) []Check {
	const name = "permissions"
	if !s.Node.answers() {
		return nil
	}
	var out []Check
	for _, p := range s.Node.Permissions {
		switch {
		case p.Refused:
			out = append(out, failure(name, "give the role of the agent's user the permission "+p.Name, "OpenSearch refuses %s", p.Call))
		case p.Error != "":
			out = append(out, warning(name, "try again when OpenSearch is well", "%s could not be tried: %s", p.Call, p.Error))
		}
	}
	if len(out) == 0 {
		out = []Check{ok(name, "none of the %d kinds of calls is refused", len(s.Node.Permissions))}
	}
	return out
}

func refresh(s *Seen) []Check {
	const name = "reload"
	switch {
	case !s.Node.answers():
		return nil
	case !s.Node.RefreshAPI:
		return []Check{warning(name, "bin/opensearch-plugin install the plugin opensearch-index-management of this very version, on every node",
			"OpenSearch here has no _refresh_search_analyzers: new versions reach an index only when it is closed and opened")}
	}
	return []Check{ok(name, "_refresh_search_analyzers is there")}
}

// nodesFolder: is --config the folder that this OpenSearch reads?
func nodesFolder(s *Seen) []Check {
	const name = "the node's own folder"
	n, c := s.Node, s.Config.Path
	if !n.answers() || !s.Config.There {
		return nil
	}
	do := fmt.Sprintf("--config %s, or --opensearch with the address of the node that reads %s", n.ConfigPath, c)
	switch {
	case n.YMLCluster != "" && n.YMLCluster != n.Cluster:
		return []Check{failure(name, do, "opensearch.yml in %s is of cluster %q, %s of %q", c, n.YMLCluster, n.Address, n.Cluster)}
	case n.YMLName != "" && n.YMLName != n.Name:
		return []Check{failure(name, do, "opensearch.yml in %s is of node %q, %s is %q", c, n.YMLName, n.Address, n.Name)}
	case n.ConfigPath == "":
		return []Check{warning(name, "look at OPENSEARCH_PATH_CONF of the node", "OpenSearch does not say which configuration folder it reads")}
	case n.SameFolder && n.Local:
		return []Check{ok(name, "OpenSearch reads %s", n.ConfigPath)}
	case n.SameFolder:
		return []Check{warning(name, "--opensearch with the address of the node beside the agent", "OpenSearch at %s reads %s of its machine, which need not be this one", n.Address, n.ConfigPath)}
	}
	return []Check{warning(name, do, "OpenSearch reads %s, the agent writes %s: right only if a container mounts one folder under both names", n.ConfigPath, c)}
}
