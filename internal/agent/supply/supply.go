// Package supply reads the jars of an OpenSearch home for internal/usage/needs: the string constants of
// the class files of a plugin, of OpenSearch itself and of the plugins beside it. It reads, and changes
// nothing. Jars are streamed twice, once for their directory and once for their classes; of those at
// most one is in memory.
package supply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/searchpack/searchpack/internal/agent/dirnames"
	"github.com/searchpack/searchpack/internal/agent/regular"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/classfile"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

const (
	// maxUnpacked bounds the classes that one call reads, in bytes. A distribution with every plugin has
	// less than 2 GiB.
	maxUnpacked = 4 << 30
	// maxNames bounds what is listed of one folder.
	maxNames = 10_000
	// maxTime bounds one call: a home is read in some seconds.
	maxTime = 5 * time.Minute
)

// Home says where the jars are.
type Home struct {
	Dir     string // holds lib/ and modules/
	Plugins string // the folder of the plugins
}

// Plugin returns the constants of the plugin in that folder of plugins/.
func (h Home) Plugin(ctx context.Context, folder string) (*needs.Constants, error) {
	c := needs.OfPlugin(nil)
	err := h.read(ctx, func(r *reader) error {
		return r.jars(h.Plugins, folder, c, func(string) bool { return true })
	})
	return c, err
}

// Rest returns what may mean that somebody else supplies the candidates: of OpenSearch's own jars, and
// of the plugins, by their folders, that are not among those that go.
func (h Home) Rest(ctx context.Context, going []string, all []needs.Candidate) (core []*needs.Constants, others map[string]*needs.Constants, err error) {
	others = map[string]*needs.Constants{}
	if len(all) == 0 {
		return nil, others, nil
	}
	wanted := needs.Wanted(all)
	err = h.read(ctx, func(r *reader) error {
		lib := needs.OfLib(wanted)
		core = append(core, lib)
		if err := r.jars(h.Dir, "lib", lib, needs.InCore(all)); err != nil {
			return err
		}
		modules, err := names(path.Join(h.Dir, "modules"))
		if err != nil {
			return err
		}
		for _, m := range modules {
			c := needs.OfModule(wanted)
			if err := r.jars(path.Join(h.Dir, "modules"), m, c, func(string) bool { return true }); err != nil {
				return err
			}
			core = append(core, c)
		}
		plugins, err := names(h.Plugins)
		if err != nil {
			return err
		}
		for _, p := range plugins {
			if slices.Contains(going, p) {
				continue
			}
			c := needs.OfPlugin(wanted)
			if err := r.jars(h.Plugins, p, c, func(string) bool { return true }); err != nil {
				return err
			}
			others[p] = c
		}
		return nil
	})
	return core, others, err
}

func (h Home) read(ctx context.Context, f func(*reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	err := f(&reader{ctx: ctx, left: maxUnpacked})
	if err != nil {
		return fmt.Errorf("the jars of OpenSearch cannot be read: %w", err)
	}
	return nil
}

type reader struct {
	ctx  context.Context
	left int64
}

// names of a folder that may be missing.
func names(dir string) ([]string, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := dirnames.Of(f, maxNames)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return list, nil
}

// jars adds the constants of the jars right in a folder, which is where class loaders look. What is no
// folder has none, and so has what is no file, as a pipe: Java cannot read it either. The folder and the jars
// may be links, which OpenSearch follows (PluginsService.Bundle: toRealPath).
func (r *reader) jars(parent, folder string, c *needs.Constants, want func(class string) bool) error {
	dir := path.Join(parent, folder)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil //nolint:nilerror // a stray file is preflight's business
	}
	list, err := names(dir)
	if err != nil {
		return err
	}
	for _, name := range list {
		if !strings.HasSuffix(name, ".jar") {
			continue
		}
		err := r.jar(func() (io.ReadCloser, error) { return regular.Open(path.Join(dir, name)) }, c, want)
		if err != nil && !errors.Is(err, regular.ErrNone) {
			return fmt.Errorf("%s/%s: %w", dir, name, err)
		}
	}
	return nil
}

// jar adds the constants of one jar. One that Java cannot read has none.
func (r *reader) jar(open func() (io.ReadCloser, error), c *needs.Constants, want func(string) bool) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	j, err := archive.OpenJar(open, archive.Limits{Unpacked: maxUnpacked})
	if err = archive.Charge(err, &rule.Tally{}); err != nil || j == nil {
		return err
	}
	class := func(e archive.JarEntry) bool {
		return strings.HasSuffix(e.Name, ".class") && e.Size <= classfile.MaxSize && want(e.Name)
	}
	if !slices.ContainsFunc(j.Entries(), class) {
		return nil
	}
	var buf []byte
	err = j.Walk(class, func(e archive.JarEntry, in io.Reader) error {
		if r.left -= e.Size; r.left < 0 {
			return fmt.Errorf("there are more than %d bytes of classes", int64(maxUnpacked))
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if int64(cap(buf)) < e.Size {
			buf = make([]byte, e.Size)
		}
		if _, err := io.ReadFull(in, buf[:e.Size]); err != nil {
			return err
		}
		c.Add(e.Name, buf[:e.Size])
		return nil
	})
	return archive.Charge(err, &rule.Tally{})
}
