// Package sbom says what a plugin consists of: each jar with its Maven coordinates, licences and
// hashes, as far as the jars tell, in a CycloneDX 1.6 document. It trusts no jar: what stands in the
// metadata is what the jar says of itself. The same plugin gives the same document, byte by byte.
//
// Files come from an iterator, so that whoever has opened the archive says what is in it. Each jar is
// read twice, and of one at a time the list of its entries is in memory, however large it is.
package sbom

import (
	"crypto/sha1" //nolint:gosec // CycloneDX readers look jars up in Maven Central by it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
)

// maxJars bounds how many jars are listed; an installation of OpenSearch has some hundred.
const maxJars = 2000

// File is a file of the plugin.
type File struct {
	Path string
	Size int64 // bytes, as far as it is known
	Open func() (io.ReadCloser, error)
}

// Source says what a component's name comes from.
type Source string

// The sources, the surest first.
const (
	FromMaven    Source = "pom.properties"
	FromManifest Source = "manifest"
	FromFileName Source = "file name"
)

// Component is a jar, or a library whose classes were packed into one.
type Component struct {
	Path                 string // in the plugin
	Group, Name, Version string // Maven's; Group and Version "" if they are not known
	Source               Source
	Module               string // Automatic-Module-Name
	Licenses             []License
	SHA1, SHA256         string // of the jar, hexadecimal
	Bundled              []Component
}

// Components reads the jars among the files. The error is that of opening or reading a file; a jar
// that is none is known by its file name.
func Components(files iter.Seq[File]) ([]Component, error) {
	var out []Component
	left := budget{libraries: maxLibraries, text: maxAllMetadata}
	for f := range files {
		if !strings.HasSuffix(strings.ToLower(f.Path), ".jar") || len(out) == maxJars {
			continue
		}
		c, err := component(f, &left)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Path, err)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Component) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// component reads one jar, and hashes it while it is read for the first time, which is to its end.
func component(f File, left *budget) (Component, error) {
	one, two := sha1.New(), sha256.New() //nolint:gosec // see above
	first := true
	c, err := read(path.Base(f.Path), func() (io.ReadCloser, error) {
		in, err := f.Open()
		if err != nil || !first {
			return in, err
		}
		first = false
		return hashed{io.TeeReader(in, io.MultiWriter(one, two)), in}, nil
	}, left)
	if err != nil {
		return Component{}, err
	}
	c.Path, c.SHA1, c.SHA256 = f.Path, hex.EncodeToString(one.Sum(nil)), hex.EncodeToString(two.Sum(nil))
	return c, nil
}

// hashed is a file that is hashed while it is read.
type hashed struct {
	io.Reader
	io.Closer
}
