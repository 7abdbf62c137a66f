package cli

import (
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
)

// partTypes are what belongs to a plugin, by the ending of the file.
var partTypes = map[string]types.PackageType{
	".zip": types.PackageTypePackageConfig, ".json": types.PackageTypePackageLicense, ".xml": types.PackageTypePackageLicense,
}

// lookPart is look for a file that belongs to a plugin.
func (p *PushCmd) lookPart(file *pushFile) error {
	p.suffix = strings.ToLower(filepath.Ext(p.File))
	p.part = partTypes[p.suffix]
	_, plugin := pluginEngine(file.File, file.size)
	switch {
	case p.part == types.PackageTypePackageConfig && plugin:
		return usagef("%s is a plugin, not the configuration of one: push it without --for", p.File)
	case p.part == "":
		return usagef("--for is for the configuration of a plugin, a .zip, and for its license, a .json or .xml: %s is neither", p.File)
	case p.Kind != "" || p.Checks != "" || p.EngineVersion != "":
		return usagef("--kind, --checks and --engine-version are not for what belongs to a plugin")
	}
	return nil
}
