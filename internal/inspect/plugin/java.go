package plugin

import (
	"fmt"
	"regexp"
	"strconv"
)

// javaVersion mirrors the grammar of Runtime.Version.parse of Java 11 to 25: no leading zeros and no
// zero at the end, so 21.0 is none.
var javaVersion = regexp.MustCompile(`^([1-9][0-9]*)((?:(?:\.0)*\.[1-9][0-9]*)*)` +
	`(?:-([a-zA-Z0-9]+))?(?:(\+)(0|[1-9][0-9]*)?)?(?:-([-a-zA-Z0-9.]+))?$`)

var digits = regexp.MustCompile(`[0-9]+`)

// parseJava reads the property java.version, or X-Compile-Target-JDK of a jar, as
// JarHell.checkVersionFormat does, and returns its first number: 21 of 21.0.3.
func parseJava(text string) (int, error) {
	wrong := fmt.Errorf("%q is no version of Java: write it as 21, or 21.0.3, without leading zeros and without a 0 at the end", text)
	m := javaVersion.FindStringSubmatch(text)
	if m == nil {
		return 0, wrong
	}
	pre, plus, build, optional := m[3], m[4], m[5], m[6]
	if plus != "" && build == "" && optional == "" || optional != "" && plus == "" && pre == "" {
		return 0, wrong // a + without what it announces; an optional part that nothing comes before
	}
	for _, number := range append(digits.FindAllString(m[1]+m[2], -1), build) {
		if _, err := strconv.ParseInt("0"+number, 10, 32); err != nil {
			return 0, wrong
		}
	}
	return strconv.Atoi(m[1])
}
