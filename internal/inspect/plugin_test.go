package inspect

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestPlugin(t *testing.T) {
	t.Parallel()
	b := zipOf(t, "lemmas.jar", "12345", descriptorName, descriptor("3.8.1"), "config/words.txt", "abc")
	got, res, err := Plugin(bytes.NewReader(b), int64(len(b)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20})
	want := &searchpack.PluginProperties{
		Name: "lemmas", Description: "Lemmas for äll", Version: "1.2", ClassName: "com.example.Lemmas",
		UncompressedSize: int64(5 + 3 + len(descriptor("3.8.1"))),
	}
	if diff := cmp.Diff(want, got); diff != "" || res.Failed() || err != nil {
		t.Errorf("%+v, %v (-want +got):\n%s", res, err, diff)
	}
}

func TestPluginRefused(t *testing.T) {
	t.Parallel()
	without := func(name string) string {
		var kept []string
		for _, line := range strings.Split("name=a\ndescription=b\nversion=1\nclassname=C\nopensearch.version=3.8.0", "\n") {
			if !strings.HasPrefix(line, name+"=") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "\n")
	}
	for name, c := range map[string]struct {
		zip   []byte
		rule  string
		words []string
	}{
		"no zip":               {[]byte("no"), "archive.unreadable", nil},
		"no descriptor":        {zipOf(t, "lemmas.jar", ""), ruleDescriptor, []string{"no plugin-descriptor.properties at its root"}},
		"in a folder":          {zipOf(t, "lemmas/"+descriptorName, descriptor("3.8.0")), ruleDescriptor, []string{"at its root"}},
		"two":                  {zipOf(t, descriptorName, descriptor("3.8.0"), descriptorName, descriptor("3.8.0")), "archive.duplicate", []string{"two entries"}},
		"too large":            {zipOf(t, descriptorName, descriptor("3.8.0", strings.Repeat("#", maxDescriptor))), "archive.file-size", []string{"more than 65536 bytes"}},
		"bad escape":           {zipOf(t, descriptorName, descriptor("3.8.0", `x=\u12`)), ruleDescriptor, []string{"malformed escape"}},
		"no name":              {zipOf(t, descriptorName, without("name")), ruleDescriptor, []string{"property name is missing"}},
		"no description":       {zipOf(t, descriptorName, without("description")), ruleDescriptor, []string{"property description"}},
		"no version":           {zipOf(t, descriptorName, without("version")), ruleDescriptor, []string{"property version"}},
		"no class":             {zipOf(t, descriptorName, without("classname")), ruleDescriptor, []string{"property classname"}},
		"no OpenSearch":        {zipOf(t, descriptorName, without("opensearch.version")), ruleDescriptor, []string{"property opensearch.version"}},
		"an empty descriptor":  {zipOf(t, descriptorName, ""), ruleDescriptor, []string{"property name", "property opensearch.version"}},
		"another version":      {zipOf(t, descriptorName, descriptor("2.17.0")), RuleEngineVersion, []string{"2.17.0", "doesn't matches with the provided EngineVersion OpenSearch_3.8"}},
		"no version of any":    {zipOf(t, descriptorName, descriptor("3.8")), RuleEngineVersion, []string{"doesn't matches"}},
		"a damaged descriptor": {damaged(t), "archive.content", []string{"cannot be unpacked"}},
	} {
		got, res, err := Plugin(bytes.NewReader(c.zip), int64(len(c.zip)), PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 1 << 20})
		if err != nil || got != nil || !slices.Equal(brokenRules(res), []string{c.rule}) {
			t.Errorf("%s: %+v, %+v, %v", name, got, res, err)
			continue
		}
		text := ""
		for _, f := range res.Findings {
			text += f.Message + "; "
		}
		for _, words := range c.words {
			if !strings.Contains(text, words) {
				t.Errorf("%s: %q does not say %q", name, text, words)
			}
		}
	}
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

func TestEngineVersionRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, engine string
		any, patchZero  bool
	}{
		{"3.8.0", "OpenSearch_3.8", true, true},
		{" 3.8.0 ", "OpenSearch_3.8", true, true},
		{"3.8.2", "OpenSearch_3.8", true, false},
		{"3.8.0-SNAPSHOT", "OpenSearch_3.8", true, false},
		{"3.0.0-alpha1-SNAPSHOT", "OpenSearch_3.0", true, false},
		{"3.80.0", "OpenSearch_3.8", false, false},
		{"13.8.0", "OpenSearch_3.8", false, false},
		{"7.10.0", "Elasticsearch_7.10", false, false},
		{"3.8.0.1", "OpenSearch_3.8", false, false},
		{"3.8.x", "OpenSearch_3.8", false, false},
		{"", "OpenSearch_3.8", false, false},
	} {
		for patchZero, want := range map[bool]bool{false: c.any, true: c.patchZero} {
			message := PluginRules{EngineVersion: c.engine, PatchZero: patchZero}.check(c.version)
			if (message == "") != want {
				t.Errorf("%q for %s, patch zero %v: %q", c.version, c.engine, patchZero, message)
			}
		}
	}
	if m := (PluginRules{EngineVersion: "OpenSearch_3.8", PatchZero: true}).check("3.8.2"); !strings.HasSuffix(m, "it must be 3.8.0") {
		t.Errorf("AWS's rule is not explained: %q", m)
	}
}
