package diff

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
)

// readLines takes each line that is not blank for a key of its own. It is a reading.
func readLines(r io.Reader, entry func(dict.Entry)) error {
	in := lines.NewReader(r)
	for {
		p, ok, err := in.Next()
		if err != nil || !ok {
			return err
		}
		if line := bytes.TrimRight(p.Text, " \t"); len(line) > 0 {
			entry(dict.Entry{Key: line, Line: p.Number})
		}
	}
}
