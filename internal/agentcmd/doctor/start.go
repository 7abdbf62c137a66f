package doctor

import (
	"slices"
	"strings"
	"time"
)

// Start is what is to be seen of how OpenSearch is started here.
type Start struct {
	Unit string // of systemd; "" = there is none of that name
	// Sync is the words of the unit's ExecStartPre that runs `agent sync`, the program first; nil: none.
	Sync     []string
	Optional bool // the unit starts OpenSearch although that failed
	Missing  bool // the program that it names is not there, or cannot be run
	// ConfigFile and State are what the command names; "" = it does not.
	ConfigFile, State string
	// WantFile is the file that the doctor was given, WantState its state folder.
	WantFile, WantState string
	Container           bool // this runs in a container
	// Synced is when `agent sync` last succeeded here, Started when the OpenSearch that runs began; zero:
	// not known.
	Synced, Started time.Time
}

// syncBefore is how long before OpenSearch's own start a sync may have ended to be that start's: what
// comes between are other ExecStartPre lines and the JVM.
const syncBefore = 5 * time.Minute

// synced reports whether the OpenSearch that runs was started after a sync.
func (s Start) synced() bool {
	return !s.Synced.IsZero() && !s.Started.IsZero() && !s.Synced.After(s.Started) && s.Started.Sub(s.Synced) <= syncBefore
}

const (
	startName    = "start"
	startInstall = "cp -r packaging/systemd/opensearch.service.d /etc/systemd/system/ && systemctl daemon-reload"
)

// start: does `agent sync --once` run before OpenSearch does? Without it a node that was away starts
// with what lies there, and leaves shards unassigned if nothing does.
func start(s *Seen) []Check {
	b := s.Start
	switch {
	case s.Node.Skipped:
		return nil
	case s.Plugins.Restart == Supervise:
		return []Check{ok(startName, "the agent puts in place what is ordered before it starts OpenSearch%s", b.last())}
	case b.Unit != "" && b.Sync != nil:
		return []Check{startUnit(b)}
	case b.synced():
		return []Check{ok(startName, "sync ran at %s, %s before OpenSearch started", stamp(b.Synced), b.Started.Sub(b.Synced).Truncate(time.Second))}
	case b.Unit != "":
		return []Check{warning(startName, startInstall, "%s has no ExecStartPre that runs searchpack agent sync --once: a node that was away starts with what lies there%s", b.Unit, b.last())}
	case !b.Started.IsZero():
		do := startInstall
		if b.Container {
			do = "run searchpack agent sync --once in an init container or in the entrypoint (packaging/container, packaging/kubernetes), with the same --state"
		}
		return []Check{warning(startName, do, "OpenSearch started at %s without searchpack agent sync --once before%s", stamp(b.Started), b.last())}
	case b.Container:
		return []Check{ok(startName, "in a container: what its entrypoint or an init container runs before is not to be seen from here%s", b.last())}
	}
	return []Check{warning(startName, startInstall, "nothing is to be seen that runs searchpack agent sync --once before OpenSearch starts%s", b.last())}
}

// startUnit judges the line of OpenSearch's unit.
func startUnit(b Start) Check {
	switch {
	case b.Missing:
		return failure(startName, "install the program there, or mend the path in "+b.Unit, "%s runs %s, which is not there or cannot be run", b.Unit, b.Sync[0])
	case !slices.Contains(b.Sync, "--once"):
		return failure(startName, startInstall, "%s runs %q, which lacks --once", b.Unit, strings.Join(b.Sync, " "))
	case b.ConfigFile != "" && b.WantFile != "" && b.ConfigFile != b.WantFile:
		return warning(startName, "name the same file in both units", "%s syncs with %s, this is %s: both must name the same folders", b.Unit, b.ConfigFile, b.WantFile)
	case b.State != "" && b.State != b.WantState:
		return failure(startName, "name the same --state in both units", "%s syncs with the state folder %s, the agent has %s: it would enrol a second time", b.Unit, b.State, b.WantState)
	case b.Optional:
		return ok(startName, "%s runs sync --once first, and starts OpenSearch also if that fails", b.Unit)
	}
	return ok(startName, "%s runs sync --once first", b.Unit)
}

// last says when a sync last ended, for the end of a sentence.
func (s Start) last() string {
	if s.Synced.IsZero() {
		return " (none has run with this state folder)"
	}
	return " (the last one ran at " + stamp(s.Synced) + ")"
}
