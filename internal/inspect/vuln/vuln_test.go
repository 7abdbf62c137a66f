package vuln

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/sbom"
)

// affects makes a record.
func affects(id, aliases, name, events, versions string) string {
	return fmt.Sprintf(`{"schema_version":"1.6.0","id":%q,"summary":"About %s","aliases":[%s],"affected":[{"package":{"ecosystem":"Maven","name":%q,"purl":"x"},
		"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[%s]}],"versions":[%s]}],"references":[{"type":"WEB","url":"u"}]}`,
		id, id, aliases, name, events, versions)
}

var records = []string{
	affects("GHSA-1", `"CVE-2022-23307","OTHER-1"`, "log4j:log4j", `{"introduced":"0"},{"last_affected":"1.2.17"}`, ""),
	affects("GHSA-2", `"CVE-2021-44228"`, "org.apache.logging.log4j:log4j-core", `{"introduced":"2.13.0"},{"fixed":"2.15.0"},{"introduced":"2.0-beta9"},{"fixed":"2.3.1"}`, ""),
	affects("GHSA-3", ``, "org.yaml:snakeyaml", ``, `"1.33","1.32"`),
	`{"id":"GHSA-4","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Maven","name":"log4j:log4j"},"versions":["1.2.17"]}]}`,
	`{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"log4j:log4j"},"versions":["1.2.17"]}]}`,
	`{"id":"CVE-2020-9488","affected":[{"package":{"ecosystem":"Maven","name":"log4j:log4j"},"versions":["1.2.17"]},{"package":{"ecosystem":"Maven","name":"log4j:log4j"},"versions":["1.2.17"]}]}`,
}

func load(t testing.TB, text string) *Database {
	t.Helper()
	d, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Both ways of writing a database are the same database.
func both(t *testing.T) []*Database {
	t.Helper()
	var lines bytes.Buffer
	for _, r := range records {
		lines.WriteString(strings.ReplaceAll(r, "\n", " ") + "\n")
	}
	return []*Database{load(t, lines.String()), load(t, " \n["+strings.Join(records, ",")+"]\n")}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, d := range both(t) {
		if d.Records != 4 {
			t.Errorf("%d records", d.Records)
		}
		for coordinates, want := range map[string]string{
			"log4j:log4j:1.2.17": "CVE-2020-9488 GHSA-1", "log4j:log4j:1.2.18": "", "log4j:log4j:1.1": "GHSA-1", "log4j:log4j:": "",
			"log4j:log4j:" + strings.Repeat("9", maxVersion+1): "",
			"other:log4j:1.2.17":                             "",
			"org.apache.logging.log4j:log4j-core:2.0-beta8":  "",
			"org.apache.logging.log4j:log4j-core:2.0-beta9":  "GHSA-2",
			"org.apache.logging.log4j:log4j-core:2.3.1":      "",
			"org.apache.logging.log4j:log4j-core:2.5":        "",
			"org.apache.logging.log4j:log4j-core:2.14.1":     "GHSA-2",
			"org.apache.logging.log4j:log4j-core:2.15.0-rc1": "GHSA-2",
			"org.apache.logging.log4j:log4j-core:2.15.0":     "",
			"org.yaml:snakeyaml:1.33":                        "GHSA-3", "org.yaml:snakeyaml:1.34": "", ":snakeyaml:1.33": "GHSA-3?", ":other:1": "",
		} {
			p := strings.SplitN(coordinates, ":", 3)
			var got []string
			for _, m := range d.Match([]sbom.Component{{Path: "a.jar", Group: p[0], Name: p[1], Version: p[2]}}) {
				id := m.ID
				if m.Suspected {
					id += "?"
				}
				got = append(got, id)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v, want %s", coordinates, got, want)
			}
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	d := both(t)[0]
	matches := d.Match([]sbom.Component{
		{Path: "lib.jar", Name: "snakeyaml", Version: "1.33", Bundled: []sbom.Component{{Group: "log4j", Name: "log4j", Version: "1.2.17"}}},
		{Path: "log4j-core-2.14.1.jar", Group: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1"},
	})
	if diff := cmp.Diff([]string{"CVE-2020-9488", "CVE-2021-44228", "CVE-2022-23307"}, Names(matches)); diff != "" {
		t.Error(diff)
	}
	for _, warn := range []bool{false, true} {
		var out rule.Tally
		Report(matches, warn, &out)
		errs := 3
		if warn {
			errs = 0
		}
		if out.Count() != 4 || out.Errors() != errs || out.CountOf(searchpack.SeverityWarning) != 4-errs {
			t.Errorf("%v: %+v", warn, out.Findings())
		}
		f := out.Findings()[3]
		if f.Path != "log4j-core-2.14.1.jar" || f.Text != "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1" ||
			!strings.Contains(f.Message, "log4j-core 2.14.1 has the vulnerability CVE-2021-44228 by the server's database (About GHSA-2), mended in 2.3.1, 2.15.0.") {
			t.Errorf("%+v", f)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	good := strings.ReplaceAll(records[0], "\n", " ")
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {" \n ", "it is empty"},
		"no JSON":        {good + "\n<html>", "record 2 cannot be read"},
		"no OSV":         {`{"vulnerabilities":[]}`, "record 1 has no id"},
		"broken off":     {"[" + good + ",", "record 2 cannot be read: unexpected EOF"},
		"not closed":     {"[" + good, "record 2 cannot be read: unexpected EOF"},
		"half a record":  {good[:50], "record 1 cannot be read: unexpected EOF"},
		"another type":   {`{"id":7}`, "record 1 cannot be read"},
		"an array of no": {`[7]`, "record 1 cannot be read"},
		"a long record":  {`{"id":"` + strings.Repeat("x", maxRecord+100_000) + `"}`, "it has more than 16777216 bytes"},
	} {
		if _, err := Load(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	gone := errors.New("the disk is gone")
	if _, err := Load(iotest.ErrReader(gone)); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("["+strings.Join(records, ",")+"]"), "log4j", "1.2.17")
	f.Add([]byte(strings.Join(records, "\n")), "snakeyaml", "1.33")
	f.Fuzz(func(_ *testing.T, text []byte, name, version string) {
		d, err := Load(bytes.NewReader(text))
		if err == nil {
			d.Match([]sbom.Component{{Name: name, Version: version}})
		}
	})
}
