package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// The names in a state folder.
const (
	lockName     = "lock"
	keyName      = "agent.key"
	certName     = "agent.crt"
	caName       = "ca.crt"
	identityName = "identity.json"
	stateName    = "state.json"
	blobsName    = "blobs"
	syncedName   = "synced"  // when SyncOnce last succeeded, for people and the doctor
	foreignName  = "foreign" // what lay where a package's file had to go
)

// identity is who the agent is, as the server said at enrolment.
type identity struct {
	Schema  int                  `json:"schema"` // 1
	AgentID string               `json:"agent_id"`
	Name    string               `json:"name"`
	Domain  searchpack.DomainKey `json:"domain"`
}

// stateDir is the agent's own folder.
type stateDir struct {
	*tree
	path string
	lock *os.File
}

// errLocked: another agent works on the folder.
var errLocked = errors.New("another agent uses this state folder")

// openStateDir makes the folder if need be and takes its lock, waiting for at most wait. One agent
// works on a state folder; a second one says so.
func openStateDir(ctx context.Context, dir string, wait time.Duration, step func(string)) (*stateDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder: %s", explain(err))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder: %s", explain(err))
	}
	t, err := openTree(dir, step)
	if err != nil {
		return nil, fmt.Errorf("the state folder: %s", explain(err))
	}
	s := &stateDir{tree: t, path: dir}
	if err := s.takeLock(ctx, wait); err != nil {
		t.close()
		return nil, err
	}
	for _, sub := range []string{blobsName, foreignName} {
		if err := t.root.MkdirAll(sub, 0o700); err != nil {
			s.close()
			return nil, fmt.Errorf("the state folder: %s", explain(err))
		}
	}
	return s, nil
}

func (s *stateDir) takeLock(ctx context.Context, wait time.Duration) error {
	f, err := s.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the state folder: %s", explain(err))
	}
	switch err := flock(ctx, f, wait); {
	case errors.Is(err, unix.EWOULDBLOCK):
		pid, _ := s.read(lockName, 32)
		return errors.Join(fmt.Errorf("%w: %s (process %s)", errLocked, s.path, strings.TrimSpace(string(pid))), f.Close())
	case err != nil:
		return errors.Join(fmt.Errorf("lock the state folder %s: %w", s.path, err), f.Close())
	}
	_ = f.Truncate(0) // the pid is for people
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	s.lock = f
	return nil
}

func (s *stateDir) close() {
	unlock(s.lock)
	s.tree.close()
}

// identity reads who the agent is; nil if it has not enrolled.
func (s *stateDir) identity() (*identity, error) { return readIdentity(s.tree) }

func readIdentity(t *tree) (*identity, error) {
	b, err := t.read(identityName, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the agent's identity: %w", err)
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil || id.Schema != 1 {
		return nil, fmt.Errorf("%s in the state folder cannot be read (schema %d): it was written by a newer agent, or is damaged", identityName, id.Schema)
	}
	return &id, nil
}

// key returns the agent's key; the first call makes it. It never leaves the folder.
func (s *stateDir) key() (*ecdsa.PrivateKey, error) {
	key, err := readKey(s.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return s.newKey()
	}
	return key, err
}

// readKey reads the key; fs.ErrNotExist: there is none yet.
func readKey(t *tree) (*ecdsa.PrivateKey, error) {
	b, err := t.read(keyName, maxToken)
	if err != nil {
		return nil, fmt.Errorf("the agent's key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s in the state folder is damaged", keyName)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s in the state folder is damaged", keyName)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s in the state folder is of another kind", keyName)
	}
	return key, nil
}

func (s *stateDir) newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the agent's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the agent's key: %w", err)
	}
	return key, s.writeBytes(keyName, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// keepCertificate stores a new certificate, the authority first: each alone works with the other's
// former one, because the authority does not change.
func (s *stateDir) keepCertificate(cert, authority string) error {
	if err := s.writeBytes(caName, []byte(authority)); err != nil {
		return fmt.Errorf("keep the authority's certificate: %s", explain(err))
	}
	if err := s.writeBytes(certName, []byte(cert)); err != nil {
		return fmt.Errorf("keep the agent's certificate: %s", explain(err))
	}
	return nil
}

// certificate reads the agent's certificate with its key, and the authority's.
func (s *stateDir) certificate() (tls.Certificate, []byte, error) { return readCertificate(s.tree) }

func readCertificate(t *tree) (tls.Certificate, []byte, error) {
	key, err := readKey(t)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	authority, err := t.read(caName, maxToken)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("the authority's certificate: %w", err)
	}
	b, err := t.read(certName, maxToken)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("the agent's certificate: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return tls.Certificate{}, nil, fmt.Errorf("%s in the state folder is damaged", certName)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !key.PublicKey.Equal(leaf.PublicKey) {
		return tls.Certificate{}, nil, fmt.Errorf("%s in the state folder does not belong to %s", certName, keyName)
	}
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key, Leaf: leaf}, authority, nil
}
