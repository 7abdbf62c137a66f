package agent

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// dictionaryZip is a package whose words tell its versions apart.
func dictionaryZip(t *testing.T, word string) string {
	t.Helper()
	z, err := inspecttest.Zip([]inspecttest.File{
		{Name: "en_US/en_US.aff", Data: []byte("SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n")},
		{Name: "en_US/en_US.dic", Data: []byte("1\n" + word + "/S\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(z)
}

// liesIn returns what lies under a name: a file's text, or of a folder each file; "<none>" if nothing.
func liesIn(dir, name string) string {
	var out []string
	err := filepath.WalkDir(filepath.Join(dir, name), func(full string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(filepath.Join(dir, name), full)
		text, err := os.ReadFile(full)
		if rel == "." {
			out = append(out, string(text))
		} else {
			out = append(out, rel+": "+string(text))
		}
		return err
	})
	if err != nil {
		return "<none>"
	}
	return strings.Join(out, "")
}

func unpacked(word string) string {
	return "hunspell/en_US/en_US.aff: SET UTF-8\nSFX S Y 1\nSFX S 0 s .\nhunspell/en_US/en_US.dic: 1\n" + word + "/S\n"
}

func (b *beside) folder(id, word string) searchpack.FileOrder {
	b.t.Helper()
	f := b.live(id, dictionaryZip(b.t, word))
	f.Tree = true
	return f
}

// showsFolder: the report has the zip of the word in this state.
func showsFolder(t *testing.T, r *searchpack.Report, state searchpack.FileState, word string) bool {
	return shows(r, "F1", state, dictionaryZip(t, word)) && slices.ContainsFunc(r.Files, func(f searchpack.FileReport) bool { return f.Tree })
}

func TestFolderCandidateLiveHiddenRemoved(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(fmt.Sprintf("without exchange %v", without), func(t *testing.T) {
			t.Parallel()
			b := newSite(t).node(func(c *Config) { c.noExchange = without }).run()
			fox, dog := b.folder("F1", "fox"), b.folder("F1", "dog")
			candidate := func(f searchpack.FileOrder) []searchpack.Candidate {
				return []searchpack.Candidate{{PackageID: "F1", Digest: f.Digest, Size: f.Size, Tree: true}}
			}
			ready := func(r *searchpack.Report) bool { return len(r.Candidates) == 1 && r.Candidates[0].Ready }
			lies := func(name string) string { return liesIn(b.cfg.ConfigDir, name) }

			o := b.order(searchpack.Order{Candidates: candidate(fox)})
			b.taken(o, "the candidate is ready", ready)
			if got := lies(searchpack.CandidatePath(fox.Digest)); got != unpacked("fox") || lies("analyzers/F1") != "<none>" {
				t.Errorf("candidate: %q", got)
			}
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{fox}, Candidates: candidate(dog)})
			b.taken(o, "fox is live and dog ready", func(r *searchpack.Report) bool {
				return showsFolder(t, r, searchpack.FileLive, "fox") && ready(r)
			})
			if got := lies("analyzers/F1"); got != unpacked("fox") {
				t.Errorf("live: %q", got)
			}
			info, err := os.Stat(b.path("analyzers/F1/hunspell/en_US/en_US.dic"))
			if err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v: want that of opensearch.yml", info.Mode(), err)
			}
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{dog}})
			b.taken(o, "dog is live", func(r *searchpack.Report) bool { return showsFolder(t, r, searchpack.FileLive, "dog") })
			if got := lies("analyzers/F1"); got != unpacked("dog") {
				t.Errorf("live: %q", got)
			}
			hidden := searchpack.FileOrder{PackageID: "F1", State: searchpack.FileHidden}
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{hidden}})
			b.taken(o, "hidden", func(r *searchpack.Report) bool { return showsFolder(t, r, searchpack.FileHidden, "dog") })
			if lies("analyzers/F1") != "<none>" || lies(searchpack.HiddenPath("F1")) != unpacked("dog") {
				t.Error("not hidden on disk")
			}
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{dog}})
			b.taken(o, "unhidden", func(r *searchpack.Report) bool { return showsFolder(t, r, searchpack.FileLive, "dog") })

			// A version that is one file takes the folder's place, and the other way round.
			file := b.live("F1", "a, b\n")
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{file}})
			b.taken(o, "a file is live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{fox}})
			b.taken(o, "a folder again", func(r *searchpack.Report) bool { return showsFolder(t, r, searchpack.FileLive, "fox") })
			o = b.order(searchpack.Order{Files: []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileRemoved}}})
			b.taken(o, "removed", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileRemoved, "") })
			b.eventually("nothing is left", func() bool {
				names, err := os.ReadDir(b.path(searchpack.CandidateDir))
				return err == nil && len(names) == 0 && lies("analyzers/F1") == "<none>"
			})
			if r := b.agent().Report; len(r.Incidents) != 0 || len(r.Problems) != 0 {
				t.Errorf("ordinary work made incidents: %s", jsonOf(r))
			}
		})
	}
}

