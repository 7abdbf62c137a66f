package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

const (
	killFor      = 12 * time.Second // as long are servers killed
	killPackages = 3
)

// TestTwoServersKilled: two servers in processes of their own, on one PostgreSQL and one bucket, are
// killed in turn (kill -9) while packages are made, updated and associated through a load balancer.
// In the end every call that was acknowledged has its effect, every import has ended once, and the
// nodes hold the bytes that were asked for last.
func TestTwoServersKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	stop := f.killInTurn()
	var lives []*life
	for i := range killPackages {
		lives = append(lives, f.create(fmt.Sprintf("synonyms-%d", i)))
	}
	for end := time.Now().Add(killFor); time.Now().Before(end); {
		for _, l := range lives {
			l.update()
		}
		for _, l := range lives {
			l.associate()
		}
	}
	kills, acknowledged := stop(), 0
	for _, l := range lives {
		l.check()
		acknowledged += len(l.acknowledged)
	}
	f.wholeBlobs()
	t.Logf("%d kills, %d versions acknowledged", kills, acknowledged)
	if kills < 4 || acknowledged < 2*killPackages {
		t.Errorf("%d kills and %d versions: too few to show anything", kills, acknowledged)
	}
}

// fleet is two servers behind load balancers, with two nodes.
type fleet struct {
	t           *testing.T
	s3          *s3mem.Backend
	store       searchpack.Store
	settings    [2]settings
	running     [2]*process
	api, agents *balancer
	client      *opensearch.Client
	configs     []string
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	url, backend := fakeS3(t)
	f := &fleet{t: t, s3: backend, api: newBalancer(t), agents: newBalancer(t)}
	dsn, key := pgtest.Start(t), filepath.Join(t.TempDir(), "master.key")
	for i := range f.settings {
		f.settings[i] = settings{Dir: t.TempDir(), Database: dsn, MasterKeyFile: key, S3: url}
	}
	f.openStore()
	first := start(t, f.settings[0].config()) // makes key and domain, and lets the agents join
	makeShop(t, sdk(t, first.url, "ADMIN", "admin-secret"), 2)
	f.agents.set("first", first.AgentAddr())
	for _, name := range []string{"n1", "n2"} {
		config, _ := runAgentAt(t, first, f.agents.address(), name, "shop")
		f.configs = append(f.configs, config)
	}
	eventually(t, "two agents have joined", func() bool {
		n, err := first.catalog.Nodes(t.Context(), first.Admin(), "shop")
		return err == nil && len(n.Nodes) == 2
	})
	f.agents.set("first", "")
	first.stop()
	t.Cleanup(func() {
		for _, p := range f.running {
			if p != nil {
				p.kill()
			}
		}
	})
	for i := range f.running {
		if err := f.start(i); err != nil {
			t.Fatal(err)
		}
	}
	f.client = sdk(t, "http://"+f.api.address(), "ADMIN", "admin-secret")
	return f
}

// openStore opens the servers' database, to look into it.
func (f *fleet) openStore() {
	store, err := sqlstore.Open(f.t.Context(), f.settings[0].Database, sqlstore.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.store = store
	f.t.Cleanup(func() { _ = store.Close() })
}

func (f *fleet) start(i int) (err error) {
	if f.running[i], err = startProcess(f.settings[i]); err != nil {
		return err
	}
	name := fmt.Sprint("server ", i)
	f.api.set(name, f.running[i].API)
	f.agents.set(name, f.running[i].Agents)
	return nil
}

// killInTurn kills one server, starts it again and then kills the other, each after a while that
// is another each time, until stop is called, which says how often.
func (f *fleet) killInTurn() (stop func() (kills int)) {
	ctx, cancel := context.WithCancel(context.Background())
	ended, kills := make(chan struct{}), 0
	go func() {
		defer close(ended)
		for ; ; kills++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(200+rand.IntN(1500)) * time.Millisecond): // the moments to be hit
			}
			f.running[kills%2].kill()
			if err := f.start(kills % 2); err != nil {
				f.t.Error(err)
				return
			}
		}
	}()
	stop = func() int {
		cancel()
		<-ended
		return kills
	}
	f.t.Cleanup(func() { stop() })
	return stop
}

