package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// dataFlag names the data folder of a running stack.
type dataFlag struct {
	Data string `default:"${data}" placeholder:"DIR" env:"SEARCHPACK_DEV_DATA" help:"Data folder of the stack (default ${data})."`
}

type statusCmd struct {
	dataFlag
	Output string `enum:"text,json" default:"text" help:"text or json."`
}

// Run shows the stack's processes. Its status is 1 when none runs.
func (c *statusCmd) Run(ctx context.Context, s *streams) error {
	client, err := stack.NewClient(c.Data)
	if err != nil {
		return err
	}
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return json.NewEncoder(s.out).Encode(st)
	}
	if st.Ready {
		fmt.Fprintf(s.out, "ready at %s\n", st.Document.Endpoint)
	} else {
		fmt.Fprintf(s.out, "not ready: %s\n", st.Waiting)
	}
	if st.Document == nil || len(st.Document.Domains) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tENGINE\tADDRESS\tOPENSEARCH\tAGENT")
	for _, d := range st.Document.Domains {
		for _, n := range d.Nodes {
			fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\t%s\n", d.Name, n.Name, or(or(n.EngineVersion, d.EngineVersion), "-"), or(n.HTTP, "files only"), process(n), pid(n.AgentPID))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range st.Document.Domains {
		if d.Error != "" {
			fmt.Fprintf(s.out, "domain %s: %s\n", d.Name, d.Error)
		}
	}
	return nil
}

func or(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

// process is the node's OpenSearch; a files-only node has none that could be down.
func process(n stack.NodeEntry) string {
	if n.HTTP == "" {
		return "none"
	}
	return pid(n.PID)
}

func pid(n int) string {
	if n == 0 {
		return "down"
	}
	return fmt.Sprintf("pid %d", n)
}

type downCmd struct {
	Data string `required:"" placeholder:"DIR" env:"SEARCHPACK_DEV_DATA" help:"Data folder of the stack."`
}

// Run stops the stack and waits until it is gone.
func (c *downCmd) Run(ctx context.Context, s *streams) error {
	client, err := stack.NewClient(c.Data)
	if err != nil {
		return err
	}
	did, err := client.Down(ctx)
	if err == nil && !did {
		fmt.Fprintln(s.err, "nothing runs on", c.Data)
	}
	return err
}

// target is one node, "demo/n2".
type target struct {
	Name string `arg:"" name:"domain/node" help:"Which node: demo/n2."`
	dataFlag
}

func (t target) command(ctx context.Context, what, action string) error {
	domain, node, ok := strings.Cut(t.Name, "/")
	if !ok || domain == "" || node == "" || strings.ContainsAny(node, "/?#%") || strings.ContainsAny(domain, "?#%") {
		return usageError{fmt.Errorf("%q names no node: write it as demo/n2", t.Name)}
	}
	client, err := stack.NewClient(t.Data)
	if err != nil {
		return err
	}
	err = client.Command(ctx, what, domain, node, action)
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted; the stack goes on with it")
	}
	return err
}

type nodeCmd struct {
	Start startNodeCmd `cmd:"" help:"Bring the node's files up to date, start it, and return when it answers."`
	Stop  stopNodeCmd  `cmd:"" help:"Stop the node."`
	// What the agent of a node runs to restart it.
	Launch  launchNodeCmd  `cmd:"" hidden:"" help:"Start the node, and return when its process runs."`
	Running runningNodeCmd `cmd:"" hidden:"" help:"End with status 0 if the node's process runs."`
}

type agentCmd struct {
	Start startAgentCmd `cmd:"" help:"Start the agent."`
	Stop  stopAgentCmd  `cmd:"" help:"Stop the agent."`
}

type (
	startNodeCmd   struct{ target }
	stopNodeCmd    struct{ target }
	launchNodeCmd  struct{ target }
	runningNodeCmd struct{ target }
	startAgentCmd  struct{ target }
	stopAgentCmd   struct{ target }
)

// Run starts the node.
func (c *startNodeCmd) Run(ctx context.Context) error { return c.command(ctx, "node", "start") }

// Run starts the node's process.
func (c *launchNodeCmd) Run(ctx context.Context) error { return c.command(ctx, "node", "launch") }

// Run asks whether the node's process runs.
func (c *runningNodeCmd) Run(ctx context.Context) error { return c.command(ctx, "node", "running") }

// Run stops the node.
func (c *stopNodeCmd) Run(ctx context.Context) error { return c.command(ctx, "node", "stop") }

// Run starts the agent.
func (c *startAgentCmd) Run(ctx context.Context) error { return c.command(ctx, "agent", "start") }

// Run stops the agent.
func (c *stopAgentCmd) Run(ctx context.Context) error { return c.command(ctx, "agent", "stop") }
