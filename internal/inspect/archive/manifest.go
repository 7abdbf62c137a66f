package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Walk proves the whole archive in one pass from its first byte on and calls f for each file, folders
// left out. f need not read to the end. Only after nil every byte of the archive is proven, so what f
// made of the files must not be used before. The error is a *Fault, the reader's, or f's.
func (a *Archive) Walk(f func(Entry, io.Reader) error) error {
	s := &source{r: a.r, buf: make([]byte, passBuffer)}
	c := &content{}
	for i := range a.headers {
		s.seek(a.headers[i].offset, a.next(i))
		if err := c.begin(s, &a.headers[i]); err != nil {
			return err
		}
		if !a.entries[i].Dir {
			if err := f(a.entries[i], c); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			return err
		}
	}
	return nil
}

// Manifest lists the files with the SHA-256 of each, in the order of the file: one pass, which proves
// the archive as Walk does. What is wrong goes to out, and the manifest is nil then. The error is the
// reader's.
func (a *Archive) Manifest(out *rule.Tally) ([]searchpack.ManifestEntry, error) {
	all := make([]searchpack.ManifestEntry, 0, len(a.entries))
	sum, buf := sha256.New(), make([]byte, entryBuffer)
	var found rule.Tally
	err := a.Walk(func(e Entry, r io.Reader) error {
		sum.Reset()
		n, err := io.ReadFull(r, buf[:len(localMark)])
		if err == nil && string(buf[:n]) == localMark && path.Ext(e.Path) != ".jar" {
			nested.report(&found, e.Path)
		}
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			sum.Write(buf[:n])
			_, err = io.CopyBuffer(sum, r, buf)
		}
		if err != nil {
			return err
		}
		all = append(all, searchpack.ManifestEntry{
			Path: e.Path, Size: e.Size, Digest: searchpack.Digest(hex.EncodeToString(sum.Sum(nil))), Mode: e.Mode,
		})
		return nil
	})
	if err != nil {
		return nil, Charge(err, out)
	}
	out.Merge(&found)
	return all, nil
}
