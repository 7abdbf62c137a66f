package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// configDir is the node's configuration folder. The folder itself is opened anew for each piece of
// work, so that one that was mounted again is found.
type configDir struct {
	path       string
	step       func(string)
	noExchange bool     // see tree
	adopt      []string // see Config
	// mu is held while names under analyzers/ change, so that clearing left-overs never meets a
	// candidate that is being put there.
	mu sync.Mutex

	cacheMu sync.Mutex
	cache   map[string]hashed // by name
}

// hashed is what a file's bytes were when they were read.
type hashed struct {
	id     fileID
	digest searchpack.Digest
	at     time.Time
	// settled: the file had not been touched just before it was read, so that a change since then
	// must show in its times. Else it is read once more.
	settled bool
}

// settleTime is more than the grain of any file system's times that matters here.
const settleTime = time.Second

func newConfigDir(dir string, step func(string)) *configDir {
	return &configDir{path: dir, step: step, cache: map[string]hashed{}}
}

func (c *configDir) open() (*tree, error) {
	t, err := openTree(c.path, c.step)
	if err == nil {
		t.noExchange = c.noExchange
	}
	return t, err
}

// found is what lies under a name.
type found struct {
	exists  bool
	regular bool
	folder  bool
	digest  searchpack.Digest // of a regular file; of a folder its content, see folders
	size    int64
	id      fileID
	settled bool // see hashed
}

// look says what lies under name, reading it only when its stat identity is another than when it
// was last read, or that was before since.
func (c *configDir) look(ctx context.Context, t *tree, name string, since time.Time) (found, error) {
	info, err := t.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	}
	if err != nil {
		return found{}, err
	}
	if info.IsDir() {
		return c.lookFolder(ctx, t, name, since)
	}
	if !info.Mode().IsRegular() {
		return found{exists: true}, nil
	}
	id := idOf(info)
	c.cacheMu.Lock()
	h, ok := c.cache[name]
	c.cacheMu.Unlock()
	if !ok || !h.settled || h.id != id || h.at.Before(since) {
		if h, err = c.hash(ctx, t, name); err != nil {
			return found{}, err
		}
	}
	return found{exists: true, regular: true, digest: h.digest, size: h.id.size, id: h.id, settled: h.settled}, nil
}

// hash reads a file and remembers its digest.
func (c *configDir) hash(ctx context.Context, t *tree, name string) (hashed, error) {
	// The real clock, because it is compared with the file system's.
	began := time.Now()
	f, info, err := t.openRegular(name)
	if err != nil {
		return hashed{}, err
	}
	defer f.Close()
	sha := sha256.New()
	if _, err := io.Copy(sha, &cancelReader{ctx, f}); err != nil {
		return hashed{}, err
	}
	after, err := f.Stat()
	if err != nil {
		return hashed{}, err
	}
	id := idOf(info)
	newest := max(id.mtime, id.ctime)
	h := hashed{
		id: id, digest: sum(sha), at: began,
		settled: idOf(after) == id && began.UnixNano()-newest > int64(settleTime),
	}
	c.remember(name, h)
	return h, nil
}

func (c *configDir) remember(name string, h hashed) {
	c.cacheMu.Lock()
	defer c.cacheMu.Unlock()
	c.cache[name] = h
}

// moved tells that what was verified is now called to as well: the same inode, and bytes that were
// not written since, because that would show in mtime; only ctime has changed with the name. So a
// big file need not be read again just to be placed.
func (c *configDir) moved(t *tree, before found, to string) {
	info, err := t.root.Lstat(to)
	if err != nil {
		return
	}
	id := idOf(info)
	if id.ino == before.id.ino && id.dev == before.id.dev && id.size == before.id.size && id.mtime == before.id.mtime {
		c.remember(to, hashed{id: id, digest: before.digest, at: time.Now(), settled: before.settled})
	}
}

// forget drops what was read under a name, or in a folder of that name.
func (c *configDir) forget(name string) {
	c.cacheMu.Lock()
	defer c.cacheMu.Unlock()
	maps.DeleteFunc(c.cache, func(n string, _ hashed) bool { return n == name || strings.HasPrefix(n, name+"/") })
}

// rights are what OpenSearch's own configuration has: the owner, group and mode of opensearch.yml
// for files, of the folder itself for folders. warn says that the node may be unable to read what
// the agent writes.
func (c *configDir) rights(t *tree) (file, dir rights, warn string, err error) {
	own, err := t.root.Stat(".")
	if err != nil {
		return file, dir, "", err
	}
	model, err := t.root.Stat("opensearch.yml")
	if errors.Is(err, fs.ErrNotExist) {
		model, err = own, nil // a files-only node has none
	}
	if err != nil {
		return file, dir, "", err
	}
	file = rights{mode: model.Mode().Perm()&0o666 | 0o400}
	file.uid, file.gid = ownerOf(model)
	dir = rights{mode: own.Mode().Perm() | 0o700}
	dir.uid, dir.gid = ownerOf(own)
	if me := os.Geteuid(); me != 0 && file.uid >= 0 && me != file.uid && file.mode&0o044 == 0 {
		warn = fmt.Sprintf("the agent runs as uid %d, OpenSearch's configuration belongs to uid %d and is readable for its owner only: OpenSearch cannot read what the agent places; run the agent as that user or as root", me, file.uid)
	}
	return file, dir, warn, nil
}

