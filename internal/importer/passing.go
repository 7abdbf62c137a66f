package importer

import (
	"fmt"
	"io"

	"github.com/searchpack/searchpack/internal/inspect"
)

// passing is an inspection of bytes that are on their way elsewhere. What is written to it, it
// looks at while the writer goes on; only one chunk is between them.
type passing struct {
	*io.PipeWriter
	done chan struct{}
	res  inspect.Result // once done is closed
	err  error
}

// inspectPassing begins an inspection. Its end must be called.
func (i *Importer) inspectPassing(o inspect.Options) *passing {
	r, w := io.Pipe()
	p := &passing{PipeWriter: w, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.res, p.err = careful(i.inspect, r, o)
		// The copy goes on without an inspection that has ended early.
		_, _ = io.Copy(io.Discard, r)
	}()
	return p
}

// end ends the stream, with the copy's error if it broke, and waits for the result.
func (p *passing) end(copyErr error) (inspect.Result, error) {
	_ = p.CloseWithError(copyErr) // nil: the end of the file
	<-p.done
	return p.res, p.err
}

// careful turns a panic of the inspection, which reads hostile bytes, into an error.
func careful(f inspector, r io.Reader, o inspect.Options) (res inspect.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the inspection: %v", p)
		}
	}()
	return f(r, o)
}

// inspector is inspect.Dictionary.
type inspector func(r io.Reader, o inspect.Options) (inspect.Result, error)
