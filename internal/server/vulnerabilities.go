package server

import (
	"fmt"
	"os"

	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// VulnerablePlugins is what becomes of a plugin with a library that the database of vulnerabilities
// knows.
type VulnerablePlugins string

// The ways.
const (
	VulnerableRefuse VulnerablePlugins = "refuse" // its import ends VALIDATION_FAILED, as on AWS
	VulnerableWarn   VulnerablePlugins = "warn"   // it is taken, with findings
)

// loadVulnerabilities reads the operator's database; nil if there is none.
func loadVulnerabilities(file string) (*vuln.Database, error) {
	if file == "" {
		return nil, nil
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: --vulnerabilities: %w", ErrConfig, err)
	}
	defer in.Close()
	d, err := vuln.Load(in)
	if err != nil {
		return nil, fmt.Errorf("%w: --vulnerabilities %s: %w", ErrConfig, file, err)
	}
	if d.Records == 0 {
		return nil, fmt.Errorf("%w: --vulnerabilities %s has no record of the ecosystem Maven: nothing would ever be found", ErrConfig, file)
	}
	return d, nil
}
