// Command searchpack-dev is Searchpack for a laptop or a CI job: server, S3 and real local clusters
// behind one endpoint, in one command. This package holds the command line only; what a stack is
// lies in dev/internal/stack and dev/internal/parts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/agentcmd"
	"github.com/searchpack/searchpack/internal/server"
)

// program is the whole command line.
type program struct {
	Up     upCmd     `cmd:"" help:"Run a stack until Ctrl-C: server, S3 and local clusters behind one endpoint."`
	Status statusCmd `cmd:"" help:"Show the stack that runs on a data folder."`
	Down   downCmd   `cmd:"" help:"Stop the stack that runs on a data folder, or what a killed one left."`
	Node   nodeCmd   `cmd:"" help:"Start or stop one OpenSearch node."`
	Agent  agentCmd  `cmd:"" help:"Start or stop the agent of one node."`
	Demo   demoCmd   `cmd:"" help:"Show the whole job on a real three-node OpenSearch."`

	// The children of a stack are this program again.
	S3           s3Cmd             `cmd:"" hidden:"" name:"s3" help:"The S3 process of a stack."`
	AgentProcess agentcmd.Commands `cmd:"" hidden:"" name:"agent-process" help:"The agent process of a node."`

	Version kong.VersionFlag `help:"Print the version and end."`
}

// Exit statuses (docs/cli.md).
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// streams are where commands write.
type streams struct {
	out, err io.Writer
	terminal bool // out is one
}

// usageError marks what the caller must change in flags or environment.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its surroundings as arguments.
func run(args []string, stdout, stderr io.Writer) int {
	// SIGHUP as well: a closed terminal must not leave clusters behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// Whoever reads the first line of our output and goes must not end the stack: writes then fail
	// instead. Notify, not Ignore, because children would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	var p program
	status := -1 // set by --help and --version, which end the program
	parser, err := kong.New(&p,
		kong.Name("searchpack-dev"),
		kong.Description("Searchpack for a laptop or a CI job: the API, S3 and real local OpenSearch clusters behind one endpoint."),
		kong.Vars{"version": server.Version, "data": stack.DefaultData()},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{out: stdout, err: stderr, terminal: isTerminal(stdout)}),
		kong.Bind(&agentcmd.Streams{Out: stdout, Err: stderr}, agentcmd.Version(server.Version)),
	)
	if err != nil {
		fmt.Fprintln(stderr, "searchpack-dev:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if status >= 0 {
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "searchpack-dev: %v (searchpack-dev --help)\n", err)
		return exitUsage
	}
	if err = command.Run(); err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "searchpack-dev: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, server.ErrConfig) {
		return exitUsage
	}
	return exitFailed
}
