// Package target knows the versions of OpenSearch that files are held against: how versions are
// written and compared. It asks no node: what one node really runs is checked there.
package target

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is a version of OpenSearch. The zero value means every version that Searchpack serves.
type Version struct{ Major, Minor, Patch int }

// Served are the versions that the product is tested against, the oldest first.
var Served = []Version{{2, 19, 0}, {3, 8, 0}}

var written = regexp.MustCompile(`^([0-9]{1,3})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?$`)

// Parse reads "3.8.0", "3.8" and an EngineVersion, "OpenSearch_3.8".
func Parse(s string) (Version, error) {
	m := written.FindStringSubmatch(strings.TrimPrefix(s, "OpenSearch_"))
	if m == nil {
		return Version{}, fmt.Errorf("%q is no version of OpenSearch: write it as 3.8.0 or 3.8", s)
	}
	var v Version
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	return v, nil
}

// IsRelease reports whether s is a version with all its numbers, as OpenSearch writes it: "3.8.0".
func IsRelease(s string) bool {
	v, err := Parse(s)
	return err == nil && v.String() == s
}

// String writes the version as OpenSearch does; "" for the zero value.
func (v Version) String() string {
	if v == (Version{}) {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Before reports whether v is older than major.minor.
func (v Version) Before(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}
