package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// units is a node whose OpenSearch and agent are units of a real systemd, installed by the commands of
// docs/operations.md.
type units struct {
	*site
	m       *machine
	n       stack.NodeEntry
	version string
	jar     []byte
	plug    string // package id
}

// TestSystemd: the units of packaging/ do what the documentation says: they run, a dictionary is placed, a
// plugin comes by a restart that polkit allows the agent, a bad one goes back with the node's words from the
// journal, and OpenSearch's own start puts in place what is ordered.
func TestSystemd(t *testing.T) {
	needsJVM(t)
	if os.Getenv("SEARCHPACK_DRILL") == "" {
		t.Skip("takes minutes: make drill CASE=TestSystemd")
	}
	needsSystemd(t)
	u := &units{version: clusterVersion()}
	u.jar = compiled(t, u.version)
	var token string
	u.site, token = newServer(t, start(t, t.TempDir()+"/data", "--domain", "demo", "--nodes", "1"))
	u.m = newMachine(t, u.version)
	u.n = stack.NodeEntry{Name: "n1", HTTP: fmt.Sprintf("http://127.0.0.1:%d", u.m.http)}
	defer u.explain()

	u.serverUnit()
	text, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	u.m.write("/etc/searchpack/token", string(text))
	u.agentYML("")
	u.m.run("cp packaging/systemd/searchpack-agent.service /etc/systemd/system/\nsystemctl daemon-reload\nsystemctl enable --now searchpack-agent")
	u.m.run("cp -r packaging/systemd/opensearch.service.d /etc/systemd/system/ && systemctl daemon-reload\nsystemctl enable --now opensearch")
	u.answers()
	u.dictionary(u.m.path("/etc/opensearch"))
	u.plugins()
	u.bad()
	u.startsWithoutTheServer()
	u.doctor()
}

func (u *units) agentYML(more string) {
	u.m.write("/etc/searchpack/agent.yml", fmt.Sprintf("server: https://%s\ntoken-file: /etc/searchpack/token\nconfig: /etc/opensearch\n"+
		"state: /var/lib/searchpack-agent\nname: n1\nopensearch: %s\n%s", u.cfg.AgentListen, u.n.HTTP, more))
}

// serverUnit: the server's unit runs, and ends.
func (u *units) serverUnit() {
	t := u.t
	port := freePort(t)
	u.m.write("/etc/searchpack/server.yml", fmt.Sprintf("data: /var/lib/searchpack\nlisten: 127.0.0.1:%d\nagent-listen: 127.0.0.1:0\nallow-source: [\"*:*\"]\n", port))
	u.m.run("useradd --system --home-dir /var/lib/searchpack --shell /usr/sbin/nologin searchpack\n" +
		"cp packaging/systemd/searchpack-server.service /etc/systemd/system/\nsystemctl daemon-reload && systemctl enable --now searchpack-server")
	eventually(t, func() string {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/searchpack/v1/health", port))
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		return ""
	})
	u.m.run("test -s /var/lib/searchpack/admin-credentials\nsystemctl stop searchpack-server")
	if got := u.m.run("systemctl show searchpack-server --property Result --value"); strings.TrimSpace(got) != "success" {
		t.Errorf("the server's unit ended with %s", got)
	}
}

func (u *units) answers() {
	u.t.Helper()
	eventuallyWithin(u.t, jvmPatience, func() string {
		if err := ask(u.t.Context(), u.n, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=1s", nil, nil); err != nil {
			return err.Error()
		}
		return ""
	})
}

// row waits until the association of a package is as wanted.
func (u *units) row(id string, ok func(a unitsRow) bool) (a unitsRow) {
	u.t.Helper()
	eventuallyWithin(u.t, rolloutPatience, func() string {
		var v struct{ Associations []unitsRow }
		u.call(http.MethodGet, "/domains/demo/associations", nil, &v)
		for _, a = range v.Associations {
			if a.PackageID == id && ok(a) {
				return ""
			}
		}
		return fmt.Sprintf("%+v; %s", v.Associations, u.waiting())
	})
	return a
}

type unitsRow struct {
	PackageID string `json:"package_id"`
	Status    string
	Serving   string
	Error     *searchpack.ErrorDetails
}

