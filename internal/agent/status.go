package agent

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// LocalStatus is what an agent's state folder says.
type LocalStatus struct {
	Schema      int                    `json:"schema"` // 1
	Running     bool                   `json:"running"`
	AgentID     string                 `json:"agent_id,omitempty"` // "": not enrolled
	Name        string                 `json:"name,omitempty"`
	Domain      *searchpack.DomainKey  `json:"domain,omitempty"`
	CertUntil   *time.Time             `json:"certificate_until,omitempty"`
	SyncedAt    *time.Time             `json:"synced_at,omitempty"` // when `agent sync` last put everything in place
	Epoch       int64                  `json:"epoch"`
	Generation  int64                  `json:"generation"` // of the last order
	Speaker     bool                   `json:"speaker"`
	Files       []searchpack.FileOrder `json:"files,omitempty"` // of the last order
	Incidents   []searchpack.Incident  `json:"incidents,omitempty"`
	Unconfirmed []string               `json:"unconfirmed,omitempty"` // packages whose placing was begun and not ended
}

// Status reads a state folder without changing anything, whether an agent runs on it or not.
func Status(stateDir string) (*LocalStatus, error) {
	t, err := openTree(stateDir, func(string) {})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "There is no state folder %s: no agent has run with it.", stateDir)
	}
	if err != nil {
		return nil, fmt.Errorf("the state folder: %s", explain(err))
	}
	defer t.close()
	rec, err := readRecord(t)
	if err != nil {
		return nil, err
	}
	s := &LocalStatus{
		Schema: 1, Running: locked(t), Epoch: rec.Epoch, Generation: rec.Order.Generation,
		Speaker: rec.Order.Speaker, Files: rec.Order.Files, Incidents: rec.Incidents,
	}
	for id, p := range rec.Placed {
		if p.Pending {
			s.Unconfirmed = append(s.Unconfirmed, id)
		}
	}
	if b, err := t.read(syncedName, maxToken); err == nil {
		if at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(b))); err == nil {
			s.SyncedAt = &at
		}
	}
	id, err := readIdentity(t)
	if err != nil || id == nil {
		return s, err
	}
	s.AgentID, s.Name, s.Domain = id.AgentID, id.Name, &id.Domain
	if b, err := t.read(certName, maxToken); err == nil {
		if block, _ := pem.Decode(b); block != nil {
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				s.CertUntil = &c.NotAfter
			}
		}
	}
	return s, nil
}

// Certificate reads what an enrolled agent shows the server, and the authority (PEM) that it trusts.
// Nothing is made or changed.
func Certificate(stateDir string) (cert tls.Certificate, authority []byte, err error) {
	t, err := openTree(stateDir, func(string) {})
	if err != nil {
		return cert, nil, fmt.Errorf("the state folder: %s", explain(err))
	}
	defer t.close()
	return readCertificate(t)
}

// ReadToken reads the file of a join token.
func ReadToken(file string) (enroll.Token, error) { return readToken(file) }

// locked reports whether an agent holds the folder.
func locked(t *tree) bool {
	f, err := t.root.OpenFile(lockName, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return heldLock(f)
}
