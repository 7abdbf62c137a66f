package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/hunspell"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Some packages are folders: the order names a zip, and the agent unpacks it by the parser that the
// server inspected it with, so the zip's digest determines every name and byte of the folder. What
// lies on the disk is compared by a digest over names and files, its content.

// folderID is a zip and what it unpacks to. The zero value is none.
type folderID struct {
	Zip     searchpack.Digest `json:"zip,omitempty"`
	Size    int64             `json:"size,omitempty"` // of the zip, in bytes
	Content searchpack.Digest `json:"content,omitempty"`
}

// folders remembers what zips unpack to, so that none is read twice for that. It is safe for
// concurrent use.
type folders struct {
	mu   sync.Mutex
	byID map[searchpack.Digest]folderID // by the zip
}

// add remembers what a zip unpacks to. There are never more than packages have versions here.
func (k *folders) add(id folderID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[searchpack.Digest]folderID{}
	}
	if id.Zip != "" {
		k.byID[id.Zip] = id
	}
}

func (k *folders) of(zip searchpack.Digest) (folderID, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id, ok := k.byID[zip]
	return id, ok
}

// holding returns the zip that unpacks to the content.
func (k *folders) holding(content searchpack.Digest) (folderID, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range k.byID {
		if id.Content == content {
			return id, true
		}
	}
	return folderID{}, false
}

// is reports whether what was found are the ordered bytes.
func (k *folders) is(have found, d searchpack.Digest, tree bool) bool {
	if !tree {
		return have.regular && have.digest == d
	}
	id, ok := k.of(d)
	return ok && have.folder && have.digest == id.Content
}

// contentDigest is the digest of a folder whose files and folders are these lines, in any order.
func contentDigest(lines []string) searchpack.Digest {
	slices.Sort(lines)
	return searchpack.DigestOf([]byte(strings.Join(lines, "")))
}

func fileLine(name string, size int64, d searchpack.Digest) string {
	return fmt.Sprintf("file %q %d %s\n", name, size, d)
}

func folderLine(name string) string { return fmt.Sprintf("folder %q\n", name) }

// maxFolder bounds what is looked at of a folder: archive.MaxEntries files, and the folders that
// they lie in.
const maxFolder = 4 * archive.MaxEntries

// lookFolder says what lies in a folder, reading only files that have changed since they were read.
func (c *configDir) lookFolder(ctx context.Context, t *tree, name string, since time.Time) (found, error) {
	out := found{exists: true, folder: true}
	var lines []string
	err := fs.WalkDir(t.root.FS(), name, func(full string, e fs.DirEntry, err error) error {
		if err != nil || full == name {
			return err
		}
		if len(lines) >= maxFolder {
			lines = append(lines, "more\n")
			return fs.SkipAll
		}
		rel := strings.TrimPrefix(full, name+"/")
		switch {
		case e.IsDir():
			lines = append(lines, folderLine(rel))
		case e.Type().IsRegular():
			f, err := c.look(ctx, t, full, since)
			if err != nil {
				return err
			}
			out.size += f.size
			lines = append(lines, fileLine(rel, f.size, f.digest))
		default:
			lines = append(lines, fmt.Sprintf("other %q %s\n", rel, e.Type()))
		}
		return nil
	})
	out.digest = contentDigest(lines)
	return out, err
}

// read opens a blob of the local store as the folder that it unpacks to, verified first.
func (l *localStore) read(ctx context.Context, d searchpack.Digest, size int64, use func(*hunspell.Tree) error) error {
	if err := l.copyTo(ctx, io.Discard, d, size); err != nil {
		return err
	}
	f, _, err := l.tree.openRegular(blobName(d))
	if err != nil {
		return err
	}
	defer f.Close()
	var faults rule.Tally
	z, err := hunspell.Open(f, size, maxBlob, &faults)
	if err == nil && z == nil {
		err = refusedZip(&faults)
	}
	if err != nil {
		return err
	}
	err = use(z)
	if fault := (*archive.Fault)(nil); errors.As(err, &fault) {
		return fmt.Errorf("the zip is not taken: %w", err)
	}
	return err
}

// folderID reads the zip to say what it unpacks to, without writing that.
func (l *localStore) folderID(ctx context.Context, d searchpack.Digest, size int64) (folderID, error) {
	var lines []string
	err := l.read(ctx, d, size, func(z *hunspell.Tree) error {
		var faults rule.Tally
		all, err := z.Manifest(&faults)
		if err == nil && all == nil {
			err = refusedZip(&faults)
		}
		dirs := map[string]bool{".": true}
		for _, m := range all {
			lines = append(lines, fileLine(m.Path, m.Size, m.Digest))
			for dir := path.Dir(m.Path); !dirs[dir]; dir = path.Dir(dir) {
				dirs[dir] = true
				lines = append(lines, folderLine(dir))
			}
		}
		return err
	})
	return folderID{Zip: d, Size: size, Content: contentDigest(lines)}, err
}

// refusedZip: the server takes no such zip, so this is a server of another version, or a hostile one.
func refusedZip(faults *rule.Tally) error {
	for _, f := range faults.Findings() {
		if f.Severity == searchpack.SeverityError {
			return fmt.Errorf("the zip is not taken: %s (%s)", f.Message, f.Rule)
		}
	}
	return errors.New("the zip is not taken")
}

