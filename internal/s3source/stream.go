package s3source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/searchpack/searchpack"
)

// stream is the body of a GetObject that cannot hang: a Read that gives nothing for the idle time
// ends with ErrUnavailable. Time that the reader's owner spends elsewhere does not count.
type stream struct {
	ctx    context.Context // of the request, for why it ended
	cancel context.CancelCauseFunc
	body   io.ReadCloser
	src    searchpack.Source
	idle   time.Duration
	size   int64 // announced; -1 = unknown
	read   int64
	watch  *time.Timer
}

var errStalled = errors.New("no byte came in time")

func newStream(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, src searchpack.Source, size int64, idle time.Duration) *stream {
	s := &stream{ctx: ctx, cancel: cancel, body: body, src: src, size: size, idle: idle}
	s.watch = time.AfterFunc(idle, func() { cancel(errStalled) })
	s.watch.Stop()
	return s
}

// Read gives the object's bytes.
func (s *stream) Read(p []byte) (int, error) {
	s.watch.Reset(s.idle)
	n, err := s.body.Read(p)
	s.watch.Stop()
	s.read += int64(n)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && (s.size < 0 || s.read == s.size):
		return n, io.EOF
	case err == io.EOF:
		return n, because(io.ErrUnexpectedEOF, searchpack.ErrUnavailable,
			fmt.Sprintf("%s ended after %d of %d bytes", show(s.src), s.read, s.size))
	}
	return n, s.failed(err)
}

func (s *stream) failed(err error) error {
	switch cause := context.Cause(s.ctx); {
	case errors.Is(cause, errStalled):
		return because(err, searchpack.ErrUnavailable,
			fmt.Sprintf("reading %s stalled after %d bytes: nothing came for %v", show(s.src), s.read, s.idle))
	case cause != nil:
		return cause // the importer's own end
	}
	return because(err, searchpack.ErrUnavailable,
		fmt.Sprintf("reading %s broke off after %d bytes (%s)", show(s.src), s.read, reason(err)))
}

// Close ends the request; what was not read is not fetched.
func (s *stream) Close() error {
	s.watch.Stop()
	s.cancel(nil)
	return s.body.Close()
}
