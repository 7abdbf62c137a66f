package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/searchpack/searchpack"
)

// FilesOnly are clusters without OpenSearch: each node is a configuration folder, which a real agent
// keeps in order.
type FilesOnly struct{}

// Engines offers every version.
func (FilesOnly) Engines() []string { return nil }

// Open makes the folders.
func (FilesOnly) Open(ctx context.Context, o ClusterOptions) (Cluster, error) {
	var nodes folders
	dir, d := o.Dir, o.Domain
	for i := range d.Nodes {
		name := fmt.Sprintf("n%d", i+1)
		n := folderNode{Name: name, Home: filepath.Join(dir, name), Config: filepath.Join(dir, name, "config"), Logs: filepath.Join(dir, name, "logs")}
		for _, folder := range []string{filepath.Join(n.Config, searchpack.AnalyzersDir), n.Logs} {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return nil, err
			}
		}
		text := fmt.Sprintf("# A files-only node of searchpack-dev: no OpenSearch reads this.\ncluster.name: %s\nnode.name: %s\n", d.Name, name)
		if err := os.WriteFile(filepath.Join(n.Config, "opensearch.yml"), []byte(text), 0o644); err != nil {
			return nil, err
		}
		if err := o.BeforeStart(ctx, NodeInfo(n)); err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

type folders []ClusterNode

func (f folders) Nodes() []ClusterNode          { return f }
func (f folders) Start(_ context.Context) error { return nil }

type folderNode NodeInfo

func (n folderNode) Info() NodeInfo                  { return NodeInfo(n) }
func (n folderNode) Start(context.Context) error     { return nil }
func (n folderNode) WaitReady(context.Context) error { return nil }
func (n folderNode) Stop(context.Context)            {}
func (n folderNode) Pid() int                        { return 0 }
func (n folderNode) Done() <-chan struct{}           { return nil }
