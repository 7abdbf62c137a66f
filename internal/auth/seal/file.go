package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadOrCreate reads the master key at path, or makes one there with mode 0600. A file that
// others than its owner may read, write or execute is refused, because the key may be known by
// then; so is one of another size.
//
// The file appears whole or not at all, whatever dies when, and an existing file is never
// replaced: of two processes that start at once on an empty folder, both end up with one key.
func LoadOrCreate(path string) (*Key, error) {
	raw, err := load(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("making the master key file: %w", err)
		}
		raw, err = load(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the master key file: %w", err)
	}
	return newKey(raw)
}

// load reads the key and checks the very file it read from.
func load(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if perm := st.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others than its owner can reach the key that protects every stored secret. "+
			"If nobody has read it, run: chmod 600 %s", path, perm, path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, keySize+1))
	if err != nil {
		return nil, err
	}
	if len(raw) != keySize {
		return nil, fmt.Errorf("%s is no master key: it has %d bytes, a key has %d. Put back the backup of the file; "+
			"without it the secrets in the database cannot be opened", path, st.Size(), keySize)
	}
	return raw, nil
}

// create writes a new key beside path and links it there: link, unlike rename, fails if somebody
// else was first, and that is fine.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	tmp := filepath.Join(dir, "."+filepath.Base(path)+"."+rand.Text())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := write(f, random()); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// write fills and closes f, durably.
func write(f *os.File, b []byte) error {
	_, err := f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
