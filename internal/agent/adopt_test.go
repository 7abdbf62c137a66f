package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack"
)

const there = "analysis/synonyms.txt"

// adopter is a node whose analysis folder may be adopted from, with a file in it.
func adopter(t *testing.T, content string) *beside {
	t.Helper()
	b := newSite(t).node(func(c *Config) { c.Adopt = []string{"analysis", "words.txt"} })
	write(t, b.path(there), content)
	if err := os.Chmod(b.path(there), 0o604); err != nil {
		t.Fatal(err)
	}
	return b.run()
}

// at is a file order with a path.
func at(f searchpack.FileOrder, state searchpack.FileState, path string) searchpack.FileOrder {
	f.State, f.Path = state, path
	if state == searchpack.FileReleased {
		f.Digest, f.Size = "", 0
	}
	return f
}

func fileOf(r *searchpack.Report, id string) searchpack.FileReport {
	for _, f := range r.Files {
		if f.PackageID == id {
			return f
		}
	}
	return searchpack.FileReport{}
}

// identityOf is what a change on disk would change.
func identityOf(t *testing.T, file string) fileID {
	t.Helper()
	info, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	return idOf(info)
}

func TestAdoptionTouchesNothing(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	before := identityOf(t, b.path(there))
	f := b.live("F1", "a, b\n")
	other := b.live("F2", "c, d\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(f, searchpack.FileAdopt, there)}})
	r := b.taken(o, "looked at", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileAdopt, "a, b\n") })
	if got := fileOf(r, "F1"); got.Path != there {
		t.Errorf("reported as %+v", got)
	}
	// Other bytes, and none, are told and left.
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{
		at(other, searchpack.FileAdopt, there), at(f, searchpack.FileAdopt, "analysis/none.txt"),
	}})
	r = b.taken(o, "told apart", func(r *searchpack.Report) bool { return shows(r, "F2", searchpack.FileAdopt, "a, b\n") })
	if got := fileOf(r, "F1"); got.State != searchpack.FileAdopt || got.Digest != "" || got.Error != "" {
		t.Errorf("a file that is not there is reported as %+v", got)
	}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{at(f, searchpack.FileLive, there)}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
	if now := identityOf(t, b.path(there)); now != before {
		t.Errorf("the file was touched: %+v, then %+v", before, now)
	}
	if b.lies("analyzers/F1") != "<none>" || len(b.agent().Report.Incidents) != 0 {
		t.Errorf("analyzers/F1: %s, incidents %v", b.lies("analyzers/F1"), b.agent().Report.Incidents)
	}
}

func TestAdoptedFileIsKeptUpdatedAndReleased(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	one, two := b.live("F1", "a, b\n"), b.live("F1", "a, b, c\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(one, searchpack.FileLive, there)}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
	b.eventually("kept locally", func() bool { return (&localStore{tree: b.stateTree()}).has(one.Digest, one.Size) })

	write(t, b.path(there), "x, y\n")
	b.eventually("mended", func() bool { return b.lies(there) == "a, b\n" })
	if err := os.RemoveAll(b.path("analysis")); err != nil {
		t.Fatal(err)
	}
	b.eventually("made anew with its folder", func() bool { return b.lies(there) == "a, b\n" })
	mode := func(want fs.FileMode) {
		t.Helper()
		if info, err := os.Stat(b.path(there)); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode %v, want %v (%v)", info.Mode(), want, err)
		}
	}
	mode(0o604)
	if err := os.Chmod(b.path(there), 0o640); err != nil { // whoever laid it decides
		t.Fatal(err)
	}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{at(two, searchpack.FileLive, there)}})
	b.taken(o, "updated", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b, c\n") })
	mode(0o640)
	names, err := os.ReadDir(b.path("analysis"))
	if err != nil || len(names) != 1 {
		t.Errorf("the folder holds %v (%v)", names, err)
	}

	before := identityOf(t, b.path(there))
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{at(two, searchpack.FileReleased, there)}})
	b.taken(o, "released", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileReleased, "") })
	o = b.order(searchpack.Order{})
	b.taken(o, "forgotten", func(r *searchpack.Report) bool { return len(r.Files) == 0 })
	if now := identityOf(t, b.path(there)); now != before {
		t.Error("the release touched the file")
	}
	write(t, b.path(there), "mine again\n")
	o = b.order(searchpack.Order{Speaker: true})
	b.taken(o, "another order", func(*searchpack.Report) bool { return true })
	if b.lies(there) != "mine again\n" {
		t.Error("a released file is mended")
	}
}

