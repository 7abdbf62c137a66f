package distro

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A node changes its OpenSearch by a second home that is laid out beside the first (DEST.next)
// while the node still runs, and that takes over the name DEST and what the node owns while it is
// down. The former home then has the name DEST.next, so that the same swap leads back.
const (
	besideMark = ".next"
	formerMark = ".former"
	swapMark   = ".swap" // holds the version that is to lie at DEST; there from the first move to the last
)

// Resident says which OpenSearch the home at dest is of: its version, and the installation it was
// made from, "" for one from Maven Central. os.ErrNotExist: there is no home.
func Resident(dest string) (version, source string, err error) {
	l, err := readLabel(dest)
	return l.Version, l.Source, err
}

// LayoutBeside lays out a home that Swap can give the name dest. One that is there already and is
// of another OpenSearch is removed.
func LayoutBeside(ctx context.Context, what, dest string, o Options) (Home, error) {
	beside := dest + besideMark
	home, err := Layout(ctx, what, beside, o)
	if err == nil || !isDir(beside) {
		return home, err
	}
	if err := os.RemoveAll(beside); err != nil {
		return Home{}, err
	}
	return Layout(ctx, what, beside, o)
}

// DropBeside removes what lies beside the home at dest.
func DropBeside(dest string) error {
	return errors.Join(os.RemoveAll(dest+besideMark), os.RemoveAll(dest+besideMark+".part"))
}

// Swap gives the home beside dest the name dest, together with the data, the logs and the
// configuration of the node, which is down. Files of the configuration that both installations
// bring stay with their own. Whatever dies in between, Mend finishes it.
func Swap(dest string) error {
	version, _, err := Resident(dest + besideMark)
	if err != nil {
		return fmt.Errorf("there is no home beside %s: %w", dest, err)
	}
	if err := os.WriteFile(dest+swapMark, []byte(version), 0o600); err != nil {
		return err
	}
	return Mend(dest)
}

// Mend finishes a Swap that was interrupted; without one it does nothing.
func Mend(dest string) error {
	target, err := os.ReadFile(dest + swapMark)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := swapTo(dest, string(target)); err != nil {
		return fmt.Errorf("putting OpenSearch %s in place at %s: %w", target, dest, err)
	}
	return os.Remove(dest + swapMark)
}

// swapTo goes on from wherever an earlier try ended: both homes under their first names, the
// former one aside, or the new one in place and the former one still aside.
func swapTo(dest, target string) error {
	beside, former := dest+besideMark, dest+formerMark
	if isDir(dest) && !isDir(former) {
		have, _, err := Resident(dest)
		if err != nil || have == target { // done, but for the mark
			return err
		}
		if err := moveOwn(dest, beside); err != nil {
			return err
		}
		if err := os.Rename(dest, former); err != nil {
			return err
		}
	}
	if !isDir(dest) {
		if err := os.Rename(beside, dest); err != nil {
			return err
		}
	}
	return os.Rename(former, beside)
}

// moveOwn moves what belongs to the node and not to an OpenSearch version. Each move is one rename;
// what has gone already is left.
func moveOwn(from, to string) error {
	for _, dir := range []string{DataDir, LogsDir, filepath.Join(ConfigDir, "analyzers")} {
		if err := move(filepath.Join(from, dir), filepath.Join(to, dir)); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(filepath.Join(from, ConfigDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, ConfigDir, e.Name()), filepath.Join(to, ConfigDir, e.Name())
		if _, err := os.Lstat(target); err == nil {
			continue // each installation's own: jvm.options, log4j2.properties
		}
		if err := os.Rename(source, target); err != nil {
			return err
		}
	}
	return nil
}

// move replaces target by source, if there is one.
func move(source, target string) error {
	if _, err := os.Lstat(source); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	return os.Rename(source, target)
}
