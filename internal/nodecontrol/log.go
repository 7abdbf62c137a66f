package nodecontrol

import (
	"io"
	"os"
	"strings"
	"time"
)

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
		if strings.Contains(kept[i], "[ERROR]") || strings.Contains(kept[i], "fatal error") || strings.Contains(kept[i], "Exception in thread") {
			from = i
			break
		}
	}
	return strings.Join(kept[from:], "\n")
}
