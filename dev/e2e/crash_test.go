package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
)

// again kills the stack as kill -9 does, at this very moment, and starts it on the same data. What
// the killed one left must be gone, and the document must be the new one's.
func again(t *testing.T, u *up, args ...string) *up {
	t.Helper()
	before := u.document()
	u.signal(syscall.SIGKILL)
	nothingBelow(t, u.data) // the kernel ends the children of a killed stack
	next := start(t, u.data, args...)
	after := next.document()
	if after.PID != next.cmd.Process.Pid || after.PID == before.PID {
		t.Errorf("stack.json is of process %d, before %d, running is %d", after.PID, before.PID, next.cmd.Process.Pid)
	}
	for _, pid := range pids(before) {
		for _, now := range pids(after) {
			if pid == now {
				t.Errorf("stack.json still names process %d", pid)
			}
		}
	}
	return next
}

// dictionary gives size bytes of synonyms without holding them.
type dictionary struct{}

const dictionaryLine = "laptop, notebook, portable\n"

func (dictionary) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = dictionaryLine[(off+int64(i))%int64(len(dictionaryLine))]
	}
	return len(p), nil
}

// TestServerKilledDuringImport kills the server while it copies a large object, at another moment
// each time. Every package that CreatePackage has acknowledged is there, and in the end AVAILABLE
// with the object's bytes.
func TestServerKilledDuringImport(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	const size = 200_000_016 / int64(len(dictionaryLine)) * int64(len(dictionaryLine))
	_, store := clients(u.document())
	putObject(t, u, "small", []byte(dictionaryLine))
	if _, err := store.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("big"), Body: io.NewSectionReader(dictionary{}, 0, size)}); err != nil {
		t.Fatal(err)
	}
	var names []string
	interrupted := map[types.PackageStatus]int{}
	for i := range 6 {
		name := fmt.Sprintf("big-%d", i)
		es, _ := clients(u.document())
		in := createInput(name)
		in.PackageSource.S3Key = aws.String("big")
		if _, err := es.CreatePackage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		<-time.After(time.Duration(i*i) * 20 * time.Millisecond) // the moments to be hit: 0 to 500 ms
		u = again(t, u)
		list := packages(t, u)
		for _, name := range names {
			if list[name].PackageStatus == "" {
				t.Fatalf("after kill %d the package %s is lost", i+1, name)
			}
		}
		interrupted[list[name].PackageStatus]++
	}
	t.Logf("what the kills interrupted: %v", interrupted)
	if interrupted[types.PackageStatusCopying] == 0 {
		t.Error("no kill hit an import that was COPYING")
	}
	eventuallyWithin(t, 2*patience, func() string {
		list := packages(t, u)
		for _, name := range names {
			if list[name].PackageStatus != types.PackageStatusAvailable {
				return fmt.Sprintf("%s does not become AVAILABLE: %s", name, list[name].PackageStatus)
			}
		}
		return ""
	})
	want := digestOf(t, io.NewSectionReader(dictionary{}, 0, size))
	for _, name := range names {
		vs := versions(t, u, name)
		if len(vs) != 1 || vs[0].Version != "v1" || vs[0].Digest != want || vs[0].Size != size {
			t.Errorf("%s: %+v, want one version of %d bytes, %s", name, vs, size, want.Short())
		}
	}
	wholeBlobsOnly(t, u)
}

func digestOf(t *testing.T, r io.Reader) searchpack.Digest {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return searchpack.Digest(hex.EncodeToString(h.Sum(nil)))
}

// packages lists all packages by name.
func packages(t *testing.T, u *up) map[string]types.PackageDetails {
	t.Helper()
	es, _ := clients(u.document())
	byName := map[string]types.PackageDetails{}
	pages := opensearch.NewDescribePackagesPaginator(es, &opensearch.DescribePackagesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.PackageDetailsList {
			byName[aws.ToString(p.PackageName)] = p
		}
	}
	return byName
}

type packageVersion struct {
	Version       string            `json:"version"`
	Status        string            `json:"status"`
	Digest        searchpack.Digest `json:"digest"`
	Size          int64             `json:"size"`
	CommitMessage string            `json:"commit_message"`
}

// versions is `searchpack versions NAME --output json`.
func versions(t *testing.T, u *up, name string) []packageVersion {
	t.Helper()
	code, out := cli(t, u, "versions", name, "--output", "json")
	var v struct{ Versions []packageVersion }
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
		t.Fatalf("versions: %d %v\n%s", code, err, out)
	}
	return v.Versions
}

// wholeBlobsOnly checks that every file that the blob store shows under a digest has it.
func wholeBlobsOnly(t *testing.T, u *up) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(u.data, "server", "blobs", "blobs", "*", "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no blobs: %v", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := digestOf(t, f); string(d) != filepath.Base(name) {
			t.Errorf("%s holds %s", name, d)
		}
		_ = f.Close()
	}
}

// life is a package that lives through the kills of its server, and what was acknowledged of it.
type life struct {
	*pack
	version int    // asked for last
	want    string // "associated", "dissociated", "": never associated
	w       *watcher
}