func TestDamageInFolderIsMendedWithoutTheServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	f := b.folder("F1", "fox")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}, Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: f.Digest, Size: f.Size, Tree: true}}})
	b.taken(o, "live", func(r *searchpack.Report) bool {
		return showsFolder(t, r, searchpack.FileLive, "fox") && len(r.Candidates) == 1 && r.Candidates[0].Ready
	})
	b.eventually("kept locally", func() bool { return (&localStore{tree: b.stateTree()}).has(f.Digest, f.Size) })
	b.site.stop()
	dir := b.path("analyzers/F1")
	dic := filepath.Join(dir, "hunspell/en_US/en_US.dic")
	mended := func(what string) {
		t.Helper()
		b.eventually(what, func() bool {
			info, err := os.Stat(dic)
			return liesIn(b.cfg.ConfigDir, "analyzers/F1") == unpacked("fox") && err == nil && info.Mode().Perm() == 0o640
		})
	}
	write(t, dic, "1\ncat/S\n") // in place, the same size: the candidate shares the bytes
	mended("changed")
	if err := os.Remove(dic); err != nil {
		t.Fatal(err)
	}
	mended("a file deleted")
	write(t, filepath.Join(dir, "hunspell/en_US/more.aff"), "")
	mended("a file too many")
	if err := os.MkdirAll(filepath.Join(dir, "hunspell/de"), 0o750); err != nil {
		t.Fatal(err)
	}
	b.eventually("a folder too many", func() bool { _, err := os.Stat(filepath.Join(dir, "hunspell/de")); return err != nil })
	mended("a folder too many")
	if err := errFirst(os.Remove(dic), os.Symlink("/etc/hostname", dic)); err != nil {
		t.Fatal(err)
	}
	mended("replaced by a link")
	if err := errFirst(os.Remove(dic), syscall.Mkfifo(dic, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.eventually("replaced by a pipe", func() bool { info, err := os.Lstat(dic); return err == nil && info.Mode().IsRegular() })
	if err := errFirst(os.RemoveAll(dir), os.Symlink("/etc", dir)); err != nil {
		t.Fatal(err)
	}
	mended("the folder is a link")
	if err := os.Chmod(dic, 0o600); err != nil {
		t.Fatal(err)
	}
	mended("rights")
	if err := os.RemoveAll(b.path("analyzers")); err != nil {
		t.Fatal(err)
	}
	mended("all deleted")
	st, err := Status(b.cfg.StateDir)
	if err != nil || len(st.Incidents) < 5 {
		t.Errorf("incidents: %s %v", jsonOf(st), err)
	}
}

// A zip that the server would never have taken: it makes nothing, and says why.
func TestBadZipMakesNoFolder(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	outside, _, err := inspecttest.Changed([]inspecttest.File{{Name: "en/x.aff", Data: []byte("SET UTF-8\n")}, {Name: "en/x.dic"}}, "en/x.dic name ../x.dic")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"no zip": "a, b\n", "outside": string(outside)} {
		f := b.live("F1", content)
		f.Tree = true
		o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}, Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: f.Digest, Size: f.Size, Tree: true}}})
		b.taken(o, name, func(r *searchpack.Report) bool {
			return len(r.Files) == 1 && strings.Contains(r.Files[0].Error, "the zip is not taken") &&
				len(r.Candidates) == 1 && strings.Contains(r.Candidates[0].Error, "the zip is not taken")
		})
		if got := liesIn(b.cfg.ConfigDir, "analyzers/F1"); got != "<none>" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A folder that somebody else made stays until its owner has moved it.
func TestForeignFolderStays(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	write(t, b.path("analyzers/F1/mine.txt"), "mine")
	b.run()
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.folder("F1", "fox")}})
	b.taken(o, "said", func(r *searchpack.Report) bool {
		return len(r.Files) == 1 && strings.Contains(r.Files[0].Error, "which Searchpack did not make: move it away")
	})
	if got := liesIn(b.cfg.ConfigDir, "analyzers/F1"); got != "mine.txt: mine" {
		t.Errorf("the folder holds %q", got)
	}
	if err := os.RemoveAll(b.path("analyzers/F1")); err != nil {
		t.Fatal(err)
	}
	b.taken(o, "placed", func(r *searchpack.Report) bool { return showsFolder(t, r, searchpack.FileLive, "fox") })
}

// Nor can an order hide a folder that somebody else made, and then have it removed as Searchpack's own.
func TestForeignFolderIsNotHidden(t *testing.T) {
	t.Parallel()
	for _, placed := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the place of a file of Searchpack's %v", placed), func(t *testing.T) {
			t.Parallel()
			b := newSite(t).node(nil).run()
			if placed {
				o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "a, b\n")}})
				b.taken(o, "a file is live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
				if err := os.Remove(b.path("analyzers/F1")); err != nil {
					t.Fatal(err)
				}
			}
			write(t, b.path("analyzers/F1/mine.txt"), "mine")
			for _, state := range []searchpack.FileState{searchpack.FileHidden, searchpack.FileRemoved} {
				o := b.order(searchpack.Order{Files: []searchpack.FileOrder{{PackageID: "F1", State: state}}})
				b.taken(o, string(state), func(r *searchpack.Report) bool {
					return len(r.Files) == 1 && r.Files[0].Error != ""
				})
				if got := liesIn(b.cfg.ConfigDir, "analyzers/F1"); got != "mine.txt: mine" {
					t.Errorf("%s: the folder holds %q", state, got)
				}
			}
		})
	}
}
