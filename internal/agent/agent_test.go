package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
)

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestCandidateThenLiveThenHiddenThenRemoved(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	one, two := b.live("F1", "one => 1\n"), b.live("F1", "two => 2\n")

	o := b.order(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: one.Digest, Size: one.Size}}})
	b.taken(o, "the candidate is ready", func(r *searchpack.Report) bool {
		return len(r.Candidates) == 1 && r.Candidates[0].Ready && r.Candidates[0].Fetched == one.Size
	})
	if got := b.lies(searchpack.CandidatePath(one.Digest)); got != "one => 1\n" {
		t.Errorf("candidate: %q", got)
	}
	if got := b.lies("analyzers/F1"); got != "<none>" {
		t.Errorf("a candidate is live: %q", got)
	}

	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{one}, Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: two.Digest, Size: two.Size}}})
	b.taken(o, "v1 is live and v2 ready", func(r *searchpack.Report) bool {
		return shows(r, "F1", searchpack.FileLive, "one => 1\n") && len(r.Candidates) == 1 && r.Candidates[0].Ready
	})
	if got := b.lies(searchpack.CandidatePath(one.Digest)); got != "<none>" {
		t.Errorf("a candidate that is no longer ordered stays: %q", got)
	}
	info, err := os.Stat(b.path("analyzers/F1"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v: want that of opensearch.yml", info.Mode(), err)
	}

	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{two}})
	b.taken(o, "v2 is live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "two => 2\n") })
	b.site.stop() // the way back needs no server: the former version is kept

	if !(&localStore{tree: b.stateTree()}).has(one.Digest, one.Size) {
		t.Error("the former version is not in the local store")
	}
	b.site.start(strings.TrimPrefix(b.url, "https://"))

	hidden := searchpack.FileOrder{PackageID: "F1", State: searchpack.FileHidden}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{hidden}})
	b.taken(o, "hidden", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileHidden, "two => 2\n") })
	if b.lies("analyzers/F1") != "<none>" || b.lies(searchpack.HiddenPath("F1")) != "two => 2\n" {
		t.Error("not hidden on disk")
	}

	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{two}})
	b.taken(o, "unhidden", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "two => 2\n") })
	if b.lies(searchpack.HiddenPath("F1")) != "<none>" {
		t.Error("the hidden name stays")
	}

	b.order(searchpack.Order{Files: []searchpack.FileOrder{hidden}})
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileRemoved}}})
	b.taken(o, "removed", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileRemoved, "") })
	if b.lies("analyzers/F1") != "<none>" || b.lies(searchpack.HiddenPath("F1")) != "<none>" {
		t.Error("not removed on disk")
	}
	if r := b.agent().Report; len(r.Incidents) != 0 {
		t.Errorf("ordinary work made incidents: %s", jsonOf(r.Incidents))
	}
}

func (b *beside) stateTree() *tree {
	b.t.Helper()
	tr, err := openTree(b.cfg.StateDir, func(string) {})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(tr.close)
	return tr
}

func TestDamageIsMendedWithoutTheServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	f := b.live("F1", "a, b\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
	b.eventually("kept locally", func() bool { return (&localStore{tree: b.stateTree()}).has(f.Digest, f.Size) })
	addr := strings.TrimPrefix(b.url, "https://")
	b.site.stop()

	file := b.path("analyzers/F1")
	mended := func(what string) {
		t.Helper()
		b.eventually(what, func() bool { return b.lies("analyzers/F1") == "a, b\n" })
	}
	write(t, file, "a, c\n") // in place, the same size
	mended("changed")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	mended("deleted")
	if err := errFirst(os.Remove(file), os.Symlink("/etc/hostname", file)); err != nil {
		t.Fatal(err)
	}
	mended("replaced by a link")
	if err := errFirst(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	mended("replaced by a pipe")
	if err := os.RemoveAll(b.path("analyzers")); err != nil {
		t.Fatal(err)
	}
	mended("the folder deleted")

	b.site.start(addr)
	b.eventually("the server has the incidents, and the agent forgets them", func() bool {
		var got []*searchpack.NodeIncident
		_ = b.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
			got, err = tx.Incidents(context.Background(), testDomain, 20)
			return err
		})
		kinds := map[searchpack.IncidentKind]int{}
		for _, i := range got {
			if !i.Healed || i.Wanted != f.Digest || i.HealedAt.Before(i.At) {
				return false
			}
			kinds[i.Kind]++
		}
		st, err := Status(b.cfg.StateDir)
		return err == nil && len(st.Incidents) == 0 && kinds[searchpack.IncidentChanged] >= 2 && kinds[searchpack.IncidentMissing] >= 1
	})
}

