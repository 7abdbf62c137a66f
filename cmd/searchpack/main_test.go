package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/server"
)

func TestMain(m *testing.M) {
	testscript.Main(runner{m}, map[string]func(){"searchpack": main})
}

// runner looks for leaks after the sessions; in a searchpack started by one, main ends the process.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	code := r.m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// The sessions of testdata/script. Those that need a server find one in their environment.
func TestSessions(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"eventually": eventually, "ends": ends, "domain": domain},
		Setup: func(e *testscript.Env) error {
			e.Setenv("AWS_CONFIG_FILE", os.DevNull)
			e.Setenv("AWS_MAX_ATTEMPTS", "1")
			return serve(e)
		},
	})
}

// eventually PATTERN COMMAND…: runs the command until its output matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND...")
	}
	pattern := regexp.MustCompile(args[0])
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q is not in the output of %q: %v", args[0], args[1:], err)
		}
		time.Sleep(20 * time.Millisecond) // between two processes; there is nothing to wait on
	}
}

// ends STATUS COMMAND…: runs the command, which must end with that exit status.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ends STATUS COMMAND...")
	}
	var ended *exec.ExitError
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	if errors.As(err, &ended) {
		status = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%q: %v", args[1:], err)
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%q ended with %d, want %s", args[1:], status, args[0])
	}
}

// domain NAME: makes a domain whose nodes are agents without an OpenSearch.
func domain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: domain NAME")
	}
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(server.DefaultRegion), config.WithBaseEndpoint(ts.Getenv("SERVER")),
		config.WithSharedCredentialsFiles([]string{filepath.Join(ts.Getenv("DATA"), "admin-credentials")}), config.WithSharedConfigFiles(nil))
	if err == nil {
		_, err = opensearch.NewFromConfig(cfg).CreateDomain(context.Background(), &opensearch.CreateDomainInput{DomainName: &args[0]})
	}
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// serve runs a server for one session: $SERVER, $AGENTS, its data in $DATA, and the S3 with the bucket
// "dictionaries" that it reads, $S3.
func serve(e *testscript.Env) error {
	data := filepath.Join(e.WorkDir, "server-data")
	cfg := server.Default(data)
	cfg.Listen, cfg.AgentListen = "127.0.0.1:0", "127.0.0.1:0"
	backend := s3mem.New()
	if err := backend.CreateBucket("dictionaries"); err != nil {
		return err
	}
	bucket := httptest.NewServer(gofakes3.New(backend).Server())
	e.Defer(bucket.Close)
	e.Setenv("S3", bucket.URL)
	cfg.SourceEndpoint, cfg.SourceAccessKey, cfg.SourceSecretKey = bucket.URL, "any", "key"
	cfg.AllowedSources = map[string][]string{"*": {"dictionaries/"}}
	cfg.Limits.FilesOnly = true
	s, err := server.New(context.Background(), cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx)
	}()
	e.Defer(func() {
		cancel()
		<-ended
		_ = s.Close()
	})
	e.Setenv("DATA", data)
	e.Setenv("SERVER", "http://"+s.Addr())
	e.Setenv("AGENTS", "https://"+s.AgentAddr())
	e.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(data, "admin-credentials"))
	return nil
}

// leaves are all commands that a user can see.
func leaves(t *testing.T) []*kong.Node {
	t.Helper()
	k, err := kong.New(new(program), kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return k.Model.Leaves(true)
}

// The help of every command shows an example that names it, and the text of every flag.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		var out, errs bytes.Buffer
		path := strings.TrimPrefix(leaf.FullPath(), "searchpack ")
		path = strings.TrimPrefix(path, leaf.FullPath()[:strings.Index(leaf.FullPath(), " ")+1])
		if status := run(append(strings.Fields(path), "--help"), &out, &errs); status != exitDone || errs.Len() > 0 {
			t.Errorf("%s --help: status %d, %s", path, status, &errs)
		}
		example := strings.TrimSuffix(path, " list") // nodes alone is nodes list
		if !strings.Contains(out.String(), "Example") || !strings.Contains(out.String(), "    searchpack "+example) {
			t.Errorf("%s --help shows no example: %s", path, &out)
		}
		if leaf.Help == "" {
			t.Errorf("%s says nothing about itself", path)
		}
		for _, p := range leaf.Positional {
			if p.Help == "" {
				t.Errorf("%s: the argument %s has no help", path, p.Name)
			}
		}
		for _, f := range leaf.Flags {
			if f.Help == "" {
				t.Errorf("%s: the flag --%s has no help", path, f.Name)
			}
		}
		server := strings.HasPrefix(path, "server") || strings.HasPrefix(path, "agent") || path == "lint" || strings.HasPrefix(path, "sign")
		if strings.Contains(out.String(), "--endpoint-url") == server {
			t.Errorf("%s --help and --endpoint-url: %s", path, &out)
		}
	}
}

