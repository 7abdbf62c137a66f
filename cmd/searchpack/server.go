package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/agentcmd"
	"github.com/searchpack/searchpack/internal/cli"
	"github.com/searchpack/searchpack/internal/configfile"
	"github.com/searchpack/searchpack/internal/server"
)

// serverCmd is `searchpack server`.
type serverCmd struct {
	ConfigFile configfile.Path `type:"path" placeholder:"FILE" help:"These flags, in YAML: the names without hyphens before them."`

	Data      string `default:"searchpack-data" type:"path" placeholder:"DIR" help:"Folder of database, blobs, master key and the first credentials."`
	Database  string `placeholder:"postgres://…" help:"PostgreSQL instead of SQLite in the data folder."`
	MasterKey string `name:"master-key-file" type:"path" placeholder:"FILE" help:"Key that seals secrets (default: master.key in the data folder, made on first start). Back it up."`

	Blobs            string `placeholder:"s3://BUCKET/PREFIX" help:"S3 for blobs, instead of a folder in the data folder: several servers can share it."`
	BlobsEndpoint    string `placeholder:"URL" help:"That S3 (default: AWS)."`
	BlobsRegion      string `placeholder:"REGION" help:"Its region (default: of the usual AWS variables, else us-east-1)."`
	BlobsCredentials string `type:"path" placeholder:"FILE" help:"AWS credentials file for it, profile default (else the usual AWS variables)."`

	Listen      string `default:"127.0.0.1:9400" help:"Address of the API. Off loopback it needs TLS."`
	TLSCert     string `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate of the API, PEM."`
	TLSKey      string `name:"tls-key" type:"path" placeholder:"FILE" help:"Its key, PEM."`
	AgentListen string `default:"127.0.0.1:9401" help:"Address for agents. Always TLS with the server's own authority; needs TCP pass-through."`

	SourceEndpoint    string   `placeholder:"URL" help:"S3 that packages are read from (default: AWS)."`
	SourceRegion      string   `default:"us-east-1" help:"Its region."`
	SourceCredentials string   `type:"path" placeholder:"FILE" help:"AWS credentials file for it, profile default (else the usual AWS variables)."`
	AllowSource       []string `placeholder:"ACCOUNT:BUCKET/PREFIX" help:"Where packages may come from; may be repeated. '*:*' allows every account every place; nothing given allows nothing."`
	MaxDictionary     byteSize `default:"2GiB" help:"Largest dictionary."`
	MaxPlugin         byteSize `default:"1GiB" help:"Largest zip of a plugin, and the most that it may unpack to."`
	MaxLicense        byteSize `default:"10MiB" help:"Largest license, and the same for the zip of a configuration."`
	PluginRules       string   `enum:"cluster,aws" default:"cluster" help:"Whose rules plugins are held to: cluster takes any patch of their OpenSearch version and any kind, aws patch 0 and five kinds only."`
	Vulnerabilities   string   `type:"path" placeholder:"FILE" help:"Known vulnerabilities that the libraries of plugins are compared with: OSV records of the ecosystem Maven, a JSON array or one a line. Read once, at the start."`
	VulnerablePlugins string   `enum:"refuse,warn" default:"refuse" help:"What becomes of a plugin with a library that --vulnerabilities knows: refuse or warn."`
	AWSQuotas         bool     `name:"aws-quotas" help:"Hold accounts to AWS's quotas: 25 packages and 25 plugins per region, 20 and 20 per domain."`

	KeepEvents cli.Span `default:"90d" help:"How long the audit log remembers: 90d, 36h; 0 = for ever."`

	Account        string `default:"000000000000" help:"Account of the first key, 12 digits."`
	AdminAccessKey string `name:"admin-access-key-id" placeholder:"ID" help:"First key, on an empty database (else one is made and written to the data folder)."`
	AdminSecretKey string `name:"admin-secret-access-key" placeholder:"SECRET" help:"Its secret. Use the environment variable SEARCHPACK_ADMIN_SECRET_ACCESS_KEY, not the flag."`

	LogLevel slog.Level `default:"info" help:"debug, info, warn or error."`
}