// try makes one call and reports whether it was acknowledged; a server that was killed while it
// carried it out is no failure.
func (f *fleet) try(call func(ctx context.Context, o func(*opensearch.Options)) error) bool {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	err := call(ctx, func(o *opensearch.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil && apiCode(err) != "" && apiCode(err) != "InternalException" && !strings.Contains(err.Error(), "StatusCode: 5") {
		f.t.Errorf("refused: %v", err)
	}
	return err == nil
}

// life is a package, and what was acknowledged of it.
type life struct {
	*fleet
	name, id     string
	sent         int
	acknowledged map[string]bool // commit messages
	associated   int             // the version that was asked for last
}

func content(name string, n int) string { return fmt.Sprintf("%s, number%d\n", name, n) }

func (f *fleet) source(name string, n int) *types.PackageSource {
	key, text := fmt.Sprintf("%s/%d", name, n), content(name, n)
	if _, err := f.s3.PutObject("dictionaries", key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil); err != nil {
		f.t.Fatal(err)
	}
	return &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: &key}
}

// create makes the package; a call whose answer was lost is looked up, not sent again.
func (f *fleet) create(name string) *life {
	l := &life{fleet: f, name: name, sent: 1, acknowledged: map[string]bool{}}
	eventually(f.t, name+" is made", func() bool {
		f.try(func(ctx context.Context, o func(*opensearch.Options)) error {
			_, err := f.client.CreatePackage(ctx, &opensearch.CreatePackageInput{PackageName: &name, PackageType: types.PackageTypeTxtDictionary,
				PackageSource: f.source(name, 1)}, o)
			if apiCode(err) == "ResourceAlreadyExistsException" { // by the call before, whose answer was lost
				return nil
			}
			return err
		})
		d := l.describe()
		l.id = aws.ToString(d.PackageID)
		return l.id != ""
	})
	return l
}

// describe asks until somebody answers.
func (l *life) describe() (d types.PackageDetails) {
	eventually(l.t, "DescribePackages answers", func() bool {
		return l.try(func(ctx context.Context, o func(*opensearch.Options)) error {
			out, err := l.client.DescribePackages(ctx, &opensearch.DescribePackagesInput{
				Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageName, Value: []string{l.name}}}}, o)
			if err == nil && len(out.PackageDetailsList) == 1 {
				d = out.PackageDetailsList[0]
			}
			return err
		})
	})
	return d
}

// imported waits until the import under way has ended.
func (l *life) imported() {
	eventually(l.t, "the import of "+l.name+" ends", func() bool {
		switch d := l.describe(); d.PackageStatus {
		case types.PackageStatusAvailable:
			return true
		case types.PackageStatusCopying, types.PackageStatusValidating:
			return false
		default:
			l.t.Fatalf("%s: %s %+v", l.name, d.PackageStatus, d.ErrorDetails)
			return false
		}
	})
}

func (l *life) update() {
	l.imported()
	l.sent++
	message := fmt.Sprint("number ", l.sent)
	if l.try(func(ctx context.Context, o func(*opensearch.Options)) error {
		_, err := l.client.UpdatePackage(ctx, &opensearch.UpdatePackageInput{PackageID: &l.id, PackageSource: l.source(l.name, l.sent), CommitMessage: &message}, o)
		return err
	}) {
		l.acknowledged[message] = true
	}
}

// associate asks for the newest version once no association of the package is under way.
func (l *life) associate() {
	l.imported()
	l.settled()
	newest := l.history()[0]
	if l.try(func(ctx context.Context, o func(*opensearch.Options)) error {
		_, err := l.client.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: &l.id, DomainName: aws.String("shop")}, o)
		if apiCode(err) == "ConflictException" && strings.Contains(err.Error(), "already in desired state") {
			return nil // asked for by the call before, whose answer was lost, or there was no newer version since
		}
		return err
	}) {
		l.associated = newest.Number
	}
}

// settled waits until no association of the package is under way and returns the version that serves.
func (l *life) settled() (version string) {
	eventually(l.t, "the association of "+l.name+" ends", func() bool {
		under := false
		return l.try(func(ctx context.Context, o func(*opensearch.Options)) error {
			out, err := l.client.ListPackagesForDomain(ctx, &opensearch.ListPackagesForDomainInput{DomainName: aws.String("shop")}, o)
			if err != nil {
				return err
			}
			for _, p := range out.DomainPackageDetailsList {
				if aws.ToString(p.PackageID) == l.id {
					version = aws.ToString(p.PackageVersion)
					under = p.DomainPackageStatus != types.DomainPackageStatusActive
				}
			}
			return nil
		}) && !under
	})
	return version
}

// history returns the versions, newest first.
func (l *life) history() (all []*searchpack.Version) {
	l.view(func(ctx context.Context, tx searchpack.Tx) (err error) {
		all, err = tx.Versions(ctx, l.id)
		return err
	})
	slices.Reverse(all)
	return all
}

func (f *fleet) view(read func(ctx context.Context, tx searchpack.Tx) error) {
	if err := f.store.View(f.t.Context(), func(tx searchpack.Tx) error { return read(f.t.Context(), tx) }); err != nil {
		f.t.Fatal(err)
	}
}