// A node that comes late has what somebody else laid there: it gets what serves, and what it had is kept.
func TestAdoptedFileOnALateNode(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	two := b.live("F1", "a, b, c\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(two, searchpack.FileLive, there)}})
	r := b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b, c\n") })
	b.eventually("an incident", func() bool { r = b.agent().Report; return len(r.Incidents) == 1 && r.Incidents[0].Healed })
	kept := filepath.Join(b.cfg.StateDir, foreignName, "F1-"+string(searchpack.DigestOf([]byte("a, b\n"))))
	if raw, err := os.ReadFile(kept); err != nil || string(raw) != "a, b\n" {
		t.Errorf("what lay there: %q, %v", raw, err)
	}
}

func TestTheNodeSaysWhatMayBeAdopted(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	write(t, b.path("other/synonyms.txt"), "a, b\n")
	write(t, b.path("words.txt"), "a, b\n")
	write(t, b.path("opensearch-security/internal_users"), "a, b\n")
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, b.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	link("../opensearch.yml", "analysis/link.txt")
	link("../opensearch-security", "analysis/folder")
	link(b.cfg.StateDir, "analysis/out")
	if err := syscall.Mkfifo(b.path("analysis/pipe.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"other/synonyms.txt":             "start it with --adopt other/synonyms.txt, or --adopt other for all in that folder",
		"analysis2/synonyms.txt":         "--adopt analysis2",
		"analysis/link.txt":              "analysis/link.txt is a link",
		"analysis/folder/internal_users": "analysis/folder is a link",
		"analysis/out/state.txt":         "analysis/out is a link",
		"analysis/pipe.txt":              "no regular file",
		"words.txt/x":                    "words.txt is no folder",
	} {
		for _, state := range []searchpack.FileState{searchpack.FileAdopt, searchpack.FileLive} {
			f := at(b.live("F1", "a, b\n"), state, path)
			o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
			r := b.taken(o, path, func(r *searchpack.Report) bool { return len(r.Files) == 1 })
			got := fileOf(r, "F1")
			if !got.Refused || !strings.Contains(got.Error, says) || got.Digest != "" || len(r.Problems) == 0 || r.Problems[0] != got.Error {
				t.Errorf("%s %s: %s", state, path, jsonOf(r))
			}
		}
	}
	if b.lies("opensearch.yml") != "cluster.name: t\n" || b.lies("opensearch-security/internal_users") != "a, b\n" {
		t.Error("somebody else's file was touched")
	}
}

func TestOrdersWithPaths(t *testing.T) {
	t.Parallel()
	d := searchpack.DigestOf([]byte("x"))
	file := func(f searchpack.FileOrder) searchpack.Order {
		f.PackageID = "F1"
		return searchpack.Order{Schema: 2, Files: []searchpack.FileOrder{f}}
	}
	good := searchpack.FileOrder{State: searchpack.FileLive, Digest: d, Path: there}
	ok := file(good)
	ok.Probes = []searchpack.Probe{{ID: "p", PackageID: "F1", Path: there, Digest: d, Body: "{}", Control: "{}"}}
	if err := checkOrder(&ok); err != nil {
		t.Error(err)
	}
	edit := func(f func(*searchpack.FileOrder)) searchpack.Order {
		x := good
		f(&x)
		return file(x)
	}
	probed := ok
	probed.Probes = []searchpack.Probe{{ID: "p", PackageID: "F2", Path: there, Digest: d, Body: "{}", Control: "{}"}}
	twice := file(good)
	twice.Files = append(twice.Files, searchpack.FileOrder{PackageID: "F2", State: searchpack.FileLive, Digest: d, Path: there})
	old := file(good)
	old.Schema = 1
	for name, o := range map[string]searchpack.Order{
		"schema 1": old, "the same file twice": twice, "a probe of another package's": probed,
		"hidden":        edit(func(f *searchpack.FileOrder) { f.State = searchpack.FileHidden }),
		"removed":       edit(func(f *searchpack.FileOrder) { f.State = searchpack.FileRemoved }),
		"no digest":     edit(func(f *searchpack.FileOrder) { f.Digest = "" }),
		"a folder":      edit(func(f *searchpack.FileOrder) { f.Tree = true }),
		"out":           edit(func(f *searchpack.FileOrder) { f.Path = "../x.txt" }),
		"absolute":      edit(func(f *searchpack.FileOrder) { f.Path = "/etc/x.txt" }),
		"a key":         edit(func(f *searchpack.FileOrder) { f.Path = "certs/node.pem" }),
		"configuration": edit(func(f *searchpack.FileOrder) { f.Path = "opensearch.yml" }),
		"candidates":    edit(func(f *searchpack.FileOrder) { f.Path = searchpack.CandidatePath(d) }),
		"a package's":   edit(func(f *searchpack.FileOrder) { f.Path = "analyzers/F2" }),
		"adopt without": edit(func(f *searchpack.FileOrder) { f.State, f.Path = searchpack.FileAdopt, "" }),
		"release without": edit(func(f *searchpack.FileOrder) {
			f.State, f.Path = searchpack.FileReleased, ""
		}),
	} {
		if err := checkOrder(&o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// An agent from before adoption reads schema 1 only, of orders and of its state: so it can neither be told
// of an adopted file nor take over a state folder that knows one.
func TestOlderAgentsRefuseAdoptedFiles(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	schema := func() int {
		var rec struct{ Schema int }
		raw, err := os.ReadFile(filepath.Join(b.cfg.StateDir, stateName))
		if err := errors.Join(err, json.Unmarshal(raw, &rec)); err != nil {
			t.Fatal(err)
		}
		return rec.Schema
	}
	if got := schema(); got != 1 {
		t.Errorf("the state of an agent without adopted files has schema %d", got)
	}
	f := b.live("F1", "a, b\n")
	for _, state := range []searchpack.FileState{searchpack.FileAdopt, searchpack.FileLive} {
		o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(f, state, there)}})
		b.taken(o, "taken in", func(r *searchpack.Report) bool { return shows(r, "F1", state, "") })
		if got := schema(); got != schemaPaths {
			t.Errorf("%s: the state has schema %d", state, got)
		}
	}
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(f, searchpack.FileReleased, there)}})
	b.taken(o, "released", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileReleased, "") })
	o = b.order(searchpack.Order{})
	b.taken(o, "forgotten", func(r *searchpack.Report) bool { return len(r.Files) == 0 })
	if got := schema(); got != 1 {
		t.Errorf("the state has schema %d when nothing is adopted any more", got)
	}
}

