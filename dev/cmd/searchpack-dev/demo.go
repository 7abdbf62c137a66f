package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/searchpack/searchpack/dev/internal/demo"
)

// demoCmd takes what `make demo` passes on by environment: OPENSEARCH, PORT, DATA, DEMO_EXIT and
// DEMO_REPORT. make exports those that nobody gave as empty ones, so empty means not given.
type demoCmd struct {
	OpenSearch string `name:"opensearch" env:"OPENSEARCH" placeholder:"VERSION|HOME|none" help:"OpenSearch to use (else the newest that a JDK here runs)."`
	Port       string `env:"PORT" default:"0" help:"Port of the endpoint; 0 takes a free one."`
	Data       string `env:"DATA" placeholder:"DIR" help:"Data folder, kept afterwards (else a temporary one)."`
	Exit       string `env:"DEMO_EXIT" placeholder:"1" help:"1: end after the last step, on a terminal too."`
	Report     string `env:"DEMO_REPORT" placeholder:"FILE" help:"Write one JSON object per step to this file."`
}

// Run runs the demo.
func (c *demoCmd) Run(ctx context.Context, s *streams) error {
	port := cmp.Or(c.Port, "0")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return usageError{fmt.Errorf("--port (or PORT): %q is not a port; 0 takes a free one", port)}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Config{
		Self: self, OpenSearch: c.OpenSearch, Port: port, Data: c.Data,
		Exit: c.Exit != "" && c.Exit != "0", Report: c.Report, Out: s.out, Terminal: s.terminal,
	})
}
