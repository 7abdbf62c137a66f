//go:build unix

package plugindir

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
)

// Drift is one way in which a folder is not what its manifest says.
type Drift struct {
	Path string // "plugins/lemmas/lemmas.jar"
	What DriftKind
}

// String says it in words.
func (d Drift) String() string { return d.Path + " " + string(d.What) }

// DriftKind is how a file differs.
type DriftKind string

// The kinds of drift.
const (
	DriftMissing DriftKind = "is missing"
	DriftChanged DriftKind = "has other bytes"
	DriftForeign DriftKind = "does not belong there"
	DriftRights  DriftKind = "cannot be read by everybody, as OpenSearch's installer would have it"
)

// maxDrift bounds what is named of one folder: the first few say enough.
const maxDrift = 20

// descriptorName is PluginInfo.OPENSEARCH_PLUGIN_PROPERTIES.
const descriptorName = "plugin-descriptor.properties"

// Verify reads all files of a placed plugin and says what is not as it was placed; nil: nothing.
// ErrNotFound: Searchpack placed none in that folder.
func (d *Dir) Verify(ctx context.Context, folder string) ([]Drift, error) {
	r, err := d.load()
	if err != nil {
		return nil, err
	}
	p := r.Placed[folder]
	if p == nil {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Searchpack has placed no plugin in plugins/%s", folder)
	}
	return d.drift(ctx, p)
}

func (d *Dir) drift(ctx context.Context, p *Placed) ([]Drift, error) {
	if p.Part != searchpack.PartPlugin {
		out, err := d.partDrift(ctx, p)
		return out, explain("the files in config/"+p.Folder, err)
	}
	out, err := d.compare(ctx, place{inPlugins, p.Folder}, p.Tree, treeMode)
	if err == nil && len(p.Bin) > 0 {
		var bin []Drift
		bin, err = d.compare(ctx, place{inBin, p.Folder}, p.Bin, binMode)
		out = append(out, bin...)
	}
	return out, explain("the plugin in plugins/"+p.Folder, err)
}

// Modes as InstallPluginCommand sets them: of a plugin's files, of those in a folder named bin, of
// what is copied to config/.
const (
	dirMode       = 0o755
	fileMode      = 0o644
	scriptMode    = 0o755
	configDirMode = 0o750
	configMode    = 0o660
)

func treeMode(name string) fs.FileMode {
	if path.Base(path.Dir(name)) == "bin" {
		return scriptMode
	}
	return fileMode
}

func binMode(string) fs.FileMode { return scriptMode }

// compare holds a folder against a manifest. Empty folders do not count: a zip may have them or not.
func (d *Dir) compare(ctx context.Context, at place, want []searchpack.ManifestEntry, mode func(string) fs.FileMode) ([]Drift, error) {
	info, err := d.lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return []Drift{{at.String(), DriftMissing}}, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []Drift{{at.String(), DriftForeign}}, nil
	}
	left := map[string]searchpack.ManifestEntry{}
	for _, e := range want {
		left[e.Path] = e
	}
	var out []Drift
	if !readable(info, dirMode) {
		out = append(out, Drift{at.String(), DriftRights})
	}
	root := d.roots[at.In]
	err = fs.WalkDir(root.FS(), at.Name, func(full string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || full == at.Name {
			return err
		}
		if len(out) >= maxDrift {
			return fs.SkipAll
		}
		name := strings.TrimPrefix(full, at.Name+"/")
		w, known := left[name]
		delete(left, name)
		what, err := d.differs(ctx, place{at.In, full}, e, w, known, mode(name))
		if what != "" {
			out = append(out, Drift{place{at.In, full}.String(), what})
		}
		return err
	})
	if len(out) < maxDrift {
		for name := range left {
			out = append(out, Drift{at.join(name).String(), DriftMissing})
		}
	}
	slices.SortFunc(out, func(a, b Drift) int { return cmp.Compare(a.Path, b.Path) })
	return out[:min(len(out), maxDrift)], err
}

