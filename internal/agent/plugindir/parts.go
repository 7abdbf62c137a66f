//go:build unix

package plugindir

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
)

// Licenses and configurations of plugins are files in config/<folder>, one by one: the folder is shared
// with its owner. They change by the same journal as plugins do, by renames alone, which need the same
// mount: so what comes and what is put aside lies in keptName in the configuration folder, under numbers.
// OpenSearch walks that folder for every log4j2.properties when it starts, so that no name is kept there
// and the folder is as readable as those beside it.

// Key names what a Dir knows of a plugin's folder: the plugin, its configuration and its license change
// and are kept each by itself.
func Key(part searchpack.PluginPart, folder string) string {
	if part == searchpack.PartPlugin {
		return folder
	}
	return folder + "/" + string(part)
}

// ID names what is staged: a plugin's zip has always the same files in the same place, a license or
// configuration those of the plugin that it is for, and a license its path.
func ID(part searchpack.PluginPart, folder, path string, bytes searchpack.Digest) searchpack.Digest {
	if part == searchpack.PartPlugin {
		return bytes
	}
	return searchpack.DigestOf([]byte(strings.Join([]string{string(part), folder, path, string(bytes)}, "\x00")))
}

// ID of what is placed; see there.
func (p *Placed) ID() searchpack.Digest {
	if p.Part == searchpack.PartLicense && len(p.Tree) == 1 {
		return ID(p.Part, p.Folder, p.Tree[0].Path, p.Zip)
	}
	return ID(p.Part, p.Folder, "", p.Zip)
}

// Key of what is placed; see there.
func (p *Placed) Key() string { return Key(p.Part, p.Folder) }

// checkKey refuses what Key never gives.
func checkKey(key string) error {
	folder, part, parts := strings.Cut(key, "/")
	switch searchpack.PluginPart(part) {
	case searchpack.PartConfig, searchpack.PartLicense:
	default:
		if parts {
			return searchpack.Errorf(searchpack.ErrInvalid, "%.100q is no part of a plugin", key)
		}
	}
	return checkFolder(folder)
}

// notPlugins are folders in config/ that OpenSearch, or Searchpack, reads for itself.
var notPlugins = []string{"analyzers", "jvm.options.d"}

// partFiles are the files of a license or configuration, paths below config/<folder>.
func partFiles(p Plugin) ([]searchpack.ManifestEntry, error) {
	if slices.Contains(notPlugins, p.Folder) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the folder %s of the configuration folder belongs to no plugin", p.Folder)
	}
	if p.Part == searchpack.PartLicense {
		if err := searchpack.CheckLicensePath(p.Path); err != nil {
			return nil, err
		}
		p.Manifest = []searchpack.ManifestEntry{{Path: p.Path, Size: p.Size, Digest: p.Zip, Mode: fileMode}}
	}
	if len(p.Manifest) == 0 || len(p.Manifest) > archive.MaxEntries {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "a configuration with %d files", len(p.Manifest))
	}
	for _, e := range p.Manifest {
		if _, err := searchpack.ParseDigest(string(e.Digest)); !fs.ValidPath(e.Path) || e.Path == "." || err != nil || e.Size < 0 {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "the manifest has the file %.200q, which no configuration has", e.Path)
		}
		if e.Path == halfName {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "a file of the name %s is not taken: it is one of Searchpack's own", halfName)
		}
	}
	return p.Manifest, nil
}

// partDrift says which files are not as they were placed. Others in the folder are not ours.
func (d *Dir) partDrift(ctx context.Context, p *Placed) ([]Drift, error) {
	var out []Drift
	for _, e := range p.Tree {
		if len(out) >= maxDrift {
			break
		}
		at := place{inConfig, p.Folder}.join(e.Path)
		info, err := d.lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
			out = append(out, Drift{at.String(), DriftMissing})
			continue
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			out = append(out, Drift{at.String(), DriftForeign})
			continue
		}
		digest := searchpack.Digest("")
		if info.Size() == e.Size {
			if digest, err = d.digest(ctx, at); err != nil {
				return nil, err
			}
		}
		if digest != e.Digest {
			out = append(out, Drift{at.String(), DriftChanged})
		}
	}
	return out, nil
}
