package importer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// zipText makes a zip of one entry.
func zipText(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pluginZip(t *testing.T, version string) string {
	t.Helper()
	b, err := inspecttest.Zip([]inspecttest.File{
		{Name: "plugin-descriptor.properties", Data: []byte(descriptor(version))}, {Name: "lemmas.jar", Data: []byte(lemmasJar(t))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func descriptor(version string) string {
	return "name=lemmas\ndescription=Lemmas\nversion=1.2\nclassname=com.example.Lemmas\njava.version=11\nopensearch.version=" + version
}

// lemmasJar has the class that descriptor names.
func lemmasJar(t *testing.T) string {
	t.Helper()
	class, err := inspecttest.Class("class com/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin")
	if err != nil {
		t.Fatal(err)
	}
	return zipText(t, "com/example/Lemmas.class", string(class))
}

// newTyped makes a world whose package has a type and comes from the key.
func newTyped(t *testing.T, kind searchpack.PackageType, key string, o Options) *world {
	t.Helper()
	w := newWorld(t, o)
	w.as.Type, w.key = kind, key
	if kind == searchpack.TypePlugin {
		w.as.EngineVersion = "OpenSearch_3.8"
	}
	return w
}

func TestPluginAvailable(t *testing.T) {
	t.Parallel()
	w := newTyped(t, searchpack.TypePlugin, "lemmas.zip", Options{})
	w.s3.kind = "words" // says something about dictionaries only
	w.s3.signature = " searchpack-ed25519-1 line "
	w.configuration = &searchpack.PackageConfiguration{License: searchpack.RequirementRequired, Configuration: searchpack.RequirementNone}
	content := pluginZip(t, "3.8.0")
	p, v := w.importOne("v-1", content)
	if p.Status != searchpack.PackageAvailable || p.AvailableNumber != 1 || v.Digest != searchpack.DigestOf([]byte(content)) || v.Kind != "" || v.KindDeclared {
		t.Fatalf("package %+v, version %+v", p, v)
	}
	if v.Source.Signature != "searchpack-ed25519-1 line" {
		t.Errorf("signature %q", v.Source.Signature)
	}
	want := &searchpack.PluginProperties{Name: "lemmas", Description: "Lemmas", Version: "1.2", ClassName: "com.example.Lemmas", UncompressedSize: int64(len(descriptor("3.8.0")) + len(lemmasJar(t))), OpenSearch: "3.8.0"}
	for name, got := range map[string]*searchpack.PluginProperties{"version": v.Plugin, "package": p.AvailablePlugin} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(w.configuration, p.AvailableConfiguration); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	// What is available stays so when an update fails.
	w.configuration, w.s3.signature = nil, strings.Repeat("x", searchpack.MaxSignature+1)
	p, v = w.importOne("v-2", pluginZip(t, "2.19.0"))
	if p.Status != searchpack.PackageValidationFailed || p.AvailableID != "v-1" || p.AvailablePlugin == nil || p.AvailableConfiguration == nil || v.Plugin != nil || v.Source.Signature != "" {
		t.Errorf("after a failed update: %+v", p)
	}
	if p, _ = w.importOne("v-3", pluginZip(t, "3.8.7")); p.AvailableNumber != 2 || p.AvailableConfiguration != nil {
		t.Errorf("after the next: %+v", p)
	}
}

// A version with another name in its descriptor is another plugin, which nodes would have beside the former.
func TestPluginKeepsItsName(t *testing.T) {
	t.Parallel()
	w := newTyped(t, searchpack.TypePlugin, "lemmas.zip", Options{})
	if p, _ := w.importOne("v-1", pluginZip(t, "3.8.0")); p.Status != searchpack.PackageAvailable {
		t.Fatalf("%+v", p)
	}
	other, err := inspecttest.Zip([]inspecttest.File{
		{Name: "plugin-descriptor.properties", Data: []byte(strings.Replace(descriptor("3.8.0"), "name=lemmas", "name=stems", 1))},
		{Name: "lemmas.jar", Data: []byte(lemmasJar(t))},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, v := w.importOne("v-2", string(other))
	if p.Status != searchpack.PackageValidationFailed || p.AvailableID != "v-1" || v.Plugin != nil || v.Number != 0 ||
		!strings.Contains(p.Error.Message, `name is "stems"`) || !strings.Contains(p.Error.Message, `before it is "lemmas"`) {
		t.Errorf("%+v, %+v", p, p.Error)
	}
	if p, _ = w.importOne("v-3", pluginZip(t, "3.8.0")); p.Status != searchpack.PackageAvailable || p.AvailableID != "v-3" {
		t.Errorf("its own name again: %+v", p)
	}
}

// What a zip unpacks to is written with its outcome; nothing else has a manifest.
func TestManifest(t *testing.T) {
	t.Parallel()
	config := zipText(t, "lemmas/lemmas.yml", "a: b")
	for name, c := range map[string]struct {
		kind    searchpack.PackageType
		key     string
		content string
		want    []searchpack.ManifestEntry
	}{
		"configuration": {searchpack.TypeConfig, "c.zip", config, []searchpack.ManifestEntry{{Path: "lemmas/lemmas.yml", Size: 4, Digest: searchpack.DigestOf([]byte("a: b")), Mode: 0o644}}},
		"plugin": {searchpack.TypePlugin, "p.zip", pluginZip(t, "3.8.0"), []searchpack.ManifestEntry{{
			Path: "plugin-descriptor.properties", Size: int64(len(descriptor("3.8.0"))), Mode: 0o644, Digest: searchpack.DigestOf([]byte(descriptor("3.8.0"))),
		}, {Path: "lemmas.jar", Size: int64(len(lemmasJar(t))), Mode: 0o644, Digest: searchpack.DigestOf([]byte(lemmasJar(t)))}}},
		"license":    {searchpack.TypeLicense, "l.json", "{}", nil},
		"dictionary": {searchpack.TypeDictionary, "d.txt", good, nil},
		"refused":    {searchpack.TypeConfig, "c.zip", config + "more", nil},
	} {
		w := newTyped(t, c.kind, c.key, Options{})
		w.importOne("v", c.content)
		if diff := cmp.Diff(c.want, w.manifest("v")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOtherTypesFail(t *testing.T) {
	t.Parallel()
	const notLoaded = "PluginValidationFailureReason : The provided plugin could not be loaded"
	for name, c := range map[string]struct {
		kind    searchpack.PackageType
		key     string
		content string
		options Options
		want    []string
	}{
		"no zip":           {searchpack.TypePlugin, "p.zip", "text", Options{}, []string{notLoaded, "not a zip"}},
		"no descriptor":    {searchpack.TypePlugin, "p.zip", zipText(t, "a.jar", ""), Options{}, []string{notLoaded, "no plugin-descriptor.properties"}},
		"other version":    {searchpack.TypePlugin, "p.zip", pluginZip(t, "2.17.0"), Options{}, []string{"PluginValidationFailureReason : the opensearch.version 2.17.0", "doesn't matches with the provided EngineVersion OpenSearch_3.8"}},
		"more mistakes":    {searchpack.TypePlugin, "p.zip", zipText(t, "plugin-descriptor.properties", "name=l\ndescription=d\nversion=1\nclassname=C\njava.version=11\nopensearch.version=2.17.0\nbogus=1"), Options{}, []string{"PluginValidationFailureReason : the opensearch.version 2.17.0", "Unknown properties in plugin descriptor: [bogus] (plugin-descriptor.properties, line 7)", "the plugin has no jar"}},
		"patch, AWS":       {searchpack.TypePlugin, "p.zip", pluginZip(t, "3.8.1"), Options{PluginRulesAWS: true}, []string{"doesn't matches with the provided EngineVersion", "must be 3.8.0"}},
		"unpacked":         {searchpack.TypePlugin, "p.zip", zipText(t, "a.jar", strings.Repeat("a", 2000)), Options{MaxPlugin: 1000}, []string{notLoaded, "more than 1000 bytes together"}},
		"configuration":    {searchpack.TypeConfig, "c.zip", "text", Options{}, []string{"not a zip"}},
		"unpacked too":     {searchpack.TypeConfig, "c.zip", zipText(t, "a", strings.Repeat("a", 2000)), Options{MaxLicense: 1000}, []string{"more than 1000 bytes together"}},
		"license":          {searchpack.TypeLicense, "l.JSON", "{", Options{}, []string{"license cannot be read"}},
		"another license":  {searchpack.TypeLicense, "l.xml", "{}", Options{}, []string{"license cannot be read"}},
		"neither of these": {searchpack.TypeLicense, "l.txt", "{}", Options{}, []string{"neither .json nor .xml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTyped(t, c.kind, c.key, c.options)
			p, v := w.importOne("v", c.content)
			if p.Status != searchpack.PackageValidationFailed || p.Error == nil || p.Error.Type != "ValidationFailed" || v.Number != 0 || v.FindingCount == 0 || len(w.findings("v")) != v.FindingCount {
				t.Fatalf("package %+v, version %+v", p, v)
			}
			for _, words := range c.want {
				if !strings.Contains(p.Error.Message, words) {
					t.Errorf("message %q does not say %q", p.Error.Message, words)
				}
			}
		})
	}
}

// A plugin with known vulnerabilities fails in AWS's words, or is taken with warnings. What it
// consists of is kept both ways.
func TestVulnerablePlugin(t *testing.T) {
	t.Parallel()
	known, err := vuln.Load(strings.NewReader(`{"id":"GHSA-1","aliases":["CVE-2022-23307"],"affected":[{"package":{"ecosystem":"Maven","name":"log4j:log4j"},"versions":["1.2.17"]}]}
		{"id":"CVE-2020-9488","affected":[{"package":{"ecosystem":"Maven","name":"log4j:log4j"},"versions":["1.2.17"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	plugin := func(version string) string {
		t.Helper()
		b, err := inspecttest.Zip([]inspecttest.File{
			{Name: "plugin-descriptor.properties", Data: []byte(descriptor(version))},
			{Name: "lemmas.jar", Data: []byte(lemmasJar(t))},
			{Name: "log4j-1.2.17.jar!/META-INF/maven/log4j/log4j/pom.properties", Data: []byte("groupId=log4j\nartifactId=log4j\nversion=1.2.17\n")},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, warn := range []bool{false, true} {
		w := newTyped(t, searchpack.TypePlugin, "lemmas.zip", Options{Vulnerabilities: known, WarnVulnerable: warn})
		p, v := w.importOne("v-1", plugin("3.8.0"))
		if v.FindingCount != 2 || len(w.findings("v-1")) != 2 {
			t.Errorf("findings: %+v", w.findings("v-1"))
		}
		want := &searchpack.ErrorDetails{Message: "PluginValidationFailureReason : Dependency Scan reported 2 vulnerabilities for the plugin: CVE-2020-9488, CVE-2022-23307"}
		if warn {
			want = nil
		}
		if diff := cmp.Diff(want, p.Error); diff != "" || (p.Status == searchpack.PackageAvailable) != warn {
			t.Errorf("%s (-want +got):\n%s", p.Status, diff)
		}
		err := w.store.View(t.Context(), func(tx searchpack.Tx) error {
			doc, err := tx.SBOM(t.Context(), "v-1")
			if !strings.Contains(string(doc), `"pkg:maven/log4j/log4j@1.2.17"`) {
				t.Errorf("%s", doc)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		// Another mistake is told in its own words.
		if p, _ = w.importOne("v-2", plugin("2.19.0")); p.Error == nil || strings.Contains(p.Error.Message, "Dependency") {
			t.Errorf("%+v", p.Error)
		}
	}
}

func TestOtherTypesAvailable(t *testing.T) {
	t.Parallel()
	for key, c := range map[string]struct {
		kind    searchpack.PackageType
		content string
	}{
		"config.zip": {searchpack.TypeConfig, zipText(t, "lemmas/lemmas.yml", "a: b")}, "license.json": {searchpack.TypeLicense, `{"key":"abc"}`},
		"license.xml": {searchpack.TypeLicense, `<key>abc</key>`},
	} {
		w := newTyped(t, c.kind, key, Options{})
		if p, v := w.importOne("v", c.content); p.Status != searchpack.PackageAvailable || v.Number != 1 || p.AvailablePlugin != nil {
			t.Errorf("%s: %+v", key, p)
		}
	}
}

func TestLimitsByType(t *testing.T) {
	t.Parallel()
	for kind, c := range map[searchpack.PackageType]struct{ key, flag string }{
		searchpack.TypePlugin: {"p.zip", "--max-plugin"}, searchpack.TypeLicense: {"l.json", "--max-license"},
		searchpack.TypeConfig: {"c.zip", "--max-license"},
	} {
		for _, announced := range []*int64{nil, ptr(int64(-1))} {
			w := newTyped(t, kind, c.key, Options{MaxPlugin: 50, MaxLicense: 50, MaxDictionary: 1000})
			w.s3.size = announced
			p, _ := w.importOne("v", strings.Repeat("x", 51))
			if p.Status != searchpack.PackageCopyFailed || !strings.Contains(p.Error.Message, "limit of 50 bytes") || !strings.Contains(p.Error.Message, c.flag) {
				t.Errorf("%s: %s %+v", kind, p.Status, p.Error)
			}
		}
	}
}

// A blob store that fails says nothing about the plugin: it is looked at again later.
func TestBlobFailsDuringValidation(t *testing.T) {
	t.Parallel()
	w := newTyped(t, searchpack.TypePlugin, "p.zip", Options{})
	broken := &brokenBlobs{BlobStore: w.blobs, open: true}
	w.imp.blobs = broken
	w.s3.content = pluginZip(t, "3.8.0")
	w.ask("v")
	for _, open := range []bool{true, false} {
		broken.open = open
		w.once()
		if s := w.pkg().Status; s != searchpack.PackageValidating {
			t.Fatalf("%s after a store that fails", s)
		}
		w.clock.add(retryWait[1])
	}
	w.imp.blobs = w.blobs
	w.once()
	if p := w.pkg(); p.Status != searchpack.PackageAvailable {
		t.Errorf("%s %+v", p.Status, p.Error)
	}
}

// brokenBlobs opens nothing, or what cannot be read.
type brokenBlobs struct {
	searchpack.BlobStore
	open bool
}

// Open implements searchpack.BlobStore.
func (b *brokenBlobs) Open(ctx context.Context, d searchpack.Digest) (searchpack.Blob, error) {
	away := searchpack.Errorf(searchpack.ErrUnavailable, "the bucket is away")
	if !b.open {
		return nil, away
	}
	blob, err := b.BlobStore.Open(ctx, d)
	return brokenBlob{blob, iotest.ErrReader(away)}, err
}

type brokenBlob struct {
	searchpack.Blob
	r io.Reader
}

// Read implements io.Reader.
func (b brokenBlob) Read(p []byte) (int, error) { return b.r.Read(p) }

// A package that is deleted while it is imported ends the import, whatever its type.
func TestPluginDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newTyped(t, searchpack.TypePlugin, "p.zip", Options{})
	w.s3.reading = func() {
		w.update(func(ctx context.Context, tx searchpack.Tx) error { return tx.DeletePackage(ctx, packageID) })
	}
	w.s3.content = pluginZip(t, "3.8.0")
	w.ask("v")
	if !w.once() || w.once() {
		t.Error("the work is not done once and for all")
	}
}

func TestBlobReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	digest, size, err := w.blobs.Write(t.Context(), strings.NewReader("0123456789"), 100)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := w.blobs.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	ctx, stop := context.WithCancel(t.Context())
	r := &blobReader{ctx: ctx, blob: blob}
	for _, c := range []struct {
		off  int64
		n    int
		want string
		err  error
	}{{0, 3, "012", nil}, {3, 2, "34", nil}, {1, 2, "12", nil}, {8, 5, "89", io.EOF}, {10, 1, "", io.EOF}, {9, 1, "9", nil}} {
		b := make([]byte, c.n)
		if n, err := r.ReadAt(b, c.off); string(b[:n]) != c.want || err != c.err { //nolint:errorlint // io.ReaderAt's contract is io.EOF itself
			t.Errorf("at %d: %q, %v", c.off, b[:n], err)
		}
	}
	if size != 10 {
		t.Errorf("size %d", size)
	}
	if res, err := inspect.Config(r, size, 10); err != nil || !res.Failed() {
		t.Errorf("%+v, %v", res, err)
	}
	stop() // the inspection of a large zip does not outlive the import
	if res, err := inspect.Config(r, size, 10); !errors.Is(err, context.Canceled) || res.Failed() {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	names := make([]string, maxListed+20_000)
	for i := range names {
		names[i] = fmt.Sprintf("CVE-2026-%d", i)
	}
	if got := listed(names); len(got) > 2500 || !strings.HasSuffix(got, "CVE-2026-99 and 20000 more") {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-40:])
	}
	if got := listed(names[:maxListed]); !strings.HasSuffix(got, "CVE-2026-98, CVE-2026-99") {
		t.Errorf("…%s", got[len(got)-40:])
	}
}

// dictionaryZip is a package that becomes a folder.
func dictionaryZip(t *testing.T, aff string) string {
	t.Helper()
	z, err := inspecttest.Zip([]inspecttest.File{{Name: "en_US/en_US.aff", Data: []byte(aff)}, {Name: "en_US/en_US.dic", Data: []byte("1\nfox/S\n")}})
	if err != nil {
		t.Fatal(err)
	}
	return string(z)
}

func TestHunspellFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.kind = "hunspell"
	good, bad := "SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n", "SET UTF-8\nSFX S Y 2\nSFX S 0 s .\n"
	p, v := w.importOne("v-1", dictionaryZip(t, good))
	if p.Status != searchpack.PackageAvailable || !v.Tree || v.Kind != searchpack.KindHunspell || !v.KindDeclared || v.KindConfidence != 100 || v.FindingCount != 1 {
		t.Fatalf("package %+v, version %+v", p, v)
	}
	manifest := func(id string) (out []searchpack.ManifestEntry) {
		if err := w.store.View(t.Context(), func(tx searchpack.Tx) (err error) {
			out, err = tx.Manifest(t.Context(), id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := []searchpack.ManifestEntry{
		{Path: "hunspell/en_US/en_US.aff", Size: 32, Digest: searchpack.DigestOf([]byte(good)), Mode: 0o644},
		{Path: "hunspell/en_US/en_US.dic", Size: 8, Digest: searchpack.DigestOf([]byte("1\nfox/S\n")), Mode: 0o644},
	}
	if diff := cmp.Diff(want, manifest("v-1")); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	p, v = w.importOne("v-2", dictionaryZip(t, bad))
	if p.Status != searchpack.PackageValidationFailed || v.Tree || manifest("v-2") != nil || !strings.Contains(v.Error.Message, "the head of SFX S counts 2 rules") {
		t.Errorf("package %+v, version %+v, %+v", p, v, v.Error)
	}
	// One file of a dictionary is taken, and of no use.
	if p, v = w.importOne("v-3", good); p.Status != searchpack.PackageAvailable || v.Tree || v.FindingCount != 1 {
		t.Errorf("package %+v, version %+v", p, v)
	}
	// What is declared to be something else is not looked into.
	w.s3.kind = "opaque"
	if p, v = w.importOne("v-4", dictionaryZip(t, bad)); p.Status != searchpack.PackageAvailable || v.Tree {
		t.Errorf("package %+v, version %+v", p, v)
	}
}
