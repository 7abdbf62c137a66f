package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/searchpack/searchpack"
)

// FilesOnly are clusters without OpenSearch: each node is a configuration folder, which a real agent
// keeps in order.
type FilesOnly struct{}

// Engines offers every version.
func (FilesOnly) Engines() []string { return nil }

// foldersName is DIR/folders.json: the nodes that there are, and which engine each is said to have.
const foldersName = "folders.json"

// foldersState is what is in it.
type foldersState struct {
	Schema int           `json:"schema"` // 1
	Nodes  []folderState `json:"nodes"`
}

type folderState struct {
	Name   string `json:"name"`
	Engine string `json:"engine"`
	Joins  bool   `json:"joins,omitempty"`
}

// Open makes the folders.
func (FilesOnly) Open(ctx context.Context, o ClusterOptions) (Cluster, error) {
	f := &folders{o: o}
	text, err := os.ReadFile(f.path())
	switch {
	case errors.Is(err, os.ErrNotExist):
		for i := range o.Domain.Nodes {
			f.state = append(f.state, folderState{Name: fmt.Sprintf("n%d", i+1), Engine: o.Domain.EngineVersion})
		}
		err = f.save(f.state)
	case err == nil:
		var s foldersState
		if err = json.Unmarshal(text, &s); err != nil {
			err = fmt.Errorf("%s is damaged: %w", f.path(), err)
		}
		f.state = s.Nodes
	}
	if err != nil {
		return nil, err
	}
	for _, s := range f.state {
		n, err := f.make(s.Name)
		if err != nil {
			return nil, err
		}
		if err := n.Start(ctx); err != nil {
			return nil, err
		}
		f.nodes = append(f.nodes, n)
	}
	return f, nil
}

// folders is the nodes of one domain. There is nothing to move, to elect or to wait for.
type folders struct {
	o     ClusterOptions
	nodes []ClusterNode

	mu    sync.Mutex
	state []folderState
}

func (f *folders) path() string { return filepath.Join(f.o.Dir, foldersName) }

func (f *folders) save(nodes []folderState) error {
	text, err := json.Marshal(foldersState{Schema: 1, Nodes: nodes})
	if err != nil {
		return err
	}
	return replaceFile(f.path(), append(text, '\n'))
}

// change saves and then keeps what do makes of the state.
func (f *folders) change(do func(nodes []folderState) []folderState) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes := do(slices.Clone(f.state))
	if err := f.save(nodes); err != nil {
		return err
	}
	f.state = nodes
	return nil
}

func (f *folders) of(name string) folderState {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.state {
		if s.Name == name {
			return s
		}
	}
	return folderState{Name: name}
}

func (f *folders) make(name string) (*folderNode, error) {
	n := &folderNode{f: f, name: name}
	i := n.Info()
	for _, folder := range []string{filepath.Join(i.Config, searchpack.AnalyzersDir), i.Logs, filepath.Join(i.Home, "plugins")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("# A files-only node of searchpack-dev: no OpenSearch reads this.\ncluster.name: %s\nnode.name: %s\n", f.o.Domain.Name, name)
	return n, os.WriteFile(filepath.Join(i.Config, "opensearch.yml"), []byte(text), 0o644)
}

func (f *folders) Nodes() []ClusterNode        { return slices.Clone(f.nodes) }
func (f *folders) Start(context.Context) error { return nil }

// Add makes the folder of the next node.
func (f *folders) Add(context.Context) (ClusterNode, error) {
	name := fmt.Sprintf("n%d", len(f.nodes)+1)
	n, err := f.make(name)
	if err != nil {
		return nil, err
	}
	engine := f.o.Domain.EngineVersion
	if len(f.nodes) > 0 {
		engine = f.nodes[0].Info().Engine
	}
	err = f.change(func(nodes []folderState) []folderState {
		return append(nodes, folderState{Name: name, Engine: engine, Joins: true})
	})
	if err != nil {
		return nil, err
	}
	f.nodes = append(f.nodes, n)
	return n, nil
}

// Drop forgets the last node.
func (f *folders) Drop() error {
	if err := f.change(func(nodes []folderState) []folderState { return nodes[:len(nodes)-1] }); err != nil {
		return err
	}
	f.nodes = slices.Clone(f.nodes[:len(f.nodes)-1])
	return nil
}

func (f *folders) Drain(context.Context, string, Say) error { return nil }
func (f *folders) Leave(context.Context, string) error      { return nil }
func (f *folders) Left(context.Context, string) error       { return nil }
func (f *folders) Stay(context.Context, string) error       { return nil }

func (f *folders) Unfit(context.Context) (string, error)   { return "", nil }
func (f *folders) Manager(context.Context) (string, error) { return "", nil }
func (f *folders) Hold(context.Context) error              { return nil }
func (f *folders) Release(context.Context) error           { return nil }
func (f *folders) Settle(context.Context, Say) error       { return nil }
func (f *folders) Joined(context.Context, string) error    { return nil }

// folderNode is a folder that stands for a node.
type folderNode struct {
	f      *folders
	name   string
	beside string // the engine that Switch gives it
}

func (n *folderNode) Info() NodeInfo {
	home, s := filepath.Join(n.f.o.Dir, n.name), n.f.of(n.name)
	return NodeInfo{
		Name: n.name, Home: home, Config: filepath.Join(home, "config"), Logs: filepath.Join(home, "logs"),
		Engine: s.Engine, Joins: s.Joins,
	}
}

// Start brings the files up to date: that is all there is to start.
func (n *folderNode) Start(ctx context.Context) error { return n.f.o.BeforeStart(ctx, n.Info()) }

func (n *folderNode) WaitReady(context.Context) error { return nil }
func (n *folderNode) Stop(context.Context)            {}
func (n *folderNode) Pid() int                        { return 0 }
func (n *folderNode) Done() <-chan struct{}           { return nil }

// Prepare keeps the engine for Switch.
func (n *folderNode) Prepare(_ context.Context, engine string) error {
	n.beside = engine
	return nil
}

// Switch writes down the other engine.
func (n *folderNode) Switch() error {
	was := n.Info().Engine
	err := n.f.change(func(nodes []folderState) []folderState {
		for i := range nodes {
			if nodes[i].Name == n.name {
				nodes[i].Engine = n.beside
			}
		}
		return nodes
	})
	if err == nil {
		n.beside = was
	}
	return err
}

func (n *folderNode) Settled() error { return nil }
