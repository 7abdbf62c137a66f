package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/importer"
)

// Config of a server. Default returns one that works on a laptop; Validate says in one line what
// does not go together.
type Config struct {
	// DataDir holds the SQLite database, the blobs, the master key and the first credentials.
	DataDir string
	// Database is postgres://..., or "" for SQLite in DataDir.
	Database string
	// MasterKeyFile seals secrets; "" = DataDir/master.key, made on first start.
	MasterKeyFile string

	// Blobs is s3://BUCKET/PREFIX, or "" for the folder blobs in DataDir. BlobsEndpoint is that S3; ""
	// = AWS.
	Blobs, BlobsEndpoint, BlobsRegion string
	// BlobsAccessKey and BlobsSecretKey; both "" = the AWS SDK's default chain.
	BlobsAccessKey, BlobsSecretKey string

	// Listen is the API's address, "" = the caller serves Handler itself.
	Listen          string
	TLSCert, TLSKey string
	// AgentListen is the agents' address; always TLS with the server's own authority.
	AgentListen string

	// SourceEndpoint is the S3 that packages are read from; "" = AWS.
	SourceEndpoint, SourceRegion     string
	SourceAccessKey, SourceSecretKey string
	// SourceDial connects to it; nil = over the network.
	SourceDial func(ctx context.Context, network, address string) (net.Conn, error)
	// AllowedSources per account: "bucket/prefix", or "*" for every place. The account "*" counts
	// for every account. Nothing listed = nothing allowed.
	AllowedSources map[string][]string
	MaxDictionary  int64 // bytes
	MaxPlugin      int64 // bytes, of the zip and of what is in it
	// PluginRules is whose rules plugins are held to.
	PluginRules PluginRules
	// Vulnerabilities is a file of known vulnerabilities that the libraries of plugins are compared
	// with; "" = none. VulnerablePlugins is what becomes of a plugin that has some.
	Vulnerabilities   string
	VulnerablePlugins VulnerablePlugins
	MaxLicense        int64 // bytes, of a license, the zip of a configuration, and what is in that

	// Account and Region of the first credential, and AdminAccessKey/AdminSecretKey themselves if
	// they are given.
	Account, Region                string
	AdminAccessKey, AdminSecretKey string

	// KeepEvents is how long the audit log remembers; 0 = for ever.
	KeepEvents time.Duration

	Limits catalog.Limits
	// OnDomainsChanged is called after a domain was made or deleted.
	OnDomainsChanged func()
	Version          string
	Logger           *slog.Logger
	Now              func() time.Time // not asked with Database: that has a clock
	// LeaseTTL is how long the work of a killed server waits for another one; 0 = the default.
	LeaseTTL time.Duration
}

// Defaults.
const (
	DefaultListen        = "127.0.0.1:9400"
	DefaultAgentListen   = "127.0.0.1:9401"
	DefaultAccount       = "000000000000"
	DefaultRegion        = "us-east-1"
	DefaultMaxDictionary = 2 << 30
	DefaultKeepEvents    = 90 * 24 * time.Hour
)

// PluginRules is whose rules a plugin is held to at its import.
type PluginRules string

// The rules. AWS's demand a plugin made for patch 0 of its OpenSearch; a cluster of one's own takes
// any patch, as each node compares it with its own version.
const (
	PluginRulesCluster PluginRules = "cluster"
	PluginRulesAWS     PluginRules = "aws"
)

