package cluster

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// A node comes to a running cluster and goes again; the next run finds the nodes that there are.
func TestAddAndDrop(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well", "well")
	check(t, c.Start(t.Context()))
	n1 := c.Node("n1").URL()
	home := fakeHome(t, filepath.Join(filepath.Dir(c.dir), "n3"), "well")
	n3, err := c.Add(home)
	check(t, err)
	if n3.Name() != "n3" || !n3.Joins() || c.Node("n1").Joins() || n3.Running() || len(c.Nodes()) != 3 {
		t.Errorf("%s joins %v, runs %v, %d nodes", n3.Name(), n3.Joins(), n3.Running(), len(c.Nodes()))
	}
	if recorded, err := Recorded(c.dir); err != nil || recorded != 3 {
		t.Errorf("recorded are %d, %v", recorded, err)
	}
	check(t, errors.Join(n3.Start(t.Context()), n3.WaitReady(t.Context())))
	if c.Node("n1").URL() != n1 || n3.HTTPPort() == c.Node("n2").HTTPPort() {
		t.Error("ports have changed, or are the same")
	}
	if err := c.Drop(); err == nil {
		t.Error("a running node was dropped")
	}

	n3.Stop(t.Context())
	check(t, c.Drop())
	if recorded, err := Recorded(c.dir); err != nil || recorded != 2 || c.Node("n3") != nil {
		t.Errorf("recorded are %d, %v", recorded, err)
	}
	c.Stop(t.Context())
	check(t, c.Drop())
	if err := c.Drop(); err == nil {
		t.Error("the only node was dropped")
	}
	if recorded, err := Recorded(scratch(t)); recorded != 0 || err != nil {
		t.Errorf("of no cluster: %d, %v", recorded, err)
	}
}

// A node that joins can found no cluster, and the others do not wait for it.
func TestConfigurationOfANodeThatJoins(t *testing.T) {
	t.Parallel()
	s := state{Schema: 1, Name: "shop", Nodes: []nodeState{{"n1", 15001, 15002, false}, {"n2", 15003, 15004, true}}}
	if text := string(configuration(s, 1, distro.Home{}, nil)); strings.Contains(text, "initial_cluster_manager_nodes") || !strings.Contains(text, `seed_hosts: ["127.0.0.1:15002","127.0.0.1:15004"]`) {
		t.Errorf("of the node that joins:\n%s", text)
	}
	if text := string(configuration(s, 0, distro.Home{}, nil)); !strings.Contains(text, `initial_cluster_manager_nodes: ["n1"]`) {
		t.Errorf("of the others:\n%s", text)
	}
}

func TestAddKeepsTheBound(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well", "well", "well", "well", "well", "well", "well", "well", "well")
	if _, err := c.Add(fakeHome(t, filepath.Join(filepath.Dir(c.dir), "n10"), "well")); err == nil {
		t.Error("a tenth node was taken")
	}
}

func TestRehome(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well")
	n := c.Node("n1")
	other := n.Home()
	other.Version = "3.9.0"
	check(t, n.Start(t.Context()))
	swaps := 0
	swap := func() error { swaps++; return nil }
	if err := n.Rehome(other, swap); err == nil || swaps != 0 {
		t.Errorf("the home of a running node was changed: %v", err)
	}
	n.Stop(t.Context())
	if err := n.Rehome(other, func() error { return errors.New("disk full") }); err == nil || n.Home().Version != "3.8.0" {
		t.Errorf("%v, and the home is %s", err, n.Home().Version)
	}
	check(t, n.Rehome(other, swap))
	if swaps != 1 || n.Home().Version != "3.9.0" {
		t.Errorf("%d swaps, home %s", swaps, n.Home().Version)
	}
}

func TestMembership(t *testing.T) {
	t.Parallel()
	c := scripted(t, 2, script{
		"POST /_cluster/voting_config_exclusions":   {""},
		"DELETE /_cluster/voting_config_exclusions": {""},
		"GET /_cluster/settings":                    {`{"persistent":{}}`},
		"GET /_cat/nodes":                           {`[{"name":"n1"},{"name":"n2"}]`, `[{"name":"n1"}]`},
		"GET /_cat/cluster_manager":                 {`[{"node":"n2"}]`, `[]`},
	})
	if m, err := c.Manager(t.Context()); err != nil || m != "n2" {
		t.Errorf("manager %q, %v", m, err)
	}
	if m, err := c.Manager(t.Context()); err == nil {
		t.Errorf("no manager is elected, and it is %q", m)
	}
	check(t, c.Leave(t.Context(), "n2"))
	check(t, c.Left(t.Context(), "n2"))
	check(t, c.Stay(t.Context(), "n2"))
	want := []string{
		"POST /_cluster/voting_config_exclusions?timeout=30s&node_names=n2",
		"DELETE /_cluster/voting_config_exclusions?wait_for_removal=false",
		"DELETE /_cluster/voting_config_exclusions?wait_for_removal=false",
	}
	if diff := cmp.Diff(want, changesOf(calls(t, c, "n1"))); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestJoined(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		nodes      []string
	}{
		{"at once", "", []string{`[{"name":"n1","version":"3.8.0"},{"name":"n2","version":"3.8.0"}]`}},
		{"after a while", "", []string{"503 no manager yet", `[{"name":"n1","version":"3.8.0"}]`, `[{"name":"n1","version":"3.8.0"},{"name":"n2","version":"3.8.0"}]`}},
		{"alone", "n2 sees 1 of 2 nodes", []string{`[{"name":"n2","version":"3.8.0"}]`}},
		{"another version", "n2 says that it is OpenSearch 3.7.0", []string{`[{"name":"n1","version":"3.8.0"},{"name":"n2","version":"3.7.0"}]`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := scripted(t, 2, script{"GET /_cat/nodes": tt.nodes})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if tt.name == "alone" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
				defer cancel()
			}
			err := c.Joined(ctx, "n2")
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
	t.Run("a node that ends", func(t *testing.T) {
		t.Parallel()
		c := scripted(t, 2, script{"GET /_cat/nodes": {`[]`}})
		c.Node("n2").Kill()
		if err := c.Joined(t.Context(), "n2"); err == nil || !strings.Contains(err.Error(), "n2 of shop ended while it joined") {
			t.Errorf("%v", err)
		}
		if err := c.Joined(t.Context(), "n7"); err == nil {
			t.Error("a node that there is not has joined")
		}
	})
}

func TestCallAsksWhoAnswers(t *testing.T) {
	t.Parallel()
	c := scripted(t, 2, script{"GET /_cat/nodes": {`[{"name":"n2"}]`}})
	c.Node("n1").Kill()
	all, err := c.members(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	c.Node("n2").Kill()
	if _, err := c.members(t.Context(), ""); !errors.Is(err, errNoNode) {
		t.Errorf("%v, want %v", err, errNoNode)
	}
}
