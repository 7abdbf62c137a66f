package catalog

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// create makes a package of any type, from a key that fits it.
func (b *bench) create(in CreatePackageInput) *searchpack.Package {
	b.t.Helper()
	p, err := b.CreatePackage(b.t.Context(), b.who, fitting(in))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// fitting fills in a source, and for a plugin an engine version.
func fitting(in CreatePackageInput) CreatePackageInput {
	key := map[searchpack.PackageType]string{
		searchpack.TypeDictionary: "words.txt", searchpack.TypePlugin: "plugin.zip",
		searchpack.TypeLicense: "license.json", searchpack.TypeConfig: "config.zip",
	}
	if in.Source == (searchpack.Source{}) {
		in.Source = searchpack.Source{Bucket: "dictionaries", Key: key[in.Type]}
	}
	if in.Type == searchpack.TypePlugin && in.EngineVersion == "" {
		in.EngineVersion = "OpenSearch_3.8"
	}
	return in
}

func TestIDsByType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for kind, shape := range map[searchpack.PackageType]string{
		searchpack.TypeDictionary: `^F[0-9]{9}$`, searchpack.TypePlugin: `^pkg-[0-9a-f]{40}$`,
		searchpack.TypeLicense: `^pkg-[0-9a-f]{40}$`, searchpack.TypeConfig: `^pkg-[0-9a-f]{40}$`,
	} {
		p := b.create(CreatePackageInput{Name: strings.ToLower(string(kind)), Type: kind})
		if !regexp.MustCompile(shape).MatchString(p.ID) || p.Type != kind {
			t.Errorf("%s has the id %s", kind, p.ID)
		}
	}
}

func TestEngineVersion(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Limits.EngineVersions = []string{"OpenSearch_3.8", "OpenSearch_2.19"} })
	in := CreatePackageInput{Name: "lemmas", Type: searchpack.TypePlugin, Source: searchpack.Source{Bucket: "dictionaries", Key: "lemmas.zip"}}
	_, err := b.CreatePackage(t.Context(), b.who, in)
	wantCode(t, err, searchpack.ErrInvalid)
	if searchpack.ErrorMessage(err) != "Operation not allowed. EngineVersion is a required parameter for this operation." {
		t.Errorf("text %q is not AWS's", err)
	}
	for version, want := range map[string]searchpack.Code{"OpenSearch_1.3": searchpack.ErrInvalid, "3.8": searchpack.ErrInvalid, "OpenSearch_2.19": ""} {
		in.EngineVersion = version
		_, err := b.CreatePackage(t.Context(), b.who, in)
		if searchpack.ErrorCode(err) != want {
			t.Errorf("%s: %v, want %q", version, err, want)
		}
	}
	for _, kind := range []searchpack.PackageType{searchpack.TypeDictionary, searchpack.TypeLicense, searchpack.TypeConfig} {
		if p := b.create(CreatePackageInput{Name: "is-" + strings.ToLower(string(kind)), Type: kind, EngineVersion: "OpenSearch_3.8"}); p.EngineVersion != "" {
			t.Errorf("%s has the engine version %s", kind, p.EngineVersion)
		}
	}
}

func TestSourceByType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		kind searchpack.PackageType
		key  string
		want searchpack.Code
	}{
		{searchpack.TypePlugin, "a/plugin.ZIP", ""},
		{searchpack.TypePlugin, "plugin.zip.txt", searchpack.ErrInvalid},
		{searchpack.TypePlugin, "zip", searchpack.ErrInvalid},
		{searchpack.TypeLicense, "license.json", ""},
		{searchpack.TypeLicense, "license.xml", ""},
		{searchpack.TypeLicense, "license.zip", searchpack.ErrInvalid},
		{searchpack.TypeConfig, "config.json", searchpack.ErrInvalid},
		{searchpack.TypeDictionary, "words", ""},
	} {
		in := fitting(CreatePackageInput{Name: "of-" + strings.ToLower(strings.NewReplacer("/", "", ".", "").Replace(c.key)), Type: c.kind, Source: searchpack.Source{Bucket: "dictionaries", Key: c.key}})
		_, err := b.CreatePackage(t.Context(), b.who, in)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s from %s: %v, want %q", c.kind, c.key, err, c.want)
		}
	}
	p := b.imported(b.create(CreatePackageInput{Name: "updated", Type: searchpack.TypePlugin}))
	_, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source})
	wantCode(t, err, searchpack.ErrInvalid)
}

// A name is the only one for its engine version, of an account in a region.
func TestNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plugin := CreatePackageInput{Name: "lemmas", Type: searchpack.TypePlugin, EngineVersion: "OpenSearch_3.8"}
	b.create(plugin)
	_, err := b.CreatePackage(t.Context(), b.who, fitting(plugin))
	wantCode(t, err, searchpack.ErrAlreadyExists)
	plugin.EngineVersion = "OpenSearch_2.19"
	b.create(plugin)
	b.create(CreatePackageInput{Name: "lemmas", Type: searchpack.TypeDictionary})
	_, err = b.CreatePackage(t.Context(), b.who, fitting(CreatePackageInput{Name: "lemmas", Type: searchpack.TypeLicense}))
	wantCode(t, err, searchpack.ErrAlreadyExists)
	for _, other := range []searchpack.Caller{{Account: "999988887777", Region: b.who.Region}, {Account: b.who.Account, Region: "eu-west-1"}} {
		if _, err := b.CreatePackage(t.Context(), other, fitting(plugin)); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
	got, _, err := b.DescribePackages(t.Context(), b.who, PackageFilter{Names: []string{"lemmas"}, EngineVersions: []string{"OpenSearch_3.8", "OpenSearch_2.19"}}, Page{})
	if err != nil || len(got) != 2 {
		t.Errorf("the line of the plugin is %v, %v", got, err)
	}
}

// What a plugin needs is said with a version, and stays until it is said anew.
func TestConfigurationStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	yes, no := true, false
	first := &searchpack.PackageConfiguration{License: searchpack.RequirementRequired, Configuration: searchpack.RequirementNone, LicenseFilepath: "license.json", RestartForConfiguration: &yes}
	p := b.create(CreatePackageInput{Name: "lemmas", Type: searchpack.TypePlugin, Configuration: first, Vending: &yes, Encryption: &no})
	if p.Vending == nil || !*p.Vending || p.Encryption == nil || *p.Encryption {
		t.Errorf("made %+v", p)
	}
	b.imported(p)
	next := &searchpack.PackageConfiguration{License: searchpack.RequirementOptional, Configuration: searchpack.RequirementRequired}
	want := []*searchpack.PackageConfiguration{first, first, next}
	for _, c := range []*searchpack.PackageConfiguration{nil, next} {
		if _, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: searchpack.Source{Bucket: "dictionaries", Key: "next.zip"}, Configuration: c}); err != nil {
			t.Fatal(err)
		}
		b.imported(p)
	}
	vs, err := b.Versions(t.Context(), b.who, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []*searchpack.PackageConfiguration
	for _, v := range vs {
		got = append(got, v.Configuration)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configurations (-want +got):\n%s", diff)
	}
}
