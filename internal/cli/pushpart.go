package cli

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
)

// partTypes are what belongs to a plugin, by the ending of the file.
var partTypes = map[string]types.PackageType{
	".zip": types.PackageTypePackageConfig, ".json": types.PackageTypePackageLicense, ".xml": types.PackageTypePackageLicense,
}

// lookPart is look for a file that belongs to a plugin.
func (p *PushCmd) lookPart() error {
	p.suffix = strings.ToLower(filepath.Ext(p.File))
	p.part = partTypes[p.suffix]
	switch {
	case p.part == "":
		return usagef("--for is for the configuration of a plugin, a .zip, and for its license, a .json or .xml: %s is neither", p.File)
	case p.Kind != "" || p.Checks != "" || p.EngineVersion != "":
		return usagef("--kind, --checks and --engine-version are not for what belongs to a plugin")
	}
	return nil
}

// pluginIn is the id of the plugin package that the file belongs to in a domain. Of plugins there is one
// for each EngineVersion: then it is the one that the domain has.
func (s *push) pluginIn(domain string) (string, error) {
	found, err := s.cl.packages(s.c, []string{s.For})
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(p packageLine) bool { return p.Type != string(searchpack.TypePlugin) })
	switch len(found) {
	case 0:
		return "", fmt.Errorf("there is no plugin %s: --for names the package of the plugin that the file belongs to", s.For)
	case 1:
		return found[0].ID, nil
	}
	var answer struct {
		Associations []associationLine `json:"associations"`
	}
	if _, err := s.cl.call(s.c, "GET", "/domains/"+url.PathEscape(domain)+"/associations", nil, &answer); err != nil {
		return "", err
	}
	for _, a := range answer.Associations {
		if slices.ContainsFunc(found, func(p packageLine) bool { return p.ID == a.PackageID }) {
			return a.PackageID, nil
		}
	}
	return "", fmt.Errorf("%d plugins are named %s, and domain %s has none of them: give --for the id of one", len(found), s.For, domain)
}
