package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

// localStore keeps blobs in the state folder, so that the agent can place and mend without the
// server. What is read from it is verified again.
type localStore struct{ tree *tree }

func blobName(d searchpack.Digest) string { return blobsName + "/" + string(d) }
func partName(d searchpack.Digest) string { return blobName(d) + ".part" }

// has reports whether the blob is there with its size. Its bytes are checked when they are used.
func (l *localStore) has(d searchpack.Digest, size int64) bool {
	info, err := l.tree.root.Lstat(blobName(d))
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// copyTo writes the blob to w and verifies it on the way. errDigest: it was damaged, and is gone now.
func (l *localStore) copyTo(ctx context.Context, w io.Writer, d searchpack.Digest, size int64) error {
	f, _, err := l.tree.openRegular(blobName(d))
	if err != nil {
		return err
	}
	err = errors.Join(copyVerified(ctx, w, f, d, size), f.Close())
	if errors.Is(err, errDigest) {
		_, dropErr := l.tree.remove(blobName(d))
		err = errors.Join(err, dropErr)
	}
	return err
}

// blobSource gives a blob from an offset on (agentapi.Client).
type blobSource interface {
	Blob(ctx context.Context, d searchpack.Digest, offset int64) (*agentapi.Download, error)
}

// fetch gets a blob, going on where an earlier attempt ended. At the end all bytes are verified;
// if they are wrong, everything is thrown away and the next attempt begins at the start. progress
// is told how many bytes are here.
func (l *localStore) fetch(ctx context.Context, src blobSource, d searchpack.Digest, size int64, progress func(int64)) error {
	name := partName(d)
	part, err := l.tree.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = l.fill(ctx, src, part, d, size, progress)
	if err == nil {
		err = part.Sync()
	}
	err = errors.Join(err, part.Close())
	// A disk that is full must not stay so for half a blob.
	if errors.Is(err, errDigest) || noSpace(err) {
		_, dropErr := l.tree.remove(name)
		return errors.Join(err, dropErr)
	}
	if err != nil {
		return err
	}
	l.tree.step("keep blob")
	if err := l.tree.root.Rename(name, blobName(d)); err != nil {
		return err
	}
	return l.tree.sync(blobsName)
}

// fill brings part to its full length and checks it.
func (l *localStore) fill(ctx context.Context, src blobSource, part *os.File, d searchpack.Digest, size int64, progress func(int64)) error {
	sha := sha256.New()
	have, err := io.Copy(sha, &cancelReader{ctx, io.LimitReader(part, size)})
	if err != nil {
		return err
	}
	if info, err := part.Stat(); err != nil || info.Size() > size {
		return errors.Join(err, errDigest)
	}
	if have < size || size == 0 {
		body, err := src.Blob(ctx, d, have)
		if err != nil {
			return err
		}
		defer body.Close()
		if body.Total >= 0 && body.Total != size {
			return fmt.Errorf("the server has %d bytes for blob %s, the order says %d", body.Total, d.Short(), size)
		}
		if body.Start == 0 && have > 0 {
			sha.Reset()
			if have, err = 0, part.Truncate(0); err != nil {
				return err
			}
		}
		if _, err := part.Seek(have, io.SeekStart); err != nil {
			return err
		}
		w := io.MultiWriter(part, sha, &counter{n: have, tell: progress})
		n, err := io.Copy(w, io.LimitReader(body, size-have+1))
		if have += n; err != nil {
			return fmt.Errorf("fetch blob %s: broke off after %d of %d bytes: %w", d.Short(), have, size, err)
		}
	}
	if have < size {
		return fmt.Errorf("fetch blob %s: broke off after %d of %d bytes", d.Short(), have, size)
	}
	if have > size || sum(sha) != d {
		return errDigest
	}
	return nil
}

// keepOnly removes blobs that nothing needs any more, and parts of them.
func (l *localStore) keepOnly(need map[searchpack.Digest]bool) error {
	dir, err := l.tree.root.Open(blobsName)
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(10_000) // the rest goes next time
	_ = dir.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, name := range names {
		d, err := searchpack.ParseDigest(strings.TrimSuffix(name, ".part"))
		if err != nil || need[d] {
			continue
		}
		if _, err := l.tree.remove(blobsName + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// keepForeign copies what lay where a package's file must go, so that nothing of somebody else's is
// lost. Equal bytes are kept once.
func keepForeign(ctx context.Context, state *tree, conf *tree, packageID, at string, f found) error {
	name := foreignName + "/" + packageID + "-" + string(f.digest)
	if _, err := state.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	src, _, err := conf.openRegular(at)
	if err != nil {
		return err
	}
	defer src.Close()
	return state.write(name, rights{mode: 0o600, uid: -1, gid: -1}, func(w io.Writer) error {
		return copyVerified(ctx, w, src, f.digest, f.size)
	})
}

// counter tells how many bytes have gone by.
type counter struct {
	n    int64
	tell func(int64)
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.tell(c.n)
	return len(p), nil
}