// Help stands below the flags.
func (*serverCmd) Help() string {
	return `Examples:
  searchpack server --data /var/lib/searchpack --allow-source '*:*'
  searchpack server --data /var/lib/searchpack --database postgres://searchpack@db/searchpack \
      --listen 0.0.0.0:9400 --tls-cert api.pem --tls-key api.key --agent-listen 0.0.0.0:9401
  searchpack server --data /var/lib/searchpack --database postgres://searchpack@db/searchpack \
      --master-key-file /etc/searchpack/master.key --blobs s3://searchpack-blobs/prod
  searchpack server --config-file /etc/searchpack/server.yml`
}

// config is the server's configuration.
func (c *serverCmd) config(log *slog.Logger) (server.Config, error) {
	cfg := server.Default(c.Data)
	cfg.Database, cfg.MasterKeyFile = c.Database, c.MasterKey
	cfg.Listen, cfg.TLSCert, cfg.TLSKey, cfg.AgentListen = c.Listen, c.TLSCert, c.TLSKey, c.AgentListen
	cfg.SourceEndpoint, cfg.SourceRegion = c.SourceEndpoint, c.SourceRegion
	cfg.Account, cfg.AdminAccessKey, cfg.AdminSecretKey = c.Account, c.AdminAccessKey, c.AdminSecretKey
	cfg.MaxDictionary, cfg.MaxPlugin, cfg.MaxLicense = int64(c.MaxDictionary), int64(c.MaxPlugin), int64(c.MaxLicense)
	cfg.KeepEvents = time.Duration(c.KeepEvents)
	cfg.PluginRules = server.PluginRules(c.PluginRules)
	cfg.Vulnerabilities, cfg.VulnerablePlugins = c.Vulnerabilities, server.VulnerablePlugins(c.VulnerablePlugins)
	if c.AWSQuotas {
		cfg.Limits = cfg.Limits.WithAWSQuotas()
	}
	cfg.Blobs, cfg.BlobsEndpoint, cfg.BlobsRegion = c.Blobs, c.BlobsEndpoint, c.BlobsRegion
	cfg.Logger = log
	var err error
	if cfg.AllowedSources, err = sources(c.AllowSource); err != nil {
		return cfg, err
	}
	if c.SourceCredentials != "" {
		if cfg.SourceAccessKey, cfg.SourceSecretKey, err = server.ReadCredentials(c.SourceCredentials); err != nil {
			return cfg, fmt.Errorf("%w: --source-credentials: %w", server.ErrConfig, err)
		}
	}
	if c.BlobsCredentials != "" {
		if cfg.BlobsAccessKey, cfg.BlobsSecretKey, err = server.ReadCredentials(c.BlobsCredentials); err != nil {
			return cfg, fmt.Errorf("%w: --blobs-credentials: %w", server.ErrConfig, err)
		}
	}
	return cfg, nil
}

// Run runs the control plane until it is told to stop.
func (c *serverCmd) Run(ctx context.Context, out *agentcmd.Streams) error {
	cfg, err := c.config(slog.New(slog.NewTextHandler(out.Err, &slog.HandlerOptions{Level: c.LogLevel})))
	if err != nil {
		return err
	}
	s, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	cfg.Logger.Info("searchpack serves", "api", s.Addr(), "agents", s.AgentAddr(), "version", cfg.Version, "pid", os.Getpid())
	if len(cfg.AllowedSources) == 0 {
		cfg.Logger.Warn("no --allow-source given: CreatePackage will refuse every source")
	}
	err = s.Run(ctx)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return err
}

// sources reads ACCOUNT:BUCKET/PREFIX.
func sources(entries []string) (map[string][]string, error) {
	out := map[string][]string{}
	for _, entry := range entries {
		account, place, ok := strings.Cut(entry, ":")
		if !ok || account == "" || place == "" {
			return nil, fmt.Errorf("%w: --allow-source %q is not ACCOUNT:BUCKET/PREFIX (or '*:*')", server.ErrConfig, entry)
		}
		out[account] = append(out[account], place)
	}
	return out, nil
}

// byteSize is a size on the command line: 2GiB, 500MiB, 1000000.
type byteSize int64

// UnmarshalText reads a size.
func (b *byteSize) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	factor := int64(1)
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}} {
		if cut, ok := strings.CutSuffix(s, unit.name); ok {
			s, factor = strings.TrimSpace(cut), unit.factor
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is no size: write 2GiB, 500MiB or a number of bytes", text)
	}
	*b = byteSize(n * factor)
	return nil
}
