package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// heldFile remembers the allocation setting while replicas are held, so that whoever comes after a
// kill -9 restores it.
const heldFile = "allocation.json"

type held struct {
	Schema int    `json:"schema"` // 1
	Former string `json:"former"` // "": it was not set
}

// HoldReplicas keeps the replicas of a node that is about to restart from being made elsewhere, and
// writes to disk what is in memory, so that the restart is short. Repeating it is no harm.
func (c *Cluster) HoldReplicas(ctx context.Context) error {
	path := filepath.Join(c.dir, heldFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		former, err := c.persistent(ctx, enableSetting)
		if err != nil {
			return err
		}
		text, err := json.Marshal(held{Schema: 1, Former: former})
		if err != nil {
			return err
		}
		if err := replaceFile(path, text, 0o600); err != nil {
			return err
		}
	}
	if err := c.persist(ctx, enableSetting, "primaries"); err != nil {
		return err
	}
	// An index that cannot be flushed is recovered from its log: slower, not worse.
	if err := c.call(ctx, "", http.MethodPost, "/_flush?ignore_unavailable=true", nil, nil); errors.Is(err, errNoNode) {
		return err
	}
	return nil
}

// ReleaseReplicas gives the allocation setting the value that it had before HoldReplicas.
func (c *Cluster) ReleaseReplicas(ctx context.Context) error {
	path := filepath.Join(c.dir, heldFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var h held
	if err := json.Unmarshal(text, &h); err != nil {
		return fmt.Errorf("%s is damaged (%w): set %s as it was and remove the file", path, err, enableSetting)
	}
	if err := c.persist(ctx, enableSetting, h.Former); err != nil {
		return err
	}
	return os.Remove(path)
}

const (
	settleEvery = 250 * time.Millisecond
	// calmFor is how long nothing must move before a cluster that is not green counts as settled:
	// with nodes of two versions, copies of a newer node cannot be made on an older one.
	calmFor = 8 * time.Second
)

type health struct {
	Status       string `json:"status"`
	Initializing int    `json:"initializing_shards"`
	Relocating   int    `json:"relocating_shards"`
	Unassigned   int    `json:"unassigned_shards"`
	Pending      int    `json:"number_of_pending_tasks"`
}

// Settle returns when the cluster is green, or as far as it will come by itself. An index without
// any copy that serves is an error.
func (c *Cluster) Settle(ctx context.Context, say func(note string)) error {
	var last health
	moved := time.Now()
	err := every(ctx, settleEvery, func() (string, error) {
		var h health
		if err := c.call(ctx, "", http.MethodGet, "/_cluster/health", nil, &h); err != nil {
			return "", err
		}
		if h != last || h.Initializing+h.Relocating > 0 {
			moved = time.Now()
		}
		last = h
		if h.Status == "green" && h.Initializing+h.Relocating == 0 {
			return "", nil
		}
		if h.Status != "red" && time.Since(moved) >= c.calm {
			return "", nil
		}
		note := fmt.Sprintf("the cluster is %s: %d shard copies are being made, %d move, %d wait", h.Status, h.Initializing, h.Relocating, h.Unassigned)
		say(note)
		return note, nil
	})
	return err
}

// Red says why the cluster is not fit for a change: a shard that no node serves. "": it is fit.
func (c *Cluster) Red(ctx context.Context) (string, error) {
	var h health
	if err := c.call(ctx, "", http.MethodGet, "/_cluster/health", nil, &h); err != nil || h.Status != "red" {
		return "", err
	}
	var copies []shardCopy
	if err := c.call(ctx, "", http.MethodGet, "/_cat/shards?format=json&h=index,shard,state,node", nil, &copies); err != nil {
		return "", err
	}
	return "no node serves " + some(holdingOf(copies, "").alone), nil
}
