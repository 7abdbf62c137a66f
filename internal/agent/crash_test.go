package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// The child process syncs a prepared node and kills itself (SIGKILL: no defer runs, nothing is
// flushed) at the step that its environment names.
const (
	crashDirEnv  = "SEARCHPACK_TEST_CRASH_DIR"
	crashStepEnv = "SEARCHPACK_TEST_CRASH_STEP"
)

func crashChild(dir string) {
	at, err := strconv.Atoi(os.Getenv(crashStepEnv))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	n := 0
	err = syncPrepared(dir, func(string) {
		if n++; n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal comes
		}
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func syncPrepared(dir string, step func(string)) error {
	_, err := os.Stat(filepath.Join(dir, noExchangeMark))
	a, err := New(Config{
		noExchange: err == nil,
		Server:     "https://127.0.0.1:1", FilesOnly: true, Name: "n1",
		Adopt:     []string{"analysis"},
		ConfigDir: filepath.Join(dir, "config"), StateDir: filepath.Join(dir, "state"), step: step,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return a.SyncOnce(ctx)
}

// What the prepared node has before and must have afterwards: F1 goes from v1 to v2 by its
// candidate, F2 by a copy from the local store, F3 is to be hidden, F4 removed, F5 comes back from
// being hidden, F6 is new, F7 was damaged behind the agent's back. F8 was adopted and goes to v2, F9 is
// adopted now, F10 is released in the middle of an update.
func prepareCrash(t *testing.T, dir string) {
	t.Helper()
	digest := func(s string) searchpack.Digest { return searchpack.DigestOf([]byte(s)) }
	live := func(id, s string) searchpack.FileOrder {
		return searchpack.FileOrder{PackageID: id, State: searchpack.FileLive, Version: 2, Digest: digest(s), Size: int64(len(s))}
	}
	conf := func(name, s string) { write(t, filepath.Join(dir, "config", name), s) }
	conf("opensearch.yml", "")
	for _, id := range []string{"F1", "F2", "F3"} {
		conf("analyzers/"+id, "v1")
	}
	conf("analyzers/F7", "damaged")
	conf(searchpack.CandidatePath(digest("v2")), "v2")
	conf(searchpack.HiddenPath("F4"), "v1")
	conf(searchpack.HiddenPath("F5"), "v1")
	for _, name := range []string{"f8", "f9", "f10"} {
		conf("analysis/"+name, "v1")
	}
	conf("analysis/.searchpack-F10.new", "v")
	for _, s := range []string{"v1", "v2", "w2", "new", "v7"} {
		write(t, filepath.Join(dir, "state", blobName(digest(s))), s)
	}
	was := placed{State: searchpack.FileLive, Digest: digest("v1"), Size: 2}
	hidden := placed{State: searchpack.FileHidden, Former: digest("v1")}
	kept := func(id string) placed {
		p := was
		p.Path, p.Rights = "analysis/f"+id[1:], fileRights{Mode: 0o604, UID: os.Getuid(), GID: os.Getgid()}
		return p
	}
	rec := record{
		Schema: schemaPaths, Epoch: 5,
		Order: searchpack.Order{Schema: searchpack.OrderSchemaPaths, Generation: 3,
			Files: []searchpack.FileOrder{
				live("F1", "v2"), live("F2", "w2"),
				{PackageID: "F3", State: searchpack.FileHidden}, {PackageID: "F4", State: searchpack.FileRemoved},
				live("F5", "v1"), live("F6", "new"), live("F7", "v7"),
				at(live("F8", "v2"), searchpack.FileLive, "analysis/f8"), at(live("F9", "v1"), searchpack.FileLive, "analysis/f9"),
				at(live("F10", ""), searchpack.FileReleased, "analysis/f10"),
			},
			Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: digest("v2"), Size: 2}},
		},
		Placed: map[string]placed{
			"F1": was, "F2": was, "F3": was, "F4": hidden, "F5": hidden,
			"F7": {State: searchpack.FileLive, Digest: digest("v7"), Size: 2},
			"F8": kept("F8"), "F10": kept("F10"),
		},
	}
	raw, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "state", stateName), string(raw))
}

// memoryDir is a folder without a disk behind it where there is one: a kill, unlike a power cut, does
// not depend on what is synced, and hundreds of syncs take long on a busy disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "searchpack-test-") // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// allowed lists what may lie under each final name at any moment.
var allowed = map[string][]string{
	"analyzers/F1": {"v1", "v2"}, "analyzers/F2": {"v1", "w2"}, "analyzers/F3": {"v1", ""}, "analyzers/F4": {""},
	"analyzers/F5": {"v1", ""}, "analyzers/F6": {"new", ""}, "analyzers/F7": {"damaged", "v7"},
	"analysis/f8": {"v1", "v2"}, "analysis/f9": {"v1"}, "analysis/f10": {"v1"},
}

func content(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, "config", name))
	if err != nil {
		return ""
	}
	return string(b)
}

func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	kills := 0
	for at := 1; ; at++ {
		dir := memoryDir(t)
		prepareCrash(t, dir)
		killed := killAt(t, dir, at)
		for name, may := range allowed {
			if got := content(dir, name); !strings.Contains(" "+strings.Join(may, " , ")+" ", " "+got+" ") {
				t.Errorf("killed at step %d: %s holds %q", at, name, got)
			}
		}
		if got := content(dir, "analyzers/F3") + content(dir, searchpack.HiddenPath("F3")); got != "v1" {
			t.Errorf("killed at step %d: F3 is lost or doubled: %q", at, got)
		}
		if err := syncPrepared(dir, func(string) {}); err != nil {
			t.Errorf("killed at step %d: the next start: %v", at, err)
		}
		checkRecovered(t, dir, at)
		if !killed {
			break
		}
		kills++
	}
	if kills < 40 {
		t.Errorf("only %d steps: the hook is not called where it should be", kills)
	}
}

// checkRecovered checks that everything is as ordered, and nothing else is left.
func checkRecovered(t *testing.T, dir string, at int) {
	t.Helper()
	for name, want := range map[string]string{
		"analyzers/F1": "v2", "analyzers/F2": "w2", "analyzers/F3": "", searchpack.HiddenPath("F3"): "v1",
		"analyzers/F4": "", searchpack.HiddenPath("F4"): "", "analyzers/F5": "v1", searchpack.HiddenPath("F5"): "",
		"analyzers/F6": "new", "analyzers/F7": "v7",
		"analysis/f8": "v2", "analysis/f9": "v1", "analysis/f10": "v1", "analyzers/F8": "",
	} {
		if got := content(dir, name); got != want {
			t.Errorf("killed at step %d, then started: %s holds %q, want %q", at, name, got, want)
		}
	}
	names, err := os.ReadDir(filepath.Join(dir, "config", searchpack.CandidateDir))
	if err != nil || len(names) != 2 {
		t.Errorf("killed at step %d, then started: .searchpack holds %v (%v)", at, names, err)
	}
	if names, err = os.ReadDir(filepath.Join(dir, "config", "analysis")); err != nil || len(names) != 3 {
		t.Errorf("killed at step %d, then started: analysis holds %v (%v)", at, names, err)
	}
	st, err := Status(filepath.Join(dir, "state"))
	if err != nil || len(st.Unconfirmed) != 0 || len(st.Incidents) != 1 || !st.Incidents[0].Healed || st.Incidents[0].PackageID != "F7" {
		t.Errorf("killed at step %d, then started: %s %v", at, jsonOf(st), err)
	}
}
