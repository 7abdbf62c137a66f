package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Document is DATA/stack.json: what a script needs to use a running stack. It is replaced as a
// whole at every change, readable by its owner only (it holds the secret), and gone after a clean
// stop. Paths are absolute; ids and addresses that are not known yet are empty.
type Document struct {
	Schema          int           `json:"schema"` // 1
	PID             int           `json:"pid"`    // of searchpack-dev
	Endpoint        string        `json:"endpoint"`
	Region          string        `json:"region"`
	Account         string        `json:"account"`
	AccessKeyID     string        `json:"access_key_id"`
	SecretAccessKey string        `json:"secret_access_key"`
	Domains         []DomainEntry `json:"domains"`
}

// DomainEntry is one domain that the stack runs nodes for.
type DomainEntry struct {
	Name          string      `json:"name"`
	EngineVersion string      `json:"engine_version"`
	Endpoint      string      `json:"endpoint"`        // host:port of the first running node; "" while none runs
	Error         string      `json:"error,omitempty"` // why its nodes cannot be started
	Nodes         []NodeEntry `json:"nodes"`
}

// NodeEntry is one node and the agent beside it. A process that does not run has pid 0.
type NodeEntry struct {
	Name          string `json:"name"`
	NodeID        string `json:"node_id"`
	EngineVersion string `json:"engine_version"` // the domain's, except during an upgrade and after one that failed
	HTTP          string `json:"http"`           // "http://127.0.0.1:P"; "" for files-only nodes
	Home          string `json:"home"`
	Config        string `json:"config"`
	Logs          string `json:"logs"`
	PID           int    `json:"pid"`
	AgentPID      int    `json:"agent_pid"`
	AgentState    string `json:"agent_state"` // the agent's folder
}

// DocumentName is the document's name in the data folder.
const DocumentName = "stack.json"

// documentLimit bounds what is read back; nine nodes have about 5 kB.
const documentLimit = 4 << 20 // bytes

// ReadDocument reads the document of a data folder.
func ReadDocument(data string) (*Document, error) {
	path := filepath.Join(data, DocumentName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > documentLimit {
		return nil, fmt.Errorf("%s is too large to be one", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d Document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if d.Schema != 1 {
		return nil, fmt.Errorf("%s has schema %d, this searchpack-dev reads 1", path, d.Schema)
	}
	return &d, nil
}

// line is the document as one line of JSON.
func (d *Document) line() ([]byte, error) {
	b, err := json.Marshal(d)
	return append(b, '\n'), err
}

// writeDocument replaces the document in one step: a reader sees the former or the new one.
func writeDocument(data string, line []byte) error {
	path := filepath.Join(data, DocumentName)
	return replaceFile(path, line)
}

// replaceFile gives path the content in one step, readable by its owner only.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Exports are the lines that point AWS clients to the stack, for a shell.
func (d *Document) Exports() string {
	var b strings.Builder
	for _, kv := range [][2]string{
		{"AWS_ENDPOINT_URL", d.Endpoint}, {"AWS_ACCESS_KEY_ID", d.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", d.SecretAccessKey}, {"AWS_REGION", d.Region}, {"AWS_DEFAULT_REGION", d.Region},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", kv[0], quote(kv[1]))
	}
	return b.String()
}

// quote makes a value safe for a shell.
func quote(v string) string {
	if strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-") == "" {
		return v
	}
	return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'"
}
