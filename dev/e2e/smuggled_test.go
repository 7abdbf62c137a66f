package e2e

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// TestSmuggledPlugins: zips by which other tools would install files that an inspection never saw are
// refused at the import, the entry is named, and nothing of them can be associated. What an honest plugin
// becomes on disk is held against its zip in TestPluginFiles.
func TestSmuggledPlugins(t *testing.T) {
	t.Parallel()
	u := start(t, t.TempDir(), "--ephemeral")
	honest := lemmasZip(t, "1.0")
	for name, smuggled := range map[string]struct {
		change func(z *inspecttest.Raw, jar *inspecttest.RawEntry)
		names  string // what the refusal must name
	}{
		"local-name": {func(_ *inspecttest.Raw, jar *inspecttest.RawEntry) { jar.Local.Name = "other.jar" }, "lemmas.jar"},
		"unicode-name": {func(_ *inspecttest.Raw, jar *inspecttest.RawEntry) {
			jar.Central.Extra = inspecttest.UnicodePath(jar.Central.Name, "../../bin/opensearch")
			jar.Local.Extra = jar.Central.Extra
		}, "lemmas.jar"},
		"twice": {func(z *inspecttest.Raw, jar *inspecttest.RawEntry) {
			z.Entries = append(z.Entries, inspecttest.NewRawEntry(jar.Central.Name, []byte("another")))
		}, "lemmas.jar"},
		"other-case": {func(z *inspecttest.Raw, _ *inspecttest.RawEntry) {
			z.Entries = append(z.Entries, inspecttest.NewRawEntry("LEMMAS.jar", []byte("another")))
		}, "LEMMAS.jar"},
		"unlisted": {func(z *inspecttest.Raw, _ *inspecttest.RawEntry) {
			hidden := inspecttest.NewRawEntry("hidden.jar", []byte("another"))
			hidden.Absent = true
			z.Entries = append(z.Entries, hidden)
		}, "plugin-security.policy"},
		"out-of-the-folder": {func(z *inspecttest.Raw, _ *inspecttest.RawEntry) {
			z.Entries = append(z.Entries, inspecttest.NewRawEntry("../lemmas2/evil.jar", []byte("another")))
		}, "../lemmas2/evil.jar"},
		"link": {func(z *inspecttest.Raw, _ *inspecttest.RawEntry) {
			link := inspecttest.NewRawEntry("bin/run", []byte("/bin/sh"))
			link.Attributes = 0o120777 << 16
			z.Entries = append(z.Entries, link)
		}, "bin/run"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, jar := rawOf(t, honest)
			smuggled.change(raw, jar)
			putObject(t, u, name+".zip", raw.Bytes())
			p := &pack{u: u, name: name, id: createPlugin(t, u, name, name+".zip", newEngine)}
			d := p.ended(t, "")
			if d.PackageStatus != types.PackageStatusValidationFailed || d.ErrorDetails == nil {
				t.Fatalf("%s, %+v", d.PackageStatus, d.ErrorDetails)
			}
			why := aws.ToString(d.ErrorDetails.ErrorMessage)
			code, findings := cli(t, u, "findings", name)
			if !strings.Contains(why+findings, smuggled.names) {
				t.Errorf("%s is not named (%d): %s\n%s", smuggled.names, code, why, findings)
			}
			t.Log(why)
		})
	}
}

// rawOf takes an honest zip apart, so that its fields can be changed, and returns the entry of its jar too.
func rawOf(t *testing.T, b []byte) (raw *inspecttest.Raw, jar *inspecttest.RawEntry) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var files []inspecttest.File
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, inspecttest.File{Name: f.Name, Data: data})
	}
	raw = inspecttest.NewRaw(files)
	for _, e := range raw.Entries {
		if e.Central.Name == "lemmas.jar" {
			return raw, e
		}
	}
	t.Fatal("no jar")
	return nil, nil
}
