package distro

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"17.0.15": 17, "25": 25, "22-ea": 22, "1.8.0_412": 8, "21.0.2+13-LTS": 21, "11.0.22": 11,
		"": 0, "x": 0, "-1": 0, "99999999999999999999": 0, "4000": 0,
	} {
		if got := majorOf(text); got != want {
			t.Errorf("majorOf(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment": "17.0.15",
		"java version \"1.8.0_412\"":                                          "1.8.0_412",
		"Picked up X: -Dv\nopenjdk version \"25.0.3\" 2026-04-21":             "25.0.3",
		"bash: java: command not found":                                       "",
	} {
		if got := parseSpoken(text); got != want {
			t.Errorf("parseSpoken(%q) = %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]bool{"3.8.0": true, "2.19.0": true, "3.8": false, "3.8.0-rc1": false, "03.8.0": false, "./3.8.0": false, "": false} {
		if IsVersion(text) != want {
			t.Errorf("IsVersion(%q) = %v", text, !want)
		}
	}
	for _, v := range []string{"3.7.0", "3.8.0", "4.0.0"} {
		if !(Home{Version: v}).AtLeast(3, 7) {
			t.Errorf("%s is not at least 3.7", v)
		}
	}
	for _, v := range []string{"2.19.1", "3.6.9", ""} {
		if (Home{Version: v}).AtLeast(3, 7) {
			t.Errorf("%q is at least 3.7", v)
		}
	}
}

func TestFindJDKs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seventeen := javaAt(t, filepath.Join(dir, "jvm", "java-17"), "17.0.15", true)
	named := javaAt(t, filepath.Join(dir, "named", "jdk-21"), "21.0.2", false)
	beside := javaAt(t, filepath.Join(dir, "named", "jdk-25"), "25.0.3", true)
	pathed := javaAt(t, filepath.Join(dir, "path", "jdk"), "11.0.1", true)
	check(t, os.Symlink(seventeen, filepath.Join(dir, "jvm", "default"))) // the same again
	check(t, os.MkdirAll(filepath.Join(dir, "jvm", "empty"), 0o755))
	write(t, filepath.Join(dir, "jvm", "odd", "bin", "java"), "#!/bin/sh\nexit 1\n", 0o755)
	spoken := filepath.Join(dir, "jvm", "spoken")
	write(t, filepath.Join(spoken, "bin", "java"), "#!/bin/sh\necho 'openjdk version \"23.0.1\" 2024' >&2\n", 0o755)
	bin := filepath.Join(dir, "bin")
	check(t, os.MkdirAll(bin, 0o755))
	check(t, os.Symlink(filepath.Join(pathed, "bin", "java"), filepath.Join(bin, "java")))

	got := findJDKs(t.Context(), env(map[string]string{
		"JAVA_HOME": named, "OPENSEARCH_JAVA_HOME": filepath.Join(dir, "nowhere"), "PATH": "relative:" + filepath.Join(dir, "none") + ":" + bin,
	}), filepath.Join(dir, "jvm"))
	want := []JDK{
		{named, "21.0.2", 21, false},
		{pathed, "11.0.1", 11, true},
		{beside, "25.0.3", 25, true},
		{seventeen, "17.0.15", 17, true},
		{spoken, "23.0.1", 23, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := findJDKs(t.Context(), env(nil), filepath.Join(dir, "none")); len(got) != 0 {
		t.Errorf("on a machine without Java: %v", got)
	}
}

func jdks(majors ...int) []JDK {
	var list []JDK
	for _, m := range majors {
		list = append(list, JDK{Home: "/j" + string(rune('a'+len(list))), Version: "v", Major: m, Compiler: true})
	}
	return list
}

func TestChoose(t *testing.T) {
	t.Parallel()
	cases := []struct {
		have    []int
		version string
		major   int
		reason  string
	}{
		{[]int{17, 25}, "3.8.0", 25, "OpenSearch 3.8.0 on Java"},
		{[]int{21}, "3.8.0", 21, "3.8.0"},
		{[]int{26, 25, 21}, "3.8.0", 25, "3.8.0"},
		{[]int{27, 26}, "3.8.0", 26, "3.8.0"}, // nearest to what was tried
		{[]int{17}, "2.19.0", 17, "because 3.8.0 needs a JDK of version 21 or newer and none was found"},
		{[]int{11}, "2.19.0", 11, "2.19.0"},
		{[]int{11, 17}, "2.19.0", 17, "2.19.0"},
		{[]int{18}, "2.19.0", 18, "2.19.0"},
		{[]int{11, 20}, "2.19.0", 11, "2.19.0"},
	}
	for _, c := range cases {
		got, err := Choose(Offered(), jdks(c.have...))
		if err != nil || got.Version != c.version || got.JDK.Major != c.major || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("with %v: %+v, %v", c.have, got, err)
		}
	}
	for _, have := range [][]int{nil, {8}} {
		_, err := Choose(Offered(), jdks(have...))
		wants(t, err, "sudo apt-get install default-jdk-headless")
		if !errors.Is(err, ErrNoJDK) {
			t.Errorf("%v is not ErrNoJDK", err)
		}
	}
	if _, err := Choose(nil, jdks(25)); err == nil {
		t.Error("chose from nothing")
	}
}

func TestChooseJDKSaysWhatToType(t *testing.T) {
	t.Parallel()
	_, err := ChooseJDK("3.8.0", jdks(17, 11))
	wants(t, err, "OpenSearch 3.8.0 needs a JDK of version 21 or newer, and only Java 17, 11 was found; type: sudo apt-get install openjdk-21-jdk-headless")
	_, err = ChooseJDK("2.19.0", jdks(25))
	wants(t, err, "of version 11 to 21, and only Java 25 was found; type: sudo apt-get install openjdk-17-jdk-headless")
	_, err = ChooseJDK("2.19.0", nil)
	wants(t, err, "no Java was found")
	jre := jdks(17)
	jre[0].Compiler = false
	_, err = ChooseJDK("2.19.0", jre)
	wants(t, err, "/ja has no javac")
	same := jdks(17, 17)
	if got, err := ChooseJDK("2.19.0", same); err != nil || got.Home != same[0].Home {
		t.Errorf("of equals: %v %v, want the first", got, err)
	}
}

// What is chosen fits, and is found whatever the order in which JDKs are listed.
func TestChooseJDKProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]string{"1.3.0", "2.19.0", "3.0.0", "3.8.0"}).Draw(t, "version")
		majors := rapid.SliceOfN(rapid.IntRange(5, 40), 0, 8).Draw(t, "majors")
		list := jdks(majors...)
		r := javaFor(version)
		got, err := ChooseJDK(version, list)
		fits := 0
		for _, m := range majors {
			if r.holds(m) {
				fits++
			}
		}
		if (err == nil) != (fits > 0) {
			t.Fatalf("with %v: %v, %v", majors, got, err)
		}
		if err != nil {
			return
		}
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		again, err := ChooseJDK(version, shuffled)
		if !r.holds(got.Major) || err != nil || again.Major != got.Major {
			t.Fatalf("with %v: %d, in another order %d (%v)", majors, got.Major, again.Major, err)
		}
	})
}
