//go:build unix

// Package plugindir puts OpenSearch plugins in place on one node, while the node is stopped, and takes
// them out again. It does what opensearch-plugin does, by the same rules, but so that a power cut at
// any instruction leaves a plugins/ with which the node starts: either all former plugins or all new
// ones, and never anything foreign (a stray folder in plugins/ keeps a node from starting).
//
// A plugin is staged in a state folder beside plugins/, from a zip whose digest and manifest are
// given; Apply then renames folders: the former one out, the new one in. A journal in the state folder
// says what is under way, and Recover undoes what was not finished. The former folder is kept there
// until Forget, so that Restore needs no bytes from anywhere.
//
// The license and the configuration of a plugin are files in its folder in config/, and come and go by
// the same journal. A file that was in the place of one is kept, and comes back after it.
//
// What Searchpack did not place is never changed. The package knows no server, no order and no
// OpenSearch: who calls it decides what, and sees to it that no node runs during Apply, Restore and
// Recover.
package plugindir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// StateName is the state folder beside plugins/, unless Config says otherwise.
const StateName = ".searchpack-plugins"

// Config says where a node has its folders. All paths are absolute.
type Config struct {
	Home    string // of OpenSearch: holds plugins/ and bin/
	Conf    string // the configuration folder: holds opensearch.yml
	Plugins string // "" = Home/plugins
	Bin     string // "" = Home/bin; it may be missing where no plugin has scripts
	// State is a folder of ours in the same mount as plugins/, and not in it; "" = StateName beside
	// plugins/ (where plugins/ is a link, beside what it leads to). It is made if it is not there.
	State string
	// Stopped is asked just before the first folder is renamed, and answers with an error while the
	// node runs; nil = the caller knows that it does not.
	Stopped func() error
	Logger  *slog.Logger     // nil: nothing is logged
	Now     func() time.Time // nil: time.Now

	before func(op) error // tests; see disk
	after  func(op)
}

func (c Config) plugins() string { return cmp.Or(c.Plugins, filepath.Join(c.Home, "plugins")) }

// PluginFolder is the path of plugins/, links followed if it is there.
func (c Config) PluginFolder() string {
	dir := c.plugins()
	if followed, err := filepath.EvalSymlinks(dir); err == nil {
		return followed
	}
	return filepath.Clean(dir)
}

// StateFolder is the path of the state folder, whether or not it is there.
func (c Config) StateFolder() string {
	return cmp.Or(c.State, filepath.Join(filepath.Dir(c.PluginFolder()), StateName))
}

// Dir is a node's plugin folders, locked against other processes. It is not safe for concurrent use.
type Dir struct {
	*disk
	stopped func() error
	now     func() time.Time
	log     *slog.Logger
	state   string // path
	lock    *os.File
}

// Open finds the folders, makes the state folder and takes its lock. It changes nothing else: call
// Recover before the node starts. ErrConflict: another process works there. ErrInvalid: the state
// folder is not usable; the text says why.
func Open(c Config) (*Dir, error) {
	if c.Bin == "" {
		c.Bin = filepath.Join(c.Home, "bin")
	}
	plugins, err := realFolder("plugin folder", c.plugins())
	if err != nil {
		return nil, err
	}
	c.State = c.StateFolder()
	if err := makeState(c.State, plugins); err != nil {
		return nil, err
	}
	d := &Dir{
		disk:    &disk{roots: map[area]*os.Root{}, before: c.before, after: c.after},
		stopped: c.Stopped, now: c.Now, log: c.Logger, state: c.State,
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if err := d.setUp(map[area]string{inPlugins: plugins, inBin: c.Bin, inConfig: c.Conf, inState: c.State}); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// setUp opens the folders, locks the state folder and sees that it lies right.
func (d *Dir) setUp(folders map[area]string) error {
	for a, dir := range folders {
		r, err := os.OpenRoot(dir)
		if errors.Is(err, fs.ErrNotExist) && a == inBin {
			continue
		}
		if err != nil {
			return explain("the folder "+dir, err)
		}
		d.roots[a] = r
	}
	if err := d.takeLock(); err != nil {
		return err
	}
	if err := d.sameMount(inPlugins); err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "the state folder %s: %w", d.state, err)
	}
	for _, name := range []string{stagedName, formerName, trashName} {
		if err := d.mkdir(state(name), ours); err != nil {
			return explain("the state folder "+d.state, err)
		}
	}
	return explain("the state folder "+d.state, d.syncDir(state(".")))
}

// ours are the rights of what nobody else needs to see.
var ours = rights{mode: 0o700, uid: -1, gid: -1}

