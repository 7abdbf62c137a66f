package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
	"github.com/searchpack/searchpack/internal/auth/iam"
	"github.com/searchpack/searchpack/internal/auth/seal"
)

// authorityName is the row that keeps the sealed authority.
const authorityName = "ca"

// existingKey reads the master key if there is one.
func (s *Server) existingKey() (err error) {
	path := s.cfg.masterKeyFile()
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // the latter is the data folder's error
		return nil
	}
	s.key, err = seal.LoadOrCreate(path)
	return err
}

// makeMasterKey makes the master key if there is none. Only a new database gets a new one: beside
// one that another key has sealed it would open nothing, and would stand in the way of the backup.
func (s *Server) makeMasterKey(ctx context.Context) error {
	if s.key != nil {
		return nil
	}
	path := s.cfg.masterKeyFile()
	err := s.store.View(ctx, func(tx searchpack.Tx) error {
		_, err := tx.Secret(ctx, authorityName)
		return err
	})
	switch {
	case searchpack.ErrorCode(err) == searchpack.ErrNotFound:
		s.key, err = seal.LoadOrCreate(path)
		return err
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: there is no master key at %s, and this database was sealed with one: put it there, or name it with --master-key-file", ErrConfig, path)
}

// loadAuthority reads the authority, or makes it on the first start. Two servers that start at
// once on one database end with the same one: the first to commit wins.
func loadAuthority(ctx context.Context, store searchpack.Store, key *seal.Key, now time.Time) (*enroll.Authority, error) {
	var bundle []byte
	err := store.Update(ctx, func(tx searchpack.Tx) error {
		sealed, err := tx.Secret(ctx, authorityName)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			if _, bundle, err = enroll.NewAuthority(now); err != nil {
				return err
			}
			return tx.PutSecret(ctx, authorityName, key.Seal(bundle, authorityName))
		}
		if err != nil {
			return err
		}
		if bundle, err = key.Open(sealed, authorityName); err != nil {
			return fmt.Errorf("%w: the master key does not fit this database: use the key that was there when it was made", ErrConfig)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the agents' authority: %w", err)
	}
	return enroll.LoadAuthority(bundle)
}

// adminUser is the user of the first key.
const adminUser = "admin"

// credentialsFile is where a made first key goes, in the data folder.
const credentialsFile = "admin-credentials"

// firstKey makes sure that there is a credential. On an empty database it takes the configured
// key, else makes one and writes it to the data folder *before* the row, so that a kill between
// the two leaves no key that nobody knows.
func (s *Server) firstKey(ctx context.Context) error {
	empty, err := s.noCredentials(ctx)
	if err != nil || !empty {
		return err
	}
	access, secret, file := s.cfg.AdminAccessKey, s.cfg.AdminSecretKey, ""
	if access == "" {
		if access, secret, file, err = s.makeKey(); err != nil {
			return err
		}
	}
	sealed := s.key.Seal([]byte(secret), access)
	late := false
	err = s.store.Update(ctx, func(tx searchpack.Tx) error {
		have, err := tx.Credentials(ctx)
		if late = len(have) > 0; err != nil || late {
			return err
		}
		return tx.PutCredential(ctx, &searchpack.Credential{
			AccessKey: access, Account: s.cfg.Account, Name: adminUser, Sealed: sealed, CreatedAt: s.now(),
			Policies: []string{iam.AdminPolicy}, Operator: true,
		})
	})
	switch {
	case err != nil || file == "":
	case late: // another server on this database was first: the key in our file opens nothing
		err = os.Remove(file)
	default:
		s.log.Info("made the first key; use it with AWS_SHARED_CREDENTIALS_FILE", "file", file)
	}
	return err
}

func (s *Server) noCredentials(ctx context.Context) (bool, error) {
	empty := false
	err := s.store.View(ctx, func(tx searchpack.Tx) error {
		have, err := tx.Credentials(ctx)
		empty = len(have) == 0
		return err
	})
	return empty, err
}

// makeKey makes a key and writes it to the data folder; a file left by a killed start is used.
func (s *Server) makeKey() (access, secret, path string, err error) {
	path = filepath.Join(s.cfg.DataDir, credentialsFile)
	if access, secret, err := ReadCredentials(path); err == nil {
		return access, secret, path, nil
	}
	access, secret = newAccessKey(lastingPrefix), newSecret()
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", access, secret)
	if err := writeSecret(path, text); err != nil {
		return "", "", "", fmt.Errorf("write the first key: %w", err)
	}
	return access, secret, path, nil
}

// writeSecret writes a file that only its owner may read, whole or not at all.
func writeSecret(path, text string) error {
	tmp := path + ".tmp"
	_ = os.Remove(tmp) // of a killed start: its mode may be anything by now
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the name has to last, too
}

// parseCredentials reads the profile default of a credentials file of AWS's, which makeKey writes
// too. What stands before any profile counts as well.
func parseCredentials(text string) (access, secret string) {
	profile := "[default]"
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			profile = line
		}
		if profile != "[default]" {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			access = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	return access, secret
}

// maxCredentials bounds a credentials file: a few profiles.
const maxCredentials = 64 << 10

// ReadCredentials reads the profile default of a file in the form of AWS's credentials file.
func ReadCredentials(path string) (access, secret string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCredentials))
	if err != nil {
		return "", "", err
	}
	access, secret = parseCredentials(string(text))
	if access == "" || secret == "" {
		return "", "", fmt.Errorf("%s holds no aws_access_key_id and aws_secret_access_key in its profile default", path)
	}
	return access, secret, nil
}
