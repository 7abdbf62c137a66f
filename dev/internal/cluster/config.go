package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// configuration is the opensearch.yml of node i. JSON values are YAML values.
func configuration(s state, i int, home distro.Home, further map[string]string) []byte {
	var seeds, names []string
	for _, n := range s.Nodes {
		seeds = append(seeds, net.JoinHostPort(loopback, strconv.Itoa(n.TransportPort)))
		if !n.Joins {
			names = append(names, n.Name)
		}
	}
	n := s.Nodes[i]
	settings := map[string]any{
		"cluster.name":         s.Name,
		"node.name":            n.Name,
		"network.host":         loopback,
		"http.port":            n.HTTPPort,
		"transport.port":       n.TransportPort,
		"discovery.seed_hosts": seeds,
		// A full disk is for its owner to mind; a development cluster should not turn read-only.
		"cluster.routing.allocation.disk.threshold_enabled": false,
		// Needs no vm.max_map_count.
		"node.store.allow_mmap": false,
	}
	if !n.Joins {
		settings["cluster.initial_cluster_manager_nodes"] = names
	}
	if home.Security {
		settings["plugins.security.disabled"] = true
	}
	for key, value := range further {
		settings[key] = value
	}
	var out bytes.Buffer
	out.WriteString("# Written by searchpack-dev at every start of this node: changes here are lost.\n")
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		value, err := json.Marshal(settings[key])
		if err != nil {
			panic(err) // strings, numbers and booleans always can be
		}
		_, _ = fmt.Fprintf(&out, "%s: %s\n", key, value)
	}
	return out.Bytes()
}

// javaOptions keep a node small and its start short: C1 alone compiles sooner, and nothing here
// runs long enough to want more.
const javaOptions = "-Xms384m -Xmx384m -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1"

// environment of a node: only what is named here, so that neither JAVA_TOOL_OPTIONS nor anybody's
// credentials reach it. path is the caller's PATH.
func environment(home distro.Home, temp, path string) []string {
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	return []string{
		"PATH=" + path,
		"LC_ALL=C.UTF-8",
		"HOME=" + temp, // native code is unpacked there
		"OPENSEARCH_TMPDIR=" + temp,
		"OPENSEARCH_JAVA_OPTS=" + javaOptions,
		"JAVA_HOME=" + home.JDK.Home,
		"OPENSEARCH_JAVA_HOME=" + home.JDK.Home,
	}
}
