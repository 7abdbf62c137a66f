package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// ready makes an available package of the type.
func (b *bench) ready(name string, kind searchpack.PackageType) *searchpack.Package {
	b.t.Helper()
	return b.imported(b.create(CreatePackageInput{Name: name, Type: kind}))
}

// rollouts of the domain, newest first: "r: associate F1 F2".
func (b *bench) rollouts(domain string) []*searchpack.Rollout {
	b.t.Helper()
	rs, _, err := b.Rollouts(b.t.Context(), b.who, domain, 10)
	if err != nil {
		b.t.Fatal(err)
	}
	return rs
}

func TestAssociatePackagesIsOneRollout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	one, two := b.ready("one", searchpack.TypeDictionary), b.ready("two", searchpack.TypeDictionary)
	vs, err := b.AssociatePackages(t.Context(), b.who, "products", []AssociateInput{{PackageID: one.ID, Prerequisites: []string{two.ID}}, {PackageID: two.ID}})
	if err != nil || len(vs) != 2 || vs[0].PackageID != one.ID || vs[1].Status != searchpack.Associating {
		t.Fatalf("answered %+v, %v", vs, err)
	}
	rs := b.rollouts("products")
	if len(rs) != 1 || len(rs[0].Steps) != 2 || rs[0].Steps[0].PackageID != two.ID {
		t.Errorf("rollouts %+v, want one that begins with %s", rs, two.ID)
	}
	list, _, err := b.ListPackagesForDomain(t.Context(), b.who, "products", Page{})
	if err != nil || len(list) != 2 {
		t.Fatalf("listed %+v, %v", list, err)
	}
	for _, v := range list {
		if v.PackageID == one.ID && !slices.Equal(v.Prerequisites, []string{two.ID}) {
			t.Errorf("%+v", v)
		}
	}
	if e := b.newest(1)[0]; e.Action != "AssociatePackages" || e.Subject != one.ID+" "+two.ID+" products" {
		t.Errorf("audited %+v", e)
	}
}

func TestDissociatePackagesIsOneRollout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	one, two := b.ready("one", searchpack.TypeDictionary), b.ready("two", searchpack.TypeDictionary)
	if _, err := b.AssociatePackages(t.Context(), b.who, "products", []AssociateInput{{PackageID: one.ID, Prerequisites: []string{two.ID}}, {PackageID: two.ID}}); err != nil {
		t.Fatal(err)
	}
	_, err := b.DissociatePackage(t.Context(), b.who, "products", two.ID)
	wantCode(t, err, searchpack.ErrConflict)
	vs, err := b.DissociatePackages(t.Context(), b.who, "products", []string{two.ID, one.ID})
	if err != nil || len(vs) != 2 || vs[0].PackageID != two.ID {
		t.Fatalf("answered %+v, %v", vs, err)
	}
	rs := b.rollouts("products")
	if len(rs) != 2 || rs[0].Steps[0].PackageID != one.ID || rs[1].State != searchpack.RolloutAborted {
		t.Errorf("rollouts %+v", rs)
	}
	if e := b.newest(1)[0]; e.Action != "DissociatePackages" || e.Subject != two.ID+" "+one.ID+" products" {
		t.Errorf("audited %+v", e)
	}
}

