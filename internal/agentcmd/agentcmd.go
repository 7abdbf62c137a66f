// Package agentcmd is the agent's command line: flags in, an agent out. searchpack and the
// development stack, which starts agents as child processes, share it. Wiring only.
package agentcmd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/configfile"
	"github.com/searchpack/searchpack/internal/nodecontrol"
	"github.com/searchpack/searchpack/internal/opensearch"
)

// Commands are `searchpack agent …`.
type Commands struct {
	Run    RunCmd    `cmd:"" help:"Work beside one OpenSearch process until stopped."`
	Sync   SyncCmd   `cmd:"" help:"Put in place what was last ordered, with the server or without it: run it before OpenSearch starts."`
	Status StatusCmd `cmd:"" help:"Print what the agent here last knew."`
	Doctor DoctorCmd `cmd:"" help:"Check the installation here, and say what to type. Changes nothing."`
}

// Streams are the program's outputs.
type Streams struct {
	Out, Err io.Writer
	JSON     bool // print documents where there is a choice
}

// ErrUsage marks what must be changed in flags, environment or configuration file: exit status 2.
var ErrUsage = errors.New("usage")

// usage is an ErrUsage that does not say so in its text.
type usage struct{ error }

func (usage) Is(target error) bool { return target == ErrUsage }
func (u usage) Unwrap() error      { return u.error }

// Place says which node an agent belongs to.
type Place struct {
	ConfigFile configfile.Path `type:"path" placeholder:"FILE" help:"These flags, in YAML: the names without hyphens before them."`

	Server    string `required:"" placeholder:"https://HOST:PORT" help:"The server's address for agents."`
	TokenFile string `type:"path" placeholder:"FILE" help:"Join token; needed until the agent has enrolled."`
	Config    string `required:"" type:"path" placeholder:"DIR" help:"The node's configuration folder: holds opensearch.yml."`
	State     string `required:"" type:"path" placeholder:"DIR" help:"The agent's own folder."`
	Name      string `placeholder:"NAME" help:"The node's name for people (default: the host's)."`

	Adopt []string `placeholder:"PATH" help:"A file or folder in the configuration folder, such as analysis or synonyms.txt, whose files may be adopted into packages; may be repeated. Without it none may."`

	LogLevel slog.Level `default:"info" help:"debug, info, warn or error."`
}

func (p *Place) config(s *Streams, version string) agent.Config {
	return agent.Config{
		Server: p.Server, TokenFile: p.TokenFile, ConfigDir: p.Config, StateDir: p.State, Name: p.Name, Adopt: p.Adopt, Version: version,
		Logger: slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: p.LogLevel})),
	}
}

// Version of the program, for reports.
type Version string

// Beside says how to reach the node that the agent runs beside.
type Beside struct {
	OpenSearch  string `name:"opensearch" placeholder:"URL" default:"http://127.0.0.1:9200" help:"The node's own address."`
	CA          string `name:"opensearch-ca" type:"path" placeholder:"FILE" help:"Authority of the node's certificate, PEM."`
	Credentials string `name:"opensearch-credentials" type:"path" placeholder:"FILE" help:"user:password for the node. They never leave it."`
	FilesOnly   bool   `hidden:"" env:"-" help:"There is no OpenSearch (development stack)."`
}

// RunCmd runs an agent.
type RunCmd struct {
	Place
	Beside
	Plugins
	Restart
	WithoutServer

	Command []string `arg:"" optional:"" help:"With --restart supervise: what starts OpenSearch, and stays: a program and its arguments, behind --. There is no shell."`
}

// Help stands below the flags.
func (*RunCmd) Help() string {
	return `Examples:
  searchpack agent run --server https://searchpack.example:9401 --token-file token \
      --opensearch http://127.0.0.1:9200 --config /etc/opensearch --state /var/lib/searchpack-agent

  With --restart supervise the agent does what "agent sync --once" does and starts OpenSearch, which is its child from then on. It ends with it: with status 0
  when it was told to, else with OpenSearch's own status (128 and the number of the signal that ended it).

  searchpack agent run --config-file /etc/searchpack/agent.yml --restart supervise -- /usr/share/opensearch/bin/opensearch -Ehttp.port=9200`
}

