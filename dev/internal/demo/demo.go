// Package demo is `make demo`: the whole job of Searchpack, in six steps, on a cluster that it
// starts and stops itself. It is a client like any other: the AWS SDK, the extension API, and
// OpenSearch's own HTTP for what a user of the cluster does. It checks everything it shows, so it
// is also a test: a step that does not hold ends it with status 1.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// Config says how to run the demo.
type Config struct {
	Self       string // path of searchpack-dev
	OpenSearch string // version, home or "none"; "" = what the JDK at hand runs
	Port       string // of the endpoint; "" = a free one
	Data       string // data folder, kept; "" = a temporary one, deleted at the end
	Exit       bool   // end after the last step even on a terminal
	Report     string // file for one JSON object per step; "" = none
	Out        io.Writer
	Terminal   bool // Out is one: show progress in place, and stay up after the last step
}

// ErrFailed is the cause when a step did not hold.
var ErrFailed = errors.New("a step did not hold")

// The domain that the demo works on.
const (
	domainName = "demo"
	nodeCount  = 3
)

// Run runs the demo. When it returns, none of its processes runs any more.
func Run(ctx context.Context, c Config) (err error) {
	out := &screen{w: c.Out, terminal: c.Terminal}
	rep, err := openReport(c.Report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rep.close()) }()
	data, cleanup, err := dataFolder(c.Data)
	if err != nil {
		return err
	}
	defer cleanup()

	st, err := launch(ctx, c, data, out)
	if err != nil {
		rep.skip(steps, err.Error())
		return err
	}
	defer st.stop()
	j, err := newJob(ctx, st.document, c, out)
	if err != nil {
		return err
	}
	if err := j.run(ctx, rep); err != nil {
		return err
	}
	out.line("\nEvery step held.")
	if c.Terminal && !c.Exit {
		out.line("\nThe stack runs on, with its data in %s. In another terminal:\n\n%s\nCtrl-C stops it.", data, st.document.Exports())
		select {
		case <-ctx.Done():
		case <-st.ended:
			return errors.New("searchpack-dev ended by itself")
		}
	}
	return nil
}

// dataFolder returns the folder to use. A temporary one must be passable for the nodes' own user.
func dataFolder(asked string) (string, func(), error) {
	if asked != "" {
		abs, err := filepath.Abs(asked)
		return abs, func() {}, err
	}
	dir, err := os.MkdirTemp("", "searchpack-demo-")
	if err != nil {
		return "", nil, err
	}
	cleanup := func() { _ = os.RemoveAll(dir) }
	if err := os.Chmod(dir, 0o711); err != nil {
		cleanup()
		return "", nil, err
	}
	return filepath.Join(dir, "data"), cleanup, nil
}

// run carries the steps out in order and stops at the first that does not hold: the later ones
// build on it.
func (j *job) run(ctx context.Context, rep *report) error {
	for i, s := range steps {
		j.out.line("\n%s", j.out.bold(fmt.Sprintf("Step %d of %d: %s", i+1, len(steps), s.name)))
		if s.searches && !j.searches {
			j.out.line("  skipped: files-only nodes have no OpenSearch to search in")
			rep.add(result{Step: i + 1, Name: s.name, OK: true, Skipped: true, Detail: "skipped: no OpenSearch"})
			continue
		}
		began := time.Now()
		stepCtx, cancel := context.WithTimeout(ctx, stepPatience)
		detail, err := s.run(j, stepCtx)
		cancel()
		r := result{Step: i + 1, Name: s.name, OK: err == nil, Seconds: time.Since(began).Seconds(), Detail: detail}
		if err != nil {
			r.Detail = err.Error()
			rep.add(r)
			j.out.line("  %s step %d does not hold: %v", j.out.mark(false), i+1, err)
			rep.skipFrom(i+1, "not run: step "+fmt.Sprint(i+1)+" did not hold")
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted in step %d: %w", i+1, ctx.Err())
			}
			return fmt.Errorf("%w: step %d (%s): %w", ErrFailed, i+1, s.name, err)
		}
		rep.add(r)
		j.out.line("  %s %s (%.1f s)", j.out.mark(true), detail, r.Seconds)
	}
	return rep.err
}

// stepPatience bounds one step. Minutes, not seconds: a machine under load is no failure; where a
// time is promised, the step measures it.
const stepPatience = 5 * time.Minute

// step is one numbered part of the demo. Its function returns what was shown, in one line.
type step struct {
	name     string
	searches bool // needs an OpenSearch
	run      func(j *job, ctx context.Context) (string, error)
}

// steps are the six of the README, in order.
var steps = []step{
	{"a synonyms file goes into S3 and becomes a package", false, (*job).createPackage},
	{"the package is associated: every node proves that it has it", false, (*job).associate},
	{"an index uses it: a search hits through a synonym", true, (*job).search},
	{"the file changes: the same search hits through the new synonym, nothing restarted or reopened", false, (*job).update},
	{"two bad updates are refused, every node still serves the former version", false, (*job).badUpdates},
	{"dissociating is refused while an index uses the package, and works afterwards", false, (*job).dissociate},
}

// endpointOf names a running stack's endpoint for people.
func endpointOf(d *stack.Document) string {
	return fmt.Sprintf("%s, domain %s with %d nodes", d.Endpoint, domainName, len(d.Domains[0].Nodes))
}
