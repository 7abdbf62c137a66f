package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/searchpack/searchpack"
)

// listBatch is how many directory entries are in memory at a time.
const listBatch = 256

// List calls f for every blob. Blobs written or deleted meanwhile may or may not show. Anything
// else that lies in the folder is passed over.
func (d *Dir) List(ctx context.Context, f func(searchpack.BlobInfo) error) error {
	return d.eachEntry(blobsDir, func(fan fs.DirEntry) error {
		if !fan.IsDir() {
			return nil
		}
		return d.eachEntry(path.Join(blobsDir, fan.Name()), func(e fs.DirEntry) error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			info, ok, err := d.blobInfo(fan.Name(), e)
			if err != nil || !ok {
				return err
			}
			return f(info)
		})
	})
}

// blobInfo describes the entry if it is a blob in its right place.
func (d *Dir) blobInfo(fan string, e fs.DirEntry) (searchpack.BlobInfo, bool, error) {
	digest, err := searchpack.ParseDigest(e.Name())
	if err != nil || string(digest[:2]) != fan || !e.Type().IsRegular() {
		return searchpack.BlobInfo{}, false, nil
	}
	name, err := blobPath(digest)
	if err != nil {
		return searchpack.BlobInfo{}, false, err
	}
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return searchpack.BlobInfo{}, false, nil
	}
	if err != nil {
		return searchpack.BlobInfo{}, false, err
	}
	return searchpack.BlobInfo{Digest: digest, Size: info.Size(), StoredUnix: info.ModTime().Unix()}, true, nil
}

// eachEntry calls f for the entries of a folder below the root, a batch in memory at a time.
func (d *Dir) eachEntry(dir string, f func(fs.DirEntry) error) error {
	h, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s in %s: %w", dir, d.path, err)
	}
	defer h.Close()
	for {
		entries, readErr := h.ReadDir(listBatch)
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("list %s in %s: %w", dir, d.path, readErr)
		}
	}
}
