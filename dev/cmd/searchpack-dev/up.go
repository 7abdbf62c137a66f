package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"github.com/searchpack/searchpack/dev/internal/parts"
	"github.com/searchpack/searchpack/dev/internal/s3"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

type upCmd struct {
	Port            int      `default:"4566" env:"SEARCHPACK_DEV_PORT" help:"Port of the endpoint on 127.0.0.1; 0 takes a free one."`
	OpenSearch      []string `name:"opensearch" sep:"none" placeholder:"VERSION|HOME|none" help:"OpenSearch that domains may have: a version (3.8.0), a folder of an installation, or none for nodes without Java. May be repeated; the first is the default. Left out: the newest that a JDK here runs."`
	Nodes           int      `default:"3" help:"Nodes of each --domain that is not there yet."`
	Domain          []string `sep:"none" placeholder:"NAME" help:"Make this domain at the start if it is not there. May be repeated."`
	Data            string   `placeholder:"DIR" env:"SEARCHPACK_DEV_DATA" help:"Data folder; one stack per folder (default ${data}; with --ephemeral a temporary one)."`
	Ephemeral       bool     `help:"Delete the data when the stack stops."`
	PluginRules     string   `enum:"aws,cluster" default:"aws" help:"Whose rules plugins are held to: aws or cluster. Dictionaries are not concerned."`
	Vulnerabilities string   `type:"path" placeholder:"FILE" help:"Known vulnerabilities (OSV records of the ecosystem Maven) for which plugins are refused."`
	MaxNodes        int      `default:"9" help:"Nodes of all domains together."`
	AccessKey       string   `default:"test" env:"SEARCHPACK_DEV_ACCESS_KEY_ID" help:"Access key that clients use."`
	SecretKey       string   `default:"test" env:"SEARCHPACK_DEV_SECRET_ACCESS_KEY" help:"Secret key that clients use."`
	Account         string   `default:"000000000000" help:"Account of that key and of each --domain. Further accounts come to be with their first key: searchpack credential create."`
	Region          string   `default:"us-east-1" help:"Region of S3 and of each --domain. Clients may ask for any other one, too."`
	Output          string   `enum:"text,json" default:"text" help:"json prints stack.json as one line when the stack is ready and at every change."`
}

// Help stands below the flags.
func (*upCmd) Help() string {
	return `Examples:
  searchpack-dev up --opensearch none --domain demo --ephemeral
  searchpack-dev up --opensearch 2.19.0 --opensearch 3.8.0 --domain products --nodes 3
  searchpack-dev up --port 0 --data /tmp/stack --output json`
}

func (c *upCmd) options() stack.Options {
	return stack.Options{
		Port: c.Port, OpenSearch: c.OpenSearch, Nodes: c.Nodes, Domains: c.Domain, Data: c.Data, Ephemeral: c.Ephemeral,
		PluginRules: c.PluginRules, Vulnerabilities: c.Vulnerabilities, MaxNodes: c.MaxNodes,
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, Account: c.Account, Region: c.Region,
	}
}

// Run runs a stack until ctx ends.
func (c *upCmd) Run(ctx context.Context, s *streams) (err error) {
	o := c.options()
	if o.Data == "" && !o.Ephemeral {
		o.Data = stack.DefaultData()
	}
	if o.Data == "" {
		o.Data = filepath.Join(os.TempDir(), "searchpack-dev") // for Validate: nothing is made before
	}
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	if c.Data == "" && c.Ephemeral {
		if o.Data, err = os.MkdirTemp("", "searchpack-dev-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Data)) }()
		if err := os.Chmod(o.Data, 0o711); err != nil { // nodes may run as another user
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// Modes are what the code says: under root, nodes run as a user who must be able to enter their
	// folders. What is secret has modes of its own.
	syscall.Umask(0o022)
	ready := false
	return stack.Up(ctx, o, parts.New(self), stack.Output{
		Progress: func(line string) { fmt.Fprintln(s.err, line) },
		Ready: func(d *stack.Document, line []byte) {
			if c.Output == "json" {
				_, _ = s.out.Write(line)
			} else if !ready {
				fmt.Fprintf(s.err, "Searchpack is ready at %s (data in %s). Ctrl-C stops it.\n", d.Endpoint, o.Data)
				fmt.Fprint(s.out, d.Exports())
			}
			ready = true
		},
	})
}

// s3Cmd is the S3 process.
type s3Cmd struct {
	Dir    string `required:""`
	Region string `required:""`
}

// Run serves S3 until ctx ends.
func (c *s3Cmd) Run(ctx context.Context) error {
	access, secret := os.Getenv(parts.S3AccessKey), os.Getenv(parts.S3SecretKey)
	if access == "" || secret == "" {
		return usageError{errors.New("s3 is started by searchpack-dev up")}
	}
	return s3.Run(ctx, s3.Config{Dir: c.Dir, AccessKey: access, SecretKey: secret, Region: c.Region})
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
