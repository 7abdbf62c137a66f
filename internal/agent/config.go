// Package agent is the Searchpack process beside one OpenSearch node. It makes the node what its
// order says: fetches and verifies bytes, puts them in place by rename, asks the node itself by
// probes, carries out duties, watches and mends what it placed, and reports what is there.
//
// Orders come from the server through internal/agentapi and are hostile input: nothing in them
// says "run this", and ids, digests, paths and index names are checked before use. OpenSearch is
// reached through an interface. Under the node's configuration folder the agent touches analyzers/
// only, and there only what it placed or was told to place, and files that it was configured to let be
// adopted (Config.Adopt). What it needs to go on without the
// server, and after a kill at any instruction, lies in its state folder.
package agent

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

// Config is what an agent needs. The zero value of Intervals, Logger, Now and Name is the default.
type Config struct {
	Server    string // https://host:port of the agents' listener
	TokenFile string // join token; needed until the agent has enrolled
	// OpenSearch is the node (internal/opensearch fills it); nil with FilesOnly.
	OpenSearch OpenSearch
	// FilesOnly: there is no OpenSearch, only a configuration folder (searchpack-dev --opensearch none).
	FilesOnly bool
	ConfigDir string // of the node: holds opensearch.yml and analyzers/
	StateDir  string // the agent's own; nobody else's business (0700)
	// Plugins: the agent brings plugins to the node; nil = it refuses them.
	Plugins *PluginConfig
	// Control stops and starts the node for a change of its plugins; nil = somebody else does.
	Control NodeControl
	// Supervised is Control for a node that is this agent's own child: Run puts in place what is ordered,
	// starts it, and ends with it.
	Supervised Supervised
	// StopTimeout is how long a supervised node may take to stop when the agent ends; 2 min. After that it
	// is killed.
	StopTimeout time.Duration
	// Adopt are files and folders under ConfigDir, with slashes: what lies there may be adopted if an
	// order says so, and only that.
	Adopt   []string
	Name    string // asked for at enrolment; "" = the host's name
	Version string // of the program, for reports
	// WaitForServer: SyncOnce, and the start of a supervised node, do not go on with the last order while
	// the server cannot be asked.
	WaitForServer bool
	Intervals     Intervals
	Logger        *slog.Logger     // nil: nothing is logged
	Now           func() time.Time // nil: time.Now

	// step is called before and after each effect on a disk; tests end the process in it.
	step func(string)
	// noExchange: see tree.
	noExchange bool
}

// Intervals are how often the agent looks. Zero = the default.
type Intervals struct {
	Watch     time.Duration // at placed files' stat identity; 2 s
	Rehash    time.Duration // at their bytes whatever stat says; 10 min
	Facts     time.Duration // at the node and its cluster state; 2 s
	Heartbeat time.Duration // a report without news; 10 s
	Coalesce  time.Duration // news wait at most that long for company; 50 ms
	Wait      time.Duration // of one long poll; 30 s
	RetryMin  time.Duration // first pause after a failure; 200 ms
	RetryMax  time.Duration // longest pause; 5 s
}

// Bounds.
const (
	// maxBlob is the server's default limit for dictionaries: what an order may make the agent fetch.
	maxBlob = 2 << 30
	// maxToken and maxState bound what is read from the agent's own files.
	maxToken = 4 << 10
	maxState = 64 << 20
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	i := &c.Intervals
	set(&i.Watch, 2*time.Second)
	set(&i.Rehash, 10*time.Minute)
	set(&i.Facts, 2*time.Second)
	set(&i.Heartbeat, 10*time.Second)
	set(&i.Coalesce, 50*time.Millisecond)
	set(&i.Wait, 30*time.Second)
	set(&i.RetryMin, 200*time.Millisecond)
	set(&i.RetryMax, 5*time.Second)
	set(&c.StopTimeout, stopTime)
	if c.Supervised != nil {
		c.Control = c.Supervised
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.step == nil {
		c.step = func(string) {}
	}
	if c.Name == "" {
		c.Name = hostName()
	}
	return c
}

// hostName is the host's name if it may be a node's.
func hostName() string {
	if h, err := os.Hostname(); err == nil && namePattern.MatchString(h) {
		return h
	}
	return "node"
}

func (c Config) validate() error {
	switch {
	case c.Server == "":
		return searchpack.Errorf(searchpack.ErrInvalid, "the server's address is missing: --server https://host:port")
	case !namePattern.MatchString(c.Name):
		return searchpack.Errorf(searchpack.ErrInvalid, "the node's name %.120q has other characters than letters, digits, dots, hyphens and underscores", c.Name)
	case c.FilesOnly == (c.OpenSearch != nil):
		return searchpack.Errorf(searchpack.ErrInvalid, "give either the address of an OpenSearch node or files-only")
	}
	if c.FilesOnly && c.Supervised != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "there is no OpenSearch to be supervised with files-only")
	}
	if err := agentapi.CheckAddress(c.Server); err != nil {
		return err
	}
	if err := absolute("configuration folder", c.ConfigDir); err != nil {
		return err
	}
	if err := absolute("state folder", c.StateDir); err != nil {
		return err
	}
	for _, p := range c.Adopt {
		if err := searchpack.CheckAdoptable(p); err != nil {
			return err
		}
	}
	info, err := os.Stat(c.ConfigDir)
	if err != nil || !info.IsDir() {
		return searchpack.Errorf(searchpack.ErrInvalid, "the configuration folder %s is not there, or is no folder: name the one that holds opensearch.yml", c.ConfigDir)
	}
	return nil
}

func absolute(what, dir string) error {
	if dir == "" || !filepath.IsAbs(dir) {
		return searchpack.Errorf(searchpack.ErrInvalid, "the %s must be an absolute path, not %q", what, dir)
	}
	return nil
}

// now is the clock in UTC and microseconds, as times are stored.
func (c Config) now() time.Time { return c.Now().UTC().Truncate(time.Microsecond) }

// problem is an error that a person must mend, in words.
func problem(what string, err error) string { return fmt.Sprintf("%s: %s", what, explain(err)) }
