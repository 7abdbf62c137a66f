package stack

import (
	"context"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"

	"github.com/searchpack/searchpack/dev/internal/child"
)

// ControlPlane is the Searchpack server inside the stack (internal/server).
type ControlPlane interface {
	// Handler serves the AWS operations and /searchpack/v1.
	Handler() http.Handler
	// Identify checks the signature of a request for the service and says who sent it.
	Identify(r *http.Request, body []byte, service string) (searchpack.Caller, error)
	// AgentAddr is host:port of the agents' listener.
	AgentAddr() string
	// Run works until ctx ends.
	Run(ctx context.Context) error
	Store() searchpack.Store
	// CreateJoinToken makes a token for one agent of the domain.
	CreateJoinToken(ctx context.Context, k searchpack.DomainKey) (string, error)
	// Catalog is told how far changes of domains are.
	Catalog() *catalog.Catalog
	Close() error
}

// Clusters lays out and starts the nodes of domains: OpenSearch (dev/internal/cluster), or nothing
// but their folders.
type Clusters interface {
	// Engines are the engine versions offered ("OpenSearch_3.8"), the default first; empty: any.
	Engines() []string
	// Open makes ready the nodes n1, n2, ... of a domain below dir: as many as were there when it was
	// closed, each with the engine and all that it had; else as many as the domain has. Processes are
	// started with the keeper, under names that begin with o.Process.
	Open(ctx context.Context, o ClusterOptions) (Cluster, error)
}

// ClusterOptions say which cluster to open.
type ClusterOptions struct {
	Domain  searchpack.Domain
	Dir     string // the domain's; node n1 has the folder n1 in it
	Process string // unique among the clusters of a stack: letters, digits, minus
	Keeper  *child.Keeper
	// BeforeStart runs before each start of a node. An error keeps the node down.
	BeforeStart func(ctx context.Context, n NodeInfo) error
}

// Cluster is the nodes of one domain. What asks the nodes something is an error while none answers.
type Cluster interface {
	Nodes() []ClusterNode
	// Start starts every node that is down and returns when all answer and have met. On an error the
	// nodes that it started are down again.
	Start(ctx context.Context) error

	// Add lays out the next node, which joins the others when it is started.
	Add(ctx context.Context) (ClusterNode, error)
	// Drop forgets the last node, which is down. Its folder stays.
	Drop() error
	// Drain moves off the node what the domain would miss without it, and returns when that is done;
	// an error says what cannot be moved. Leave hands over what the node decides. Left waits until
	// the others go on without the node, whose process is gone. Stay takes Drain and Leave back, for
	// a node that is gone too.
	Drain(ctx context.Context, node string, say Say) error
	Leave(ctx context.Context, node string) error
	Left(ctx context.Context, node string) error
	Stay(ctx context.Context, node string) error

	// Unfit says why the cluster should not be upgraded now; "": it may be.
	Unfit(ctx context.Context) (string, error)
	// Manager is the name of the elected cluster manager; "": there is none.
	Manager(ctx context.Context) (string, error)
	// Hold makes ready for the restart of a node, Release is its opposite, and without a Hold nothing;
	// Settle returns when everything that was on the node serves again.
	Hold(ctx context.Context) error
	Release(ctx context.Context) error
	Settle(ctx context.Context, say Say) error
	// Joined returns when the node, which was started, is one of the cluster.
	Joined(ctx context.Context, node string) error
}

// Say tells how far something is, in percent, and in one sentence what is being done or waited for.
type Say = func(percent float64, note string)

// ClusterNode is one node that can be started and stopped.
type ClusterNode interface {
	Info() NodeInfo
	// Start starts the node's process if it is down and returns when it runs; ctx bounds the
	// starting, not the process. WaitReady returns when the node answers.
	Start(ctx context.Context) error
	WaitReady(ctx context.Context) error
	// Stop returns when the process is gone, by force once ctx has ended.
	Stop(ctx context.Context)
	// Prepare lays out the program of another engine, while the node may run. Switch makes it the
	// node's, which is down and keeps its name, addresses, files and data; again, it is the former
	// one's. Settled removes the program that is not in use.
	Prepare(ctx context.Context, engine string) error
	Switch() error
	Settled() error
	// Pid is 0 and Done is nil for a node without a process. Done is of the last start.
	Pid() int
	Done() <-chan struct{}
}

// NodeInfo is what is known of a node before it runs. Paths are absolute.
type NodeInfo struct {
	Name               string // "n1"
	HTTP               string // URL; "" for a files-only node. May change while the whole cluster is down
	Home, Config, Logs string
	Engine             string // "OpenSearch_3.8"; "" for a files-only node of a domain without one
	// Joins: it was added to a cluster that serves, and must have its files before it starts.
	Joins bool
}

// Process is a running child. *child.Process is one.
type Process interface {
	PID() int
	Done() <-chan struct{}
	Running() bool
	Stop(ctx context.Context, grace time.Duration)
}

// Agents starts the agents' processes.
type Agents interface {
	// Run starts the agent of a node and returns at once.
	Run(ctx context.Context, a AgentSpec) (Process, error)
	// Sync runs `agent sync --once` to its end: what is ordered lies in place before the node starts.
	Sync(ctx context.Context, a AgentSpec) error
}

// AgentSpec is what an agent is started with.
type AgentSpec struct {
	Process   string // name among the stack's processes: "demo.n1.agent"
	Node      string // "n1"
	Server    string // URL of the agents' listener
	TokenFile string
	HTTP      string // OpenSearch's URL; "" for a files-only node
	Home      string // the node's home, which holds plugins/
	Config    string // the node's configuration folder
	Logs      string
	Data      string // the stack's data folder, and the node in it: what its agent's commands name
	Target    string // "demo/n1"
	State     string // the agent's own folder
	Log       string // file
}
