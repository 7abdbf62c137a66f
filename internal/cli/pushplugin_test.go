package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/signature"
)

func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	raw, err := inspecttest.Zip(inspecttest.Texts(files...))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const descriptorName = "plugin-descriptor.properties="

func TestPluginEngine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw    []byte
		engine string
		plugin bool
	}{
		"a plugin":              {zipOf(t, descriptorName+"name=x\nopensearch.version=3.8.0\n"), "OpenSearch_3.8", true},
		"spaces":                {zipOf(t, "a.jar=x", descriptorName+" opensearch.version = 2.19.1 \r\n"), "OpenSearch_2.19", true},
		"no version":            {zipOf(t, descriptorName+"name=x\nversion=3.8.0\n"), "", true},
		"a range":               {zipOf(t, descriptorName+"dependencies={ opensearch: \"~3.8.0\" }\n"), "", true},
		"a snapshot":            {zipOf(t, descriptorName+"opensearch.version=3.8.0-SNAPSHOT\n"), "", true},
		"no number":             {zipOf(t, descriptorName+"opensearch.version=3.8.0/../x\n"), "", true},
		"a long line":           {zipOf(t, descriptorName+"description="+strings.Repeat("x", 100_000)+"\nopensearch.version=3.8.0\n"), "", true},
		"in a folder":           {zipOf(t, "x/"+descriptorName+"opensearch.version=3.8.0\n"), "", false},
		"a dictionary's folder": {zipOf(t, "en_US.aff=SET UTF-8", "en_US.dic=1"), "", false},
		"words":                 {[]byte("laptop, notebook\n"), "", false},
		"nothing":               {nil, "", false},
		"words that end as one": {append([]byte("laptop\n"), zipOf(t, "a=b")[:20]...), "", false},
	} {
		engine, plugin := pluginEngine(bytes.NewReader(tt.raw), int64(len(tt.raw)))
		if engine != tt.engine || plugin != tt.plugin {
			t.Errorf("%s: %q, %v", name, engine, plugin)
		}
	}
}

