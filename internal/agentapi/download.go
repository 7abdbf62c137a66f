package agentapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// stallTime is how long a download may bring nothing.
const stallTime = 30 * time.Second

// Download is the rest of a blob, from Start on. The reader does not verify and is not bounded: the
// caller knows digest and size.
type Download struct {
	io.ReadCloser
	Start int64 // where it begins: as asked, or 0 when the server sends the whole
	Total int64 // of the blob; -1 when not said
}

// Blob asks for the blob from offset on.
func (c *Client) Blob(ctx context.Context, d searchpack.Digest, offset int64) (*Download, error) {
	ctx, cancel := context.WithCancel(ctx)
	h := http.Header{}
	if offset > 0 {
		h.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
		h.Set("If-Range", strconv.Quote(string(d)))
	}
	stall := time.AfterFunc(stallTime, cancel)
	res, err := c.send(ctx, http.MethodGet, PathBlobs+string(d), h, nil) //nolint:bodyclose // the Download is closed by the caller
	if err != nil {
		stall.Stop()
		cancel()
		return nil, err
	}
	body := &stallReader{ReadCloser: res.Body, stall: stall, cancel: cancel}
	if res.StatusCode != http.StatusPartialContent {
		return &Download{ReadCloser: body, Total: res.ContentLength}, nil
	}
	start, total, err := contentRange(res.Header.Get("Content-Range"))
	if err != nil || start != offset {
		_ = body.Close()
		return nil, unavailable(fmt.Sprintf("The server sent another part of blob %s than asked for", d.Short()), err)
	}
	return &Download{ReadCloser: body, Start: start, Total: total}, nil
}

// contentRange reads "bytes 5-99/100".
func contentRange(s string) (start, total int64, err error) {
	r, size, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, ok2 := strings.Cut(r, "-")
	if !ok || !ok2 || !strings.HasPrefix(s, "bytes ") {
		return 0, 0, fmt.Errorf("bad Content-Range %.60q", s)
	}
	if start, err = strconv.ParseInt(first, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("bad Content-Range %.60q", s)
	}
	if size == "*" {
		return start, -1, nil
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return start, total, err
}

// stallReader gives up a body that brings nothing for stallTime.
type stallReader struct {
	io.ReadCloser
	stall  *time.Timer
	cancel context.CancelFunc
}

// Read implements io.Reader.
func (s *stallReader) Read(p []byte) (int, error) {
	s.stall.Reset(stallTime)
	return s.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (s *stallReader) Close() error {
	s.stall.Stop()
	err := s.ReadCloser.Close()
	s.cancel()
	return err
}
