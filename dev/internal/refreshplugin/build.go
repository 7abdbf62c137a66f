package refreshplugin

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// Build returns a folder with the plugin for the home's OpenSearch version: descriptor and jar. It
// is built by the home's JDK once per version and source and kept in the cache.
func Build(ctx context.Context, cache distro.Cache, home distro.Home) (string, error) {
	files, err := source(home)
	if err != nil {
		return "", err
	}
	text := descriptor(home)
	name := fmt.Sprintf("refresh-%s-%s", home.Version, fingerprint(files, text))
	dir, err := cache.Make(ctx, name, func(ctx context.Context, dir string) error {
		return build(ctx, home, files, text, dir)
	})
	if err != nil {
		return "", fmt.Errorf("building the refresh plugin for OpenSearch %s: %w", home.Version, err)
	}
	return dir, nil
}

func build(ctx context.Context, home distro.Home, files map[string]string, descriptor, dir string) error {
	work, err := os.MkdirTemp(dir, "build-*")
	if err != nil {
		return err
	}
	sources, classes := filepath.Join(work, "java"), filepath.Join(work, "classes")
	if err := errors.Join(os.Mkdir(sources, 0o755), os.Mkdir(classes, 0o755)); err != nil {
		return err
	}
	var paths []string
	for _, name := range sorted(files) {
		path := filepath.Join(sources, name)
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			return err
		}
		paths = append(paths, path)
	}
	if err := home.Compile(ctx, paths, []string{filepath.Join(home.Dir, "lib", "*")}, classes); err != nil {
		return err
	}
	if err := writeJar(classes, filepath.Join(dir, Name+"-"+version+".jar")); err != nil {
		return err
	}
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, descriptorFile), []byte(descriptor), 0o644)
}

// writeJar packs the class files, in the order of their names and without times, so that the same
// classes make the same jar.
func writeJar(classes, jar string) (err error) {
	out, err := os.OpenFile(jar, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z := zip.NewWriter(out)
	count := 0
	err = fs.WalkDir(os.DirFS(classes), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		return addFile(z, classes, name)
	})
	if err != nil {
		return err
	}
	if count == 0 {
		return errors.New("javac made no class")
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Chmod(0o644)
}

func addFile(z *zip.Writer, dir, name string) error {
	in, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
