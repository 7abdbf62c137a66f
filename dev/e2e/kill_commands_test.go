package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// nodeCommands are the commands by which the agents of a fleet stop and start their nodes: calls to this
// process, whose children the nodes are.
type nodeCommands struct {
	url, allow, curl string
}

func commandNodes(f *fleet) *nodeCommands {
	curl, err := exec.LookPath("curl")
	must(f.t, err)
	mux := http.NewServeMux()
	with := func(do func(n *fleetNode) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, n := range f.nodes {
				if n.name != r.PathValue("node") {
					continue
				}
				if err := do(n); err != nil {
					http.Error(w, err.Error(), http.StatusConflict)
				}
				return
			}
			http.NotFound(w, r)
		}
	}
	mux.HandleFunc("POST /{node}/stop", with(func(n *fleetNode) error { n.Stop(context.WithoutCancel(f.t.Context())); return nil }))
	mux.HandleFunc("POST /{node}/start", with(func(n *fleetNode) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return n.Start(ctx)
	}))
	mux.HandleFunc("GET /{node}", with(func(n *fleetNode) error {
		if !n.runs() {
			return os.ErrProcessDone
		}
		return nil
	}))
	server := httptest.NewServer(mux)
	f.t.Cleanup(server.Close)
	c := &nodeCommands{url: server.URL, curl: curl, allow: filepath.Join(f.u.data, "plugins.yml")}
	must(f.t, os.WriteFile(c.allow, []byte("schema: 1\npermissions: total\nplugins:\n- name: \"*\"\n"), 0o600))
	return c
}

// args make an agent use the commands.
func (c *nodeCommands) args(i stack.NodeInfo) []string {
	at := c.url + "/" + i.Name
	return []string{
		"--restart", "command", "--node-logs", i.Logs, "--stop-command", c.curl + " -sf -X POST " + at + "/stop",
		"--start-command", c.curl + " -sf -X POST " + at + "/start", "--status-command", c.curl + " -sf " + at,
	}
}

// runs: a process of the node is there.
func (n *fleetNode) runs() bool {
	done := n.Done()
	if done == nil {
		return false
	}
	select {
	case <-done:
		return false
	default:
		return true
	}
}