// Of a package that was adopted and is then associated as usual, and the other way round, each file keeps
// to its own place, and what lies at the other is left.
func TestAdoptedAndPlacedFilesAreTwo(t *testing.T) {
	t.Parallel()
	b := adopter(t, "a, b\n")
	one := b.live("F1", "a, b\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{at(one, searchpack.FileLive, there)}})
	b.taken(o, "adopted", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{one}})
	b.taken(o, "placed", func(r *searchpack.Report) bool {
		return shows(r, "F1", searchpack.FileLive, "a, b\n") && fileOf(r, "F1").Path == ""
	})
	if b.lies("analyzers/F1") != "a, b\n" || b.lies(there) != "a, b\n" {
		t.Errorf("%q and %q", b.lies("analyzers/F1"), b.lies(there))
	}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileRemoved}}})
	b.taken(o, "removed", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileRemoved, "") })
	if b.lies("analyzers/F1") != "<none>" || b.lies(there) != "a, b\n" {
		t.Errorf("after the removal: %q and %q", b.lies("analyzers/F1"), b.lies(there))
	}
}

func TestAdoptableIsChecked(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", ".", "/etc", "..", "analysis/", "./analysis", "opensearch.yml", "opensearch-security", "jvm.options.d", "a\\b", ".hidden"} {
		b := newSite(t).node(func(c *Config) { c.Adopt = []string{p} })
		if _, err := New(b.cfg); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%q: %v", p, err)
		}
	}
}
