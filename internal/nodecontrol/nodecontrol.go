// Package nodecontrol stops and starts the OpenSearch beside an agent: by systemd, by commands that the
// node's own configuration names, or as the agent's own child. What is run comes from there alone, never
// from an order; there is no shell, and nothing is filled into a command.
package nodecontrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// maxOutput of a command is kept, in bytes: its end, where the reason stands.
	maxOutput = 4 << 10
	// maxLog is how much of a log is read from its end, in bytes.
	maxLog = 64 << 10
	// maxLines of a log are told, and four times as many are read: most are frames of stack traces.
	maxLines = 30
	// logPatience is how long the reason of an end is waited for: the journal takes lines in on its own time,
	// after the unit has ended.
	logPatience = 3 * time.Second
	// poll is the pause between two looks at whether a node has stopped, and at its log.
	poll = 200 * time.Millisecond
)

// Control stops and starts one node. It implements agent.NodeControl.
type Control struct {
	stop, start []string
	running     func(ctx context.Context) (bool, error)
	log         func(ctx context.Context, since time.Time) string
	explain     func(error) error // what to do about a stop or start that failed
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
		explain: func(err error) error { return err },
	}, nil
}

// BySystemd uses a unit of the system's manager, "opensearch.service". Its log is the journal, and where that
// has no error, the node's folder of logs; "" = none is known. ErrInvalid: that is no name of a unit.
func BySystemd(unit, logDir string) (*Control, error) {
	if !strings.HasSuffix(unit, ".service") || strings.HasPrefix(unit, "-") || strings.ContainsAny(unit, " /\t\n\x00") {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%.100q is no systemd service: one looks like opensearch.service", unit)
	}
	return &Control{
		stop:    []string{"systemctl", "stop", "--no-ask-password", unit},
		start:   []string{"systemctl", "start", "--no-ask-password", "--no-block", unit},
		explain: func(err error) error { return lacksRight(err, unit) },
		running: func(ctx context.Context) (bool, error) { return unitRuns(ctx, unit) },
		log: func(ctx context.Context, since time.Time) string {
			return complete(ctx, func() string { return journal(ctx, unit, since) }, func() string { return tail(logDir, since) })
		},
	}, nil
}

// Stop runs the command and waits until nothing of the node runs any more.
func (c *Control) Stop(ctx context.Context) error {
	if _, err := run(ctx, c.stop, maxOutput); err != nil {
		return c.explain(err)
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
	return c.explain(err)
}

// lacksRight says what is missing where systemd, or polkit for it, refuses a caller.
func lacksRight(err error, unit string) error {
	if err == nil || !strings.Contains(err.Error(), "authentication required") && !strings.Contains(err.Error(), "Access denied") {
		return err
	}
	return fmt.Errorf("systemd does not let this agent's user (uid %d) stop and start %s: put the rule of "+
		"packaging/systemd/plugins/50-searchpack-agent.rules, with that user and unit in it, into /etc/polkit-1/rules.d (%w)", os.Getuid(), unit, err)
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
