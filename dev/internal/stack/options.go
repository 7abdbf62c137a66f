package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Options are what `searchpack-dev up` was asked. DefaultOptions says what holds without flags.
type Options struct {
	Port       int      // of the endpoint on 127.0.0.1; 0: a free one
	OpenSearch []string // versions ("3.8.0") and homes, or None alone; empty: what the JDK at hand runs
	Nodes      int      // of each of Domains that is not there yet
	Domains    []string // made at the start if absent
	Data       string
	Ephemeral  bool // delete what lies in Data at the stop
	// PluginRules is whose rules plugins are held to: "aws" or "cluster". Dictionaries are not concerned.
	PluginRules string
	// Vulnerabilities is a file of known vulnerabilities for which plugins are refused; "" = none.
	Vulnerabilities string
	MaxNodes        int // of all domains together

	AccessKey, SecretKey string
	Account, Region      string
}

// None in Options.OpenSearch stands for files-only nodes.
const None = "none"

// DefaultOptions returns the defaults of `searchpack-dev up`.
func DefaultOptions() Options {
	return Options{
		Port: 4566, Nodes: 3, PluginRules: "aws", MaxNodes: 9,
		AccessKey: "test", SecretKey: "test", Account: "000000000000", Region: "us-east-1",
	}
}

// FilesOnly reports whether the nodes run no OpenSearch.
func (o Options) FilesOnly() bool { return slices.Equal(o.OpenSearch, []string{None}) }

// The patterns of AWS's DomainName, account ids, regions and access keys.
var (
	domainShape  = regexp.MustCompile(`^[a-z][a-z0-9-]{2,27}$`)
	accountShape = regexp.MustCompile(`^[0-9]{12}$`)
	regionShape  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	keyShape     = regexp.MustCompile(`^[A-Za-z0-9_.+=@-]{1,128}$`)
	engineShape  = regexp.MustCompile(`^[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}$`)
)

// Validate says in one line what a caller must change, without looking at anything but the options.
func (o Options) Validate() error {
	checks := []struct {
		ok   bool
		text string
	}{
		{o.Port >= 0 && o.Port <= 65535, fmt.Sprintf("--port %d is none: use 1 to 65535, or 0 for a free one", o.Port)},
		{o.Nodes >= 1, fmt.Sprintf("--nodes %d: a domain has at least one node", o.Nodes)},
		{o.MaxNodes >= 1, fmt.Sprintf("--max-nodes %d: at least one", o.MaxNodes)},
		{o.Nodes*len(o.Domains) <= o.MaxNodes, fmt.Sprintf("%d domains of %d nodes are more than --max-nodes %d", len(o.Domains), o.Nodes, o.MaxNodes)},
		{o.PluginRules == "aws" || o.PluginRules == "cluster", fmt.Sprintf("--plugin-rules %q: use aws or cluster", o.PluginRules)},
		{accountShape.MatchString(o.Account), fmt.Sprintf("--account %q: an account has 12 digits", o.Account)},
		{regionShape.MatchString(o.Region), fmt.Sprintf("--region %q is no region", o.Region)},
		{keyShape.MatchString(o.AccessKey), "--access-key: 1 to 128 letters, digits or _.+=@-"},
		{o.SecretKey != "" && len(o.SecretKey) <= 256, "--secret-key: 1 to 256 characters"},
		{o.Data != "", "--data: name a folder"},
		{len(o.OpenSearch) <= 1 || !slices.Contains(o.OpenSearch, None), "--opensearch none cannot be combined with versions"},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("%s", c.text)
		}
	}
	for _, d := range o.Domains {
		if !domainShape.MatchString(d) {
			return fmt.Errorf("--domain %q: 3 to 28 lower-case letters, digits and hyphens, a letter first", d)
		}
	}
	for _, v := range o.OpenSearch {
		if v != None && !engineShape.MatchString(v) && !strings.ContainsRune(v, filepath.Separator) && v != "." && v != ".." {
			return fmt.Errorf("--opensearch %q: write a version as 3.8.0, a folder of an installation as a path, or none", v)
		}
		if version, err := target.Parse(v); err == nil && version.Impossible() != "" {
			return fmt.Errorf("--opensearch %s is no version of OpenSearch: %s", v, version.Impossible())
		}
	}
	return nil
}

// DefaultData is the data folder when none is named: searchpack-dev in the user's data folder.
func DefaultData() string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "searchpack-dev")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "searchpack-dev-data"
	}
	return filepath.Join(home, ".local", "share", "searchpack-dev")
}