// What cannot be parsed ends with status 2 and one line that says where to look.
func TestUsage(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"bogus":                                      "unexpected argument bogus",
		"packages --bogus":                           "unknown flag --bogus (searchpack packages --help)",
		"packages --output xml":                      `--output must be one of table, json, and not "xml"`,
		"lint x --output yaml":                       `--output must be one of table, json, sarif, and not "yaml"`,
		"nodes":                                      "<domain>",
		"domains policy d --absent-nodes forget":     "--absent-nodes must be one of",
		"domains policy":                             "<domain>",
		"usage synonyms":                             "--domain",
		"token create":                               "--domain",
		"token create --domain d --uses x":           "--uses",
		"token create --domain d --expires 1":        "--expires",
		"events --limit many":                        "--limit",
		"server --max-dictionary 3x":                 `"3x" is no size`,
		"server --max-dictionary -1":                 "--max-dictionary",
		"server --keep-events soon":                  `"soon" is no time`,
		"credential create":                          "--user",
		"credential rotate":                          "<key>",
		"credential policy K":                        "--policy",
		"credential create --user k --expires x":     "--expires",
		"events --since yesterday":                   "--since",
		"server --log-level loud":                    "--log-level",
		"server --config-file /none.yml":             "/none.yml",
		"server extra":                               "unexpected argument extra",
		"agent run":                                  "--server",
		"agent sync --server x --config / --state /": "--once",
		"agent status":                               "--state",
		"packages --output sarif":                    "for searchpack lint",
		"findings p --version x":                     `"x" is no version`,
		"rollback p --domain d --version x":          `"x" is no version`,
		"pin p --domain d --version x":               `"x" is no version`,
		"plan p --domain d --version x":              `"x" is no version`,
		"push f --name words --domain d":             "no bucket named",
		"push f --bucket b":                          "--name",
		"lint":                                       "<file>",
		"lint x --plugin-rules none":                 "--plugin-rules",
		"packages \x1b[2J":                           "no server named", // parsed; what it says is clean
		"\x1b[2J":                                    "unexpected argument",
	} {
		var out, errs bytes.Buffer
		status := run(strings.Split(args, " "), &out, &errs)
		if status != exitUsage || !strings.HasPrefix(errs.String(), "searchpack: ") || !strings.Contains(errs.String(), says) || out.Len() > 0 {
			t.Errorf("%q: status %d, %q, %q", args, status, &out, &errs)
		}
		if strings.Count(errs.String(), "\n") != 1 || strings.ContainsRune(errs.String(), '\x1b') {
			t.Errorf("%q: not one clean line: %q", args, &errs)
		}
	}
}

func TestNoArgumentsShowHelp(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if status := run(nil, &out, &errs); status != exitDone || !strings.Contains(out.String(), "Ask a server:") || errs.Len() > 0 {
		t.Errorf("%d %s %s", status, &out, &errs)
	}
}

func TestVersion(t *testing.T) {
	var out, errs bytes.Buffer
	if status := run([]string{"--version"}, &out, &errs); status != exitDone || out.String() != server.Version+"\n" || errs.Len() > 0 {
		t.Errorf("%d %s %s", status, &out, &errs)
	}
	t.Setenv("SEARCHPACK_VERSION", "true") // of a build script, perhaps
	out.Reset()
	if run([]string{"events"}, &out, &errs); strings.Contains(out.String(), server.Version) {
		t.Error("the environment turns every command into --version")
	}
}