// A file that OpenSearch cannot read is as bad as one with other bytes: at the next start it would
// leave shards unassigned.
func TestRightsAreMended(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	b.runWith(b.live("F1", "a, b\n"))
	file := b.path("analyzers/F1")
	rights := func() (fs.FileMode, int, int) {
		info, err := os.Lstat(file)
		if err != nil {
			return 0, -1, -1
		}
		uid, gid := ownerOf(info)
		return info.Mode(), uid, gid
	}
	mode, uid, gid := rights()
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Lchown(file, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	b.eventually("mended", func() bool {
		m, u, g := rights()
		return m == mode && u == uid && g == gid
	})
	if got := b.lies("analyzers/F1"); got != "a, b\n" {
		t.Errorf("it holds %q", got)
	}
	b.incident("that", func(i *searchpack.NodeIncident) bool {
		return i.Kind == searchpack.IncidentRights && i.Found == i.Wanted && i.Healed && !i.HealedAt.Before(i.At)
	})
}

// incident waits until the server has one of that kind, and returns it.
func (b *beside) incident(what string, ok func(*searchpack.NodeIncident) bool) *searchpack.NodeIncident {
	b.t.Helper()
	var found *searchpack.NodeIncident
	b.eventually("an incident: "+what, func() bool {
		var all []*searchpack.NodeIncident
		_ = b.store.View(context.Background(), func(tx searchpack.Tx) (err error) {
			all, err = tx.Incidents(context.Background(), testDomain, 0)
			return err
		})
		for _, i := range all {
			if found = i; ok(i) {
				return true
			}
		}
		return false
	})
	return found
}

// Mending writes nothing new to the state folder, so it goes on while that cannot be written to.
func TestMendingNeedsNoRoomForState(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	b.runWith(b.live("F1", "a, b\n"))
	b.eventually("noted", func() bool {
		st, err := Status(b.cfg.StateDir)
		return err == nil && len(st.Unconfirmed) == 0 && len(st.Files) == 1
	})
	// As a full disk: the journal cannot be replaced.
	if err := os.MkdirAll(filepath.Join(b.cfg.StateDir, stateName+".tmp", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, b.path("analyzers/F1"), "a, c\n")
	b.eventually("mended", func() bool { return b.lies("analyzers/F1") == "a, b\n" })
}

func errFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestDamagedLocalStoreIsFetchedAgain(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	f := b.live("F1", "a, b\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "a, b\n") })
	local := filepath.Join(b.cfg.StateDir, blobName(f.Digest))
	b.eventually("kept locally", func() bool { _, err := os.Stat(local); return err == nil })
	write(t, local, "x, y\n")
	write(t, b.path("analyzers/F1"), "x, z\n")
	b.eventually("mended from the server", func() bool { return b.lies("analyzers/F1") == "a, b\n" })
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	write(t, b.path("analyzers/F1"), "mine\n")
	write(t, b.path("analyzers/F2"), "mine too\n")
	write(t, b.path("analyzers/own.txt"), "x\n")
	write(t, b.path("analyzers/.searchpack/notes"), "y\n")
	write(t, b.path("analyzers/.searchpack/F9.gone"), "z\n")
	b.run()
	f := b.live("F1", "theirs\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f, {PackageID: "F2", State: searchpack.FileRemoved}}})
	r := b.taken(o, "F1 is live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "theirs\n") })
	if i := slices.IndexFunc(r.Files, func(f searchpack.FileReport) bool { return f.PackageID == "F2" }); i < 0 || r.Files[i].Error == "" || r.Files[i].State != searchpack.FileLive {
		t.Errorf("F2: %s", jsonOf(r.Files))
	}
	for name, want := range map[string]string{
		"analyzers/F2": "mine too\n", "analyzers/own.txt": "x\n", "analyzers/.searchpack/notes": "y\n", "analyzers/.searchpack/F9.gone": "z\n",
	} {
		if got := b.lies(name); got != want {
			t.Errorf("%s was touched: %q", name, got)
		}
	}
	kept, err := os.ReadFile(filepath.Join(b.cfg.StateDir, foreignName, "F1-"+string(searchpack.DigestOf([]byte("mine\n")))))
	if err != nil || string(kept) != "mine\n" {
		t.Errorf("the foreign bytes are lost: %q %v", kept, err)
	}
}

func TestHostileOrdersAreRefusedWhole(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	good := b.live("F1", "ok\n")
	bad := good
	bad.PackageID = "../../escape"
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{good, bad}})
	b.eventually("the agent says why", func() bool {
		r := b.agent().Report
		return len(r.Problems) == 1 && strings.Contains(r.Problems[0], "escape")
	})
	if r := b.agent().Report; r.Generation >= o.Generation || b.lies("analyzers/F1") != "<none>" {
		t.Errorf("half an order was carried out: generation %d", r.Generation)
	}
	o = b.order(searchpack.Order{Files: []searchpack.FileOrder{good}})
	r := b.taken(o, "an honest order again", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "ok\n") })
	if len(r.Problems) != 0 {
		t.Errorf("problems: %v", r.Problems)
	}
}

func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	outside := t.TempDir()
	if err := os.Symlink(outside, b.path("analyzers")); err != nil {
		t.Fatal(err)
	}
	b.run()
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "x\n")}})
	b.taken(o, "it says so", func(r *searchpack.Report) bool {
		return len(r.Files) == 1 && r.Files[0].Error != "" && len(r.Problems) > 0 && strings.Contains(r.Problems[0], "link out of")
	})
	if names, err := os.ReadDir(outside); err != nil || len(names) != 0 {
		t.Errorf("written outside: %v %v", names, err)
	}
}

