package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/sweeper"
)

// blobStore is either blob store.
type blobStore interface {
	sweeper.Blobs
	// Claim makes the blobs the owner's, or says that they are another's.
	Claim(ctx context.Context, owner string) error
	io.Closer
}

// openS3 makes the blob store in S3 and looks whether it can be used. Nothing has changed by then.
func (s *Server) openS3(ctx context.Context) error {
	bucket, prefix, err := blobstore.ParseS3(s.cfg.Blobs)
	if err != nil {
		return err
	}
	blobs, err := blobstore.NewS3(blobstore.S3Config{
		Bucket: bucket, Prefix: prefix, Endpoint: s.cfg.BlobsEndpoint, Region: s.cfg.BlobsRegion,
		AccessKey: s.cfg.BlobsAccessKey, SecretKey: s.cfg.BlobsSecretKey, Spool: filepath.Join(s.cfg.DataDir, "spool"),
	})
	if err != nil {
		return err
	}
	s.blobs = &watchedBlobs{blobStore: blobs}
	return blobs.Check(ctx)
}

// openBlobs opens the blobs, if they are in a folder, and makes them this database's.
func (s *Server) openBlobs(ctx context.Context) error {
	if s.blobs == nil {
		dir, err := blobstore.NewDir(filepath.Join(s.cfg.DataDir, "blobs"))
		if err != nil {
			return err
		}
		s.blobs = &watchedBlobs{blobStore: dir}
	}
	id, err := s.databaseID(ctx)
	if err != nil {
		return err
	}
	return s.blobs.Claim(ctx, id)
}

// databaseName is the row that keeps the database's own name, by which it claims its blobs.
const databaseName = "database"

// databaseID names the database, with a name made at random on the first start.
func (s *Server) databaseID(ctx context.Context) (id string, err error) {
	err = s.store.Update(ctx, func(tx searchpack.Tx) error {
		sealed, err := tx.Secret(ctx, databaseName)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			id = "searchpack database " + rand.Text()
			return tx.PutSecret(ctx, databaseName, s.key.Seal([]byte(id), databaseName))
		}
		if err != nil {
			return err
		}
		plain, err := s.key.Open(sealed, databaseName)
		id = string(plain)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("the database's name: %w", err)
	}
	return id, nil
}

// watchedBlobs remembers what the blob store last had to complain of. A server whose blob store is
// away answers, associates what is on the nodes already, and says so: it is not sick.
type watchedBlobs struct {
	blobStore
	mu        sync.Mutex
	complaint string
}

func (w *watchedBlobs) note(err error) {
	switch {
	case searchpack.ErrorCode(err) == searchpack.ErrUnavailable:
		w.set(searchpack.ErrorMessage(err))
	case err == nil:
		w.set("")
	}
}

func (w *watchedBlobs) set(complaint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaint = complaint
}

// Complaint is "" while all is well.
func (w *watchedBlobs) Complaint() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.complaint
}

// Write notes what the store says, and not what the reader does.
func (w *watchedBlobs) Write(ctx context.Context, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	from := &heldReader{Reader: r}
	d, n, err := w.blobStore.Write(ctx, from, limit)
	if !from.failed {
		w.note(err)
	}
	return d, n, err
}

type heldReader struct {
	io.Reader
	failed bool
}

// Read gives the reader's bytes.
func (h *heldReader) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.failed = h.failed || err != nil && err != io.EOF
	return n, err
}

// Open notes what the store says.
func (w *watchedBlobs) Open(ctx context.Context, d searchpack.Digest) (searchpack.Blob, error) {
	b, err := w.blobStore.Open(ctx, d)
	w.note(err)
	return b, err
}

// Delete notes what the store says.
func (w *watchedBlobs) Delete(ctx context.Context, d searchpack.Digest) error {
	err := w.blobStore.Delete(ctx, d)
	w.note(err)
	return err
}

// List notes what the store says; what f says is mostly the database's.
func (w *watchedBlobs) List(ctx context.Context, f func(searchpack.BlobInfo) error) error {
	stopped := false
	err := w.blobStore.List(ctx, func(info searchpack.BlobInfo) error {
		err := f(info)
		stopped = err != nil
		return err
	})
	if !stopped {
		w.note(err)
	}
	return err
}

// ownBlobs reports whether the object would be one of the server's own blobs. A package made of one
// would show an account what another has imported.
func (c *Config) ownBlobs(src searchpack.Source) bool {
	bucket, prefix, err := blobstore.ParseS3(c.Blobs)
	if err != nil || bucket != src.Bucket || sameServer(c.BlobsEndpoint) != sameServer(c.SourceEndpoint) {
		return false
	}
	if prefix == "" {
		return true
	}
	// A server that keeps objects as files may take a//b and a/./b for a/b.
	return strings.HasPrefix(src.Key, prefix+"/") || strings.HasPrefix(path.Clean("/"+src.Key)+"/", "/"+prefix+"/")
}

// sameServer is equal for two ways to write an endpoint; "" is AWS, whatever its region.
func sameServer(endpoint string) string {
	u, err := url.Parse(strings.ToLower(endpoint))
	if err != nil {
		return endpoint
	}
	host, port := u.Hostname(), u.Port()
	if strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") {
		return ""
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}
