package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadVulnerabilities(t *testing.T) {
	t.Parallel()
	if d, err := loadVulnerabilities(""); d != nil || err != nil {
		t.Errorf("%v, %v", d, err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, refused string }{
		"good":     {`{"id":"CVE-1","affected":[{"package":{"ecosystem":"Maven","name":"a:b"},"versions":["1"]}]}`, ""},
		"no Maven": {`[{"id":"CVE-1","affected":[{"package":{"ecosystem":"npm","name":"b"},"versions":["1"]}]}]`, "no record of the ecosystem Maven"},
		"no OSV":   {`[{"cve":"x"}]`, "record 1 has no id"},
		"missing":  {"", "no such file"},
	} {
		file := filepath.Join(dir, name)
		if c.text != "" {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d, err := loadVulnerabilities(file)
		if c.refused == "" {
			if err != nil || d.Records != 1 {
				t.Errorf("%s: %v, %v", name, d, err)
			}
			continue
		}
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "--vulnerabilities") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
