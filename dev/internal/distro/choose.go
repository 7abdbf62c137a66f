package distro

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// javaRange says which Java an OpenSearch version runs on.
type javaRange struct {
	min, max int // max 0: no known end
	best     int // the newest that the version was made for
	install  string
}

// javaFor mirrors OpenSearch: 3.x checks for Java 21 (JavaVersionChecker); 1.x and 2.x need a
// security manager, which their start options allow up to 23 and which Java 24 no longer has.
// Newer than 21 was never published for 2.x.
func javaFor(version string) javaRange {
	if strings.HasPrefix(version, "1.") || strings.HasPrefix(version, "2.") {
		return javaRange{min: 11, best: 17, max: 21, install: "openjdk-17-jdk-headless"}
	}
	return javaRange{min: 21, best: 25, install: "openjdk-21-jdk-headless"}
}

func (r javaRange) holds(major int) bool { return major >= r.min && (r.max == 0 || major <= r.max) }

func (r javaRange) String() string {
	if r.max == 0 {
		return fmt.Sprintf("%d or newer", r.min)
	}
	return fmt.Sprintf("%d to %d", r.min, r.max)
}

// better reports whether Java a suits better than b: the newest up to best, else the oldest beyond.
func (r javaRange) better(a, b int) bool {
	if (a <= r.best) != (b <= r.best) {
		return a <= r.best
	}
	if a <= r.best {
		return a > b
	}
	return a < b
}

var versionShape = regexp.MustCompile(`^[1-9][0-9]?\.[0-9]{1,3}\.[0-9]{1,3}$`)

// IsVersion reports whether s has the form of an OpenSearch version, "3.8.0".
func IsVersion(s string) bool { return versionShape.MatchString(s) }

// atLeast compares the first two numbers of a version of that form.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return false
	}
	a, _ := strconv.Atoi(parts[0])
	b, _ := strconv.Atoi(parts[1])
	return a > major || a == major && b >= minor
}

// AtLeast reports whether the home's OpenSearch is of that minor version or a later one.
func (h Home) AtLeast(major, minor int) bool { return atLeast(h.Version, major, minor) }

// Release is the class file version that plugins of this OpenSearch are compiled for.
func (h Home) Release() int { return javaFor(h.Version).min }

// ErrNoJDK is the cause of every error that says no fitting JDK was found.
var ErrNoJDK = errors.New("no JDK that fits")

// ChooseJDK picks the one of jdks to run an OpenSearch version with; of equals, the first. The
// error is one line that says what to type.
func ChooseJDK(version string, jdks []JDK) (JDK, error) {
	r := javaFor(version)
	var best JDK
	withoutCompiler := ""
	for _, j := range jdks {
		switch {
		case !r.holds(j.Major):
		case !j.Compiler:
			withoutCompiler = j.Home
		case best.Home == "" || r.better(j.Major, best.Major):
			best = j
		}
	}
	if best.Home != "" {
		return best, nil
	}
	return JDK{}, fmt.Errorf("OpenSearch %s needs a JDK of version %s, and %s; type: sudo apt-get install %s (%w)",
		version, r, have(jdks, withoutCompiler), r.install, ErrNoJDK)
}

// have tells what was found instead of what is needed.
func have(jdks []JDK, withoutCompiler string) string {
	if withoutCompiler != "" {
		return withoutCompiler + " has no javac"
	}
	if len(jdks) == 0 {
		return "no Java was found"
	}
	var found []string
	for _, j := range jdks {
		found = append(found, strconv.Itoa(j.Major))
	}
	return "only Java " + strings.Join(found, ", ") + " was found"
}

// Choice is a version together with the JDK that runs it.
type Choice struct {
	Version string
	JDK     JDK
	Reason  string // one line: why this version
}

// Choose picks the first of the offered versions, in the order of preference, that one of jdks
// runs. Without a JDK for any, the error is one line that says what to type.
func Choose(offered []string, jdks []JDK) (Choice, error) {
	if len(offered) == 0 {
		return Choice{}, errors.New("no OpenSearch version is offered")
	}
	var missed []string
	for _, version := range offered {
		jdk, err := ChooseJDK(version, jdks)
		if err != nil {
			missed = append(missed, fmt.Sprintf("%s needs a JDK of version %s", version, javaFor(version)))
			continue
		}
		reason := fmt.Sprintf("OpenSearch %s on Java %s (%s)", version, jdk.Version, jdk.Home)
		if len(missed) > 0 {
			reason += ", because " + strings.Join(missed, ", ") + " and none was found"
		}
		return Choice{Version: version, JDK: jdk, Reason: reason}, nil
	}
	return Choice{}, fmt.Errorf("no JDK was found that runs OpenSearch (%s); type: sudo apt-get install default-jdk-headless (%w)",
		strings.Join(missed, ", "), ErrNoJDK)
}