func serves(version string) func(unitsRow) bool {
	return func(a unitsRow) bool { return a.Status == string(searchpack.Active) && a.Serving == version }
}

// dictionary makes one, which is placed in the configuration folder.
func (u *units) dictionary(conf string) {
	u.t.Helper()
	u.nextVersion()
	u.associate()
	u.row(u.id, serves("v1"))
	info, err := os.Stat(filepath.Join(conf, "analyzers", u.id))
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Logf("placed as %s", info.Mode())
}

// build makes the next version of the plugin, and associates it.
func (u *units) build(version int) {
	u.t.Helper()
	u.plug = u.tagPlugin(u.version, u.jar, version, u.plug)
	u.associates(u.plug)
}

// plugins: without polkit's rule the agent may restart nothing, and says what is missing; with it the rollout
// goes on by itself.
func (u *units) plugins() {
	t := u.t
	u.m.write("/etc/searchpack/plugins.yml", "schema: 1\nplugins:\n- name: "+tagFilter+"\n")
	u.agentYML("home: /usr/share/opensearch\nallow-plugins: /etc/searchpack/plugins.yml\nrestart: systemd\nrestart-unit: opensearch.service\n")
	u.m.run("cp -r packaging/systemd/plugins/*.service.d /etc/systemd/system/ && systemctl daemon-reload\n" +
		"chown opensearch /usr/share/opensearch /usr/share/opensearch/plugins\nsystemctl restart searchpack-agent")
	before := u.m.invocation()
	u.build(1)
	eventuallyWithin(t, rolloutPatience, func() string {
		if waits := u.waiting(); !strings.Contains(waits, "50-searchpack-agent.rules") {
			return "without polkit's rule the rollout waits for: " + waits
		}
		return ""
	})
	t.Log(u.waiting())
	if u.m.invocation() != before {
		t.Fatal("OpenSearch was restarted without polkit's rule")
	}
	u.m.run("install -m 0644 packaging/systemd/plugins/50-searchpack-agent.rules /etc/polkit-1/rules.d/")
	u.row(u.plug, serves("v1"))
	if u.m.invocation() == before {
		t.Error("the plugin serves without a restart")
	}
	tagged(u.t, u.n, "first")
}

// bad: a plugin that throws goes back, and the failure has OpenSearch's own lines of the journal.
func (u *units) bad() {
	u.build(2)
	u.row(u.plug, serves("v2"))
	tagged(u.t, u.n, "second")
	u.build(3)
	a := u.row(u.plug, func(a unitsRow) bool { return a.Status == string(searchpack.AssociationFailed) })
	if a.Serving != "v2" || a.Error == nil || !strings.Contains(a.Error.Message, "boom") {
		u.t.Errorf("%+v, %+v", a, a.Error)
	}
	u.answers()
	tagged(u.t, u.n, "second")
	u.t.Logf("%+v", a.Error)
}

// startsWithoutTheServer: OpenSearch's own start puts back what was lost, while the server is away.
func (u *units) startsWithoutTheServer() {
	u.serverDown()
	u.m.run("systemctl stop opensearch searchpack-agent")
	for _, lost := range []string{"/etc/opensearch/analyzers/" + u.id, "/usr/share/opensearch/plugins/" + tagFilter} {
		if err := os.RemoveAll(u.m.path(lost)); err != nil {
			u.t.Fatal(err)
		}
	}
	u.m.run("systemctl start opensearch")
	u.answers()
	tagged(u.t, u.n, "second")
	if _, err := os.Stat(u.m.path("/etc/opensearch/analyzers/" + u.id)); err != nil {
		u.t.Error(err)
	}
	u.serverUp()
	eventually(u.t, func() string {
		if n := u.node("n1"); n.State != catalog.NodeProves {
			return fmt.Sprintf("%+v", n)
		}
		return ""
	})
}

// doctor finds nothing wrong in what the documentation's commands have made.
func (u *units) doctor() {
	out := u.m.run("runuser -u opensearch -- searchpack agent doctor --config-file /etc/searchpack/agent.yml")
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "error") {
			u.t.Error(line)
		}
	}
	u.t.Log(out)
}
