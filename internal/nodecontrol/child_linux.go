package nodecontrol

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// childAttributes: a group of its own, so that a Ctrl-C reaches the agent alone, which tells the node;
// and SIGTERM, on which OpenSearch closes its shards, when the agent dies in whatever way.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// ticksOf is when a process began, in clock ticks since boot; "" = there is none, or it has ended.
func ticksOf(pid int) string {
	f := statOf(pid)
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return ""
	}
	return f[19] // field 22 of proc_pid_stat(5)
}

// statOf are the fields from the third, the state, on.
func statOf(pid int) []string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	// The command, in parentheses, may hold anything: what counts follows the last ')'.
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// reapEvery is how often orphans are looked for whatever signals say: those of several that end at once
// are one.
const reapEvery = 30 * time.Second

// Reap waits for orphans until ctx ends, as the first process of a container must: whoever loses its
// parent there becomes its child, and stays as a zombie until somebody waits for it. The node itself is
// waited for by Start alone. While Reap runs this program must start nothing else.
func (c *Child) Reap(ctx context.Context) {
	news := make(chan os.Signal, 1)
	signal.Notify(news, syscall.SIGCHLD)
	defer signal.Stop(news)
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	for {
		c.reapOrphans()
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-tick.C:
		}
	}
}

func (c *Child) reapOrphans() {
	c.mu.Lock() // nothing is started meanwhile
	defer c.mu.Unlock()
	node := 0
	if c.last != nil && c.last.running() {
		node = c.last.cmd.Process.Pid
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	me := strconv.Itoa(os.Getpid())
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == node {
			continue
		}
		if f := statOf(pid); len(f) > 1 && f[0] == "Z" && f[1] == me {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}
