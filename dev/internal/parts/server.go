package parts

import (
	"context"

	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/server"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// newestEngine is what a files-only domain is said to run when its maker does not say.
const newestEngine = "OpenSearch_3.8"

func openServer(ctx context.Context, c stack.ServerConfig) (stack.ControlPlane, error) {
	cfg := server.Default(c.Dir)
	cfg.Listen, cfg.AgentListen = "", "127.0.0.1:0"
	cfg.SourceEndpoint, cfg.SourceRegion = c.Endpoint, c.Region
	cfg.SourceAccessKey, cfg.SourceSecretKey, cfg.SourceDial = c.AccessKey, c.SecretKey, c.SourceDial
	cfg.AllowedSources = map[string][]string{"*": {"*"}}
	cfg.Account, cfg.Region = c.Account, c.Region
	cfg.AdminAccessKey, cfg.AdminSecretKey = c.AccessKey, c.SecretKey
	cfg.Limits = catalog.Limits{ // AWS's quotas hold in development, and in production only if asked for
		EngineVersions: c.Engines, DefaultEngine: newestEngine, MaxNodes: c.MaxNodes, FilesOnly: c.FilesOnly(),
		LocalClusters: true,
	}.WithAWSQuotas()
	cfg.PluginRules = server.PluginRules(c.PluginRules)
	cfg.Vulnerabilities = c.Vulnerabilities
	cfg.OnDomainsChanged, cfg.Logger = c.OnDomainsChanged, c.Log
	s, err := server.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return s, nil
}
