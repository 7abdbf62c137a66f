package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// manifest is what pods are made of in packaging/kubernetes/opensearch.yaml.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string // of a ConfigMap
	Spec     struct {
		Template struct {
			Spec struct {
				SecurityContext struct {
					RunAsUser int `yaml:"runAsUser"`
					FSGroup   int `yaml:"fsGroup"`
				} `yaml:"securityContext"`
				InitContainers []podContainer `yaml:"initContainers"`
				Containers     []podContainer
				Volumes        []struct {
					Name     string
					EmptyDir *struct{} `yaml:"emptyDir"`
				}
			}
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

type podContainer struct {
	Name            string
	Command, Args   []string
	Env             []struct{ Name, Value string }
	SecurityContext struct {
		ReadOnlyRoot bool `yaml:"readOnlyRootFilesystem"`
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name     string
		Path     string `yaml:"mountPath"`
		SubPath  string `yaml:"subPath"`
		ReadOnly bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

// pods runs the containers of the manifest as a kubelet would: an image's root, the volumes with the rights
// that fsGroup gives them, a user without privileges, init containers one after the other. What the cluster
// does beyond a pod is not here: no probes, no network of its own, no rolling restart.
type pods struct {
	t        *testing.T
	dir      string // volumes that outlive pods, the image
	template *manifest
	env      []string // of the image, and what the kubelet fills in
	made     int
}

// pod is one that runs.
type pod struct {
	*pods
	dir     string
	ended   []chan struct{}
	cmds    []*exec.Cmd
	stopped atomic.Bool
}

// newPods makes the image. secrets: volume -> file -> content.
func newPods(t *testing.T, version string, config map[string]string, secrets map[string]map[string]string) *pods {
	t.Helper()
	p := &pods{t: t, dir: openDir(t), template: readManifest(t)}
	home, err := distro.Layout(t.Context(), version, filepath.Join(p.dir, "image", "usr", "share", "opensearch"), distro.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "OPENSEARCH_JAVA_HOME=" + javaFor(t, home), "OPENSEARCH_JAVA_OPTS=-Xms512m -Xmx512m", "SEARCHPACK_NAME=opensearch-0"}
	for name, text := range map[string]string{"usr/local/bin/searchpack": "", "etc/passwd": "opensearch:x:1000:1000::/usr/share/opensearch:/bin/sh\n", "etc/hosts": "127.0.0.1 localhost\n"} {
		full := filepath.Join(p.dir, "image", name)
		if name == "usr/local/bin/searchpack" {
			program, err := os.ReadFile(client)
			must(t, err)
			text = string(program)
		}
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))  //nolint:gosec // an image
		must(t, os.WriteFile(full, []byte(text), 0o755)) //nolint:gosec // an image
	}
	uid := p.template.Spec.Template.Spec.SecurityContext.RunAsUser
	must(t, filepath.WalkDir(home.Dir, func(path string, _ fs.DirEntry, err error) error { // its own user's, as in the official image
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	}))
	for _, claim := range p.template.Spec.VolumeClaimTemplates {
		p.volume(filepath.Join(p.dir, claim.Metadata.Name))
	}
	p.files("searchpack-agent", config, 0o644)
	for name, files := range secrets {
		p.files(name, files, 0o440)
	}
	return p
}

// readManifest is the StatefulSet.
func readManifest(t *testing.T) *manifest {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "packaging", "kubernetes", "opensearch.yaml"))
	must(t, err)
	defer func() { _ = f.Close() }()
	for d := yaml.NewDecoder(f); ; {
		var m manifest
		must(t, d.Decode(&m))
		if m.Kind == "StatefulSet" {
			return &m
		}
	}
}

// volume is an empty one, with the rights that fsGroup gives.
func (p *pods) volume(path string) {
	p.t.Helper()
	must(p.t, os.MkdirAll(path, 0o755)) //nolint:gosec // as kubelets make them
	must(p.t, os.Chown(path, 0, p.template.Spec.Template.Spec.SecurityContext.FSGroup))
	must(p.t, os.Chmod(path, 0o775|os.ModeSetgid))
}

// files is a ConfigMap or Secret as a volume: links to links, which are exchanged as a whole.
func (p *pods) files(name string, content map[string]string, mode os.FileMode) {
	p.t.Helper()
	p.made++
	dir, at := filepath.Join(p.dir, name), fmt.Sprintf("..%d", p.made)
	must(p.t, os.MkdirAll(filepath.Join(dir, at), 0o755)) //nolint:gosec // as kubelets make them
	for file, text := range content {
		full := filepath.Join(dir, at, file)
		must(p.t, os.WriteFile(full, []byte(text), mode))
		must(p.t, os.Chown(full, 0, p.template.Spec.Template.Spec.SecurityContext.FSGroup))
		_ = os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file))
	}
	must(p.t, os.Symlink(at, filepath.Join(dir, "..next")))
	must(p.t, os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data")))
}

