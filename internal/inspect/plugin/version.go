package plugin

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Range is the versions of OpenSearch that a plugin says it is made for, as
// org.opensearch.semver.SemverRange has them. The zero value holds none.
type Range struct {
	Text      string // as the descriptor has it
	low, high int64  // both hold; versions as Version.id counts them
}

const (
	// releaseBuild is what Version.id ends in for a release: alphas, betas and candidates come before.
	releaseBuild = 99
	patchIDs     = 100
)

// idOf is Version.id of a release.
func idOf(major, minor, patch int64) int64 {
	return major*1_000_000 + minor*10_000 + patch*patchIDs + releaseBuild
}

// Holds reports whether a node of the version takes the plugin.
func (r Range) Holds(v target.Version) bool {
	id := idOf(int64(v.Major), int64(v.Minor), int64(v.Patch))
	return r.low <= id && id <= r.high
}

// Fits reports whether a node of that version of OpenSearch takes a plugin of the range, read as that
// version reads it. Of a version without a patch, "3.8", some patch must take it.
func Fits(text, openSearch string) bool {
	v, err := target.Parse(openSearch)
	if err != nil {
		return false
	}
	r, err := parseRange(text, v)
	if err != nil {
		return false
	}
	if target.IsRelease(openSearch) {
		return r.Holds(v)
	}
	return r.holdsAny(v)
}

// holdsAny reports whether nodes of any patch of the version's major and minor take the plugin.
func (r Range) holdsAny(v target.Version) bool {
	first := idOf(int64(v.Major), int64(v.Minor), 0)
	low := first + max(0, (r.low-first+patchIDs-1)/patchIDs*patchIDs) // the first release from r.low on
	return low <= min(r.high, idOf(int64(v.Major), int64(v.Minor), 99))
}

// first is the major and minor that the range begins with.
func (r Range) first() target.Version {
	return target.Version{Major: int(r.low / 1_000_000), Minor: int(r.low / 10_000 % 100)}
}

// interval mirrors SemverRange.RANGE_PATTERN, which OpenSearch 2 does not know.
var interval = regexp.MustCompile(`^([\[(])([0-9.]+)\s*,\s*([0-9.]+)([\])])$`)

// parseRange mirrors SemverRange.fromString of the version of OpenSearch that reads it.
func parseRange(text string, reader target.Version) (Range, error) {
	r := Range{Text: text}
	if m := interval.FindStringSubmatch(text); m != nil && !reader.Before(3, 0) {
		low, err := parseVersion(m[2], reader)
		if err != nil {
			return Range{}, err
		}
		high, err := parseVersion(m[3], reader)
		if err != nil {
			return Range{}, err
		}
		if low > high {
			return Range{}, fmt.Errorf("the range %s ends before it begins", text)
		}
		if r.low, r.high = low, high; m[1] == "(" {
			r.low++
		}
		if m[4] == ")" {
			r.high--
		}
		return r, nil
	}
	version, operator := text, byte(0)
	switch {
	case text != "" && strings.IndexByte("=~^", text[0]) >= 0:
		version, operator = text[1:], text[0]
	case strings.HasPrefix(text, "range") && !reader.Before(3, 0):
		// The operator RangeOperator.RANGE is spelled so, and its own expression takes every version.
		version, operator = text[len("range"):], 'r'
	}
	if version == "" {
		return Range{}, fmt.Errorf("there is no version in %q", text)
	}
	id, err := parseVersion(version, reader)
	if err != nil {
		return Range{}, err
	}
	r.low, r.high = id, id
	major, minor := id/1_000_000%100, id/10_000%100
	switch operator {
	case '~':
		r.high = idOf(major, minor+1, 0) - 1
	case '^':
		r.high = idOf(major+1, 0, 0) - 1
	case 'r':
		r.low, r.high = 0, math.MaxInt64
	}
	return r, nil
}

// Builds before the release, as org.opensearch.Version counts them.
var builds = []struct {
	prefix string
	from   int64
}{{"alpha", 0}, {"Beta", 25}, {"beta", 25}, {"RC", 50}, {"rc", 50}}

// parseVersion mirrors org.opensearch.Version.fromString and gives its id.
func parseVersion(text string, reader target.Version) (int64, error) {
	if strings.HasSuffix(text, "-SNAPSHOT") {
		return 0, fmt.Errorf("%s is a snapshot, which OpenSearch does not take", text)
	}
	parts := javaSplit(strings.ReplaceAll(text, "-", "."), ".")
	if len(parts) < 3 || len(parts) > 4 {
		return 0, fmt.Errorf("%q is no version of OpenSearch: it needs major, minor and patch, and nothing else but a -alpha1, -beta1 or -rc1", text)
	}
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = parseInt(parts[i]); err != nil {
			return 0, fmt.Errorf("%q is no version of OpenSearch: %q is no number", text, parts[i])
		}
		if n[i] > 99 && !reader.Before(3, 0) {
			return 0, fmt.Errorf("%q is no version of OpenSearch: no part may be more than 99", text)
		}
	}
	id := idOf(n[0], n[1], n[2])
	if len(parts) == 3 {
		return id, nil
	}
	for _, b := range builds {
		if number, ok := strings.CutPrefix(parts[3], b.prefix); ok {
			if build, err := parseInt(number); err == nil {
				return id - releaseBuild + b.from + build, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no version of OpenSearch: behind the patch only -alpha1, -beta1 or -rc1 may follow", text)
}

// javaSplit mirrors String.split, which leaves out what is empty at the end.
func javaSplit(s, separator string) []string {
	parts := strings.Split(s, separator)
	for len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 1 && parts[0] == "" && s != "" {
		return nil
	}
	return parts
}

// parseInt mirrors Integer.parseInt for what may stand between two dots.
func parseInt(s string) (int64, error) {
	return strconv.ParseInt(s, 10, 32)
}