// mendRights gives a placed file, or a folder and all in it, the rights it had when it was placed, and
// says whether any were others. What cannot be mended is left: whether the file can be read shows when
// it is looked at.
func (c *configDir) mendRights(t *tree, name string) (mended bool, err error) {
	info, err := t.root.Lstat(name)
	if err != nil {
		return false, ignoreMissing(err)
	}
	want, dir, _, err := c.rights(t)
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return mend(t, name, info, want)
	}
	err = fs.WalkDir(t.root.FS(), name, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		right := want
		if e.IsDir() {
			right = dir
		}
		did, err := mend(t, name, info, right)
		mended = mended || did
		return err
	})
	return mended, err
}

// mend gives one file or folder its rights, and says whether it had others.
func mend(t *tree, name string, info fs.FileInfo, want rights) (mended bool, err error) {
	if !info.IsDir() && !info.Mode().IsRegular() {
		return false, nil
	}
	uid, gid := ownerOf(info)
	if os.Geteuid() == 0 && want.uid >= 0 && (uid != want.uid || gid != want.gid) {
		if err := t.root.Lchown(name, want.uid, want.gid); err != nil {
			return false, err
		}
		mended = true
	}
	if info.Mode().Perm() == want.mode {
		return mended, nil
	}
	err = t.root.Chmod(name, want.mode)
	return mended || err == nil, err
}

// prepare makes the folders and, for probes, the control files.
func (c *configDir) prepare(ctx context.Context, t *tree, controls bool) (warn string, err error) {
	file, dir, warn, err := c.rights(t)
	if err != nil {
		return "", err
	}
	for _, name := range []string{searchpack.AnalyzersDir, searchpack.CandidateDir} {
		if err := makeDir(t, name, dir); err != nil {
			return warn, err
		}
	}
	if !controls {
		return warn, nil
	}
	for _, k := range searchpack.Kinds {
		name, want := searchpack.ControlPath(k), searchpack.ControlFile(k)
		have, err := c.look(ctx, t, name, time.Time{})
		if err != nil {
			return warn, err
		}
		if have.digest == searchpack.DigestOf(want) {
			continue
		}
		if err := t.write(name, file, func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(want)); return err }); err != nil {
			return warn, err
		}
	}
	return warn, nil
}

// makeDir makes one folder with the rights of the folder above. One that is there is left as it is.
func makeDir(t *tree, name string, r rights) error {
	err := t.root.Mkdir(name, r.mode)
	if errors.Is(err, fs.ErrExist) {
		info, err := t.root.Stat(name)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", name)
		}
		return err
	}
	if err != nil {
		return err
	}
	f, err := t.root.Open(name)
	if err != nil {
		return err
	}
	err = errors.Join(r.apply(f), f.Close())
	if err != nil {
		return err
	}
	return t.sync(path.Dir(name))
}

// newName is where bytes lie, verified, just before they get their final name.
func newName(packageID string) string { return searchpack.CandidateDir + "/" + packageID + ".new" }

// leftOver reports whether a name in .searchpack is one that the agent makes, and is not needed for
// the order: it may go. Hidden files go by their own order only.
func leftOver(name string, o *searchpack.Order) bool {
	base := strings.TrimSuffix(name, ".tmp")
	if d, err := searchpack.ParseDigest(base); err == nil {
		for _, c := range o.Candidates {
			if c.Digest == d {
				return false
			}
		}
		return true
	}
	if id, ok := strings.CutSuffix(base, ".new"); ok {
		return packagePattern.MatchString(id)
	}
	return strings.HasPrefix(base, "control-") && base != name
}

// clear removes left-overs from .searchpack. The order is read under the lock: a candidate that
// was ordered a moment ago stays.
func (c *configDir) clear(t *tree, order func() *searchpack.Order) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir, err := t.root.Open(searchpack.CandidateDir)
	if err != nil {
		return ignoreMissing(err)
	}
	names, err := dir.Readdirnames(10_000) // the rest goes next time
	_ = dir.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	o := order()
	for _, name := range names {
		if !leftOver(name, o) {
			continue
		}
		full := searchpack.CandidateDir + "/" + name
		if _, err := t.remove(full); err != nil {
			return err
		}
		c.forget(full)
	}
	return nil
}
