// Command searchpack is the control plane, the agent beside each OpenSearch node, and the client,
// in one program. This package holds wiring only: flags in, parts out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/searchpack/searchpack/internal/agentcmd"
	"github.com/searchpack/searchpack/internal/cli"
	"github.com/searchpack/searchpack/internal/server"
)

// program is the whole command line.
type program struct {
	cli.Globals
	cli.Commands

	Server serverCmd         `cmd:"" group:"server" help:"Run the control plane."`
	Agent  agentcmd.Commands `cmd:"" group:"agent" help:"Run beside an OpenSearch node, or ask the agent that runs here."`

	Version kong.VersionFlag `env:"-" help:"Print the version and end."`
}

// Exit statuses (docs/cli.md).
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its surroundings as arguments.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var p program
	streams := &agentcmd.Streams{Out: stdout, Err: stderr}
	status := -1 // set by --help and --version, which end the program
	parser, err := kong.New(&p,
		kong.Name("searchpack"),
		kong.Description("Custom packages for any OpenSearch cluster: the dictionary provably arrives on every node, is checked there before anything live changes, is loaded, and can be undone."),
		kong.Vars{"version": server.Version},
		kong.DefaultEnvars("SEARCHPACK"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(help),
		kong.ExplicitGroups([]kong.Group{
			{Key: "client", Title: "Ask a server:"},
			{Key: "check", Title: "Without a server:"},
			{Key: "server", Title: "Run a server:"},
			{Key: "agent", Title: "On a node:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams, agentcmd.Version(server.Version)),
	)
	if err != nil {
		fmt.Fprintln(stderr, "searchpack:", err)
		return exitFailed
	}
	if hasVersion(parser.Model.Node, args) {
		parser.Model.Flags = slices.DeleteFunc(parser.Model.Flags, func(f *kong.Flag) bool { return f.Name == "version" })
	}
	command, err := parser.Parse(args)
	if status >= 0 {
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "searchpack: %s (%s --help)\n", cli.OneLine(err.Error()), asked(err))
		return exitUsage
	}
	streams.JSON = p.Output == "json"
	err = command.Run(&cli.Context{Context: ctx, Globals: &p.Globals, In: os.Stdin, Out: stdout, Notes: stderr, Now: time.Now, Version: server.Version, Terminal: terminal(stdout)})
	return exitStatus(err, stderr)
}

// hasVersion reports whether a command that is named has a --version of its own, of a package: then
// that of the program is not looked for.
func hasVersion(node *kong.Node, args []string) bool {
	for _, leaf := range node.Leaves(true) {
		own := slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == "version" })
		if own && slices.Contains(args, leaf.Name) {
			return true
		}
	}
	return false
}

// asked names the command whose help says more about a refused command line.
func asked(err error) string {
	var refused *kong.ParseError
	if errors.As(err, &refused) && refused.Context != nil {
		if node := refused.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "searchpack"
}

// exitStatus prints an error as one line and says what it means to a script.
func exitStatus(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "searchpack: stopped")
		return exitFailed
	}
	fmt.Fprintln(stderr, "searchpack:", cli.OneLine(err.Error()))
	var node *agentcmd.NodeEnded
	if errors.As(err, &node) { // whoever started the agent started the node
		return node.Status
	}
	if errors.Is(err, cli.ErrUsage) || errors.Is(err, server.ErrConfig) || errors.Is(err, agentcmd.ErrUsage) {
		return exitUsage
	}
	return exitFailed
}

// help leaves the flags of the client commands out where they say nothing.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if node := ctx.Selected(); node != nil && group(node) != "client" {
		for _, flag := range ctx.Model.Flags {
			says := flag.Name == "help" || flag.Name == "output" && (group(node) == "check" || node.Name == "doctor")
			flag.Hidden = flag.Hidden || !says
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// group returns the group of a command: client commands ask a server.
func group(node *kong.Node) string {
	for ; node != nil; node = node.Parent {
		if node.Group != nil {
			return node.Group.Key
		}
	}
	return ""
}

// terminal says how to show tables on w.
func terminal(w io.Writer) cli.Terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return cli.Terminal{}
	}
	columns, _, _ := term.GetSize(int(f.Fd())) // 0 if it does not say: nothing is wrapped
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return cli.Terminal{Is: true, Columns: columns, Colours: !plain}
}