// check holds what is there against what was acknowledged.
func (l *life) check() {
	l.imported()
	serves := l.settled()
	history := l.history()
	seen := map[string]int{}
	for i, v := range history {
		if want := len(history) - i; v.Number != want || v.Status != searchpack.PackageAvailable {
			l.t.Errorf("%s: v%d, %s, where v%d should be: an import ended twice, or never", l.name, v.Number, v.Status, want)
		}
		seen[v.CommitMessage]++
	}
	for message, n := range seen {
		if n != 1 {
			l.t.Errorf("%s: the update %q is there %d times", l.name, message, n)
		}
	}
	for message := range l.acknowledged {
		if seen[message] == 0 {
			l.t.Errorf("%s: the update %q was acknowledged and is lost", l.name, message)
		}
	}
	if n := l.endings(); n != len(history) {
		l.t.Errorf("%s: %d versions, and %d times an import ended", l.name, len(history), n)
	}
	if l.associated == 0 || number(serves) < l.associated {
		l.t.Errorf("%s: v%d was associated last, %q serves", l.name, l.associated, serves)
	}
	for _, v := range history {
		if v.Number == number(serves) {
			l.serves(v)
		}
	}
}

func number(version string) (n int) {
	_, _ = fmt.Sscanf(version, "v%d", &n)
	return n
}

// serves checks that the nodes hold the bytes of the version.
func (l *life) serves(v *searchpack.Version) {
	n := 1
	_, _ = fmt.Sscanf(v.CommitMessage, "number %d", &n)
	for _, config := range l.configs {
		got, err := os.ReadFile(filepath.Join(config, searchpack.ReferencePath(l.id)))
		if err != nil || string(got) != content(l.name, n) {
			l.t.Errorf("%s on %s: %q, %v; want %q", l.name, config, got, err, content(l.name, n))
		}
	}
}

// endings counts how often the audit log says that an import of the package ended.
func (l *life) endings() int {
	n := 0
	l.view(func(ctx context.Context, tx searchpack.Tx) error {
		events, err := tx.Events(ctx, DefaultAccount, DefaultRegion, 0, 10_000)
		for _, e := range events {
			if e.Subject == l.id && (e.Action == "version available" || e.Action == "import failed") {
				n++
			}
		}
		return err
	})
	return n
}

// wholeBlobs checks that everything that lies under a digest in the bucket has it.
func (f *fleet) wholeBlobs() {
	list, err := f.s3.ListBucket("blobs", &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
	if err != nil || len(list.Contents) == 0 {
		f.t.Fatalf("no blobs: %v", err)
	}
	for _, o := range list.Contents {
		obj, err := f.s3.GetObject("blobs", o.Key, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		b, err := io.ReadAll(obj.Contents)
		name := filepath.Base(o.Key)
		if err = errors.Join(err, obj.Contents.Close()); err != nil || name != "owner" && string(searchpack.DigestOf(b)) != name {
			f.t.Errorf("%s holds other bytes, %v", o.Key, err)
		}
	}
}

// Two servers in this process share a bucket: what one imports, the agent of the other gets, and
// either may end at any moment.
func TestTwoServersShareABucket(t *testing.T) {
	t.Parallel()
	url, backend := fakeS3(t)
	f := &fleet{t: t, s3: backend, api: newBalancer(t)}
	dsn, key := pgtest.Start(t), filepath.Join(t.TempDir(), "master.key")
	var servers [2]*running
	for i := range servers {
		f.settings[i] = settings{Dir: t.TempDir(), Database: dsn, MasterKeyFile: key, S3: url}
		servers[i] = start(t, f.settings[i].config())
		f.api.set(fmt.Sprint(i), servers[i].Addr())
	}
	f.openStore()
	f.client = sdk(t, "http://"+f.api.address(), "ADMIN", "admin-secret")
	makeShop(t, f.client, 1)
	config, _ := runAgentAt(t, servers[1], servers[1].AgentAddr(), "n1", "shop")
	f.configs = []string{config}
	l := f.create("synonyms")
	for range 4 {
		servers[0].stop() // and the other imports
		f.api.set("0", "")
		l.update()
		servers[0] = start(t, f.settings[0].config())
		f.api.set("0", servers[0].Addr())
		l.update()
		l.associate()
	}
	l.check()
	for _, s := range servers {
		resp, err := http.Get(s.url + "/searchpack/v1/health")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if strings.Contains(string(body), "message") {
			t.Errorf("health: %s", body)
		}
	}
	f.wholeBlobs()
}
