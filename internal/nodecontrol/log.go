package nodecontrol

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// complete reads a log until it has an error, which may come a moment after the node has ended; for lack of
// one it is what another log says, or the log as it is.
func complete(ctx context.Context, log, other func() string) string {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		text, further := log(), other()
		switch {
		case hasError(text):
			return text
		case hasError(further):
			return further
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if text == "" {
				return further
			}
			return text
		}
	}
}

// journal is what the unit has written since then.
func journal(ctx context.Context, unit string, since time.Time) string {
	out, err := run(ctx, []string{"journalctl", "--unit", unit, "--since", "@" + strconv.FormatInt(since.Unix(), 10),
		"--lines", strconv.Itoa(4 * maxLines), "--output", "cat", "--no-pager", "--quiet"}, maxLog)
	if err != nil {
		return "the journal cannot be read (" + err.Error() + "): put this agent's user into the group systemd-journal, as packaging/systemd/plugins does"
	}
	return lastLines(out)
}

// tail returns the last lines of the newest log in the folder that was written since then. OpenSearch
// writes <cluster name>.log, and others beside it (slow logs, deprecations, gc.log).
func tail(dir string, since time.Time) string {
	if dir == "" {
		return ""
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return ""
	}
	defer func() { _ = root.Close() }()
	d, err := root.Open(".")
	if err != nil {
		return ""
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close()
	if err != nil {
		return ""
	}
	best, newest := "", since.Add(-time.Second)
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "gc") || strings.Contains(name, "_slowlog") ||
			strings.Contains(name, "_deprecation") || strings.Contains(name, "_task_detailslog") {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.ModTime().After(newest) {
			best, newest = name, info.ModTime()
		}
	}
	if best == "" {
		return ""
	}
	f, err := root.Open(best)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > maxLog {
		if _, err := f.Seek(-maxLog, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return ""
	}
	return lastLines(strings.ToValidUTF8(string(b), "?"))
}

// lastLines keeps the lines that say why: from the last error on, without the frames of stack traces.
func lastLines(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "at ") || strings.HasPrefix(trimmed, "... ") {
			continue
		}
		kept = append(kept, trimmed)
	}
	from := max(0, len(kept)-maxLines)
	for i := len(kept) - 1; i >= from; i-- {
		if hasError(kept[i]) {
			from = i
			break
		}
	}
	return strings.Join(kept[from:], "\n")
}

// hasError: OpenSearch logs what ends it as an error, and prints it, too, where its log does not go to the
// console ("uncaught exception in thread [main]"). The JVM has words of its own.
func hasError(text string) bool {
	for _, mark := range []string{"[ERROR]", "fatal error", "Exception in thread", "uncaught exception in thread"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}