// Flags, environment and file end in the same configuration.
func TestServerConfiguration(t *testing.T) {
	t.Parallel()
	credentials := filepath.Join(t.TempDir(), "s3")
	if err := os.WriteFile(credentials, []byte("[default]\naws_access_key_id=SRC\naws_secret_access_key=source-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var p program
	k, err := kong.New(&p, kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{
		"server", "--data", "/d", "--database", "postgres://h/d", "--master-key-file", "/k", "--listen", "127.0.0.1:1", "--agent-listen", "127.0.0.1:2",
		"--tls-cert", "/c", "--tls-key", "/y", "--source-endpoint", "http://s3", "--source-region", "r", "--source-credentials", credentials,
		"--allow-source", "*:a/b", "--allow-source", "111122223333:c,*:*", "--max-dictionary", "1KiB", "--max-plugin", "2KiB", "--max-license", "3KiB", "--aws-quotas", "--plugin-rules", "aws", "--vulnerabilities", "/osv.json", "--vulnerable-plugins", "warn", "--account", "111122223333",
		"--admin-access-key-id", "AK", "--admin-secret-access-key", "SK", "--keep-events", "7d",
		"--blobs", "s3://b/p", "--blobs-endpoint", "http://blobs", "--blobs-region", "br", "--blobs-credentials", credentials,
	}); err != nil {
		t.Fatal(err)
	}
	got, err := p.Server.config(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := server.Default("/d")
	want.Database, want.MasterKeyFile, want.Listen, want.AgentListen = "postgres://h/d", "/k", "127.0.0.1:1", "127.0.0.1:2"
	want.TLSCert, want.TLSKey = "/c", "/y"
	want.SourceEndpoint, want.SourceRegion, want.SourceAccessKey, want.SourceSecretKey = "http://s3", "r", "SRC", "source-secret"
	want.AllowedSources = map[string][]string{"*": {"a/b", "*"}, "111122223333": {"c"}}
	want.KeepEvents = 7 * 24 * time.Hour
	want.PluginRules = server.PluginRulesAWS
	want.Vulnerabilities, want.VulnerablePlugins = "/osv.json", server.VulnerableWarn
	want.MaxPlugin, want.MaxLicense, want.Limits = 2048, 3072, catalog.Limits{PackagesPerRegion: 25, PackagesPerDomain: 20, PluginsPerRegion: 25, PluginsPerDomain: 20}
	want.MaxDictionary, want.Account, want.AdminAccessKey, want.AdminSecretKey = 1024, "111122223333", "AK", "SK"
	want.Blobs, want.BlobsEndpoint, want.BlobsRegion, want.BlobsAccessKey, want.BlobsSecretKey = "s3://b/p", "http://blobs", "br", "SRC", "source-secret"
	opts := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Logger" || p.Last().String() == ".Now" }, cmp.Ignore())
	if d := cmp.Diff(want, got, opts); d != "" {
		t.Error(d)
	}
}

// A blob store that does not answer ends the start with status 1, one that is not one with 2, each
// with one line, and makes no data folder.
func TestServerWithoutItsBlobs(t *testing.T) {
	t.Parallel()
	credentials := filepath.Join(t.TempDir(), "s3")
	if err := os.WriteFile(credentials, []byte("aws_access_key_id=AK\naws_secret_access_key=hush-hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		status int
		says   string
	}{
		"--blobs s3://blobs/prod --blobs-endpoint http://127.0.0.1:1": {exitFailed, "the blob store s3://blobs/prod cannot be reached"},
		"--blobs file:///blobs": {exitUsage, "does not begin with s3://"},
		"--blobs-region r":      {exitUsage, "without --blobs"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		var out, errs bytes.Buffer
		line := strings.Fields("server --listen 127.0.0.1:0 --agent-listen 127.0.0.1:0 --data " + data + " --blobs-credentials " + credentials + " " + args)
		status := run(line, &out, &errs)
		if status != want.status || !strings.Contains(errs.String(), want.says) || strings.Count(strings.TrimSpace(errs.String()), "\n") > 0 || strings.Contains(errs.String(), "hush") {
			t.Errorf("%s: status %d, %q", args, status, &errs)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: the data folder was made", args)
		}
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "12": 12, "12B": 12, "1KiB": 1 << 10, "500MiB": 500 << 20, "2 GiB": 2 << 30, "1TiB": 1 << 40} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || int64(b) != want {
			t.Errorf("%q: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1.5GiB", "1GB", "99999999TiB", "9223372036854775807KiB", "0x10"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"bucket", ":bucket", "*:", ""} {
		if _, err := sources([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// A server that is told to stop ends with status 0, soon.
func TestServerStops(t *testing.T) {
	t.Parallel()
	var p program
	k, err := kong.New(&p, kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"server", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	log := &stopAt{text: "searchpack serves", f: cancel}
	begin := time.Now()
	if err := p.Server.Run(ctx, streams(log)); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "no --allow-source given") {
		t.Errorf("a server that can import nothing does not say so: %s", log)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
}