// start makes a pod, and returns when its init containers have ended well.
func (p *pods) start() *pod {
	p.t.Helper()
	p.made++
	one := &pod{pods: p, dir: filepath.Join(p.dir, fmt.Sprintf("pod-%d", p.made))}
	for _, v := range p.template.Spec.Template.Spec.Volumes {
		if v.EmptyDir != nil {
			p.volume(one.volumes(v.Name))
		}
	}
	p.t.Cleanup(one.stop)
	for _, c := range p.template.Spec.Template.Spec.InitContainers {
		cmd, log := one.run(c)
		if <-one.ended[len(one.ended)-1]; !cmd.ProcessState.Success() {
			p.t.Fatalf("init container %s: %s\n%s", c.Name, cmd.ProcessState, one.read(log))
		}
		p.t.Logf("%s: %s", c.Name, one.read(log))
	}
	for _, c := range p.template.Spec.Template.Spec.Containers {
		one.run(c)
	}
	return one
}

func (o *pod) read(log string) string {
	text, _ := os.ReadFile(log)
	return string(text[max(0, len(text)-6000):])
}

// run starts a container.
func (o *pod) run(c podContainer) (*exec.Cmd, string) {
	o.t.Helper()
	root, log := filepath.Join(o.dir, c.Name), filepath.Join(o.dir, c.Name+".log")
	must(o.t, os.MkdirAll(root, 0o755)) //nolint:gosec // the root of a container
	script, err := filepath.Abs(filepath.Join("testdata", "pod", "container.sh"))
	must(o.t, err)
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "--", "sh", script, filepath.Join(o.pods.dir, "image"), root,
		fmt.Sprint(c.SecurityContext.ReadOnlyRoot), fmt.Sprint(o.template.Spec.Template.Spec.SecurityContext.RunAsUser)}
	for _, m := range c.VolumeMounts {
		source := filepath.Join(o.pods.dir, m.Name)
		if own := o.volumes(m.Name); exists(own) {
			source = own
		}
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		source, err = filepath.EvalSymlinks(filepath.Join(source, m.SubPath))
		must(o.t, err)
		args = append(args, source+":"+m.Path+":"+mode)
	}
	args = append(append(args, "--", "env", "-i"), o.env...)
	for _, e := range c.Env {
		if e.Value != "" {
			args = append(args, e.Name+"="+e.Value)
		}
	}
	command := slices.Concat(c.Command, c.Args)
	if len(command) == 0 { // the image's own
		command = []string{"/usr/share/opensearch/bin/opensearch"}
	}
	out, err := os.Create(log)
	must(o.t, err)
	defer func() { _ = out.Close() }() // the process has its own
	cmd := exec.Command("unshare", append(args, command...)...)
	cmd.Stdout, cmd.Stderr = out, out
	must(o.t, spawnWith(cmd, nil, syscall.SIGKILL))
	done := make(chan struct{})
	o.cmds, o.ended = append(o.cmds, cmd), append(o.ended, done)
	go func() { _ = cmd.Wait(); close(done) }()
	return cmd, log
}

// volumes is where a volume of this pod alone lies.
func (o *pod) volumes(name string) string { return filepath.Join(o.dir, "volumes", name) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// stop deletes the pod: SIGTERM to every container.
func (o *pod) stop() {
	if o.stopped.Swap(true) {
		return
	}
	for i, cmd := range o.cmds {
		select {
		case <-o.ended[i]:
			continue
		default:
		}
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		init := 0
		if n, _ := fmt.Sscan(string(children), &init); n == 1 {
			_ = syscall.Kill(init, syscall.SIGTERM)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, cmd := range o.cmds {
		select {
		case <-o.ended[i]:
		case <-ctx.Done():
			o.t.Errorf("a container does not end: %s", strings.Join(cmd.Args, " "))
			_ = cmd.Process.Kill()
			<-o.ended[i]
		}
	}
	if o.t.Failed() {
		for _, c := range o.template.Spec.Template.Spec.Containers {
			o.t.Logf("%s: %s", c.Name, o.read(filepath.Join(o.dir, c.Name+".log")))
		}
	}
}
