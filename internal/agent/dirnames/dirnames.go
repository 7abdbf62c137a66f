// Package dirnames lists folders of a node that may hold anything: no more than a bound is read.
package dirnames

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Of returns the names in an open folder, sorted. More than limit is an error.
func Of(dir *os.File, limit int) ([]string, error) {
	names, err := dir.Readdirnames(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) { // an empty folder is one, too
		return nil, err
	}
	if len(names) > limit {
		return nil, fmt.Errorf("there are more than %d files", limit)
	}
	slices.Sort(names)
	return names, nil
}
