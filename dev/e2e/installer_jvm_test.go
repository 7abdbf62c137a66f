package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/installer"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// TestInstaller holds the inspection of plugins against OpenSearch's own installer: whatever it
// refuses, the inspection refuses; and where the inspection is stricter, the case says why. What the
// inspection takes, Java's two readers of zips see as it does.
func TestInstaller(t *testing.T) {
	t.Parallel()
	needsJVM(t)
	for _, version := range distro.Offered() {
		t.Run(version, func(t *testing.T) { testInstaller(t, version) }) // one JVM at a time
	}
}

func testInstaller(t *testing.T, version string) {
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	home, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	zips := make([][]byte, len(installerCases))
	paths := make([]string, len(installerCases))
	for i, c := range installerCases {
		zips[i] = c.zip(t, version)
		paths[i] = filepath.Join(dir, fmt.Sprintf("%d.zip", i))
		if err := os.WriteFile(paths[i], zips[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results, err := installer.Install(t.Context(), cache, home, paths)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for i, c := range installerCases {
		if results[i].Accepted {
			accepted++
		}
		c.compare(t, home, zips[i], results[i])
	}
	t.Logf("%d zips, of which the installer took %d", len(zips), accepted)
	if len(zips) < 60 || accepted < 10 || accepted > len(zips)-30 {
		t.Errorf("these cases prove little")
	}
}

// compare holds one zip's inspection against the installer's answer.
func (c installerCase) compare(t *testing.T, home distro.Home, z []byte, theirs installer.Result) {
	t.Helper()
	v, err := target.Parse(home.Version)
	if err != nil {
		t.Fatal(err)
	}
	_, res, err := inspect.Plugin(bytes.NewReader(z), int64(len(z)), inspect.PluginRules{
		EngineVersion: fmt.Sprintf("OpenSearch_%d.%d", v.Major, v.Minor), MaxUnpacked: 64 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	failed, found := res.Failed(), res.Findings
	if c.exact != "" && !failed { // an import does not know the node, the agent does
		failed, found = inspectedExactly(t, v, home.JDK.Major, z)
	}
	errors := slices.DeleteFunc(slices.Clone(found), func(f searchpack.Finding) bool { return f.Severity != searchpack.SeverityError })
	switch {
	case !theirs.Accepted && !failed:
		t.Errorf("%s: the installer refuses it (%s) and the inspection takes it", c.name, theirs.Text)
	case theirs.Accepted && failed && c.stricter == "":
		t.Errorf("%s: the installer takes it and the inspection refuses it: %+v", c.name, errors)
	case c.stricter != "" && !(theirs.Accepted && failed) && !c.sometimes:
		t.Errorf("%s: it is said that the inspection is stricter, and it is not (the installer: %v %s)", c.name, theirs.Accepted, theirs.Text)
	case c.rule != "" && !slices.ContainsFunc(errors, func(f searchpack.Finding) bool { return f.Rule == c.rule }) && failed:
		t.Errorf("%s: refused by other rules than %s: %+v", c.name, c.rule, errors)
	}
	if !failed {
		c.sameView(t, res.Manifest, theirs)
	}
}

// sameView holds what Java sees in a zip against its manifest.
func (c installerCase) sameView(t *testing.T, manifest []searchpack.ManifestEntry, theirs installer.Result) {
	t.Helper()
	var lines []string
	for _, e := range manifest {
		lines = append(lines, fmt.Sprintf("%s %d %s", e.Path, e.Size, e.Digest))
	}
	slices.Sort(lines)
	if view := strings.Join(lines, "|"); theirs.File != view || theirs.Stream != view {
		t.Errorf("%s: Java sees other files:\nours     %s\nZipFile  %s\nstream   %s", c.name, view, theirs.File, theirs.Stream)
	}
}

// inspectedExactly inspects for one node, whose version and Java are known.
func inspectedExactly(t *testing.T, v target.Version, java int, z []byte) (failed bool, found []searchpack.Finding) {
	t.Helper()
	var out rule.Tally
	a, err := archive.Open(bytes.NewReader(z), int64(len(z)), archive.Limits{Unpacked: 64 << 20}, &out)
	if err != nil || a == nil {
		t.Fatal(err, out.Findings())
	}
	o := plugin.Options{Target: plugin.TargetOf(v)}
	o.Target.Exact, o.Target.Java, o.Target.Plugins = true, target.Java{Min: java, Max: java}, []string{}
	if _, err := plugin.Inspect(a, o, &out); err != nil {
		t.Fatal(err)
	}
	return out.Errors() > 0, out.Findings()
}