func TestPushLooksWhatTheFileIs(t *testing.T) {
	t.Parallel()
	plugin := zipOf(t, descriptorName+"opensearch.version=3.8.0\n")
	for name, tt := range map[string]struct {
		raw    []byte
		p      PushCmd
		engine string
		kind   types.PackageType
		want   string // part of the error
	}{
		"a plugin":           {plugin, PushCmd{}, "OpenSearch_3.8", types.PackageTypeZipPlugin, ""},
		"its engine is said": {plugin, PushCmd{EngineVersion: "OpenSearch_3.7"}, "OpenSearch_3.7", types.PackageTypeZipPlugin, ""},
		"of a kind":          {plugin, PushCmd{Kind: "synonyms"}, "", types.PackageTypeZipPlugin, "--kind is for dictionaries"},
		"with checks":        {plugin, PushCmd{Checks: "checks.json"}, "", types.PackageTypeZipPlugin, "--checks are for dictionaries"},
		"to be adopted":      {plugin, PushCmd{path: "analysis/words.txt"}, "", types.PackageTypeZipPlugin, "only dictionaries are adopted"},
		"of no engine":       {zipOf(t, descriptorName+"name=x\n"), PushCmd{}, "", types.PackageTypeZipPlugin, "give --engine-version OpenSearch_X.Y"},
		"of no engine, said": {zipOf(t, descriptorName+"name=x\n"), PushCmd{EngineVersion: "OpenSearch_3.8"}, "OpenSearch_3.8", types.PackageTypeZipPlugin, ""},
		"words":              {[]byte("a, b\n"), PushCmd{Kind: "synonyms"}, "", types.PackageTypeTxtDictionary, ""},
	} {
		path := filepath.Join(t.TempDir(), "file.zip")
		if err := os.WriteFile(path, tt.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		p := tt.p
		p.File = path
		err = p.look(&pushFile{File: f, size: int64(len(tt.raw))})
		_ = f.Close()
		if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if p.packageType() != tt.kind || err == nil && p.EngineVersion != tt.engine {
			t.Errorf("%s: %s, %q", name, p.packageType(), p.EngineVersion)
		}
	}
}

// Nothing is sent for a plugin that cannot be one.
func TestPushPluginUsage(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	path := filepath.Join(t.TempDir(), "plugin.zip")
	if err := os.WriteFile(path, zipOf(t, descriptorName+"name=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := PushCmd{File: path, Name: "words", Bucket: "b", Timeout: Span(time.Minute)}
	if _, err := s.run(t, &p, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--engine-version") || len(s.requests) > 0 {
		t.Errorf("%v, %v", err, s.requests)
	}
}

// What `searchpack sign` has written beside the zip goes with it.
func TestPushReadsTheSignature(t *testing.T) {
	t.Parallel()
	key, err := signature.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	line, err := signature.Sign(key, searchpack.DigestOf([]byte("zip")))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text   string // of the file; "-" = there is none
		plugin bool
		want   string
		err    string
	}{
		"signed":       {line + "\n", true, line, ""},
		"not signed":   {"-", true, "", ""},
		"a dictionary": {line, false, "", ""},
		"nonsense":     {"nonsense", true, "", ".sig: "},
		"too long":     {strings.Repeat("x", 1<<20), true, "", "neither a key nor a signature"},
	} {
		p := PushCmd{File: filepath.Join(t.TempDir(), "lemmas.zip"), plugin: tt.plugin}
		if tt.text != "-" {
			if err := os.WriteFile(p.File+".sig", []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := p.readSignature()
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	s := push{PushCmd: &PushCmd{Name: "lemmas", plugin: true}, file: &pushFile{}, signature: line}
	if unsigned := (&push{PushCmd: s.PushCmd, file: s.file}).key(); s.key() == unsigned || !strings.HasSuffix(s.key(), ".zip") {
		t.Errorf("key %q, unsigned %q", s.key(), unsigned)
	}
}

// The build for another OpenSearch of a plugin that a domain has is a package of its own, which nodes take
// when they are upgraded: there is nothing to be associated, or to wait for.
func TestPushForAnotherOpenSearch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lemmas.zip")
	zip := zipOf(t, descriptorName+"name=lemmas\nopensearch.version=3.8.0\n")
	if err := os.WriteFile(path, zip, 0o600); err != nil {
		t.Fatal(err)
	}
	d := searchpack.DigestOf(zip)
	imported := func(status, version string) string {
		return versionsOf(strings.ReplaceAll(attempt(version, status, d), "words/"+string(pushed), "lemmas/"+string(d)+".zip"))
	}
	s, asked := script{
		describes:                      {`{"PackageDetailsList":[{"PackageID":"pkg-1","PackageName":"lemmas","PackageType":"ZIP-PLUGIN","EngineVersion":"OpenSearch_3.7"}]}`},
		creates:                        {`{"PackageDetails":{"PackageID":"pkg-2"}}`},
		"GET /packages/pkg-2/versions": {imported("COPYING", ""), imported("AVAILABLE", "v1")},
		lists:                          {`{"associations":[{"package_id":"F9","name":"words"},{"package_id":"pkg-1","name":"lemmas","status":"ACTIVE","serving":"v4","wanted":"v4"}]}`},
	}.serving(t)
	p := PushCmd{File: path, Name: "lemmas", Bucket: "dictionaries", Domain: []string{"shop"}, Wait: true, Every: time.Millisecond, Timeout: Span(time.Minute)}
	out, err := s.run(t, &p, "table", Terminal{})
	if err != nil || !strings.Contains(out, "shop: it has lemmas (pkg-1): its nodes take v1 of pkg-2 when they are upgraded to OpenSearch_3.8") {
		t.Errorf("%v\n%s", err, out)
	}
	if asked(creates) != 1 || asked(updates) != 0 || asked("POST /2021-01-01/packages/associate/pkg-2/shop") != 0 {
		t.Errorf("requests: %v", s.requests)
	}
}

// A signature that lies beside the zip goes along, whoever made it: it is said whose it is.
func TestPushSaysWhoSigned(t *testing.T) {
	t.Parallel()
	key, err := signature.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	zip := zipOf(t, descriptorName+"name=lemmas\nopensearch.version=3.8.0\n")
	line, err := signature.Sign(key, searchpack.DigestOf(zip))
	path := filepath.Join(t.TempDir(), "lemmas.zip")
	if err = errors.Join(err, os.WriteFile(path, zip, 0o600), os.WriteFile(path+".sig", []byte(line), 0o600)); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{
		"table": "lemmas.zip.sig goes along: it says that the key " + key.Public().ID() + " has signed the file",
		"json":  `"signed_by": "` + key.Public().ID() + `"`,
	} {
		srv, _ := script{describes: {noPackages}, creates: {"403 AccessDeniedException You may not."}}.serving(t)
		p := PushCmd{File: path, Name: "signed", Bucket: "dictionaries", Timeout: Span(time.Minute)}
		if out, err := srv.run(t, &p, format, Terminal{}); err == nil || !strings.Contains(out, want) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
