package catalog

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// engineVersion is AWS's VersionString.
var engineVersion = regexp.MustCompile(`^(Elasticsearch_[0-9]\.[0-9]{1,2}|OpenSearch_[0-9]{1,2}\.[0-9]{1,2})$`)

// engines are the versions that ListVersions shows where no others are set: those of AWS, and those
// that Searchpack was tried with.
var engines = []string{
	"OpenSearch_3.8", "OpenSearch_3.7", "OpenSearch_3.5", "OpenSearch_3.3", "OpenSearch_3.1",
	"OpenSearch_2.19", "OpenSearch_2.17", "OpenSearch_2.15", "OpenSearch_2.13", "OpenSearch_2.11",
	"OpenSearch_2.9", "OpenSearch_2.7", "OpenSearch_2.5", "OpenSearch_2.3",
	"OpenSearch_1.3", "OpenSearch_1.2", "OpenSearch_1.1", "OpenSearch_1.0",
	"Elasticsearch_7.10", "Elasticsearch_7.9", "Elasticsearch_7.8", "Elasticsearch_7.7", "Elasticsearch_7.4", "Elasticsearch_7.1",
	"Elasticsearch_6.8", "Elasticsearch_6.7", "Elasticsearch_6.5", "Elasticsearch_6.4", "Elasticsearch_6.3", "Elasticsearch_6.2", "Elasticsearch_6.0",
	"Elasticsearch_5.6", "Elasticsearch_5.5", "Elasticsearch_5.3", "Elasticsearch_5.1",
}

// never are versions that AWS upgrades from and never to.
var never = []string{"Elasticsearch_6.2", "Elasticsearch_6.0", "Elasticsearch_5.5", "Elasticsearch_5.3", "Elasticsearch_5.1"}

// EngineVersions are the versions that are offered, newest first.
func (c *Catalog) EngineVersions() []string {
	if len(c.limits.EngineVersions) == 0 {
		return slices.Clone(engines)
	}
	out := slices.Clone(c.limits.EngineVersions)
	slices.SortFunc(out, func(a, b string) int { return compareEngines(b, a) })
	return slices.Compact(out)
}

// CompatibleVersions says for the version of a domain, or with domain "" for each one offered,
// newest first, which others it may be upgraded to. A cluster that somebody else runs can be upgraded
// to none from here. ErrNotFound.
func (c *Catalog) CompatibleVersions(ctx context.Context, who searchpack.Caller, domain string) ([]CompatibleVersions, error) {
	if domain == "" {
		out := []CompatibleVersions{}
		for _, v := range c.EngineVersions() {
			out = append(out, CompatibleVersions{Source: v, Targets: c.targets(v)})
		}
		return out, nil
	}
	v, err := c.DescribeDomain(ctx, who, domain)
	if err != nil {
		return nil, err
	}
	one := CompatibleVersions{Source: v.EngineVersion, Targets: []string{}}
	if c.local(&v.Domain) {
		one.Targets = c.targets(v.EngineVersion)
	}
	return []CompatibleVersions{one}, nil
}

// targets are the versions that one may be upgraded to, ascending.
func (c *Catalog) targets(from string) []string {
	out := []string{}
	if !c.limits.LocalClusters {
		return out
	}
	for _, to := range c.EngineVersions() {
		if upgradable(from, to) {
			out = append(out, to)
		}
	}
	slices.Reverse(out)
	return out
}

// upgradable reports whether AWS upgrades from one version to the other: to a newer one of the same
// major, and from the last of a major to the next. Elasticsearch 7, and 6.8, go on as OpenSearch 1.
func upgradable(from, to string) bool {
	if compareEngines(from, to) >= 0 || slices.Contains(never, to) {
		return false
	}
	a, b := parseEngine(from), parseEngine(to)
	switch {
	case a.openSearch && b.openSearch:
		return a.major == b.major || b.major == a.major+1 && a.minor >= lastMinor(a)
	case !a.openSearch && b.openSearch:
		return b.major == 1 && (a.major == 7 || from == "Elasticsearch_6.8")
	}
	return a.major == b.major || b.major == a.major+1 && a.minor >= lastMinor(a)
}

// lastMinor of a version's major, of those AWS has.
func lastMinor(e engine) int {
	last := 0
	for _, v := range engines {
		if other := parseEngine(v); other.openSearch == e.openSearch && other.major == e.major {
			last = max(last, other.minor)
		}
	}
	return last
}

type engine struct {
	openSearch   bool
	major, minor int
}

// parseEngine reads "OpenSearch_3.8"; the zero value if it is none.
func parseEngine(version string) engine {
	if !engineVersion.MatchString(version) {
		return engine{}
	}
	name, number, _ := strings.Cut(version, "_")
	major, minor, _ := strings.Cut(number, ".")
	e := engine{openSearch: name == "OpenSearch"}
	e.major, _ = strconv.Atoi(major) // digits, as the pattern says
	e.minor, _ = strconv.Atoi(minor)
	return e
}

// compareEngines: every OpenSearch is newer than any Elasticsearch.
func compareEngines(a, b string) int {
	x, y := parseEngine(a), parseEngine(b)
	if x.openSearch != y.openSearch {
		if x.openSearch {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(x.major, y.major), cmp.Compare(x.minor, y.minor))
}

// chooseEngine checks the version asked for against those offered; "" takes the first.
func (c *Catalog) chooseEngine(asked string) (string, error) {
	offered := c.limits.EngineVersions
	if asked == "" && len(offered) > 0 {
		return offered[0], nil
	}
	if asked == "" {
		return c.limits.DefaultEngine, nil
	}
	if !engineVersion.MatchString(asked) {
		return "", searchpack.Errorf(searchpack.ErrInvalid, "EngineVersion %s is none: write it as OpenSearch_3.8.", asked)
	}
	if len(offered) > 0 && !slices.Contains(offered, asked) { // AWS's words
		return "", searchpack.Errorf(searchpack.ErrInvalid, "Unsupported Version: %s, allowed Versions are: [%s]", asked, strings.Join(offered, ", "))
	}
	return asked, nil
}

// engineOf turns "3.8.0" into "OpenSearch_3.8".
func engineOf(version string) string {
	p := strings.SplitN(version, ".", 3)
	if len(p) < 2 {
		return ""
	}
	return "OpenSearch_" + p[0] + "." + p[1]
}