// Default returns the configuration for a data folder.
func Default(dataDir string) Config {
	return Config{
		DataDir: dataDir, Listen: DefaultListen, AgentListen: DefaultAgentListen,
		Account: DefaultAccount, Region: DefaultRegion, SourceRegion: DefaultRegion,
		MaxDictionary: DefaultMaxDictionary, MaxPlugin: importer.DefaultMaxPlugin, MaxLicense: importer.DefaultMaxLicense, PluginRules: PluginRulesCluster, VulnerablePlugins: VulnerableRefuse, KeepEvents: DefaultKeepEvents, Version: Version,
		Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

// String shows the configuration without secrets; so do the other ways of printing it.
func (c Config) String() string {
	return fmt.Sprintf("data=%s database=%s master_key_file=%s blobs=%s blobs_endpoint=%s blobs_region=%s blobs_access_key=%s blobs_secret_key=%s listen=%s tls_cert=%s agent_listen=%s source_endpoint=%s source_region=%s source_access_key=%s source_secret_key=%s allowed_sources=%v max_dictionary=%d max_plugin=%d max_license=%d plugin_rules=%s vulnerabilities=%s vulnerable_plugins=%s keep_events=%s account=%s region=%s admin_access_key=%s admin_secret_key=%s",
		c.DataDir, elideDSN(c.Database), c.masterKeyFile(), c.Blobs, elideURL(c.BlobsEndpoint), c.BlobsRegion, c.BlobsAccessKey, elide(c.BlobsSecretKey), c.Listen, c.TLSCert, c.AgentListen, c.SourceEndpoint, c.SourceRegion,
		c.SourceAccessKey, elide(c.SourceSecretKey), c.AllowedSources, c.MaxDictionary, c.MaxPlugin, c.MaxLicense, c.PluginRules, c.Vulnerabilities, c.VulnerablePlugins, c.KeepEvents, c.Account, c.Region, c.AdminAccessKey, elide(c.AdminSecretKey))
}

// GoString is for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is for loggers and dumps that write JSON.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// elided stands for a secret.
const elided = "***"

func elide(secret string) string {
	if secret == "" {
		return ""
	}
	return elided
}

// elideDSN leaves out the password, and everything of an address that is no URL.
func elideDSN(dsn string) string {
	if dsn == "" {
		return ""
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return elided
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", elided)
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// elideURL leaves out what stands before the host.
func elideURL(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return elided
	}
	return u.Redacted()
}

// Version of the program; set at link time by release builds.
var Version = "0.1.0-dev"

// ErrConfig marks what the operator must change in flags or environment.
var ErrConfig = errors.New("configuration")

// Validate returns the first thing that is wrong, wrapped in ErrConfig.
func (c *Config) Validate() error {
	switch {
	case c.DataDir == "":
		return fmt.Errorf("%w: no data folder: give --data DIR", ErrConfig)
	case !address(c.Listen):
		return fmt.Errorf("%w: --listen %q is no HOST:PORT", ErrConfig, c.Listen)
	case !address(c.AgentListen):
		return fmt.Errorf("%w: --agent-listen %q is no HOST:PORT", ErrConfig, c.AgentListen)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("%w: --tls-cert and --tls-key go together", ErrConfig)
	case c.Listen != "" && c.TLSCert == "" && !loopback(c.Listen):
		return fmt.Errorf("%w: --listen %s is not loopback: give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that ends TLS", ErrConfig, c.Listen)
	case (c.AdminAccessKey == "") != (c.AdminSecretKey == ""):
		return fmt.Errorf("%w: SEARCHPACK_ADMIN_ACCESS_KEY_ID and SEARCHPACK_ADMIN_SECRET_ACCESS_KEY go together", ErrConfig)
	case c.MaxDictionary <= 0:
		return fmt.Errorf("%w: --max-dictionary is a size above 0", ErrConfig)
	case c.KeepEvents < 0:
		return fmt.Errorf("%w: --keep-events is a time above 0, or 0 to keep them for ever", ErrConfig)
	case c.MaxLicense <= 0:
		return fmt.Errorf("%w: --max-license is a size above 0", ErrConfig)
	case c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://"):
		return fmt.Errorf("%w: --database begins with postgres:// (without it, SQLite in the data folder is used)", ErrConfig)
	case !digits(c.Account):
		return fmt.Errorf("%w: --account %q is not 12 digits", ErrConfig, c.Account)
	}
	if err := c.validatePlugins(); err != nil {
		return err
	}
	return c.validateBlobs()
}

func (c *Config) validatePlugins() error {
	switch {
	case c.MaxPlugin <= 0:
		return fmt.Errorf("%w: --max-plugin is a size above 0", ErrConfig)
	case c.PluginRules != PluginRulesCluster && c.PluginRules != PluginRulesAWS:
		return fmt.Errorf("%w: --plugin-rules %q: use cluster or aws", ErrConfig, c.PluginRules)
	case c.VulnerablePlugins != VulnerableRefuse && c.VulnerablePlugins != VulnerableWarn:
		return fmt.Errorf("%w: --vulnerable-plugins %q: use refuse or warn", ErrConfig, c.VulnerablePlugins)
	}
	return nil
}

func (c *Config) validateBlobs() error {
	if c.Blobs == "" {
		if c.BlobsEndpoint != "" || c.BlobsRegion != "" || c.BlobsAccessKey != "" || c.BlobsSecretKey != "" {
			return fmt.Errorf("%w: --blobs-endpoint, --blobs-region and --blobs-credentials say nothing without --blobs s3://BUCKET/PREFIX", ErrConfig)
		}
		return nil
	}
	if _, _, err := blobstore.ParseS3(c.Blobs); err != nil {
		return fmt.Errorf("%w: --blobs %w (without it, blobs lie in the data folder)", ErrConfig, err)
	}
	switch u, err := url.Parse(c.BlobsEndpoint); {
	case (c.BlobsAccessKey == "") != (c.BlobsSecretKey == ""):
		return fmt.Errorf("%w: the access key and the secret key of the blob store go together", ErrConfig)
	case c.BlobsEndpoint == "":
		return nil
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%w: --blobs-endpoint is no URL; write for example https://s3.example.com", ErrConfig)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%w: --blobs-endpoint has more than a scheme, a host and a path; credentials go into the file of --blobs-credentials", ErrConfig)
	}
	return nil
}

func (c *Config) masterKeyFile() string {
	if c.MasterKeyFile != "" {
		return c.MasterKeyFile
	}
	return filepath.Join(c.DataDir, "master.key")
}

func (c *Config) databaseDSN() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.DataDir, "searchpack.db")
}

// address reports whether s is HOST:PORT, or "" for none.
func address(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return s == "" || err == nil && port != ""
}

// loopback reports whether the address listens on this machine only. A name other than localhost
// may mean anything.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func digits(account string) bool {
	for _, c := range account {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(account) == 12
}
