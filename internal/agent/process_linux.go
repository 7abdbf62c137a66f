package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// maxCommandLine bounds what is read of a process's arguments, in bytes: OpenSearch's have some 10 KiB.
const maxCommandLine = 1 << 20

// nodeProcess returns the id of a process that is the OpenSearch of this home, 0 if there is none. It
// sees the processes of its own PID namespace.
func nodeProcess(home string) (int, error) {
	resolved, err := filepath.EvalSymlinks(home)
	if err != nil {
		return 0, fmt.Errorf("the home of OpenSearch: %w", err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fmt.Errorf("whether the node runs cannot be seen: %w", err)
	}
	const property = "-Dopensearch.path.home="
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := commandLine(pid)
		if errors.Is(err, fs.ErrPermission) {
			return 0, fmt.Errorf("whether the node runs cannot be seen: the arguments of process %d cannot be read: %w", pid, err)
		}
		for arg := range bytes.SplitSeq(line, []byte{0}) {
			path, found := bytes.CutPrefix(arg, []byte(property))
			if !found {
				continue
			}
			if of, err := filepath.EvalSymlinks(string(path)); string(path) == home || err == nil && of == resolved {
				return pid, nil
			}
		}
	}
	return 0, nil
}

// commandLine is empty for a process that has ended, also while nobody has waited for it.
func commandLine(pid int) ([]byte, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, _ := io.ReadAll(io.LimitReader(f, maxCommandLine)) // an error is that it has ended meanwhile
	return b, nil
}