// config is the agent's configuration, and what to close afterwards.
func (c *RunCmd) config(s *Streams, version string) (agent.Config, func(), error) {
	cfg := c.Place.config(s, version)
	cfg.Plugins = c.Plugins.config(c.FilesOnly)
	var err error
	switch {
	case c.Restart.Restart == "supervise":
		cfg.WaitForServer, cfg.StopTimeout = c.wait(), c.StopTimeout
		if cfg.Supervised, err = c.child(c.State, c.Command); err != nil {
			return cfg, nil, err
		}
	case len(c.Command) > 0:
		return cfg, nil, usage{errors.New("a command is given, but not --restart supervise")}
	default:
		if cfg.Control, err = c.control(); err != nil {
			return cfg, nil, err
		}
		if cfg.Control != nil && cfg.Plugins == nil {
			return cfg, nil, usage{errors.New("--restart is for a change of plugins: give --home too")}
		}
	}
	if cfg.FilesOnly = c.FilesOnly; c.FilesOnly {
		return cfg, func() {}, nil
	}
	node, err := opensearch.New(opensearch.Config{URL: c.OpenSearch, CAFile: c.CA, CredentialsFile: c.Credentials})
	if err != nil {
		return cfg, nil, usage{err}
	}
	cfg.OpenSearch = node
	return cfg, node.Close, nil
}

// Run runs the agent until ctx ends.
func (c *RunCmd) Run(ctx context.Context, s *Streams, version Version) error {
	if err := c.canEnrol(); err != nil {
		return err
	}
	cfg, end, err := c.config(s, string(version))
	if err != nil {
		return err
	}
	defer end()
	a, err := newAgent(cfg)
	if err != nil {
		return err
	}
	if child, ok := cfg.Supervised.(*nodecontrol.Child); ok {
		defer c.asParent(child)()
	}
	return a.Run(ctx)
}

// asParent does what a process owes that has a node for a child. What it returns ends that.
func (c *RunCmd) asParent(child *nodecontrol.Child) func() {
	// Whoever reads the agent's output may go away: that must not end the agent, and with it the node.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	if os.Getpid() == 1 { // of a container
		wg.Go(func() { child.Reap(ctx) })
	}
	return func() {
		cancel()
		wg.Wait()
		signal.Stop(pipe)
	}
}

// NodeEnded is the error of an agent whose node has ended by itself: its Status is the exit status.
type NodeEnded = agent.NodeEnded

// canEnrol refuses to start an agent that would wait for a good token for ever.
func (c *RunCmd) canEnrol() error {
	status, err := agent.Status(c.State)
	if enrolled := err == nil && status.AgentID != ""; enrolled || err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		return nil // what is wrong with the folder New says better
	}
	if c.TokenFile == "" {
		return usage{errors.New("this agent has not enrolled yet: give --token-file FILE with a token of searchpack token create")}
	}
	if err := agent.CheckToken(c.TokenFile); err != nil {
		return usage{err}
	}
	return nil
}

// newAgent tells a wrong configuration from other failures.
func newAgent(cfg agent.Config) (*agent.Agent, error) {
	a, err := agent.New(cfg)
	if searchpack.ErrorCode(err) == searchpack.ErrInvalid {
		return nil, usage{err}
	}
	return a, err
}

// SyncCmd puts files in place.
type SyncCmd struct {
	Place
	Plugins
	WithoutServer
	NoNode bool `hidden:"" env:"-" help:"There is no OpenSearch (development stack)."`
	Once   bool `required:"" env:"-" help:"Put the files in place and end (the only way so far; the flag says so)."`
}

// WithoutServer says how a node starts while the server is away.
type WithoutServer struct {
	StartWithoutServer string `enum:"last,wait" default:"last" placeholder:"last|wait" help:"Before OpenSearch starts, while the server cannot be asked: last puts in place what was ordered last; wait asks for up to 14 minutes, then fails, so that OpenSearch does not start with a version that may be an old one."`
}

func (w WithoutServer) wait() bool { return w.StartWithoutServer == "wait" }

// Help stands below the flags.
func (*SyncCmd) Help() string {
	return `It asks the server for news, waits for it a little, and goes on without. OpenSearch need not run.

Example:
  searchpack agent sync --once --server https://searchpack.example:9401 \
      --config /etc/opensearch --state /var/lib/searchpack-agent`
}

// Run syncs once.
func (c *SyncCmd) Run(ctx context.Context, s *Streams, version Version) error {
	cfg := c.Place.config(s, string(version))
	cfg.Plugins = c.Plugins.config(c.NoNode)
	cfg.FilesOnly = true // nothing is asked of OpenSearch: it does not run yet
	cfg.WaitForServer = c.wait()
	a, err := newAgent(cfg)
	if err != nil {
		return err
	}
	return a.SyncOnce(ctx)
}

// StatusCmd prints the agent's state.
type StatusCmd struct {
	State string `required:"" type:"path" placeholder:"DIR" help:"The agent's own folder."`
}

// Help stands below the flags.
func (*StatusCmd) Help() string {
	return "One JSON document. Example:\n  searchpack agent status --state /var/lib/searchpack-agent"
}

// Run prints the state as JSON.
func (c *StatusCmd) Run(s *Streams) error {
	status, err := agent.Status(c.State)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(status)
}
