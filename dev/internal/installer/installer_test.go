package installer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("accepted\t\ta 1 ff|b 2 00\ta 1 ff\nrefused\tjava.lang.X: no / Y\terror: Z\t\n")
	want := []Result{{Accepted: true, File: "a 1 ff|b 2 00", Stream: "a 1 ff"}, {Text: "java.lang.X: no / Y", File: "error: Z"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"accepted\n", "WARNING: a\tb\tc\td\n"} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	for version, name := range map[string]string{"2.19.0": "org.opensearch.plugins", "3.8.0": "org.opensearch.tools.cli.plugin"} {
		source, main := program(distro.Home{Version: version})
		if !strings.HasPrefix(source, "package "+name+";") || main != name+".Installer" {
			t.Errorf("%s: %s, %.60q", version, main, source)
		}
	}
}