// unpack makes the folder dst of a zip in the local store, with everything in it durable, and says
// what it is. What lay there before is gone.
func (c *configDir) unpack(ctx context.Context, t *tree, store *localStore, dst string, d searchpack.Digest, size int64) (folderID, error) {
	file, dir, _, err := c.rights(t)
	if err != nil {
		return folderID{}, err
	}
	if _, err := t.remove(dst); err != nil {
		return folderID{}, err
	}
	t.step("unpack " + dst)
	b := &folderMaker{t: t, at: dst, file: file, dir: dir}
	err = store.read(ctx, d, size, func(z *hunspell.Tree) error {
		if err := b.folder("."); err != nil {
			return err
		}
		return z.Walk(func(place string, _ int64, r io.Reader) error {
			return b.write(place, &cancelReader{ctx, r})
		})
	})
	if err == nil {
		err = b.sync()
	}
	if err != nil {
		_, dropErr := t.remove(dst)
		return folderID{}, errors.Join(err, dropErr)
	}
	t.step("unpacked " + dst)
	return folderID{Zip: d, Size: size, Content: contentDigest(b.lines)}, nil
}

// folderMaker writes a folder file by file.
type folderMaker struct {
	t         *tree
	at        string // name of the folder
	file, dir rights
	made      []string // folders, the outer ones first
	has       map[string]bool
	lines     []string
}

// folder makes a folder, and those that it lies in.
func (b *folderMaker) folder(rel string) error {
	if b.has[rel] {
		return nil
	}
	if b.has == nil {
		b.has = map[string]bool{}
	}
	b.has[rel] = true
	if rel != "." {
		if err := b.folder(path.Dir(rel)); err != nil {
			return err
		}
		b.lines = append(b.lines, folderLine(rel))
	}
	b.made = append(b.made, rel)
	return makeDir(b.t, path.Join(b.at, rel), b.dir)
}

func (b *folderMaker) write(rel string, r io.Reader) error {
	if err := b.folder(path.Dir(rel)); err != nil {
		return err
	}
	sha, size := sha256.New(), int64(0)
	err := b.t.create(path.Join(b.at, rel), b.file, func(w io.Writer) (err error) {
		size, err = io.Copy(io.MultiWriter(w, sha), r)
		return err
	})
	b.lines = append(b.lines, fileLine(rel, size, sum(sha)))
	return err
}

// sync makes all names in the folder durable; create has done so with the bytes.
func (b *folderMaker) sync() error {
	for _, rel := range slices.Backward(b.made) {
		if err := b.t.sync(path.Join(b.at, rel)); err != nil {
			return err
		}
	}
	return b.t.sync(path.Dir(b.at))
}

// clone makes dst a copy of the folder src that shares its files' bytes, which takes no room. On a
// file system without hard links it fails, and the zip is unpacked once more.
func (c *configDir) clone(t *tree, src, dst string) error {
	_, dir, _, err := c.rights(t)
	if err != nil {
		return err
	}
	if _, err := t.remove(dst); err != nil {
		return err
	}
	t.step("clone " + dst)
	b := &folderMaker{t: t, at: dst, dir: dir}
	err = fs.WalkDir(t.root.FS(), src, func(full string, e fs.DirEntry, err error) error {
		rel := "."
		if full != src {
			rel = strings.TrimPrefix(full, src+"/")
		}
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return b.folder(rel)
		}
		return t.root.Link(full, path.Join(dst, rel))
	})
	if err == nil {
		err = b.sync()
	}
	t.step("cloned " + dst)
	return err
}

// swap gives src the name dst; what lay there is called src afterwards, if anything did. With folders
// on either side that is one step where the file system can exchange names. aside says that it was two:
// for a moment nothing lay there, never a part of a folder.
func (t *tree) swap(src, dst string) (aside bool, err error) {
	info, err := t.root.Lstat(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return false, t.root.Rename(src, dst)
	}
	if err != nil {
		return false, err
	}
	from, err := t.root.Lstat(src)
	if err != nil || !info.IsDir() && !from.IsDir() {
		return false, errors.Join(err, t.root.Rename(src, dst))
	}
	err = t.exchange(src, dst)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return false, err
	}
	old := asideName(src)
	if _, err := t.remove(old); err != nil {
		return true, err
	}
	t.step("aside " + dst)
	if err := t.root.Rename(dst, old); err != nil {
		return true, err
	}
	t.step("set aside " + dst)
	if err := t.root.Rename(src, dst); err != nil {
		return true, errors.Join(err, t.root.Rename(old, dst))
	}
	return true, t.root.Rename(old, src)
}

// asideName is where a folder lies while another takes its name, or while it is removed.
func asideName(name string) string {
	return searchpack.CandidateDir + "/" + strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".new"), ".gone") + "-old.new"
}

func (t *tree) exchange(a, b string) error {
	if t.noExchange {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: unix.EINVAL}
	}
	dirA, err := t.root.Open(path.Dir(a))
	if err != nil {
		return err
	}
	defer dirA.Close()
	dirB, err := t.root.Open(path.Dir(b))
	if err != nil {
		return err
	}
	defer dirB.Close()
	return exchange(dirA, path.Base(a), dirB, path.Base(b))
}

// removeAll removes a folder. One under a final name goes away as a whole first.
func (t *tree) removeAll(name string) error {
	if path.Dir(name) == searchpack.AnalyzersDir {
		gone := asideName(name)
		if _, err := t.remove(gone); err != nil {
			return err
		}
		t.step("away " + name)
		if err := t.root.Rename(name, gone); err != nil {
			return err
		}
		t.step("gone " + name)
		if err := t.sync(searchpack.AnalyzersDir); err != nil {
			return err
		}
		name = gone
	}
	return t.root.RemoveAll(name)
}
