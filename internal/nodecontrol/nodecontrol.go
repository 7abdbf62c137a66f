// Package nodecontrol stops and starts the OpenSearch beside an agent: by systemd, by commands that the
// node's own configuration names, or as the agent's own child. What is run comes from there alone, never
// from an order; there is no shell, and nothing is filled into a command.
package nodecontrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// maxOutput of a command is kept, in bytes: its end, where the reason stands.
	maxOutput = 4 << 10
	// maxLog is how much of a log is read from its end, in bytes.
	maxLog = 64 << 10
	// maxLines of a log are told.
	maxLines = 30
	// poll is the pause between two looks at whether a node has stopped.
	poll = 200 * time.Millisecond
)

// Control stops and starts one node. It implements agent.NodeControl.
type Control struct {
	stop, start []string
	running     func(ctx context.Context) (bool, error)
	log         func(ctx context.Context, since time.Time) string
}

// Commands are a node's own commands, each a program with its arguments.
type Commands struct {
	Stop, Start []string
	// Status ends with status 0 while a process of the node runs, and with another when none does.
	Status []string
	// LogDir is the node's folder of logs; "" = its log is not read.
	LogDir string
}

// ByCommands uses commands. ErrInvalid: one is missing.
func ByCommands(c Commands) (*Control, error) {
	for _, x := range []struct {
		name string
		argv []string
	}{{"stop", c.Stop}, {"start", c.Start}, {"status", c.Status}} {
		if len(x.argv) == 0 || x.argv[0] == "" {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "the %s command of the node is missing", x.name)
		}
	}
	return &Control{
		stop: c.Stop, start: c.Start,
		running: func(ctx context.Context) (bool, error) { return succeeds(ctx, c.Status) },
		log:     func(_ context.Context, since time.Time) string { return tail(c.LogDir, since) },
	}, nil
}

// BySystemd uses a unit of the system's manager, "opensearch.service". ErrInvalid: that is no name of one.
func BySystemd(unit string) (*Control, error) {
	if !strings.HasSuffix(unit, ".service") || strings.HasPrefix(unit, "-") || strings.ContainsAny(unit, " /\t\n\x00") {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%.100q is no systemd service: one looks like opensearch.service", unit)
	}
	return &Control{
		stop: []string{"systemctl", "stop", unit}, start: []string{"systemctl", "start", "--no-block", unit},
		running: func(ctx context.Context) (bool, error) { return unitRuns(ctx, unit) },
		log: func(ctx context.Context, since time.Time) string {
			out, err := run(ctx, []string{"journalctl", "--unit", unit, "--since", "@" + strconv.FormatInt(since.Unix(), 10),
				"--lines", strconv.Itoa(maxLines), "--output", "cat", "--no-pager", "--quiet"}, maxLog)
			if err != nil {
				return ""
			}
			return lastLines(out)
		},
	}, nil
}

// Stop runs the command and waits until nothing of the node runs any more.
func (c *Control) Stop(ctx context.Context) error {
	if _, err := run(ctx, c.stop, maxOutput); err != nil {
		return err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		running, err := c.running(ctx)
		if err != nil {
			return err
		}
		if !running {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return searchpack.Errorf(searchpack.ErrUnavailable, "%s has ended, but the node still runs", c.stop[0])
		}
	}
}

// Start runs the command.
func (c *Control) Start(ctx context.Context) error {
	_, err := run(ctx, c.start, maxOutput)
	return err
}

// Running asks the command.
func (c *Control) Running(ctx context.Context) (bool, error) { return c.running(ctx) }

// Log returns the end of the node's log.
func (c *Control) Log(ctx context.Context, since time.Time) string { return c.log(ctx, since) }

// succeeds reports whether the command ends with status 0.
func succeeds(ctx context.Context, argv []string) (bool, error) {
	_, err := run(ctx, argv, maxOutput)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() == nil && errors.As(err, &exit) && exit.Exited():
		return false, nil
	}
	return false, err
}

// unitRuns asks for the unit's state: one that is stopping still runs.
func unitRuns(ctx context.Context, unit string) (bool, error) {
	out, err := run(ctx, []string{"systemctl", "show", "--property", "ActiveState", "--value", unit}, maxOutput)
	if err != nil {
		return false, err
	}
	switch state := strings.TrimSpace(out); state {
	case "inactive", "failed":
		return false, nil
	case "active", "activating", "deactivating", "reloading", "refreshing":
		return true, nil
	default:
		return false, searchpack.Errorf(searchpack.ErrUnavailable, "systemd says that %s is %.50q", unit, state)
	}
}

// run runs a command and returns the end of its output. An error has it too.
func run(ctx context.Context, argv []string, limit int) (string, error) {
	out := &ending{limit: limit}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the node's own configuration names it
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 5 * time.Second // what a started node inherits must not hold this up
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err != nil {
		text := strings.TrimSpace(out.String())
		if text != "" {
			text = ": " + lastLines(text)
		}
		return out.String(), fmt.Errorf("%s: %w%s", argv[0], err, text)
	}
	return out.String(), nil
}

// ending keeps the end of what is written.
type ending struct {
	b     bytes.Buffer
	limit int
}

// Write implements io.Writer.
func (e *ending) Write(p []byte) (int, error) {
	e.b.Write(p)
	if over := e.b.Len() - 2*e.limit; over > 0 {
		e.b.Next(over + e.limit)
	}
	return len(p), nil
}

// String returns the end.
func (e *ending) String() string {
	b := e.b.Bytes()
	return strings.ToValidUTF8(string(b[max(0, len(b)-e.limit):]), "?")
}
