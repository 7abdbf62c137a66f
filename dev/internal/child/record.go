package child

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Record names one process for certain.
type Record struct {
	Schema int    `json:"schema"` // 1
	Name   string `json:"name"`
	PID    int    `json:"pid"`
	Start  uint64 `json:"start"` // clock ticks between boot and the process's start
	Boot   string `json:"boot"`  // the kernel's boot id
}

const (
	recordSuffix = ".json"
	recordLimit  = 64 << 10 // bytes; a record has about 150
	pollEvery    = 20 * time.Millisecond
)

// Note keeps a record of a process that may have been started elsewhere.
func (k *Keeper) Note(name string, pid int) error {
	if err := checkName(name); err != nil {
		return err
	}
	start, ok := startOf(pid)
	if !ok {
		return nil // ended already: nothing can be left over
	}
	b, err := json.Marshal(Record{Schema: 1, Name: name, PID: pid, Start: start, Boot: bootID()})
	if err != nil {
		return err
	}
	path := filepath.Join(k.dir, name+recordSuffix)
	if err := os.WriteFile(path+".tmp", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// Forget removes the record of a process that has ended.
func (k *Keeper) Forget(name string) { _ = os.Remove(filepath.Join(k.dir, name+recordSuffix)) }

// EndLeftOver ends every recorded process that still runs, by SIGTERM and, when grace has passed,
// SIGKILL, and returns their records. Records of processes that are gone, or whose id now belongs
// to another process, are removed. Call it only under the lock of the data folder, before Start.
func (k *Keeper) EndLeftOver(ctx context.Context, grace time.Duration) ([]Record, error) {
	alive, err := k.leftOver()
	if err != nil || len(alive) == 0 {
		return nil, err
	}
	for _, r := range alive {
		r.signal(syscall.SIGTERM)
	}
	deadline := time.Now().Add(grace)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	killed := false
	for {
		running := 0
		for _, r := range alive {
			if r.Running() {
				running++
			} else {
				k.Forget(r.Name)
			}
		}
		if running == 0 {
			return alive, nil
		}
		if !killed && time.Now().After(deadline) {
			killed = true
			deadline = deadline.Add(grace)
			for _, r := range alive {
				r.signal(syscall.SIGKILL)
			}
		} else if killed && time.Now().After(deadline) {
			return alive, fmt.Errorf("%d processes of an earlier run do not end (see %s)", running, k.dir)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return alive, ctx.Err()
		}
	}
}

// leftOver reads the records of processes that run, and removes the others.
func (k *Keeper) leftOver() ([]Record, error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, err
	}
	var alive []Record
	for _, e := range entries {
		path := filepath.Join(k.dir, e.Name())
		r, err := readRecord(path)
		if err == nil && r.Running() {
			alive = append(alive, r)
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return alive, nil
}

func readRecord(path string) (Record, error) {
	var r Record
	info, err := os.Lstat(path)
	if err != nil {
		return r, err
	}
	if !info.Mode().IsRegular() || info.Size() > recordLimit || !strings.HasSuffix(path, recordSuffix) {
		return r, fmt.Errorf("%s is no record", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, err
	}
	if r.PID <= 1 || r.Schema != 1 || checkName(r.Name) != nil || r.Name+recordSuffix != filepath.Base(path) {
		return r, fmt.Errorf("%s is no record", path)
	}
	return r, nil
}

// Running reports whether exactly this process runs.
func (r Record) Running() bool {
	start, ok := startOf(r.PID)
	return ok && start == r.Start && bootID() == r.Boot
}

// signal reaches the process through a handle opened before its identity is checked, so that an id
// reused in between is not hit.
func (r Record) signal(sig syscall.Signal) {
	p, err := os.FindProcess(r.PID)
	if err != nil {
		return
	}
	defer func() { _ = p.Release() }()
	if !r.Running() {
		return
	}
	if sig == syscall.SIGKILL && r.leadsGroup() {
		_ = syscall.Kill(-r.PID, sig)
	}
	_ = p.Signal(sig)
}

func (r Record) leadsGroup() bool {
	pgid, err := syscall.Getpgid(r.PID)
	return err == nil && pgid == r.PID
}

// startOf returns the start time of a running process (field 22 of proc(5) stat); false if there is
// none or it is a zombie.
func startOf(pid int) (uint64, bool) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, false
	}
	// The command, in parentheses, may hold anything: what counts follows the last ')'.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return 0, false
	}
	start, err := strconv.ParseUint(f[19], 10, 64)
	return start, err == nil
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func checkName(name string) error {
	if name == "" || len(name) > 200 || name[0] == '.' {
		return fmt.Errorf("%q is no name for a process", name)
	}
	for _, c := range []byte(name) {
		ok := c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !ok {
			return fmt.Errorf("%q is no name for a process", name)
		}
	}
	return nil
}
