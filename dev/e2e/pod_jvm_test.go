package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// TestPod: the containers of packaging/kubernetes/opensearch.yaml, with their users, volumes and read-only
// roots, do what the documentation says: a dictionary is placed, a plugin waits for a restart that is
// somebody else's, a new pod starts with both, also while the server is away.
func TestPod(t *testing.T) {
	needsJVM(t)
	if os.Getenv("SEARCHPACK_DRILL") == "" {
		t.Skip("takes minutes: make drill CASE=TestPod")
	}
	needsNamespaces(t)
	u := &units{version: clusterVersion()}
	u.jar = compiled(t, u.version)
	var token string
	u.site, token = newServer(t, start(t, t.TempDir()+"/data", "--domain", "demo", "--nodes", "1"))
	defer u.explain()
	port := freePort(t)
	u.n = stack.NodeEntry{Name: "opensearch-0", HTTP: fmt.Sprintf("http://127.0.0.1:%d", port)}
	text, err := os.ReadFile(token)
	must(t, err)
	agent := fmt.Sprintf("server: https://%s\ntoken-file: /etc/searchpack/token/token\nconfig: /usr/share/opensearch/config\nstate: /var/lib/searchpack/agent\n"+
		"opensearch: %s\nhome: /usr/share/opensearch\nplugins-dir: /var/lib/opensearch-plugins/plugins\nallow-plugins: /etc/searchpack/plugins.yml\n", u.cfg.AgentListen, u.n.HTTP)
	config := map[string]string{"agent.yml": agent, "plugins.yml": "schema: 1\nplugins: []\n"}
	p := newPods(t, u.version, config, map[string]map[string]string{
		"searchpack-token":      {"token": string(text)},
		"searchpack-opensearch": {"user": "none:none"},
		"own": {"opensearch.yml": fmt.Sprintf("cluster.name: pods\nnode.name: opensearch-0\ndiscovery.type: single-node\nhttp.port: %d\ntransport.port: %d\n",
			port, freePort(t))},
	})
	one := p.start()
	u.answers()
	u.dictionary(one.volumes("config"))

	t.Log("a plugin that the ConfigMap does not name")
	u.build(1)
	a := u.row(u.plug, func(a unitsRow) bool { return a.Status == string(searchpack.AssociationFailed) && a.Error != nil })
	if !strings.Contains(a.Error.Message, "plugins.yml") {
		t.Error(a.Error.Message)
	}
	t.Log(a.Error.Message)
	config["plugins.yml"] = "schema: 1\nplugins:\n- name: " + tagFilter + "\n"
	p.files("searchpack-agent", config, 0o644)
	one.stop()
	one = p.start() // pods see the change of the ConfigMap when they are made anew
	u.answers()
	u.associates(u.plug)
	eventuallyWithin(t, rolloutPatience, func() string {
		if waits := u.waiting(); !strings.Contains(waits, "waiting for a restart of opensearch-0") {
			return waits
		}
		return ""
	})
	eventually(t, func() string { // a restart before it has heard of the plugin would bring nothing
		if n := u.node("opensearch-0"); len(n.Plugins) != 1 || !n.Plugins[0].Staged {
			return fmt.Sprintf("not made ready: %+v", n.Plugins)
		}
		return ""
	})
	one.stop()
	one = p.start()
	u.answers()
	u.row(u.plug, serves("v1"))
	tagged(t, u.n, "first")

	t.Log("a new pod without the server")
	one.stop()
	u.serverDown()
	one = p.start()
	u.answers()
	tagged(t, u.n, "first")
	if !exists(one.volumes("config") + "/analyzers/" + u.id) {
		t.Error("the dictionary is not there")
	}
	u.serverUp()
	eventually(t, func() string {
		if n := u.node("opensearch-0"); n.State != catalog.NodeProves {
			return fmt.Sprintf("%+v", n)
		}
		return ""
	})
	one.stop()
	require(t, stack.NodeEntry{HTTP: "http://" + u.server.Addr()}, http.MethodGet, "/searchpack/v1/health", nil)
}
