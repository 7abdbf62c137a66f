package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack/internal/agent/allow"
)

// flagsOf returns the visible flags of a command, and those of the commands beside it, which a file may hold.
func flagsOf(t *testing.T, command string) (own, file []string) {
	t.Helper()
	all := leaves(t)
	i := slices.IndexFunc(all, func(n *kong.Node) bool {
		_, path, _ := strings.Cut(n.FullPath(), " ")
		return path == command
	})
	if i < 0 {
		t.Fatalf("there is no command %q", command)
	}
	leaf := all[i]
	nodes := []*kong.Node{leaf}
	if leaf.Parent.Type == kong.CommandNode {
		nodes = leaf.Parent.Children
	}
	for _, n := range nodes {
		for _, f := range n.Flags {
			if f.Hidden {
				continue
			}
			file = append(file, f.Name)
			if n == leaf {
				own = append(own, "--"+f.Name)
			}
		}
	}
	return own, file
}

// checkCommand complains of a command line of the program whose command or flags there are not.
func checkCommand(t *testing.T, where string, args []string) {
	t.Helper()
	var words, flags []string
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "--") {
			words = append(words, args[i])
			continue
		}
		flag, _, valued := strings.Cut(args[i], "=")
		flags = append(flags, flag)
		if !valued && flag != "--once" {
			i++
		}
	}
	own, _ := flagsOf(t, strings.Join(words, " "))
	for _, f := range flags {
		if !slices.Contains(own, f) {
			t.Errorf("%s: searchpack %s has no %s", where, strings.Join(words, " "), f)
		}
	}
}

// checkSettings complains of a configuration file for the command that has keys of no flag.
func checkSettings(t *testing.T, where, command, text string) {
	t.Helper()
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(text), &keys); err != nil || len(keys) == 0 {
		t.Fatalf("%s: %v", where, err)
	}
	_, known := flagsOf(t, command)
	for key := range keys {
		if !slices.Contains(known, key) {
			t.Errorf("%s: searchpack %s has no setting %q", where, command, key)
		}
	}
}

// units are the files of packaging/systemd by their path there.
func units(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"searchpack-server.service", "searchpack-agent.service", "opensearch.service.d/searchpack.conf"} {
		out[name] = page(t, "packaging", "systemd", name)
	}
	return out
}

// dropIns are the files of packaging/systemd/plugins by the path that they get beside the units.
func dropIns(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"searchpack-agent.service.d/plugins.conf", "opensearch.service.d/plugins.conf"} {
		out[name] = page(t, "packaging", "systemd", "plugins", name)
	}
	return out
}

// What plugins need on top is named on the page, and allows one thing each.
func TestDropInsForPlugins(t *testing.T) {
	t.Parallel()
	operations := page(t, "docs", "operations.md")
	for name, text := range dropIns(t) {
		if !strings.Contains(operations, "packaging/systemd/plugins") || strings.Contains(text, "Exec") || !strings.Contains(text, "/usr/share/opensearch") {
			t.Errorf("%s: %s", name, text)
		}
	}
	rule := page(t, "packaging", "systemd", "plugins", "50-searchpack-agent.rules")
	if !strings.Contains(operations, "50-searchpack-agent.rules") || strings.Count(rule, "polkit.addRule") != 1 || strings.Count(rule, "polkit.Result.") != 1 ||
		!strings.Contains(rule, `=== "opensearch.service"`) || !strings.Contains(rule, `["stop", "start"]`) || !strings.Contains(rule, `subject.user === "opensearch"`) {
		t.Errorf("the rule: %s", rule)
	}
}

