package agentcmd

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// fakeNode answers as an OpenSearch that reads config, and refuses the paths that hold refused.
func fakeNode(t *testing.T, config, refused string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say := func(status int, body string) { w.WriteHeader(status); _, _ = io.WriteString(w, body) }
		_, password, _ := r.BasicAuth()
		switch path := r.URL.Path; {
		case password != "hush":
			say(401, "Unauthorized")
		case refused != "" && strings.Contains(path, refused):
			say(403, `{"error":{"type":"security_exception","reason":"no permissions for User [name=agent]"}}`)
		case strings.HasPrefix(path, "/_nodes/_local/http"):
			say(200, `{"cluster_name":"shop","nodes":{"id1":{"name":"n1","version":"3.8.0","roles":["data"],"http":{"publish_address":"127.0.0.1:9200"},"jvm":{"start_time_in_millis":1772366400000}}}}`)
		case path == "/_nodes/_local/jvm":
			say(200, `{"nodes":{"id1":{"jvm":{"input_arguments":["-Dopensearch.path.conf=`+config+`"]}}}}`)
		case path == "/_plugins/_refresh_search_analyzers":
			say(400, `{"error":{"type":"illegal_argument_exception","reason":"Missing indices"}}`)
		case strings.HasPrefix(path, "/_cluster/state"):
			say(200, `{"cluster_name":"shop","cluster_uuid":"u","version":3,"nodes":{"id1":{"name":"n1","ephemeral_id":"e1"}}}`)
		default:
			say(200, `{}`)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// checkup runs a doctor and returns its checks, with what it printed and its error.
func checkup(t *testing.T, asJSON bool, args ...string) (map[string]doctor.Check, string, error) {
	t.Helper()
	c, err := parse(t, append([]string{"doctor", "--server", "https://127.0.0.1:1"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]doctor.Check{}
	for _, check := range doctor.Judge(c.Doctor.look(t.Context())) {
		if old, seen := out[check.Name]; !seen || old.Level == doctor.OK {
			out[check.Name] = check
		}
	}
	var text bytes.Buffer
	err = c.Doctor.Run(t.Context(), &Streams{Out: &text, JSON: asJSON})
	return out, text.String(), err
}

func nodesConfig(t *testing.T, yml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "opensearch.yml"), []byte(yml), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDoctorAsksTheNode(t *testing.T) {
	t.Parallel()
	config, credentials := nodesConfig(t, "cluster.name: shop\nnode:\n  name: n1\n"), file(t, "agent:hush")
	args := func(node, credentials string) []string {
		return []string{"--config", config, "--state", filepath.Join(t.TempDir(), "s"), "--opensearch", node, "--opensearch-credentials", credentials}
	}
	got, text, err := checkup(t, false, args(fakeNode(t, config, ""), credentials)...)
	for _, name := range []string{"configuration folder", "OpenSearch", "version", "permissions", "reload", "the node's own folder"} {
		if got[name].Level != doctor.OK {
			t.Errorf("%+v", got[name])
		}
	}
	if c := got["start"]; c.Level == doctor.OK || !strings.Contains(c.Says, "none has run") {
		t.Errorf("no sync was ever run: %+v", c)
	}
	if got["server"].Level != doctor.Error || err == nil || !strings.Contains(err.Error(), "checks found an error") {
		t.Errorf("no server there: %+v, %v", got["server"], err)
	}
	if strings.Contains(text, "hush") || !strings.Contains(text, "ok       OpenSearch: ") || !strings.Contains(text, "  ->  ") {
		t.Errorf("printed %s", text)
	}

	got, _, _ = checkup(t, false, args(fakeNode(t, "/elsewhere", "/_cache/clear"), credentials)...)
	if c := got["permissions"]; c.Level != doctor.Error || !strings.Contains(c.Type, "indices:admin/cache/clear") {
		t.Errorf("%+v", c)
	}
	if c := got["the node's own folder"]; c.Level != doctor.Warning || !strings.Contains(c.Says, "/elsewhere") {
		t.Errorf("%+v", c)
	}
	got, _, _ = checkup(t, false, args(fakeNode(t, config, ""), file(t, "agent:wrong"))...)
	if c := got["OpenSearch"]; c.Level != doctor.Error || !strings.Contains(c.Says, "401") {
		t.Errorf("%+v", c)
	}
	got, _, _ = checkup(t, false, args("http://127.0.0.1:1", credentials)...)
	if c := got["OpenSearch"]; c.Level != doctor.Error || !strings.Contains(c.Type, "start OpenSearch") {
		t.Errorf("%+v", c)
	}
}

func TestDoctorPrintsADocument(t *testing.T) {
	t.Parallel()
	_, text, err := checkup(t, true, "--config", nodesConfig(t, ""), "--state", filepath.Join(t.TempDir(), "s"), "--files-only")
	var doc struct {
		Schema, Errors int
		Checks         []doctor.Check
	}
	if jsonErr := json.Unmarshal([]byte(text), &doc); jsonErr != nil || doc.Schema != 1 || doc.Errors == 0 || len(doc.Checks) < 5 || err == nil {
		t.Errorf("%s: %v, %v", text, jsonErr, err)
	}
}

// A doctor leaves everything as it was: names, bytes and times.
func TestDoctorChangesNothing(t *testing.T) {
	t.Parallel()
	config, state := nodesConfig(t, ""), t.TempDir()
	shot := func() map[string]time.Time {
		out := map[string]time.Time{}
		for _, dir := range []string{config, state} {
			_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, _ error) error {
				if info, err := e.Info(); err == nil {
					out[path] = info.ModTime()
				}
				return nil
			})
		}
		return out
	}
	before := shot()
	_, _, _ = checkup(t, false, "--config", config, "--state", state, "--files-only", "--token-file", file(t, joinToken()))
	_, _, _ = checkup(t, false, "--config", config, "--state", filepath.Join(state, "none"), "--files-only")
	after := shot()
	if len(before) != len(after) {
		t.Errorf("%v, then %v", before, after)
	}
	for path, at := range before {
		if !after[path].Equal(at) {
			t.Errorf("%s was touched", path)
		}
	}
}

func TestDoctorLooksAtLinks(t *testing.T) {
	t.Parallel()
	config := nodesConfig(t, "")
	if err := os.Symlink(t.TempDir(), filepath.Join(config, "analyzers")); err != nil {
		t.Fatal(err)
	}
	got, _, _ := checkup(t, false, "--config", config, "--state", t.TempDir(), "--files-only")
	if c := got["configuration folder"]; c.Level != doctor.Error || !strings.Contains(c.Says, "link out of") {
		t.Errorf("%+v", c)
	}
	if path := resolved(filepath.Join(config, "analyzers")); path == filepath.Join(config, "analyzers") {
		t.Error("a link is not followed")
	}
}

func TestNamesInOpenSearchYML(t *testing.T) {
	t.Parallel()
	for yml, want := range map[string][2]string{
		"cluster.name: shop\nnode.name: n1\n":           {"shop", "n1"},
		"cluster:\n  name: shop\nnode: {name: n1}\n":    {"shop", "n1"},
		"node.name: ${HOSTNAME}\ncluster.name: \"a\"\n": {"a", ""},
		"# nothing":  {"", ""},
		"- a list":   {"", ""},
		"cluster:\n": {"", ""},
	} {
		cluster, node := names(filepath.Join(nodesConfig(t, yml), "opensearch.yml"))
		if got := [2]string{cluster, node}; got != want {
			t.Errorf("%q: %q, want %q", yml, got, want)
		}
	}
}

// One line per check, whatever others' words hold.
func TestShowIsOneLineEach(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := show(&Streams{Out: &out}, []doctor.Check{{Name: "server", Level: doctor.Error, Says: "a\nb\x1b[31m", Type: "x"}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "error    server: a b [31m  ->  x\n" {
		t.Errorf("%q", got)
	}
}
