package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A typing error leaves nothing behind: what a push names is looked for before anything is uploaded.
func TestPushLooksFirst(t *testing.T) {
	t.Parallel()
	const line = `{"PackageDetailsList":[{"PackageID":"pkg-1","PackageName":"lemmas","PackageType":"ZIP-PLUGIN","EngineVersion":"OpenSearch_2.19"},
		{"PackageID":"pkg-2","PackageName":"lemmas","PackageType":"ZIP-PLUGIN","EngineVersion":"OpenSearch_3.8"}]}`
	license := filepath.Join(t.TempDir(), "lemmas.json")
	if err := os.WriteFile(license, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		uploaders.Range(func(key, _ any) bool {
			if strings.Contains(key.(string), "looks-first") {
				t.Errorf("uploaded %s", key)
			}
			return true
		})
	})
	for name, c := range map[string]struct {
		command PushCmd
		script  script
		says    string
	}{
		"no such domain":      {PushCmd{Domain: []string{"shop", "shops"}}, script{describes: {noPackages}, lists: {nobody}}, "There is no GET /searchpack/v1/domains/shops/associations"},
		"no such plugin":      {PushCmd{File: license, For: "lemma", Domain: []string{"shop"}}, script{describes: {line}}, "there is no plugin lemma"},
		"no plugin at all":    {PushCmd{File: license, For: "lemma"}, script{describes: {line}}, "there is no plugin lemma"},
		"a dictionary's name": {PushCmd{File: license, For: "words"}, script{describes: {thePackage}}, "there is no plugin words"},
		"a plugin not there": {PushCmd{File: license, For: "lemmas", Domain: []string{"shop"}}, script{describes: {line}, lists: {nobody}},
			"domain shop does not have the plugin pkg-1 (ZIP-PLUGIN 2.19), pkg-2 (ZIP-PLUGIN 3.8): associate it first"},
		"may not look": {PushCmd{Domain: []string{"shop"}}, script{describes: {noPackages}, lists: {"403 AccessDeniedException You may not."}}, "You may not."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, asked := c.script.serving(t)
			p := c.command
			if p.File == "" {
				p.File = pushFileOf(t)
			}
			p.Name, p.Bucket, p.Timeout = "looks-first", "dictionaries", Span(time.Minute)
			out, err := srv.run(t, &p, "table", Terminal{})
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasSuffix(err.Error(), ". Nothing was uploaded") || out != "" {
				t.Errorf("%v\n%s", err, out)
			}
			if asked(creates)+asked(updates) > 0 {
				t.Errorf("requests: %v", srv.requests)
			}
		})
	}
}

// Of the plugins of one name a license belongs to the one that the domain has.
func TestPushForThePluginOfTheDomain(t *testing.T) {
	t.Parallel()
	line := []packageLine{{ID: "pkg-1"}, {ID: "pkg-2"}}
	has := domainLooked{"shop", []pushAssociation{{associationLine: associationLine{PackageID: "F9"}}, {associationLine: associationLine{PackageID: "pkg-2"}}}}
	if id, err := pluginOf(has, line); id != "pkg-2" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	if id, err := pluginOf(has, line[:1]); id != "" || err == nil {
		t.Errorf("%q, %v", id, err)
	}
}

// What lint takes for something else than an opaque dictionary is not pushed as one: the caller says what
// it is, before anything is sent.
func TestPushOfOtherZips(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hunspell, config := zipOf(t, "en_US.aff=SET UTF-8", "en_US.dic=1"), zipOf(t, "lemmas.yml=a: b")
	plugin := zipOf(t, descriptorName+"opensearch.version=3.8.0\n")
	for name, tt := range map[string]struct {
		file string
		raw  []byte
		p    PushCmd
		says string // part of the error; "" = it is pushed
	}{
		"hunspell":             {"en.zip", hunspell, PushCmd{}, "say that with --kind hunspell"},
		"hunspell, said":       {"en.zip", hunspell, PushCmd{Kind: "hunspell"}, ""},
		"configuration":        {"conf.ZIP", config, PushCmd{}, "give --for PLUGIN if it is the configuration of one"},
		"configuration, said":  {"conf.zip", config, PushCmd{For: "lemmas"}, ""},
		"a zip of its own":     {"own.zip", config, PushCmd{Kind: "opaque"}, ""},
		"no zip by its name":   {"own.bin", config, PushCmd{}, ""},
		"a plugin in a folder": {"deep.zip", zipOf(t, "x/"+descriptorName+"name=x"), PushCmd{}, "searchpack lint " + filepath.Join(dir, "deep.zip")},
		"jars only":            {"jars.zip", zipOf(t, "a.jar=x"), PushCmd{}, "without a plugin-descriptor.properties at its root"},
		"no zip":               {"no.zip", []byte("laptop, notebook\n"), PushCmd{}, "is no zip that can be read"},
		"an adopted zip":       {"a.zip", hunspell, PushCmd{path: "analysis/a"}, "only dictionaries of one file are adopted"},
		"a plugin as a part":   {"p.zip", plugin, PushCmd{For: "lemmas"}, "is a plugin, not the configuration of one"},
		"a plugin":             {"q.zip", plugin, PushCmd{}, ""},
	} {
		p := tt.p
		p.File = filepath.Join(dir, tt.file)
		if err := os.WriteFile(p.File, tt.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openPushFile(p.File)
		if err != nil {
			t.Fatal(err)
		}
		err = p.look(f)
		_ = f.Close()
		if (err == nil) != (tt.says == "") || err != nil && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// --engine-version is taken as people write versions, and sent as AWS does.
func TestPushEngineVersion(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"3.8": "OpenSearch_3.8", "3.8.1": "OpenSearch_3.8", "OpenSearch_2.19": "OpenSearch_2.19", "": "",
		"9.9": "-", "3": "-", "opensearch_3.8": "-", "3.x": "-", "Elasticsearch_7.10": "-",
	} {
		p := &PushCmd{EngineVersion: said}
		if ok := p.engine(); ok != (want != "-") || ok && p.EngineVersion != want {
			t.Errorf("%q: %v, %q", said, ok, p.EngineVersion)
		}
	}
}

func TestPushNamesTheBucketThatIsMissing(t *testing.T) {
	t.Parallel()
	srv, _ := script{describes: {noPackages}}.serving(t)
	p := &PushCmd{File: pushFileOf(t), Name: "words", Bucket: "nowhere", Timeout: Span(time.Minute)}
	if _, err := srv.run(t, p, "table", Terminal{}); err == nil || !strings.Contains(err.Error(), "(NoSuchBucket). Make it (aws s3 mb s3://nowhere), or name another with --bucket") {
		t.Error(err)
	}
}
