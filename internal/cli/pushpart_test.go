package cli

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
)

func TestPushLooksWhatBelongsToAPlugin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file string
		p    PushCmd
		kind types.PackageType
		want string // part of the error
	}{
		"a configuration": {"Lemmas.ZIP", PushCmd{}, types.PackageTypePackageConfig, ""},
		"a license":       {"lemmas.json", PushCmd{}, types.PackageTypePackageLicense, ""},
		"another license": {"lemmas.xml", PushCmd{}, types.PackageTypePackageLicense, ""},
		"words":           {"words.txt", PushCmd{}, "", "words.txt is neither"},
		"of a kind":       {"lemmas.zip", PushCmd{Kind: "words"}, "", "are not for what belongs to a plugin"},
		"with checks":     {"lemmas.zip", PushCmd{Checks: "c.json"}, "", "are not for what belongs to a plugin"},
		"of an engine":    {"lemmas.zip", PushCmd{EngineVersion: "OpenSearch_3.8"}, "", "are not for what belongs to a plugin"},
	} {
		p := tt.p
		p.For, p.File = "lemmas", filepath.Join(t.TempDir(), tt.file)
		err := p.look(&pushFile{})
		if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && p.packageType() != tt.kind {
			t.Errorf("%s: %s", name, p.packageType())
		}
	}
}

// The server reads a license or configuration by the ending of its key.
func TestKeyOfWhatBelongsToAPlugin(t *testing.T) {
	t.Parallel()
	s := &push{PushCmd: &PushCmd{Name: "lemmas-license", For: "lemmas", File: "L.JSON"}, file: &pushFile{digest: searchpack.DigestOf(nil)}}
	if err := s.lookPart(s.file); err != nil {
		t.Fatal(err)
	}
	if want := "searchpack/lemmas-license/" + string(searchpack.DigestOf(nil)) + ".json"; s.key() != want {
		t.Errorf("%s, want %s", s.key(), want)
	}
}

// A plan is of the call that the push would make, with the plugin that the domain has.
func TestPlanOfAPart(t *testing.T) {
	t.Parallel()
	s := &push{pushResult: pushResult{Version: "v2"}, hosts: map[string]string{"shop": "pkg-1"}}
	for domain, want := range map[string]string{"shop": "?prerequisite=pkg-1&version=2", "full": "?version=2"} {
		if got := s.planQuery(domain); got != want {
			t.Errorf("%s: %s", domain, got)
		}
	}
}
