package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
	"github.com/searchpack/searchpack/internal/sqlstore"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/front"
	"github.com/searchpack/searchpack/dev/internal/parts"
	"github.com/searchpack/searchpack/dev/internal/proxy"
	"github.com/searchpack/searchpack/dev/internal/s3"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// The fleet's first key, the region of all, and the domain that everything happens in.
const (
	fleetKey, fleetSecret = "AKIAFLEETFLEETFLEET1", "fleet-secret"
	fleetRegion           = "us-east-1"
	fleetBlobs            = "blobs" // bucket
)

var fleetDomain = searchpack.DomainKey{Account: "000000000000", Region: fleetRegion, Name: "demo"}

// fleet is an installation as platform teams have it: two `searchpack server` on one PostgreSQL and
// one bucket, and three real OpenSearch nodes with a `searchpack agent run` beside each. Every part
// is a process of its own, and all traffic between them but that of the nodes passes gates.
type fleet struct {
	t      *testing.T
	u      *up // its document and folder, for what other tests call
	keeper *child.Keeper
	store  searchpack.Store // the servers' database, reached without a gate

	servers [2]*fleetServer
	nodes   []*fleetNode
	plugins *nodeCommands
	s3      *child.Process
	bucket  *proxy.Proxy // S3, as the servers see it
	toS3    proxy.Gate
	api     *proxy.Proxy // the servers' API behind a load balancer
}

// fleetServer is one server and its network.
type fleetServer struct {
	name     string
	fleet    *fleet
	process  *child.Process
	database *proxy.Proxy
	toDB     proxy.Gate
	toAgents proxy.Gate
}

// newFleet starts everything and returns when the nodes have met and all agents have joined.
func newFleet(t *testing.T, version string) *fleet {
	t.Helper()
	f := &fleet{t: t, u: &up{t: t, data: filepath.Join(openDir(t), "data")}}
	must(t, os.MkdirAll(f.u.data, 0o711))
	f.plugins = commandNodes(f)
	dsn := pgtest.Start(t)
	var err error
	f.keeper, err = child.Open(filepath.Join(f.u.data, "processes"))
	must(t, err)
	t.Cleanup(f.keeper.Close)
	f.startS3()
	for i := range f.servers {
		f.addServer(i, dsn)
	}
	f.store, err = sqlstore.Open(t.Context(), dsn, sqlstore.Options{NoListen: true})
	must(t, err)
	t.Cleanup(func() { _ = f.store.Close() })
	f.startNodes(version)
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run starts a process of the fleet, whose output goes to a log. The test's end ends it.
func (f *fleet) run(name, log string, extra []string, program string, args ...string) (*child.Process, error) {
	out, err := stack.OpenLog(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the process has its own
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.u.data, "TMPDIR=" + os.TempDir()}, extra...)
	cmd.Stdout, cmd.Stderr = out, out
	return f.keeper.Start(name, cmd)
}

// listen makes a proxy that ends with the test.
func (f *fleet) listen(g *proxy.Gate) *proxy.Proxy {
	f.t.Helper()
	p, err := proxy.Listen(g)
	must(f.t, err)
	f.t.Cleanup(p.Close)
	return p
}

// startS3 starts S3 and the one endpoint that clients know, for S3 and the API.
func (f *fleet) startS3() {
	t, dir := f.t, filepath.Join(f.u.data, "s3")
	must(t, os.MkdirAll(dir, 0o700))
	var err error
	f.s3, err = f.run("s3", filepath.Join(f.u.data, "s3.log"), []string{parts.S3AccessKey + "=" + fleetKey, parts.S3SecretKey + "=" + fleetSecret},
		program, parts.S3Command, "--dir", dir, "--region", fleetRegion)
	must(t, err)
	t.Cleanup(func() { f.s3.Stop(context.Background(), time.Second) })
	f.bucket, f.api = f.listen(&f.toS3), f.listen(nil)
	f.bucket.Set("s3", proxy.Target{Dial: func(ctx context.Context) (net.Conn, error) { return s3.Dialer(dir)(ctx, "", "") }})

	direct := s3.Transport(dir)
	t.Cleanup(direct.CloseIdleConnections)
	server := httptest.NewServer(front.New(front.Config{
		API: apiProxy(f.api.Address()), S3: direct, Ready: func() (bool, string) { return true, "" }, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	f.publish(server.URL)
	eventually(t, func() string {
		if err := s3.Ready(t.Context(), direct); err != nil {
			return err.Error()
		}
		return ""
	})
	_, store := clients(f.u.document())
	_, err = store.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(fleetBlobs)})
	must(t, err)
	must(t, os.WriteFile(f.path("credentials"), []byte("[default]\naws_access_key_id = "+fleetKey+"\naws_secret_access_key = "+fleetSecret+"\n"), 0o600))
}

func (f *fleet) path(name string) string { return filepath.Join(f.u.data, name) }

// apiProxy passes requests on as they are signed, each on a connection of its own: a load balancer
// that has no server answers 502, and clients try again.
func apiProxy(address string) http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", address, p.In.Host
		},
	}
}

// publish writes the document that clients of the fleet read.
func (f *fleet) publish(endpoint string) {
	d := stack.Document{Schema: 1, PID: os.Getpid(), Endpoint: endpoint, Region: fleetRegion, Account: fleetDomain.Account,
		AccessKeyID: fleetKey, SecretAccessKey: fleetSecret, Domains: []stack.DomainEntry{{Name: fleetDomain.Name}}}
	for _, n := range f.nodes {
		i := n.Info()
		d.Domains[0].Nodes = append(d.Domains[0].Nodes, stack.NodeEntry{Name: i.Name, HTTP: i.HTTP, Home: i.Home, Config: i.Config, Logs: i.Logs})
	}
	text, err := json.Marshal(d)
	must(f.t, err)
	must(f.t, os.WriteFile(f.path(stack.DocumentName+".new"), text, 0o600))
	must(f.t, os.Rename(f.path(stack.DocumentName+".new"), f.path(stack.DocumentName)))
}

