package parts

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// agents starts agents as child processes of this same program.
type agents struct {
	keeper *child.Keeper
	self   string
}

// adoptable is the folder of a node from which files may be adopted: the one that OpenSearch's own
// documentation puts dictionaries into.
const adoptable = "analysis"

// place is what `run` and `sync` share.
func place(command string, a stack.AgentSpec) []string {
	return []string{
		AgentCommand, command, "--server", a.Server, "--token-file", a.TokenFile, "--name", a.Node, "--config", a.Config, "--state", a.State,
		"--home", a.Home, "--allow-all-plugins", "--adopt", adoptable,
	}
}

// Run starts `agent run`.
func (g *agents) Run(_ context.Context, a stack.AgentSpec) (stack.Process, error) {
	args := place("run", a)
	if a.HTTP == "" {
		args = append(args, "--files-only")
	} else {
		args = append(args, "--opensearch", a.HTTP, "--restart", "command", "--node-logs", a.Logs)
		for flag, action := range map[string]string{"--stop-command": "stop", "--start-command": "launch", "--status-command": "running"} {
			for _, arg := range []string{g.self, "node", action, a.Target, "--data", a.Data} {
				args = append(args, flag+"="+arg)
			}
		}
	}
	cmd := exec.Command(g.self, args...)
	cmd.Env = environment()
	return startLogged(g.keeper, a.Process, cmd, a.Log)
}

// syncPatience bounds `agent sync --once`, which may fetch from the server.
const syncPatience = 2 * time.Minute

// Sync runs `agent sync --once` to its end.
func (g *agents) Sync(ctx context.Context, a stack.AgentSpec) error {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	begin := size(a.Log)
	args := append(place("sync", a), "--once")
	if a.HTTP == "" {
		args = append(args, "--no-node")
	}
	cmd := exec.Command(g.self, args...)
	cmd.Env = environment()
	p, err := startLogged(g.keeper, a.Process+".sync", cmd, a.Log)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.Stop(context.Background(), time.Second)
		return fmt.Errorf("agent sync --once: %w; see %s", ctx.Err(), a.Log)
	}
	if failed, ok := p.(interface{ Err() error }); ok && failed.Err() != nil {
		return fmt.Errorf("agent sync --once: %s; see %s", lastLine(a.Log, begin, failed.Err()), a.Log)
	}
	return nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastLine is what the log says last since begin, else the error.
func lastLine(path string, begin int64, otherwise error) string {
	const most = 4096 // bytes
	f, err := os.Open(path)
	if err != nil {
		return otherwise.Error()
	}
	defer func() { _ = f.Close() }()
	end := size(path)
	if _, err := f.Seek(max(begin, end-most), io.SeekStart); err != nil {
		return otherwise.Error()
	}
	b, err := io.ReadAll(io.LimitReader(f, most))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); err == nil && last != "" {
		return last
	}
	return otherwise.Error()
}