// differs says how one file or folder differs; "" = not at all.
func (d *Dir) differs(ctx context.Context, at place, e fs.DirEntry, want searchpack.ManifestEntry, known bool, mode fs.FileMode) (DriftKind, error) {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return DriftMissing, nil
	}
	if err != nil {
		return "", err
	}
	switch {
	case e.IsDir() && path.Ext(at.Name) == ".jar": // a node would take it for a jar
		return DriftForeign, nil
	case e.IsDir():
		mode = dirMode
	case !known || !info.Mode().IsRegular():
		return DriftForeign, nil
	case info.Size() != want.Size:
		return DriftChanged, nil
	default:
		digest, err := d.digest(ctx, at)
		if err != nil || digest != want.Digest {
			return DriftChanged, err
		}
	}
	if !readable(info, mode) {
		return DriftRights, nil
	}
	return "", nil
}

// readable reports whether everybody may read, and execute, what the mode lets them.
func readable(info fs.FileInfo, mode fs.FileMode) bool {
	return info.Mode().Perm()&mode&0o555 == mode&0o555
}

func (d *Dir) digest(ctx context.Context, at place) (searchpack.Digest, error) {
	f, _, err := d.openFile(at)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digestOf(ctx, f)
}

func digestOf(ctx context.Context, r io.Reader) (searchpack.Digest, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, &cancelReader{ctx, r})
	return searchpack.Digest(hex.EncodeToString(sum.Sum(nil))), err
}

// cancelReader ends a long read when its context ends.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// sameDescriptor reports whether the descriptor that lies in a plugin's folder is the one that was
// placed: else somebody put another plugin, or another version, there.
func (d *Dir) sameDescriptor(ctx context.Context, p *Placed) (bool, error) {
	i := slices.IndexFunc(p.Tree, func(e searchpack.ManifestEntry) bool { return e.Path == descriptorName })
	if i < 0 {
		return false, nil
	}
	at := place{inPlugins, p.Folder + "/" + descriptorName}
	info, err := d.lstat(at)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() != p.Tree[i].Size) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	digest, err := d.digest(ctx, at)
	return digest == p.Tree[i].Digest, err
}

// checkFolder refuses names that are no folder of a plugin's own below plugins/.
func checkFolder(name string) error {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00") || !fs.ValidPath(name) || len(name) > 240 {
		return searchpack.Errorf(searchpack.ErrInvalid, "%.100q is no folder of a plugin", name)
	}
	return nil
}

// parts sorts the files of a plugin's zip to where they go, paths below that.
func parts(manifest []searchpack.ManifestEntry) (tree, bin, config []searchpack.ManifestEntry, err error) {
	if len(manifest) == 0 || len(manifest) > archive.MaxEntries {
		return nil, nil, nil, searchpack.Errorf(searchpack.ErrInvalid, "a plugin with %d files", len(manifest))
	}
	described := false
	for _, e := range manifest {
		folder, rest, inFolder := strings.Cut(e.Path, "/")
		switch _, digestErr := searchpack.ParseDigest(string(e.Digest)); {
		case !fs.ValidPath(e.Path) || digestErr != nil || e.Size < 0:
			err = fmt.Errorf("the manifest has the file %.200q, which no zip of a plugin has", e.Path)
		case !inFolder && (e.Path == "bin" || e.Path == "config"):
			err = fmt.Errorf("%s is a file and has to be a folder", e.Path)
		case folder == "bin" && strings.Contains(rest, "/"):
			err = errors.New("the folder bin has a folder in it")
		case folder == "bin":
			e.Path = rest
			bin = append(bin, e)
		case folder == "config":
			e.Path = rest
			config = append(config, e)
		default:
			described = described || e.Path == descriptorName
			tree = append(tree, e)
		}
		if err != nil {
			return nil, nil, nil, searchpack.Errorf(searchpack.ErrInvalid, "the plugin is not taken: %w", err)
		}
	}
	if !described {
		return nil, nil, nil, searchpack.Errorf(searchpack.ErrInvalid, "the plugin is not taken: it has no %s", descriptorName)
	}
	return tree, bin, config, nil
}
