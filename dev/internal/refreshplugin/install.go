package refreshplugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

const (
	descriptorFile = "plugin-descriptor.properties"
	fileLimit      = 1 << 20 // bytes; the jar has about 10,000
	// Beside plugins/, not in it: a node does not start with a stray folder there.
	incoming, outgoing = ".refresh-plugin.new", ".refresh-plugin.old"
)

// Install puts the plugin into a home whose node is down, building it first if need be. A home that
// has it already, or has index-management, stays as it is. Whatever dies in between, the home's
// plugins folder holds the plugin whole or not at all.
func Install(ctx context.Context, cache distro.Cache, home distro.Home) error {
	if home.IndexManagement {
		return nil
	}
	built, err := Build(ctx, cache, home)
	if err != nil {
		return err
	}
	if err := place(built, home.Dir); err != nil {
		return fmt.Errorf("installing the refresh plugin in %s: %w", home.Dir, err)
	}
	return nil
}

func place(built, home string) error {
	in, out := filepath.Join(home, incoming), filepath.Join(home, outgoing)
	final := filepath.Join(home, distro.PluginsDir, Name)
	if err := errors.Join(os.RemoveAll(in), os.RemoveAll(out)); err != nil {
		return err
	}
	files, err := contents(built)
	if err != nil {
		return err
	}
	if have, err := contents(final); err == nil && same(files, have) {
		return nil
	}
	if err := os.Mkdir(in, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(in, name)
		if err := errors.Join(os.WriteFile(path, text, 0o644), os.Chmod(path, 0o644)); err != nil {
			return err
		}
	}
	if err := os.Chmod(in, 0o755); err != nil { // whatever the umask is: nodes run as another user
		return err
	}
	if err := os.Rename(final, out); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(in, final); err != nil {
		return err
	}
	return os.RemoveAll(out)
}

// contents reads the few small files of a plugin.
func contents(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > fileLimit || len(files) > 16 {
			return nil, fmt.Errorf("%s in %s is no part of the plugin", e.Name(), dir)
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func same(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if other, ok := b[name]; !ok || !bytes.Equal(text, other) {
			return false
		}
	}
	return true
}