// Every command line in the units is one that there is, and the page says where they go.
func TestUnitsRunCommands(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^Exec\w+=/usr/local/bin/searchpack (.*)$`)
	for name, text := range units(t) {
		found := line.FindAllStringSubmatch(text, -1)
		if len(found) != 1 {
			t.Errorf("%s runs %d commands", name, len(found))
		}
		for _, m := range found {
			checkCommand(t, name, strings.Fields(m[1]))
		}
		if !strings.Contains(page(t, "docs", "operations.md"), "packaging/systemd/"+name) {
			t.Errorf("docs/operations.md does not name packaging/systemd/%s", name)
		}
	}
}

// systemd takes the units as they are, but for the program's place and the users, which this machine
// need not have.
func TestUnitsVerify(t *testing.T) {
	t.Parallel()
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the units are not verified here")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	check := func(broken string) (string, error) {
		dir := t.TempDir()
		files := units(t)
		maps.Copy(files, dropIns(t))
		for name, text := range files {
			text = strings.ReplaceAll(text, "/usr/local/bin/searchpack", program) + broken
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		base := "[Service]\nUser=daemon\nExecStart=" + program + "\n"
		if err := os.WriteFile(filepath.Join(dir, "opensearch.service"), []byte(base), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), verify, "verify", "--man=no",
			filepath.Join(dir, "searchpack-server.service"), filepath.Join(dir, "searchpack-agent.service"), filepath.Join(dir, "opensearch.service"))
		cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
		out, err := cmd.CombinedOutput()
		var ours []string // of the machine's own units it complains, too
		for l := range strings.Lines(string(out)) {
			if strings.Contains(l, dir) || strings.Contains(l, "searchpack") || strings.Contains(l, "opensearch") {
				ours = append(ours, l)
			}
		}
		return strings.Join(ours, ""), err
	}
	if complaints, err := check(""); complaints != "" || err != nil {
		t.Errorf("%v: %s", err, complaints)
	}
	if complaints, _ := check("\n[Service]\nProtectSystme=strict\n"); strings.Count(complaints, "ProtectSystme") != 5 {
		t.Errorf("it does not see a wrong word in each of the files: %s", complaints)
	}
}

// entrypoint runs the entrypoint with a program that ends with status, and returns what was run, what
// was said, and the exit status.
func entrypoint(t *testing.T, status string, env ...string) (ran, said string, exit int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"searchpack": "#!/bin/sh\necho \"searchpack $*\" >>\"$LOG\"\nexit " + status + "\n",
		"opensearch": "#!/bin/sh\necho \"opensearch $* in $$\" >>\"$LOG\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "log")
	cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join("..", "..", "packaging", "container", "entrypoint.sh"), "opensearch", "-Ea=b c")
	cmd.Env = append([]string{"PATH=" + dir + ":/usr/bin:/bin", "LOG=" + log, "OPENSEARCH_ENTRYPOINT=" + filepath.Join(dir, "opensearch")}, env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			t.Fatal(err)
		}
		exit = ended.ExitCode()
	}
	b, _ := os.ReadFile(log) // nothing was run
	// The very process: else a signal to the container would end a shell, not OpenSearch.
	return strings.ReplaceAll(string(b), " in "+strconv.Itoa(cmd.Process.Pid)+"\n", " in it\n"), errs.String(), exit
}

func TestEntrypoint(t *testing.T) {
	t.Parallel()
	const sync, start = "searchpack agent sync --once\n", "opensearch opensearch -Ea=b c in it\n"
	for name, tc := range map[string]struct {
		status string
		env    []string
		ran    string
		exit   int
		said   string
	}{
		"in place":     {"0", nil, sync + start, 0, ""},
		"not in place": {"1", nil, sync, 1, "not started"},
		"wrong flags":  {"2", []string{"SEARCHPACK_START=required"}, sync, 2, "status 2"},
		"all the same": {"1", []string{"SEARCHPACK_START=always"}, sync + start, 0, "although"},
		"a wrong word": {"0", []string{"SEARCHPACK_START=perhaps"}, "", 2, "perhaps"},
	} {
		ran, said, exit := entrypoint(t, tc.status, tc.env...)
		if ran != tc.ran || exit != tc.exit || !strings.Contains(said, tc.said) || (tc.said == "") != (said == "") {
			t.Errorf("%s: ran %q, status %d, %q", name, ran, exit, said)
		}
	}
	script := filepath.Join("..", "..", "packaging", "container", "entrypoint.sh")
	if info, err := os.Stat(script); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("it cannot be executed: %v", err)
	}
	m := regexp.MustCompile(`(?m)^searchpack (.*?) \|\|`).FindStringSubmatch(page(t, "packaging", "container", "entrypoint.sh"))
	if m == nil {
		t.Fatal("the entrypoint runs no searchpack")
	}
	checkCommand(t, "entrypoint.sh", strings.Fields(m[1]))
	t.Run("shellcheck", func(t *testing.T) {
		check, err := exec.LookPath("shellcheck")
		if err != nil {
			if os.Getenv("SEARCHPACK_REQUIRE_CLIENTS") != "" {
				t.Fatal("shellcheck is not installed")
			}
			t.Skip("shellcheck is not installed: the entrypoint is not checked by it here")
		}
		if out, err := exec.CommandContext(t.Context(), check, script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// The image's main process is an agent that supervises.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	if !strings.Contains(page(t, "docs", "operations.md"), "packaging/container/Dockerfile") {
		t.Error("docs/operations.md does not name packaging/container/Dockerfile")
	}
	m := regexp.MustCompile(`(?m)^ENTRYPOINT (.*)$`).FindStringSubmatch(page(t, "packaging", "container", "Dockerfile"))
	var words []string
	if m == nil || json.Unmarshal([]byte(m[1]), &words) != nil {
		t.Fatalf("no ENTRYPOINT without a shell: %q", m)
	}
	i := slices.Index(words, "--")
	if i < 0 || i+2 != len(words) || words[0] != "searchpack" || !slices.Contains(words[:i], "supervise") {
		t.Fatalf("ENTRYPOINT %q", words)
	}
	checkCommand(t, "Dockerfile", words[1:i])
}

// container and podSpec are what is read of a manifest.
type container struct {
	Name, Image     string
	Command, Args   []string
	Env             []struct{ Name string }
	VolumeMounts    []mount                                   `yaml:"volumeMounts"`
	LivenessProbe   struct{ Exec struct{ Command []string } } `yaml:"livenessProbe"`
	ReadinessProbe  struct{ Exec struct{ Command []string } } `yaml:"readinessProbe"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
}

