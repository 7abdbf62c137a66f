package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/searchpack/searchpack/dev/internal/sock"
)

// Status is what a running stack says of itself on its control socket. The socket's mode (0600) is
// its only protection, as with the data folder's other secrets.
type Status struct {
	Ready    bool      `json:"ready"`
	Waiting  string    `json:"waiting_for,omitempty"`
	Document *Document `json:"stack,omitempty"` // nil before the endpoint serves
}

// ErrNotRunning is the cause when no searchpack-dev runs on the data folder.
var ErrNotRunning = errors.New("no searchpack-dev runs on this data folder")

// controlHandler answers commands of other searchpack-dev processes.
func (s *Stack) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.status())
	})
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		s.stop()
	})
	mux.HandleFunc("POST /{what}/{domain}/{node}/{action}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.command(r.Context(), r.PathValue("what"), r.PathValue("domain"), r.PathValue("node"), r.PathValue("action")); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	return mux
}

// command starts or stops one node or agent, and returns when that is done.
func (s *Stack) command(ctx context.Context, what, domain, name, action string) error {
	p := s.provisioner.Load()
	if p == nil {
		return errors.New("the stack has not started its domains yet; try again in a moment")
	}
	n, err := p.find(domain, name)
	if err != nil {
		return err
	}
	if _, folder := n.cluster.(*folderNode); folder && what == "node" {
		return fmt.Errorf("%s/%s is a files-only node: it has no process that could %s (searchpack-dev agent %s %s/%s is for its agent)", domain, name, does(action), does(action), domain, name)
	}
	switch what + " " + action {
	case "node start":
		return n.startNode(ctx)
	case "node launch":
		return n.launch(ctx)
	case "node running":
		if n.cluster.Pid() == 0 {
			return fmt.Errorf("%s is down", name)
		}
	case "node stop":
		n.stopNode(ctx)
	case "agent start":
		return n.startAgent(ctx)
	case "agent stop":
		n.stopAgent(ctx)
	default:
		return fmt.Errorf("%s %s is not offered", what, action)
	}
	return nil
}

// does is what a command would do to a process.
func does(action string) string {
	if action == "stop" {
		return action
	}
	return "start"
}

// Client talks to the stack that runs on a data folder.
type Client struct {
	data string
	http http.Client
}

// NewClient returns a client for the data folder.
func NewClient(data string) (*Client, error) {
	abs, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	return &Client{data: abs, http: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return sock.Dial(ctx, abs, controlName)
		},
	}}}, nil
}

// answerLimit bounds what the stack answers; a status has a few kB.
const answerLimit = documentLimit

func (c *Client) call(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" || errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s", ErrNotRunning, c.data)
		}
		return nil, fmt.Errorf("the searchpack-dev of %s went away: %w", c.data, errors.Unwrap(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, errors.New(string(bytes.TrimSpace(body)))
	}
	return body, nil
}

// Status asks for the stack's status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	body, err := c.call(ctx, http.MethodGet, "/status")
	if err != nil {
		return nil, err
	}
	var st Status
	return &st, json.Unmarshal(body, &st)
}

// Command starts or stops ("start", "stop") a "node" or an "agent" and returns when that is done.
func (c *Client) Command(ctx context.Context, what, domain, node, action string) error {
	_, err := c.call(ctx, http.MethodPost, "/"+what+"/"+domain+"/"+node+"/"+action)
	return err
}

// Down stops the stack and returns when it has released the data folder. Without a running stack it
// ends what a killed one left. False: there was nothing to do.
func (c *Client) Down(ctx context.Context) (bool, error) {
	if _, err := os.Stat(filepath.Join(c.data, lockName)); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return false, nil // not a data folder, or one whose stack was ephemeral
		}
		return false, err
	}
	_, err := c.call(ctx, http.MethodPost, "/down")
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return false, err
	}
	asked := err == nil
	ended, err := c.afterwards(ctx)
	return asked || ended > 0, err
}

// afterwards waits for the lock of the data folder and ends what is left over.
func (c *Client) afterwards(ctx context.Context) (int, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(c.data, lockName)); errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		d, err := openData(c.data)
		if err == nil {
			defer d.close()
			return endLeftOver(ctx, d)
		}
		if !errors.Is(err, ErrInUse) {
			return 0, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for searchpack-dev to stop: %w", ctx.Err())
		}
	}
}
