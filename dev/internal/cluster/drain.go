package cluster

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Settings that are changed while the cluster is.
const (
	excludeSetting = "cluster.routing.allocation.exclude._name"
	enableSetting  = "cluster.routing.allocation.enable"
)

const (
	drainEvery = 500 * time.Millisecond
	// calmLooks in a row must see nothing move before what stays on a node counts as staying: a
	// move that is throttled shows in others that are under way.
	calmLooks = 3
)

// Say tells how far something is, in percent, and what is being done or waited for.
type Say = func(percent float64, note string)

// shardCopy is a row of _cat/shards. The node of a copy that moves is followed by where to.
type shardCopy struct {
	Index, Shard, State, Node string
}

func (s shardCopy) node() string  { name, _, _ := strings.Cut(s.Node, " "); return name }
func (s shardCopy) shard() string { return s.Index + "[" + s.Shard + "]" }
func (s shardCopy) serves() bool  { return s.State == "STARTED" || s.State == "RELOCATING" }

// holding is what would be missed without a node.
type holding struct {
	copies int      // on the node
	moving bool     // some of them, or copies that are being made elsewhere
	alone  []string // shards that no other node serves, sorted
}

func holdingOf(copies []shardCopy, node string) holding {
	var h holding
	elsewhere := map[string]bool{}
	for _, c := range copies {
		if c.serves() && c.node() != node {
			elsewhere[c.shard()] = true
		}
	}
	for _, c := range copies {
		on := c.node() == node
		if on {
			h.copies++
		}
		h.moving = h.moving || c.State == "INITIALIZING" || on && c.State == "RELOCATING"
		// A shard that nobody serves may be waiting for a copy on the node, which is down.
		if !elsewhere[c.shard()] && !slices.Contains(h.alone, c.shard()) {
			h.alone = append(h.alone, c.shard())
		}
	}
	slices.Sort(h.alone)
	return h
}

// Drain moves the shards off the node and returns when the cluster has all of them without it.
// Copies that no other node may hold stay where they are, as long as another copy serves: more
// replicas than the other nodes can hold do not keep a node. An error names what stays; the node is
// then left out of allocation until Undrain.
func (c *Cluster) Drain(ctx context.Context, node string, say Say) error {
	if err := c.exclude(ctx, node, true); err != nil {
		return err
	}
	first, calm := 0, 0
	var before holding
	err := every(ctx, drainEvery, func() (string, error) {
		var copies []shardCopy
		if err := c.call(ctx, node, http.MethodGet, "/_cat/shards?format=json&h=index,shard,state,node", nil, &copies); err != nil {
			return "", err
		}
		h := holdingOf(copies, node)
		first = max(first, h.copies)
		calm++
		if h.moving || h.copies != before.copies {
			calm = 0
		}
		before = h
		switch {
		case len(h.alone) == 0 && (h.copies == 0 || calm >= calmLooks):
			return "", nil
		case len(h.alone) > 0 && !h.moving:
			say(share(first-h.copies, first), fmt.Sprintf("%s holds the only copy of %s, which no other node takes", node, some(h.alone)))
		default:
			say(share(first-h.copies, first), fmt.Sprintf("moving shards off %s: %d of %d copies are left", node, h.copies, first))
		}
		return "waiting for the shards of " + node, nil
	})
	if err != nil && len(before.alone) > 0 {
		return fmt.Errorf("%s holds the only copy of %s, which no other node takes: %w", node, some(before.alone), err)
	}
	return err
}

// Undrain lets the node have shards again.
func (c *Cluster) Undrain(ctx context.Context, node string) error { return c.exclude(ctx, node, false) }

// exclude changes the list of excluded nodes, which may hold others.
func (c *Cluster) exclude(ctx context.Context, node string, add bool) error {
	was, err := c.persistent(ctx, excludeSetting)
	if err != nil {
		return err
	}
	names := strings.FieldsFunc(was, func(r rune) bool { return r == ',' || r == ' ' })
	names = slices.DeleteFunc(names, func(n string) bool { return n == node })
	if add {
		names = append(names, node)
	}
	now := strings.Join(names, ",")
	if now == was {
		return nil
	}
	return c.persist(ctx, excludeSetting, now)
}

// persistent reads a persistent cluster setting; "": it is not set.
func (c *Cluster) persistent(ctx context.Context, name string) (string, error) {
	var s struct{ Persistent map[string]any }
	if err := c.call(ctx, "", http.MethodGet, "/_cluster/settings?flat_settings=true", nil, &s); err != nil {
		return "", err
	}
	text, _ := s.Persistent[name].(string) // values are strings there
	return text, nil
}

// persist sets it, or takes it back with "".
func (c *Cluster) persist(ctx context.Context, name, value string) error {
	var v any
	if value != "" {
		v = value
	}
	return c.call(ctx, "", http.MethodPut, "/_cluster/settings", map[string]any{"persistent": map[string]any{name: v}}, nil)
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

const mostNamed = 5

// some names the first few.
func some(names []string) string {
	if len(names) > mostNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
	}
	return strings.Join(names, ", ")
}
