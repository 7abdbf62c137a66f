package distro

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive; OpenSearch 3.8.0 has 280 entries and 202 MB.
const (
	maxEntries  = 20_000
	maxUnpacked = 4 << 30 // bytes, all files together
)

// unpack writes the files below the top folder of the archive into dest, an empty folder. Names
// that leave it, links, duplicates and damaged files are errors. Modes become 755 and 644.
func unpack(archive, top, dest string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s is not a whole zip file: %w", filepath.Base(archive), err)
	}
	defer func() { _ = z.Close() }()
	if len(z.File) > maxEntries {
		return fmt.Errorf("%s has %d entries, more than %d", filepath.Base(archive), len(z.File), maxEntries)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	left := int64(maxUnpacked)
	for _, f := range z.File {
		n, err := unpackEntry(root, f, top, left)
		if err != nil {
			return fmt.Errorf("%s: entry %q: %w", filepath.Base(archive), f.Name, err)
		}
		left -= n
	}
	return nil
}

// unpackEntry returns how many bytes it wrote.
func unpackEntry(root *os.Root, f *zip.File, top string, left int64) (int64, error) {
	name := strings.TrimSuffix(f.Name, "/")
	if !filepath.IsLocal(name) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00") {
		return 0, errors.New("a name that this program does not unpack")
	}
	if name == top {
		return 0, nil
	}
	inside, ok := strings.CutPrefix(name, top+"/")
	if !ok {
		return 0, fmt.Errorf("not below %s/", top)
	}
	switch mode := f.Mode(); {
	case mode.IsDir():
		return 0, root.MkdirAll(inside, 0o755)
	case !mode.IsRegular():
		return 0, errors.New("neither a file nor a folder")
	}
	if err := root.MkdirAll(path.Dir(inside), 0o755); err != nil {
		return 0, err
	}
	mode := os.FileMode(0o644)
	if f.Mode()&0o111 != 0 || strings.HasPrefix(inside, "bin/") {
		mode = 0o755
	}
	return writeEntry(root, f, inside, mode, left)
}

func writeEntry(root *os.Root, f *zip.File, name string, mode os.FileMode, left int64) (n int64, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err = io.Copy(out, io.LimitReader(in, left+1)) // the zip reader compares the checksum at the end
	if err == nil && n > left {
		err = fmt.Errorf("the archive unpacks to more than %d bytes", int64(maxUnpacked))
	}
	if err != nil {
		return n, err
	}
	return n, out.Chmod(mode) // whatever the umask is: nodes run as another user
}