type mount struct {
	Name      string
	MountPath string `yaml:"mountPath"`
	SubPath   string `yaml:"subPath"`
	ReadOnly  bool   `yaml:"readOnly"`
}

type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Data       map[string]string
	Spec       struct {
		Template struct {
			Spec struct {
				SecurityContext struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
				} `yaml:"securityContext"`
				InitContainers []container `yaml:"initContainers"`
				Containers     []container
				Volumes        []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

func manifests(t *testing.T, name string) []manifest {
	t.Helper()
	var out []manifest
	d := yaml.NewDecoder(strings.NewReader(page(t, "packaging", "kubernetes", name)))
	for {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.APIVersion == "" || m.Kind == "" || m.Metadata.Name == "" {
			t.Errorf("%s: a document without apiVersion, kind or name: %+v", name, m)
		}
		out = append(out, m)
	}
}

// The manifests run commands and hold settings that there are, mount volumes that are declared, and
// give no container more than it needs.
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{"server.yaml": "server", "opensearch.yaml": "agent run"} {
		if !strings.Contains(page(t, "docs", "operations.md"), "packaging/kubernetes/"+name) {
			t.Errorf("docs/operations.md does not name packaging/kubernetes/%s", name)
		}
		maps, ran := map[string]bool{}, []string{}
		for _, m := range manifests(t, name) {
			for file, text := range m.Data {
				maps[m.Metadata.Name] = true
				if file == "plugins.yml" {
					checkAllow(t, name, text)
					continue
				}
				checkSettings(t, name+" "+file, command, text)
			}
			if m.Kind != "StatefulSet" {
				continue
			}
			pod := m.Spec.Template.Spec
			if !pod.SecurityContext.RunAsNonRoot {
				t.Errorf("%s: %s may run as root", name, m.Metadata.Name)
			}
			volumes := []string{}
			for _, v := range pod.Volumes {
				volumes = append(volumes, v.Name)
				if c := v.ConfigMap.Name; c != "" && !maps[c] {
					t.Errorf("%s: there is no ConfigMap %s", name, c)
				}
			}
			for _, c := range m.Spec.VolumeClaimTemplates {
				volumes = append(volumes, c.Metadata.Name)
			}
			for _, c := range append(pod.InitContainers, pod.Containers...) {
				ran = append(ran, checkContainer(t, name, c, volumes)...)
			}
		}
		want := map[string][]string{"server.yaml": {"server"}, "opensearch.yaml": {"agent sync", "agent run", "agent status"}}[name]
		if !slices.Equal(ran, want) {
			t.Errorf("%s runs %q, want %q", name, ran, want)
		}
	}
}

// checkAllow complains of an allow file that an agent does not read.
func checkAllow(t *testing.T, where, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plugins.yml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := allow.Read(file); err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

// The agents see plugins/ and the folder beside it in one mount, in which names can be moved; OpenSearch
// sees plugins/ alone, where it looks for them, and the image's own plugins come there once.
func TestKubernetesPlugins(t *testing.T) {
	t.Parallel()
	var settings struct {
		Home, Config string
		PluginsDir   string `yaml:"plugins-dir"`
	}
	var set manifest
	for _, m := range manifests(t, "opensearch.yaml") {
		if m.Kind == "StatefulSet" {
			set = m
		} else if text := m.Data["agent.yml"]; text != "" {
			if err := yaml.Unmarshal([]byte(text), &settings); err != nil {
				t.Fatal(err)
			}
		}
	}
	pod := set.Spec.Template.Spec
	at := func(c container) (all []mount) {
		for _, m := range c.VolumeMounts {
			if m.Name == "plugins" {
				all = append(all, m)
			}
		}
		return all
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		var want mount
		switch c.Name {
		case "plugins":
			want = mount{Name: "plugins", MountPath: "/volume"}
			copiesOnce(t, c)
		case "searchpack-sync", "searchpack-agent":
			want = mount{Name: "plugins", MountPath: filepath.Dir(settings.PluginsDir)}
		case "opensearch":
			want = mount{Name: "plugins", MountPath: settings.Home + "/plugins", SubPath: filepath.Base(settings.PluginsDir), ReadOnly: true}
		default:
			if len(at(c)) > 0 {
				t.Errorf("%s mounts the plugins", c.Name)
			}
			continue
		}
		if got := at(c); len(got) != 1 || got[0] != want {
			t.Errorf("%s mounts %+v, want %+v", c.Name, got, want)
		}
	}
}

// copiesOnce runs the container's command on folders here: a start of the pod that was broken off is
// finished, and what lies there later stays.
func copiesOnce(t *testing.T, c container) {
	t.Helper()
	dir := t.TempDir()
	image, volume := filepath.Join(dir, "image"), filepath.Join(dir, "volume")
	for _, name := range []string{filepath.Join(image, "own"), filepath.Join(volume, ".new", "half")} {
		if err := os.MkdirAll(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := strings.NewReplacer("/usr/share/opensearch/plugins", image, "/volume", volume).Replace(c.Command[2])
	run := func(want ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, _ := filepath.Glob(filepath.Join(volume, "plugins", "*"))
		for i := range got {
			got[i] = filepath.Base(got[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("plugins/ holds %q, want %q", got, want)
		}
	}
	run("own")
	if err := os.Rename(filepath.Join(volume, "plugins", "own"), filepath.Join(volume, "plugins", "placed")); err != nil {
		t.Fatal(err)
	}
	run("placed")
}

// The readiness probe waits for all copies once; then it is enough that the node answers.
func TestKubernetesReadiness(t *testing.T) {
	t.Parallel()
	all := manifests(t, "opensearch.yaml")
	containers := all[len(all)-1].Spec.Template.Spec.Containers
	command := containers[0].ReadinessProbe.Exec.Command
	dir := t.TempDir()
	if len(command) != 3 {
		t.Fatalf("%q", command)
	}
	script := strings.NewReplacer("/tmp/", dir+"/", "/etc/searchpack/opensearch/", dir+"/").Replace(command[2])
	for name, text := range map[string]string{"user": "me:hush", "curl": "#!/bin/sh\necho \"$@\" >>" + dir + "/asked\n[ -e " + dir + "/answers ]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		answers, ready bool
		asks           string
	}{{false, false, "wait_for_status=green"}, {true, true, "wait_for_status=green"}, {true, true, "9200/"}, {false, false, "9200/"}} {
		_ = os.Remove(filepath.Join(dir, "answers"))
		if step.answers {
			if err := os.WriteFile(filepath.Join(dir, "answers"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
		err := cmd.Run()
		asked, _ := os.ReadFile(filepath.Join(dir, "asked"))
		lines := strings.Split(strings.TrimSpace(string(asked)), "\n")
		last := lines[len(lines)-1]
		if (err == nil) != step.ready || len(lines) != i+1 || !strings.Contains(last, "--user me:hush") || !strings.Contains(last, step.asks) ||
			strings.Contains(last, "green") != strings.Contains(step.asks, "green") {
			t.Errorf("step %d: %v, asked %q", i, err, lines)
		}
	}
}

// checkContainer checks one container and returns the commands of the program that it runs.
func checkContainer(t *testing.T, name string, c container, volumes []string) (ran []string) {
	t.Helper()
	where := name + " " + c.Name
	if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Errorf("%s keeps privileges", where)
	}
	for _, m := range c.VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			t.Errorf("%s mounts %s, which there is not", where, m.Name)
		}
	}
	_, known := flagsOf(t, "agent run")
	for _, e := range c.Env {
		flag, ours := strings.CutPrefix(e.Name, "SEARCHPACK_")
		if flag = strings.ToLower(strings.ReplaceAll(flag, "_", "-")); ours && !slices.Contains(known, flag) {
			t.Errorf("%s sets %s, which is no flag's", where, e.Name)
		}
	}
	for _, line := range [][]string{append(c.Command[:len(c.Command):len(c.Command)], c.Args...), c.LivenessProbe.Exec.Command} {
		if len(line) == 0 || line[0] != "/usr/local/bin/searchpack" {
			continue
		}
		checkCommand(t, where, line[1:])
		words := line[1:]
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") }); i >= 0 {
			words = words[:i]
		}
		ran = append(ran, strings.Join(words, " "))
	}
	return ran
}
