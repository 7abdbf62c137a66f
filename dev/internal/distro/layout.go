package distro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Options of Layout.
type Options struct {
	Env Env // nil: the process's environment
	JDK JDK // zero: the best that FindJDKs finds
	Log func(string)
}

// label is what a home says of itself. It is written before the home gets its name.
type label struct {
	Schema  int    `json:"schema"` // 1
	Version string `json:"version"`
	Source  string `json:"source"` // the installation's folder; "" = Maven Central
}

const (
	labelFile  = ".searchpack-home.json"
	labelLimit = 64 << 10 // bytes
)

// Layout makes dest a home of what: an OpenSearch version ("3.8.0") or the path of an installation.
// Whatever dies in between, dest is a whole home or not there. A home that is there already stays
// as it is; one of another version or installation is an error.
func Layout(ctx context.Context, what, dest string, o Options) (Home, error) {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return Home{}, err
	}
	var inst Installation
	version := what
	if !IsVersion(what) {
		if inst, err = FromHome(what); err != nil {
			return Home{}, err
		}
		version = inst.Version
	}
	jdk := o.JDK // first: without one, nothing needs to be fetched
	if jdk.Home == "" {
		if jdk, err = jdkFor(ctx, inst, version, o.Env); err != nil {
			return Home{}, err
		}
	}
	if inst.Dir == "" && !isDir(dest) {
		cache, err := OpenCache(o.Env)
		if err != nil {
			return Home{}, err
		}
		if inst, err = Fetch(ctx, cache, version, o); err != nil {
			return Home{}, err
		}
	}
	want := label{Schema: 1, Version: version}
	if inst.own {
		want.Source = inst.Dir
	}
	if err := inst.layOut(dest, want); err != nil {
		return Home{}, err
	}
	return openHome(dest, version, jdk)
}

// jdkFor prefers the Java that an installation brings along: it is what it was tested with.
func jdkFor(ctx context.Context, inst Installation, version string, env Env) (JDK, error) {
	if inst.own {
		if jdk, ok := inspectJDK(ctx, filepath.Join(inst.Dir, "jdk")); ok {
			if jdk, err := ChooseJDK(version, []JDK{jdk}); err == nil {
				return jdk, nil
			}
		}
	}
	return ChooseJDK(version, FindJDKs(ctx, env))
}

func (inst Installation) layOut(dest string, want label) error {
	have, err := readLabel(dest)
	switch {
	case err == nil && have == want:
		return nil
	case err == nil:
		return fmt.Errorf("%s is a home of OpenSearch %s%s, not of %s%s: choose another folder", dest,
			have.Version, from(have), want.Version, from(want))
	case isDir(dest):
		return fmt.Errorf("%s is there but is no home that this program made (%w): choose another folder", dest, err)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	part := dest + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("removing what an earlier run left: %w", err)
	}
	if err := inst.fill(part, want); err != nil {
		return errors.Join(fmt.Errorf("laying out %s: %w", dest, err), os.RemoveAll(part))
	}
	return os.Rename(part, dest)
}

func from(l label) string {
	if l.Source == "" {
		return ""
	}
	return " (from " + l.Source + ")"
}

// fill makes dest, which is not there yet, a home.
func (inst Installation) fill(dest string, l label) error {
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(inst.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(inst.Dir, e.Name()), filepath.Join(dest, e.Name())
		switch e.Name() {
		case LogsDir, DataDir, TempDir, labelFile:
			continue
		case ConfigDir:
			err = copyTree(from, to, copyFile, func(name string) bool {
				return name == "opensearch.yml" || name == "opensearch.keystore"
			})
		default:
			err = copyTree(from, to, linkFile, nil)
		}
		if err != nil {
			return err
		}
	}
	for _, dir := range []string{PluginsDir, DataDir, LogsDir, TempDir, filepath.Join(ConfigDir, "analyzers")} {
		if err := os.MkdirAll(filepath.Join(dest, dir), 0o755); err != nil {
			return err
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dest, labelFile), append(text, '\n'), 0o644)
}

func readLabel(dest string) (label, error) {
	path := filepath.Join(dest, labelFile)
	info, err := os.Stat(path)
	if err != nil {
		return label{}, err
	}
	if info.Size() > labelLimit {
		return label{}, fmt.Errorf("%s is too large", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return label{}, err
	}
	var l label
	if err := json.Unmarshal(text, &l); err != nil {
		return label{}, fmt.Errorf("%s: %w", path, err)
	}
	if l.Schema != 1 {
		return label{}, fmt.Errorf("%s is of another searchpack-dev (schema %d)", path, l.Schema)
	}
	return l, nil
}

func openHome(dir, version string, jdk JDK) (Home, error) {
	if strings.ContainsAny(dir, " \t\n:;*?[\"'\\") {
		// bin/opensearch passes it on unquoted, and as part of a class path.
		return Home{}, fmt.Errorf("OpenSearch cannot run in %q: choose a folder without blanks, colons and quotes in its path", dir)
	}
	plugins, err := installedPlugins(filepath.Join(dir, PluginsDir))
	if err != nil {
		return Home{}, err
	}
	return Home{Dir: dir, Version: version, JDK: jdk,
		IndexManagement: plugins[indexManagement], Security: plugins[security]}, nil
}