// Close gives the lock back.
func (d *Dir) Close() {
	if d.lock != nil {
		_ = unix.Flock(int(d.lock.Fd()), unix.LOCK_UN) // by name: a process that is being started has it too
		_ = d.lock.Close()
	}
	d.close()
}

// StateDir is the path of the state folder.
func (d *Dir) StateDir() string { return d.state }

func (d *Dir) takeLock() error {
	f, err := d.roots[inState].OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return explain("the lock of the state folder "+d.state, err)
	}
	d.lock = f
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return searchpack.Errorf(searchpack.ErrConflict, "another process changes the plugins of this node (it has the lock %s/lock): wait for it", d.state)
		case err != nil:
			return explain("the lock of the state folder "+d.state, err)
		}
		return nil
	}
}

// realFolder follows links.
func realFolder(what, dir string) (string, error) {
	if !filepath.IsAbs(dir) {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "the %s must be an absolute path, not %q", what, dir)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", explain("the "+what, err)
	}
	if info, err := os.Stat(resolved); err != nil || !info.IsDir() {
		return "", errors.Join(searchpack.Errorf(searchpack.ErrInvalid, "the %s %s is no folder", what, dir), err)
	}
	return resolved, nil
}

// makeState makes the state folder and refuses one that others can change: what lies there becomes
// code of the node.
func makeState(dir, plugins string) error {
	parent, err := realFolder("folder of the state folder", filepath.Dir(dir))
	if err != nil {
		return err
	}
	if at := filepath.Join(parent, filepath.Base(dir)); within(at, plugins) || within(plugins, at) {
		return searchpack.Errorf(searchpack.ErrInvalid,
			"the state folder %s and the plugin folder %s lie in each other: a node does not start with a folder in plugins/ that is no plugin; put the state folder beside it", dir, plugins)
	}
	err = os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return explain("the state folder "+dir, err)
	}
	// Before anything is kept in it, the folder itself must outlast a power cut.
	if err := syncPath(parent); err != nil {
		return explain("the folder "+parent, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return explain("the state folder "+dir, err)
	}
	uid, _ := ownerOf(info)
	switch {
	case !info.IsDir():
		return searchpack.Errorf(searchpack.ErrInvalid, "the state folder %s is no folder, or a link to one: move it away", dir)
	case uid != os.Geteuid():
		return searchpack.Errorf(searchpack.ErrInvalid, "the state folder %s belongs to uid %d, and this runs as uid %d: run it always as the same user, or give the folder to that one", dir, uid, os.Geteuid())
	case info.Mode().Perm()&0o022 != 0:
		return searchpack.Errorf(searchpack.ErrInvalid, "others than its owner can write into the state folder %s, and what lies there becomes code of the node: chmod 700 %s", dir, dir)
	}
	return nil
}

func syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func within(dir, outer string) bool {
	rel, err := filepath.Rel(outer, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// noSuchName is a name that nobody makes.
const noSuchName = ".searchpack-no-such-name"

// CanMove says why names cannot be moved between two folders, in the system's words: EXDEV, EROFS. The
// system looks for the mounts before it looks for the name, so that a name that is not there tells, and
// nothing is written: two folders of one device can still be two mounts.
func CanMove(from, to *os.File) error {
	err := unix.Renameat(int(from.Fd()), noSuchName, int(to.Fd()), noSuchName)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// sameMount reports whether names can be moved between the state folder and an area.
func (d *Dir) sameMount(a area) error {
	from, err := d.open(state("."))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := d.open(place{a, "."})
	if err != nil {
		return err
	}
	defer to.Close()
	switch err := CanMove(from, to); {
	case err == nil:
		return nil
	case errors.Is(err, unix.EXDEV):
		return fmt.Errorf("it does not lie in the same mount as %s/ (%s), so that folders cannot be moved between them in one step: let both lie in one mount, and name the state folder there", a, to.Name())
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%s is mounted read-only: mount it writable for the agent", to.Name())
	default:
		return fmt.Errorf("try to move a name to %s: %w", to.Name(), err)
	}
}

// explain says what an error of the file system means here and what to do about it.
func explain(what string, err error) error {
	var told *searchpack.Error
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%s: no space left on the disk: free some: %w", what, err)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%s: it is mounted read-only: mount it writable for the agent: %w", what, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: uid %d may not change it: run the agent as the owner of the plugin folder or as root, and look whether SELinux denies it: %w", what, os.Geteuid(), err)
	case errors.Is(err, unix.EXDEV):
		return fmt.Errorf("%s: it lies in another mount, or in a layer of a container's image: install that plugin anew where the plugin folder is writable: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