// The first error refuses the whole call: nothing of it is written.
func TestAssociatePackagesIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	good := AssociateInput{PackageID: b.ready("good", searchpack.TypeDictionary).ID}
	for name, c := range map[string]struct {
		in   []AssociateInput
		want searchpack.Code
	}{
		"unknown":      {[]AssociateInput{good, {PackageID: "F000000001"}}, searchpack.ErrNotFound},
		"unavailable":  {[]AssociateInput{good, {PackageID: b.pkg("copying").ID}}, searchpack.ErrInvalid},
		"twice":        {[]AssociateInput{good, good}, searchpack.ErrInvalid},
		"none":         {nil, searchpack.ErrInvalid},
		"prerequisite": {[]AssociateInput{good, {PackageID: b.ready("needy", searchpack.TypeDictionary).ID, Prerequisites: []string{"F000000001"}}}, searchpack.ErrInvalid},
	} {
		_, err := b.AssociatePackages(t.Context(), b.who, "products", c.in)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ids  []string
		want searchpack.Code
	}{
		"unknown":        {[]string{good.PackageID, "F000000001"}, searchpack.ErrNotFound},
		"not associated": {[]string{good.PackageID, b.ready("apart", searchpack.TypeDictionary).ID}, searchpack.ErrInvalid},
		"none":           {nil, searchpack.ErrInvalid},
	} {
		_, err := b.DissociatePackages(t.Context(), b.who, "products", c.ids)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("dissociate %s: %v, want %s", name, err, c.want)
		}
	}
	list, _, err := b.ListPackagesForDomain(t.Context(), b.who, "products", Page{})
	if err != nil || len(list) != 1 || list[0].Status != searchpack.Associating || len(b.rollouts("products")) != 1 {
		t.Errorf("left %+v, %v", list, err)
	}
}

func TestPluginTakesItsLicenseAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	plugin, license := b.ready("lemmas", searchpack.TypePlugin), b.ready("lemmas-license", searchpack.TypeLicense)
	_, err := b.AssociatePackages(t.Context(), b.who, "products", []AssociateInput{{PackageID: plugin.ID}, {PackageID: license.ID, Prerequisites: []string{plugin.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	vs, err := b.DissociatePackages(t.Context(), b.who, "products", []string{plugin.ID})
	if err != nil || len(vs) != 2 || vs[1].PackageID != license.ID || vs[1].Status != searchpack.Dissociating {
		t.Errorf("answered %+v, %v", vs, err)
	}
}

// authorizer writes down what it is asked and says no to one action.
type authorizer struct {
	deny  string
	asked []string
}

func (d *authorizer) authorize(_ searchpack.Caller, action, resource string, conditions map[string]string) error {
	d.asked = append(d.asked, fmt.Sprint(action, " ", resource, " ", conditions))
	if action == d.deny {
		return searchpack.Errorf(searchpack.ErrDenied, "no")
	}
	return nil
}

// Servers that keep objects as files have several keys for one object.
func TestEveryKeyOfASourceNeedsTheRight(t *testing.T) {
	t.Parallel()
	for key, also := range map[string]string{
		"team/synonyms.txt": "", "team//synonyms.txt": "team/synonyms.txt", "./team/synonyms.txt": "team/synonyms.txt",
		"/team/synonyms.txt": "team/synonyms.txt", "other/../team/synonyms.txt": "team/synonyms.txt", "team/synonyms.txt/": "team/synonyms.txt",
		"..": "",
	} {
		d := &authorizer{}
		b := setup(t, func(o *Options) { o.Authorize = d.authorize })
		_, err := b.CreatePackage(t.Context(), b.who, CreatePackageInput{
			Name: "more", Type: searchpack.TypeDictionary, Source: searchpack.Source{Bucket: "dictionaries", Key: key},
		})
		want := []string{"s3:GetObject arn:aws:s3:::dictionaries/" + key + " map[]"}
		if also != "" {
			want = append(want, "s3:GetObject arn:aws:s3:::dictionaries/"+also+" map[]")
		}
		if err != nil || !slices.Equal(d.asked, want) {
			t.Errorf("%s: asked %q, %v", key, d.asked, err)
		}
	}
}

func TestCallerNeedsTheRights(t *testing.T) {
	t.Parallel()
	d := &authorizer{}
	b := setup(t, func(o *Options) { o.Authorize = d.authorize })
	b.domain("products")
	p := b.imported(b.pkg("synonyms"))
	d.deny = "s3:GetObject"
	_, err := b.CreatePackage(t.Context(), b.who, CreatePackageInput{Name: "more", Type: searchpack.TypeDictionary, Source: source})
	wantCode(t, err, searchpack.ErrDenied)
	_, err = b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source})
	wantCode(t, err, searchpack.ErrDenied)
	want := "s3:GetObject arn:aws:s3:::dictionaries/synonyms.txt map[]"
	if !slices.Equal(d.asked, []string{want, want, want}) {
		t.Errorf("asked %q", d.asked)
	}

	role := "arn:aws:iam::111122223333:role/keys"
	d.deny, d.asked = "iam:PassRole", nil
	for _, k := range []*searchpack.KeyStoreAccess{{Enabled: true}, {Enabled: true, RoleARN: role}, {RoleARN: role}} {
		_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID, KeyStore: k})
		want := searchpack.ErrDenied
		if k.RoleARN == "" {
			want = searchpack.ErrInvalid
		}
		wantCode(t, err, want)
	}
	if !slices.Equal(d.asked, slices.Repeat([]string{"iam:PassRole " + role + " map[iam:PassedToService:es.amazonaws.com]"}, 2)) {
		t.Errorf("asked %q", d.asked)
	}
	d.deny = ""
	v, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID, KeyStore: &searchpack.KeyStoreAccess{Enabled: true, RoleARN: role}})
	if err != nil || v.KeyStore == nil || v.KeyStore.RoleARN != role {
		t.Errorf("answered %+v, %v", v, err)
	}
}

