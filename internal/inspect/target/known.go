package target

import "fmt"

// last are the last minors of the majors that get no more of them.
var last = map[int]int{1: 3, 2: 19}

// Impossible says why v is certainly no version of OpenSearch; "" = it is one, or may come to be one. A
// major beyond the one after the newest that is served counts as a typing error.
func (v Version) Impossible() string {
	minor, ended := last[v.Major]
	newest := Served[len(Served)-1]
	switch {
	case v.Major == 0:
		return "OpenSearch begins with 1.0"
	case ended && v.Minor > minor:
		return fmt.Sprintf("the last of OpenSearch %d is %d.%d", v.Major, v.Major, minor)
	case v.Major > newest.Major+1:
		return "the newest that this program knows is " + newest.String()
	}
	return ""
}

// Unserved says how v lies to the versions that are served, if it is older or newer than all: what is said
// of a file is then what the nearest of them makes of it.
func (v Version) Unserved() string {
	oldest, newest := Served[0], Served[len(Served)-1]
	switch {
	case v.Before(oldest.Major, oldest.Minor):
		return fmt.Sprintf("OpenSearch %s is older than %s, the oldest that this program knows", v, oldest)
	case newest.Before(v.Major, v.Minor):
		return fmt.Sprintf("OpenSearch %s is newer than %s, the newest that this program knows", v, newest)
	}
	return ""
}
