// Package blobstore keeps blobs: immutable bytes named by their SHA-256. Dir keeps them in a folder,
// S3 in a bucket; both pass the suite in blobtest.
//
// Bytes come from the importer as one stream and go to whoever opens them: the inspection, and the
// agents' edge. The package knows nothing of packages or versions, decides nothing about what may
// be deleted, and never holds a blob in memory whole.
//
// The layout of a Dir is
//
//	blobs/ab/abcdef…  a whole blob, 0600, there only after its bytes are on the disk
//	tmp/…             what is being written; worthless after a crash
//	owner             whose blobs these are (Claim)
package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	blobsDir = "blobs"
	tmpDir   = "tmp"

	dirMode  fs.FileMode = 0o700 // dictionaries may hold what customers search for
	fileMode fs.FileMode = 0o600
)

// Dir is a BlobStore in a folder. Several processes may use one folder at the same time.
type Dir struct {
	root *os.Root
	path string // for messages
}

var _ searchpack.BlobStore = (*Dir)(nil)

// NewDir opens the blob folder at path, made if it is not there, and clears what interrupted
// writes left behind more than a day ago. An error says in one line what is wrong with the folder.
func NewDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, dirMode); err != nil {
		return nil, folderError(path, err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, folderError(path, err)
	}
	d := &Dir{root: root, path: path}
	if err := d.prepare(); err != nil {
		_ = root.Close()
		return nil, folderError(path, err)
	}
	return d, nil
}

// Close releases the folder. Blobs that are open stay readable.
func (d *Dir) Close() error { return d.root.Close() }

// prepare makes the layout and proves that a file can be written, so that a read-only folder is
// refused at the start and not in the middle of the first import.
func (d *Dir) prepare() error {
	for _, dir := range []string{blobsDir, tmpDir} {
		if err := d.root.MkdirAll(dir, dirMode); err != nil {
			return err
		}
	}
	t, err := d.newTemp()
	if err != nil {
		return err
	}
	t.discard()
	// What cannot be cleared is no reason not to start.
	_, _ = d.ClearPartial(context.Background(), time.Now().Add(-leftOverAge))
	return nil
}

// Open returns the blob for reading.
func (d *Dir) Open(_ context.Context, digest searchpack.Digest) (searchpack.Blob, error) {
	name, err := blobPath(digest)
	if err != nil {
		return nil, notStored(digest)
	}
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notStored(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s in %s: %w", digest.Short(), d.path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open blob %s in %s: %w", digest.Short(), d.path, err)
	}
	return &openBlob{File: f, size: info.Size()}, nil
}

// Delete removes the blob. Readers that have it open keep their bytes.
func (d *Dir) Delete(_ context.Context, digest searchpack.Digest) error {
	name, err := blobPath(digest)
	if err != nil {
		return nil // nothing is ever stored under such a name
	}
	err = d.root.Remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %s in %s: %w", digest.Short(), d.path, err)
	}
	return nil
}

// openBlob is a file whose size was fixed when it was opened.
type openBlob struct {
	*os.File
	size int64
}

// Size returns the blob's size in bytes.
func (b *openBlob) Size() int64 { return b.size }

// blobPath is where the blob lies below the root. It refuses what is no digest, so nothing a caller
// sends ever becomes a path.
func blobPath(digest searchpack.Digest) (string, error) {
	if _, err := searchpack.ParseDigest(string(digest)); err != nil {
		return "", err
	}
	return path.Join(fanPath(digest), string(digest)), nil
}

// fanPath is the folder of the blob: 256 of them keep each small.
func fanPath(digest searchpack.Digest) string { return path.Join(blobsDir, string(digest[:2])) }

func notStored(digest searchpack.Digest) error {
	return searchpack.Errorf(searchpack.ErrNotFound, "no blob %.64q is stored", string(digest))
}

func folderError(path string, err error) error {
	// The reason without the path that *PathError repeats.
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("blob folder %s cannot be used: %s %s: %w; make it a folder this user may write, or name another", path, pe.Op, pe.Path, pe.Err)
	}
	return fmt.Errorf("blob folder %s cannot be used: %w; make it a folder this user may write, or name another", path, err)
}

var _ io.ReadSeekCloser = (*openBlob)(nil)