// AWS counts plugins apart from all other packages, in a region and on a domain.
func TestQuotas(t *testing.T) {
	t.Parallel()
	if aws := (Limits{}).WithAWSQuotas(); aws.PackagesPerRegion != 25 || aws.PackagesPerDomain != 20 || aws.PluginsPerRegion != 25 || aws.PluginsPerDomain != 20 {
		t.Errorf("AWS's quotas are %+v", aws)
	}
	b := setup(t, func(o *Options) {
		o.Limits.PackagesPerRegion, o.Limits.PluginsPerRegion = 4, 3
		o.Limits.PackagesPerDomain, o.Limits.PluginsPerDomain = 2, 1
	})
	b.domain("products")
	var words, plugins []AssociateInput
	for i := range 4 {
		words = append(words, AssociateInput{PackageID: b.ready(fmt.Sprintf("words-%d", i), []searchpack.PackageType{searchpack.TypeDictionary, searchpack.TypeLicense}[i%2]).ID})
	}
	for i := range 3 {
		plugins = append(plugins, AssociateInput{PackageID: b.ready(fmt.Sprintf("plugin-%d", i), searchpack.TypePlugin).ID})
	}
	words[1].Prerequisites = []string{plugins[0].PackageID} // a license
	for _, kind := range []searchpack.PackageType{searchpack.TypeConfig, searchpack.TypePlugin} {
		_, err := b.CreatePackage(t.Context(), b.who, fitting(CreatePackageInput{Name: "one-more", Type: kind}))
		wantCode(t, err, searchpack.ErrLimit)
	}
	_, err := b.AssociatePackages(t.Context(), b.who, "products", words[:3])
	if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), "at most 2 packages") {
		t.Errorf("three packages: %v", err)
	}
	if _, err := b.AssociatePackages(t.Context(), b.who, "products", slices.Concat(words[:2], plugins[:1])); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	for _, in := range []AssociateInput{words[2], plugins[1]} {
		_, err := b.AssociatePackage(t.Context(), b.who, "products", in)
		wantCode(t, err, searchpack.ErrInvalid)
	}
	// What is there already takes no room: its update is refused for another reason only.
	_, err = b.AssociatePackage(t.Context(), b.who, "products", words[0])
	var e *searchpack.Error
	if !errors.As(err, &e) || e.Message != "Package is already in desired state" {
		t.Errorf("the same again: %v", err)
	}
}
