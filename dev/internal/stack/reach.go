package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Under root, OpenSearch nodes run as a user of their own, who must be able to enter every folder
// above a node's home. Temporary folders of other programs are often closed (mode 0700), and opening
// those is not ours to do; so then the domains lie in a folder of the system, and DATA/domains is a
// link to it.

// outsideBase holds one folder per data folder whose domains lie outside it.
const outsideBase = "/var/lib/searchpack-dev"

// ownerFile in such a folder names the data folder it belongs to. Once that is gone, the next stack
// that needs outsideBase removes what is left of it.
const ownerFile = "data-folder"

// ownerLimit bounds what is read of it.
const ownerLimit = 64 << 10 // bytes

// domainsDir returns the folder for the domains. separateUser: nodes run as another user than we.
func (d *dataDir) domainsDir(separateUser bool, base string) (string, error) {
	plain := d.join(domainsName)
	if target, err := filepath.EvalSymlinks(plain); err == nil && target != plain && strings.HasPrefix(target, base+"/") {
		return target, nil // as before, also if the data folder can be entered now
	}
	if !separateUser {
		return plain, nil
	}
	if open, err := openTo(filepath.Dir(d.path)); err != nil || open {
		if err == nil {
			err = openSelf(d.path)
		}
		return plain, err
	}
	return d.moveOut(plain, base)
}

// openTo reports whether everybody may enter dir, that is, dir and all folders above it.
func openTo(dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false, err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return false, nil
		}
		if dir == filepath.Dir(dir) {
			return true, nil
		}
		dir = filepath.Dir(dir)
	}
}

// openSelf lets everybody pass through the data folder, which is ours; what is secret in it has
// modes of its own.
func openSelf(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o001 != 0 {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()|0o011)
}

// moveOut makes the folder below base and links to it. Domains that lie in the data folder already
// stay there.
func (d *dataDir) moveOut(plain, base string) (string, error) {
	if err := os.MkdirAll(base, 0o711); err != nil {
		return "", fmt.Errorf("a folder that OpenSearch's user can enter: %w", err)
	}
	if err := sweepOutside(base); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(d.path))
	outside := filepath.Join(base, hex.EncodeToString(sum[:8]))
	target := filepath.Join(outside, domainsName)
	if err := os.RemoveAll(outside); err != nil { // of an earlier data folder of this name
		return "", err
	}
	if err := os.MkdirAll(target, 0o711); err != nil {
		return "", err
	}
	if err := replaceFile(filepath.Join(outside, ownerFile), []byte(d.path)); err != nil {
		return "", err
	}
	if err := os.Remove(plain); err != nil { // not empty
		return plain, os.RemoveAll(outside)
	}
	return target, os.Symlink(target, plain)
}

// sweepOutside removes the folders of data folders that were deleted.
func sweepOutside(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		info, err := os.Stat(filepath.Join(dir, ownerFile))
		if err != nil || info.Size() > ownerLimit {
			continue // being made, or not ours
		}
		owner, err := os.ReadFile(filepath.Join(dir, ownerFile))
		if err != nil || !filepath.IsAbs(string(owner)) {
			continue
		}
		if _, err := os.Stat(string(owner)); errors.Is(err, os.ErrNotExist) {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// outsideOf returns the folder outside that the link DATA/domains leads to, "" if there is none.
func (d *dataDir) outsideOf(base string) string {
	link, err := os.Readlink(d.join(domainsName))
	if err != nil || filepath.Base(link) != domainsName || filepath.Dir(filepath.Dir(link)) != base {
		return ""
	}
	return filepath.Dir(link)
}