// addServer starts a server behind its own way to PostgreSQL.
func (f *fleet) addServer(i int, dsn string) {
	s := &fleetServer{name: fmt.Sprint("server ", i+1), fleet: f}
	s.database = f.listen(&s.toDB)
	at, err := url.Parse(dsn)
	must(f.t, err)
	socket := filepath.Join(at.Query().Get("host"), ".s.PGSQL."+at.Query().Get("port"))
	s.database.Set("postgres", proxy.Target{Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}})
	at.Host, at.RawQuery = s.database.Address(), "sslmode=disable"
	must(f.t, os.MkdirAll(s.dir(), 0o700))
	must(f.t, os.WriteFile(filepath.Join(s.dir(), "database"), []byte(at.String()), 0o600))
	must(f.t, s.start())
	f.servers[i] = s
	f.t.Cleanup(func() { s.process.Stop(context.Background(), 10*time.Second) })
}

func (s *fleetServer) dir() string { return s.fleet.path(strings.ReplaceAll(s.name, " ", "")) }
func (s *fleetServer) log() string { return s.dir() + ".log" }

// serving is the line by which a server says that it serves.
var serving = regexp.MustCompile(`msg="searchpack serves" api=(\S+) agents=(\S+) .*pid=(\d+)`)

// start starts the server and lets API and agents' traffic go to it.
func (s *fleetServer) start() (err error) {
	f := s.fleet
	dsn, err := os.ReadFile(filepath.Join(s.dir(), "database"))
	if err != nil {
		return err
	}
	s.process, err = f.run(strings.ReplaceAll(s.name, " ", ""), s.log(), []string{
		"SEARCHPACK_ADMIN_ACCESS_KEY_ID=" + fleetKey, "SEARCHPACK_ADMIN_SECRET_ACCESS_KEY=" + fleetSecret, "SEARCHPACK_DATABASE=" + string(dsn)},
		client, "server", "--data", s.dir(), "--master-key-file", f.path("master.key"), "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0",
		"--blobs", "s3://"+fleetBlobs+"/fleet", "--blobs-endpoint", "http://"+f.bucket.Address(), "--blobs-credentials", f.path("credentials"),
		"--source-endpoint", "http://"+f.bucket.Address(), "--source-credentials", f.path("credentials"), "--allow-source", "*:*")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	var api, agents string
	err = until(ctx, func() (bool, error) {
		text, err := os.ReadFile(s.log())
		for _, m := range serving.FindAllStringSubmatch(string(text), -1) {
			if m[3] == fmt.Sprint(s.process.PID()) {
				api, agents = m[1], m[2]
			}
		}
		if api == "" && !s.process.Running() {
			return false, fmt.Errorf("%s ended: %s", s.name, tail(told.ReplaceAll(text, nil)))
		}
		return api != "", err
	})
	if err != nil {
		return fmt.Errorf("%s does not serve: %w", s.name, err)
	}
	f.api.Set(s.name, proxy.TCP(api, nil))
	for _, n := range f.nodes {
		n.server.Set(s.name, proxy.TCP(agents, &s.toAgents))
	}
	must(f.t, os.WriteFile(filepath.Join(s.dir(), "agents"), []byte(agents), 0o600))
	return nil
}

func tail(text []byte) string { return string(text[max(0, len(text)-3000):]) }

// kill ends the server as kill -9 does; the load balancer finds out by itself.
func (s *fleetServer) kill() {
	kill(s.process.PID())
	<-s.process.Done()
}

func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) } // a child of ours, not reaped before its Done is closed

// view reads the servers' database.
func (f *fleet) view(ctx context.Context, read func(tx searchpack.Tx) error) error {
	return f.store.View(ctx, read)
}

// running is the rollout that runs, nil if none does.
func (f *fleet) running(ctx context.Context) (r *searchpack.Rollout, err error) {
	err = f.view(ctx, func(tx searchpack.Tx) error {
		all, err := tx.OpenRollouts(ctx, fleetDomain)
		for _, o := range all {
			if o.State == searchpack.RolloutRunning {
				r = o
			}
		}
		return err
	})
	return r, err
}

// cables does to all agents' cables the same, at once.
func (f *fleet) cables(do func(*proxy.Gate)) {
	var wg sync.WaitGroup
	for _, n := range f.nodes {
		wg.Go(func() { do(&n.cable) })
	}
	wg.Wait()
}

// told are the lines of a server's log that say nothing: calls that were answered.
var told = regexp.MustCompile(`(?m)^.*msg="aws request".* status=200 .*\n`)

// explain, deferred, logs what an operator would look at when the test has failed.
func (f *fleet) explain(t *testing.T) {
	if !t.Failed() {
		return
	}
	for _, command := range [][]string{{"rollouts", "demo", "--limit", "5"}, {"nodes", "demo"}, {"events", "--limit", "30"}} {
		_, table := cli(t, f.u, command...)
		t.Logf("searchpack %s\n%s", strings.Join(command, " "), table)
	}
	logs := []string{f.path("s3.log")}
	for _, s := range f.servers {
		logs = append(logs, s.log())
	}
	for _, n := range f.nodes {
		logs = append(logs, n.log())
	}
	for _, log := range logs {
		text, _ := os.ReadFile(log)
		t.Logf("the end of %s:\n%s", log, tail(told.ReplaceAll(text, nil)))
	}
}