// cutBlobs breaks every download off after n bytes.
func cutBlobs(n int64, served *atomic.Int64, ranges *atomic.Int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, agentapi.PathBlobs) {
				next.ServeHTTP(w, r)
				return
			}
			served.Add(1)
			if r.Header.Get("Range") != "" {
				ranges.Add(1)
			}
			next.ServeHTTP(&cutWriter{ResponseWriter: w, left: n}, r)
		})
	}
}

type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= int64(len(b))
	return c.ResponseWriter.Write(b)
}

func TestDownloadsGoOnWhereTheyBrokeOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(nil).run()
	f := b.live("F1", big)
	var served, ranges atomic.Int64
	s.between(cutBlobs(f.Size/4, &served, &ranges))
	o := b.order(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: f.Digest, Size: f.Size}}})
	b.taken(o, "ready after several pieces", func(r *searchpack.Report) bool { return len(r.Candidates) == 1 && r.Candidates[0].Ready })
	if served.Load() < 4 || ranges.Load() < 3 {
		t.Errorf("%d downloads, %d of them parts", served.Load(), ranges.Load())
	}
}

func TestWrongBytesNeverBecomeACandidate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(nil).run()
	f := b.live("F1", big)
	lies := func(body string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, agentapi.PathBlobs) {
					next.ServeHTTP(w, r)
					return
				}
				w.Header().Set(agentapi.ProtocolHeader, "1")
				w.WriteHeader(http.StatusOK)
				for range 3 { // without a length, perhaps for ever
					if _, err := w.Write([]byte(body)); err != nil {
						return
					}
				}
			})
		}
	}
	s.between(lies(strings.Replace(big, "laptop", "tablet", 1)))
	o := b.order(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: f.Digest, Size: f.Size}}})
	b.taken(o, "the error is told", func(r *searchpack.Report) bool {
		return len(r.Candidates) == 1 && !r.Candidates[0].Ready && strings.Contains(r.Candidates[0].Error, "digest")
	})
	if b.lies(searchpack.CandidatePath(f.Digest)) != "<none>" {
		t.Error("wrong bytes lie under the candidate's name")
	}
	s.between(nil)
	b.taken(o, "an honest server again", func(r *searchpack.Report) bool { return r.Candidates[0].Ready && r.Candidates[0].Error == "" })
}

func TestSecondAgentSaysSo(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	second, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another agent") || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("err = %v", err)
	}
}

func (b *beside) sync() error {
	b.t.Helper()
	a, err := New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	return a.SyncOnce(b.t.Context())
}

// runWith starts an agent and waits until the file is live and kept locally.
func (b *beside) runWith(f searchpack.FileOrder) {
	b.t.Helper()
	b.run()
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return len(r.Files) == 1 && r.Files[0].Digest == f.Digest })
	b.eventually("kept locally", func() bool { return (&localStore{tree: b.stateTree()}).has(f.Digest, f.Size) })
}

func TestSyncOnceBesideARunningAgent(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	b.runWith(b.live("F1", "one\n"))
	if err := os.Remove(b.path("analyzers/F1")); err != nil {
		t.Fatal(err)
	}
	if err := b.sync(); err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("%v, %q: it waits for the other agent", err, b.lies("analyzers/F1"))
	}
}

func TestSyncOnceWithTheServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	f, g, c := b.live("F1", "one\n"), b.live("F3", "three\n"), b.live("F2", "two\n")
	b.runWith(f)
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.order(searchpack.Order{Files: []searchpack.FileOrder{f, g}, Candidates: []searchpack.Candidate{{PackageID: "F2", Digest: c.Digest, Size: c.Size}}})
	if err := b.sync(); err != nil || b.lies("analyzers/F3") != "three\n" {
		t.Errorf("the newest order: %v, %q", err, b.lies("analyzers/F3"))
	}
	if b.lies(searchpack.CandidatePath(c.Digest)) != "<none>" {
		t.Error("sync fetched a candidate")
	}
}

func TestSyncOnceWithoutTheServer(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	f := b.live("F1", "one\n")
	b.runWith(f)
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.site.stop()
	s0 := b.now().Truncate(time.Second)
	write(t, b.path("analyzers/F1"), "damaged\n")
	if err := b.sync(); err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("what was said last: %v, %q", err, b.lies("analyzers/F1"))
	}
	write(t, b.path("analyzers/F1"), "damaged\n")
	if err := os.Remove(filepath.Join(b.cfg.StateDir, blobName(f.Digest))); err != nil {
		t.Fatal(err)
	}
	if err := b.sync(); err == nil || !strings.Contains(err.Error(), "F1 v1") {
		t.Errorf("without the bytes: %v", err)
	}
	st, err := Status(b.cfg.StateDir)
	if err != nil || st.Running || st.AgentID == "" || *st.Domain != testDomain || len(st.Files) != 1 || st.SyncedAt == nil || s0.After(*st.SyncedAt) {
		t.Errorf("status %s, %v", jsonOf(st), err)
	}
}

func TestSyncOnceOnAFreshNode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(func(c *Config) { c.Server = "https://127.0.0.1:1" })
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SyncOnce(t.Context()); err != nil {
		t.Errorf("a node that was never told anything does not start: %v", err)
	}
}

func TestRetiredAgentGoesOnServing(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	f := b.live("F1", "one\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "one\n") })
	b.eventually("kept locally", func() bool { return (&localStore{tree: b.stateTree()}).has(f.Digest, f.Size) })
	b.update(func(tx searchpack.Tx) error {
		a := b.agent().Agent
		a.RetiredAt = time.Now()
		return tx.PutAgent(context.Background(), &a)
	})
	if err := os.Remove(b.path("analyzers/F1")); err != nil {
		t.Fatal(err)
	}
	b.eventually("still mended", func() bool { return b.lies("analyzers/F1") == "one\n" })
	if err := b.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.node(nil).run()
	first, err := Status(b.cfg.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	id := b.agent().ID
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	s.later(30 * 24 * time.Hour) // the node was switched off for a month
	b.start()
	b.eventually("it is back as the same agent", func() bool {
		st, err := Status(b.cfg.StateDir)
		a := b.agent()
		return err == nil && st.CertUntil.After(*first.CertUntil) && a.ID == id && s.now().Sub(a.ReportedAt) < time.Hour
	})
}

func TestKilledBetweenEnrolmentAndItsNote(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	id := b.agent().ID
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.cfg.StateDir, identityName)); err != nil {
		t.Fatal(err)
	}
	b.run()
	if all := b.agents(); len(all) != 1 || all[0].ID != id {
		t.Errorf("agents: %s", jsonOf(all))
	}
}

func TestStateFolderIsLostOrDamaged(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil).run()
	f := b.live("F1", "one\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	before := b.taken(o, "live", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "one\n") })
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(b.cfg.StateDir, stateName), `{"schema":1,"epo`)
	b.start()
	after := b.taken(o, "adopted without an incident", func(r *searchpack.Report) bool {
		return r.Epoch > before.Epoch && shows(r, "F1", searchpack.FileLive, "one\n")
	})
	if len(after.Incidents) != 0 {
		t.Errorf("incidents: %s", jsonOf(after.Incidents))
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := Config{Server: "https://x:1", ConfigDir: dir, StateDir: filepath.Join(dir, "s"), FilesOnly: true}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*Config){
		"no server":       func(c *Config) { c.Server = "" },
		"relative state":  func(c *Config) { c.StateDir = "s" },
		"no folder":       func(c *Config) { c.ConfigDir = filepath.Join(dir, "none") },
		"nothing beside":  func(c *Config) { c.FilesOnly = false },
		"a path as name":  func(c *Config) { c.Name = "a/b" },
		"relative config": func(c *Config) { c.ConfigDir = "." },
	} {
		c := good
		edit(&c)
		if _, err := New(c); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
