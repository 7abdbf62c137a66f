package inspect

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

func TestPlugin(t *testing.T) {
	t.Parallel()
	b := zipOf(t, "lemmas.jar", lemmasJar(t), descriptorName, descriptor("3.8.1"), "config/words.txt", "abc")
	got, res, err := Plugin(bytes.NewReader(b), int64(len(b)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20})
	want := &searchpack.PluginProperties{
		Name: "lemmas", Description: "Lemmas for äll", Version: "1.2", ClassName: "com.example.Lemmas",
		UncompressedSize: int64(3 + len(descriptor("3.8.1")) + len(lemmasJar(t))), OpenSearch: "3.8.1",
	}
	if diff := cmp.Diff(want, got); diff != "" || res.Failed() || err != nil {
		t.Errorf("%+v, %v (-want +got):\n%s", res, err, diff)
	}
}

func TestPluginRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zip   []byte
		rules PluginRules
		rule  string
	}{
		"no zip":               {[]byte("no"), PluginRules{}, "archive.unreadable"},
		"no descriptor":        {zipOf(t, "lemmas.jar", ""), PluginRules{}, "plugin.descriptor"},
		"a damaged descriptor": {damaged(t), PluginRules{}, "archive.content"},
		"another version":      {zipOf(t, descriptorName, descriptor("2.17.0")), PluginRules{}, plugin.EngineVersion},
		"another patch":        {zipOf(t, descriptorName, descriptor("3.8.1")), PluginRules{AWS: true}, plugin.EngineVersion},
		"another engine":       {zipOf(t, descriptorName, descriptor("3.8.0")), PluginRules{EngineVersion: "Elasticsearch_7.10"}, plugin.EngineVersion},
	} {
		c.rules.MaxUnpacked = 1 << 20
		if c.rules.EngineVersion == "" {
			c.rules.EngineVersion = "OpenSearch_3.8"
		}
		got, res, err := Plugin(bytes.NewReader(c.zip), int64(len(c.zip)), c.rules)
		if err != nil || got != nil || !res.Failed() || !slices.Contains(rulesOf(res), c.rule) {
			t.Errorf("%s: %+v, %+v, %v", name, got, res, err)
		}
	}
}

// A file for which no version is given is held against its own.
func TestPluginWithoutVersion(t *testing.T) {
	t.Parallel()
	b := zipOf(t, descriptorName, descriptor("2.17.0"), "lemmas.jar", lemmasJar(t))
	if p, res, err := Plugin(bytes.NewReader(b), int64(len(b)), PluginRules{MaxUnpacked: 1 << 20}); p == nil || err != nil {
		t.Errorf("%+v, %v", res, err)
	}
}

func rulesOf(res Result) []string {
	var out []string
	for _, f := range res.Findings {
		out = append(out, f.Rule)
	}
	return out
}

// damaged is a plugin whose descriptor does not unpack.
func damaged(t *testing.T) []byte {
	t.Helper()
	b := zipOf(t, descriptorName, descriptor("3.8.0"))
	at := bytes.Index(b, []byte(descriptorName)) + len(descriptorName)
	for i := range 20 {
		b[at+i] ^= 0xff
	}
	return b
}
