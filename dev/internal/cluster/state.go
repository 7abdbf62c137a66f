package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// state is what a cluster remembers between runs.
type state struct {
	Schema int         `json:"schema"` // 1
	Name   string      `json:"name"`
	Nodes  []nodeState `json:"nodes"`
}

type nodeState struct {
	Name          string `json:"name"`
	HTTPPort      int    `json:"http_port"`
	TransportPort int    `json:"transport_port"`
	// Joins: it came to a cluster that was there, and must never found one.
	Joins bool `json:"joins,omitempty"`
}

const (
	stateFile  = "cluster.json"
	stateLimit = 1 << 20 // bytes; a cluster of nine nodes has about 700
)

// openState reads the state, or makes it with fresh ports.
func (c *Cluster) openState(homes []distro.Home) error {
	have, err := readState(filepath.Join(c.dir, stateFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c.newState(len(homes))
	case err != nil:
		return err
	case have.Name != c.name || len(have.Nodes) != len(homes):
		return fmt.Errorf("%s holds the cluster %q of %d nodes, not %q of %d: choose another folder, or remove this one",
			c.dir, have.Name, len(have.Nodes), c.name, len(homes))
	}
	c.state = have
	return nil
}

// Recorded says how many nodes the cluster has whose state lies in dir; 0: there is none.
func Recorded(dir string) (int, error) {
	s, err := readState(filepath.Join(dir, stateFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	return len(s.Nodes), err
}

func (c *Cluster) newState(nodes int) error {
	ports, err := freePorts(2*nodes, nil)
	if err != nil {
		return err
	}
	s := state{Schema: 1, Name: c.name}
	for i := range nodes {
		s.Nodes = append(s.Nodes, nodeState{Name: nodeName(i), HTTPPort: ports[2*i], TransportPort: ports[2*i+1]})
	}
	return c.setState(s)
}

func readState(path string) (state, error) {
	f, err := os.Open(path)
	if err != nil {
		return state{}, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, stateLimit))
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("%s is damaged (%w): remove it, the nodes then get new ports", path, err)
	}
	if err := s.check(); err != nil {
		return state{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s state) check() error {
	if s.Schema != 1 {
		return fmt.Errorf("is of another searchpack-dev (schema %d)", s.Schema)
	}
	seen := map[int]bool{}
	for i, n := range s.Nodes {
		if n.Name != nodeName(i) {
			return fmt.Errorf("node %d is called %q: remove the file, the nodes then get new ports", i+1, n.Name)
		}
		for _, port := range []int{n.HTTPPort, n.TransportPort} {
			if port < 1 || port > 65535 || seen[port] {
				return fmt.Errorf("port %d of %s cannot be: remove the file, the nodes then get new ports", port, n.Name)
			}
			seen[port] = true
		}
	}
	return nil
}

// stateNow is a copy that stays as it is.
func (c *Cluster) stateNow() state {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Nodes = slices.Clone(s.Nodes)
	return s
}

// setState takes s over once it is saved.
func (c *Cluster) setState(s state) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := saveState(c.dir, s); err != nil {
		return err
	}
	c.state = s
	return nil
}

// saveState replaces the file at once: whole, or as it was.
func saveState(dir string, s state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, stateFile), append(text, '\n'), 0o600)
}

// replaceFile writes beside path, makes that safe, and renames.
func replaceFile(path string, text []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
