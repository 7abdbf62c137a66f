package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// tries makes the versions candidates, and returns what the first is refused for; "" = it is ready.
func (p *plugins) tries(all ...searchpack.PluginOrder) string {
	p.t.Helper()
	o := searchpack.Order{}
	for _, x := range all {
		o.Candidates = append(o.Candidates, searchpack.Candidate{PackageID: x.PackageID, Digest: x.Digest, Size: x.Size, Plugin: true})
	}
	p.ordered(o)
	c := searchpack.CandidateReport{Digest: all[0].Digest}
	p.candidate(&c)
	if !c.Ready && c.Refused == "" {
		p.t.Errorf("neither ready nor refused: %+v", c)
	}
	return c.Refused
}

// What somebody put in the place of a plugin's folders is found before any node is stopped.
func TestForeignFoldersAreRefusedBefore(t *testing.T) {
	t.Parallel()
	descriptor := "name=lemmas\ndescription=d\nversion=7\nopensearch.version=3.8.0\njava.version=21\nclassname=x\n"
	for name, c := range map[string]struct {
		put  func(home string) error
		want string // "" = it is taken
	}{
		"nothing": {func(string) error { return nil }, ""},
		"the plugin by hand": {func(home string) error {
			write(t, filepath.Join(home, "plugins", "lemmas", plugin.DescriptorName), descriptor)
			return nil
		}, "plugins/lemmas was not placed by Searchpack"},
		"its scripts by hand": {func(home string) error {
			write(t, filepath.Join(home, "bin", "lemmas", "run"), "#!/bin/sh")
			return nil
		}, "bin/lemmas was not placed by Searchpack"},
		"a file for its configuration": {func(home string) error {
			write(t, filepath.Join(home, "config", "lemmas"), "x")
			return nil
		}, "config/lemmas is no folder"},
		"a link for its configuration": {func(home string) error { return os.Symlink("/etc", filepath.Join(home, "config", "lemmas")) }, "config/lemmas is no folder"},
		"a pipe for its scripts":       {func(home string) error { return unix.Mkfifo(filepath.Join(home, "bin", "lemmas"), 0o600) }, "bin/lemmas was not placed by Searchpack"},
	} {
		p := newPlugins(t, nil)
		if err := c.put(p.home); err != nil {
			t.Fatal(err)
		}
		got := p.tries(p.withScripts("lemmas", "1"))
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: refused %q, want %q", name, got, c.want)
		}
	}
}

// The candidates of a rollout are tried together: a file that one gives up may be another's. Two of one plugin are
// refused.
func TestCandidatesAreTriedTogether(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, conf, license := p.zip("lemmas", ""), p.configuration("lemmas", "a/l.json=old", "x=1"), p.license("lemmas", "l.json", "{}")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf, license}})
	p.restarts()
	status := func(all ...searchpack.PluginOrder) (out []searchpack.CandidateReport) {
		o := searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf, license}}
		for _, x := range all {
			o.Candidates = append(o.Candidates, candidateOf(x))
		}
		p.takes(o)
		for _, x := range all {
			c := searchpack.CandidateReport{Digest: x.Digest}
			p.candidate(&c)
			out = append(out, c)
		}
		return out
	}
	next, moved := p.configuration("lemmas", "x=2"), p.license("lemmas", "a/l.json", "{2}")
	if got := status(moved); got[0].Ready || !strings.Contains(got[0].Refused, "another package of this plugin (config)") {
		t.Errorf("alone: %+v", got)
	}
	status()
	for _, c := range status(next, moved) {
		if !c.Ready || c.Refused != "" {
			t.Errorf("together: %+v", c)
		}
	}
	other := p.configuration("lemmas", "x=3")
	other.PackageID = "C-other"
	status()
	for _, c := range status(next, other) {
		if c.Ready || !strings.Contains(c.Refused, "at once") {
			t.Errorf("two configurations: %+v", c)
		}
	}
}

// withScripts is a plugin that has a script and a configuration.
func (p *plugins) withScripts(name, version string) searchpack.PluginOrder {
	p.t.Helper()
	return p.zip(name, "version="+version, "bin/run=#!/bin/sh", "config/"+name+".yml=a: 1")
}
