// Package s3 is the S3 of the development stack: versitygw over a folder, in a process of its own,
// because the library changes the working directory, prints, and allows one instance per process.
// It listens on a unix socket in that folder; the front door passes requests on with their Host
// header, which is signed.
//
// Run is the child's side, Transport the front door's. Buckets lie in DIR/buckets, old versions of
// objects in DIR/versions, metadata in extended attributes or, where the file system has none, in
// DIR/meta.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/searchpack/searchpack/dev/internal/sock"
)

const (
	socketName = "s3.sock"
	// healthPath cannot be a bucket: names start with a letter or digit.
	healthPath = "/.health"
	// maxConnections and maxRequests only bound a runaway client; one laptop does not come near.
	maxConnections = 4096
	maxRequests    = 1024
	maxParts       = 10_000 // of a multipart upload, as in S3
	// transferBuffer is what one system call may move; objects are large.
	transferBuffer = 256 << 10
)

// Config is what the S3 process needs to know.
type Config struct {
	Dir                  string // made if absent
	AccessKey, SecretKey string
	Region               string
}

// Run serves S3 until ctx ends. One call per process.
func Run(ctx context.Context, c Config) error {
	root, versions, side := filepath.Join(c.Dir, "buckets"), filepath.Join(c.Dir, "versions"), filepath.Join(c.Dir, "meta")
	for _, d := range []string{root, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	backend, err := openBackend(root, versions, side)
	if err != nil {
		return fmt.Errorf("opening the S3 folder %s: %w", c.Dir, err)
	}
	// The library has made root the working directory; it replaces a socket left behind.
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey, Region: c.Region,
		Ports: []string{filepath.Join("..", socketName)}, SocketPerm: "0600",
		MaxConnections: maxConnections, MaxRequests: maxRequests, MultipartMaxParts: maxParts,
		KeepAlive: true, Quiet: true, HealthPath: healthPath,
		VirtualDomain: "localhost", // clients that were told http://localhost:PORT ask bucket.localhost
	})
	if ctx.Err() != nil && !errors.Is(err, os.ErrPermission) {
		return nil // asked to end
	}
	return err
}

func openBackend(root, versions, side string) (*posix.Posix, error) {
	opts := posix.PosixOpts{VersioningDir: versions}
	var x meta.XattrMeta
	_, sideErr := os.Stat(side)
	if sideErr != nil && x.Test(root) == nil {
		return posix.New(root, x, opts)
	}
	// Once begun, metadata stays beside the objects, whatever the file system learns later.
	if err := os.MkdirAll(side, 0o700); err != nil {
		return nil, err
	}
	s, err := meta.NewSideCar(side)
	if err != nil {
		return nil, err
	}
	opts.SideCarDir = side
	return posix.New(root, s, opts)
}

// Transport returns a transport whose every request goes to the S3 process of the folder. It keeps
// requests as they are: nothing is decompressed, and a body that expects 100-continue is not sent
// before S3 has asked for it.
func Transport(dir string) *http.Transport {
	return &http.Transport{
		DialContext:           Dialer(dir),
		DisableCompression:    true,
		MaxIdleConnsPerHost:   64,
		ReadBufferSize:        transferBuffer,
		WriteBufferSize:       transferBuffer,
		IdleConnTimeout:       time.Minute,
		ExpectContinueTimeout: 10 * time.Second,
	}
}

// Dialer returns what connects to the S3 process of the folder, whatever the address.
func Dialer(dir string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return sock.Dial(ctx, dir, socketName) }
}

// Ready asks once whether S3 answers.
func Ready(ctx context.Context, rt http.RoundTripper) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://s3"+healthPath, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("S3 answers its health check with %s", resp.Status)
	}
	return nil
}