// TestServerKilledDuringRollouts kills the server at random moments of imports, rollouts and
// dissociations. What was acknowledged is never lost and always ends, and no reader of a final file
// ever sees anything but whole versions.
func TestServerKilledDuringRollouts(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "3")
	l := &life{pack: newPack(t, u, "synonyms", fillerLines), version: 1}
	l.w = watch(t, l.pack, true)
	steps := []func(*life, *testing.T){
		(*life).associates, (*life).updates, (*life).rollsOut, (*life).dissociates,
		(*life).associates, (*life).rollsOut, (*life).rollsOut, (*life).dissociates,
		(*life).associates, (*life).rollsOut, (*life).rollsOut, (*life).rollsOut,
	}
	var kills []time.Time
	for i, step := range steps {
		step(l, t)
		moment := time.Duration(rand.IntN(20*(i+1))) * time.Millisecond // a rollout here takes some 100 ms
		<-time.After(moment)
		kills = append(kills, time.Now())
		l.u = again(t, l.u, "--domain", "demo", "--nodes", "3")
		l.check(t, fmt.Sprintf("kill %d, %v after the answer", i+1, moment))
		if i%3 == 2 { // else the next step waits only for what it needs
			l.converges(t)
		}
	}
	l.converges(t)
	l.w.end(t)
	l.allEnded(t, kills)
	explainFailure(t, l.u)
	d := l.u.document()
	if code := l.u.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("status %d: %s", code, l.u.stderr.String())
	}
	gone(t, l.u.data, pids(d))
	nothingBelow(t, l.u.data)
}

// allEnded checks that every rollout has ended well, and that some were interrupted by a kill.
func (l *life) allEnded(t *testing.T, kills []time.Time) {
	t.Helper()
	interrupted := 0
	for _, r := range rollouts(t, l.u, 100) {
		if r.State != searchpack.RolloutDone {
			t.Errorf("a rollout has not ended well: %+v", r)
		}
		for _, k := range kills {
			if r.CreatedAt.Before(k) && r.EndedAt.After(k) {
				interrupted++
			}
		}
	}
	t.Logf("%d kills, %d rollouts interrupted", len(kills), interrupted)
	if interrupted == 0 {
		t.Error("no kill hit a rollout")
	}
}

// settles waits until nothing of the package is under way, so that the next call is taken.
func (l *life) settles(t *testing.T) {
	t.Helper()
	defer explainFailure(t, l.u)
	l.available(t, l.version)
	eventually(t, func() string {
		if s := l.state(t); strings.HasPrefix(s, "ASSOCIATING") || strings.HasPrefix(s, "DISSOCIATING") {
			return "it does not end: " + s
		}
		return ""
	})
}

func (l *life) associates(t *testing.T) {
	t.Helper()
	l.settles(t)
	l.w.mayMiss.Store(true)
	l.askAssociate(t)
	l.want = "associated"
}

func (l *life) updates(t *testing.T) {
	t.Helper()
	l.settles(t)
	l.version++
	l.askUpdate(t, l.version)
}

// rollsOut makes a version and associates it.
func (l *life) rollsOut(t *testing.T) {
	t.Helper()
	l.updates(t)
	l.settles(t)
	l.w.mayMiss.Store(false) // it lies there, and stays while it is replaced
	l.askAssociate(t)
}

func (l *life) dissociates(t *testing.T) {
	t.Helper()
	l.settles(t)
	l.w.mayMiss.Store(true)
	l.askDissociate(t)
	l.want = "dissociated"
}

// check looks, right after the start, whether anything acknowledged was lost.
func (l *life) check(t *testing.T, when string) {
	t.Helper()
	vs := versions(t, l.u, l.name)
	if len(vs) != l.version {
		t.Fatalf("%s: %d versions are known, %d were acknowledged: %+v", when, len(vs), l.version, vs)
	}
	for i, v := range vs[1:] {
		if want := fmt.Sprintf("version %d", i+2); v.CommitMessage != want {
			t.Errorf("%s: v%d has the message %q, want %q", when, i+2, v.CommitMessage, want)
		}
	}
	s := l.state(t)
	switch {
	case l.want == "associated" && !strings.HasPrefix(s, "A"), // ASSOCIATING, ACTIVE
		l.want == "dissociated" && s != "none" && !strings.HasPrefix(s, "DISSOCIATING"):
		t.Fatalf("%s: it was %s, and now is %s", when, l.want, s)
	}
	t.Logf("%s: %s", when, s)
}

// converges waits until everything acknowledged has come to its end.
func (l *life) converges(t *testing.T) {
	t.Helper()
	l.settles(t)
	if l.want == "dissociated" {
		eventually(t, func() string {
			if s := l.state(t); s != "none" {
				return "it is not dissociated: " + s
			}
			return l.onDisk(0)
		})
		return
	}
	a, err := l.association(context.Background())
	if err != nil || a == nil {
		t.Fatalf("%v, %v", a, err)
	}
	var serves int
	if _, err := fmt.Sscanf(aws.ToString(a.PackageVersion), "v%d", &serves); err != nil {
		t.Fatal(err)
	}
	l.active(t, serves)
}
