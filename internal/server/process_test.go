package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// processEnv holds the settings of a server that this test binary is to be, in JSON.
const processEnv = "SEARCHPACK_SERVER_PROCESS_TEST"

// settings are what the tests' servers differ in.
type settings struct {
	Dir, Database, MasterKeyFile, S3 string
}

// config is of a server with its blobs and its sources in one S3.
func (s settings) config() Config {
	c := inS3(testConfig(s.Dir), s.S3)
	c.Database, c.MasterKeyFile = s.Database, s.MasterKeyFile
	c.SourceEndpoint, c.SourceAccessKey, c.SourceSecretKey = s.S3, "any", "key"
	c.AdminAccessKey, c.AdminSecretKey = "ADMIN", "admin-secret"
	c.Limits.FilesOnly = true
	c.LeaseTTL = 3 * time.Second
	return c
}

// addresses is the line that a server's process prints once it serves.
type addresses struct{ API, Agents string }

// serveAsProcess makes this process a server if it was started as one. It ends with its standard
// input, so with the tests at the latest.
func serveAsProcess() {
	text := os.Getenv(processEnv)
	if text == "" {
		return
	}
	if err := serveProcess(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveProcess(text string) error {
	var c settings
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cfg := c.config()
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := json.NewEncoder(os.Stdout).Encode(addresses{s.Addr(), s.AgentAddr()}); err != nil {
		return err
	}
	err = s.Run(ctx)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return err
}

// process is a server in a process of its own.
type process struct {
	addresses
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startProcess(s settings) (*process, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), processEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.addresses)
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("a server's process does not serve: %w", err)
	}
	return p, nil
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
}
