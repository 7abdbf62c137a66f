package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// newPart makes a license or configuration, whose first version becomes AVAILABLE.
func newPart(t *testing.T, u *up, kind types.PackageType, name, suffix string, content func(version int) []byte) *pack {
	t.Helper()
	p := &pack{u: u, name: name, suffix: suffix, content: content, released: map[searchpack.Digest]int{}}
	p.put(t, 1)
	es, _ := clients(u.document())
	made, err := es.CreatePackage(t.Context(), &opensearch.CreatePackageInput{
		PackageName: aws.String(name), PackageType: kind, PackageSource: source(name + suffix),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.id = aws.ToString(made.PackageDetails.PackageID)
	p.available(t, 1)
	return p
}

// newDemanding makes a plugin that demands a license, for a path of its own.
func newDemanding(t *testing.T, u *up, name, engine string, content func(version int) []byte) *pack {
	t.Helper()
	p := &pack{u: u, name: name, suffix: ".zip", content: content, released: map[searchpack.Digest]int{}}
	p.put(t, 1)
	es, _ := clients(u.document())
	made, err := es.CreatePackage(t.Context(), &opensearch.CreatePackageInput{
		PackageName: aws.String(name), PackageType: types.PackageTypeZipPlugin, PackageSource: source(name + p.suffix), EngineVersion: aws.String(engine),
		PackageConfiguration: &types.PackageConfiguration{
			LicenseRequirement: types.RequirementLevelRequired, ConfigurationRequirement: types.RequirementLevelOptional, LicenseFilepath: aws.String("lic/" + name + ".json"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.id = aws.ToString(made.PackageDetails.PackageID)
	p.available(t, 1)
	return p
}

// configZip is a configuration: its words, and a file that only its first version has.
func configZip(t *testing.T, version int) []byte {
	t.Helper()
	files := []inspecttest.File{{Name: "words.txt", Data: fmt.Appendf(nil, "configured %d", version)}}
	if version == 1 {
		files = append(files, inspecttest.File{Name: "extra/first.txt", Data: []byte("first")})
	}
	z, err := inspecttest.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// associateAll associates by one call; the first is the plugin of the others.
func associateAll(t *testing.T, u *up, plugin *pack, parts ...*pack) error {
	t.Helper()
	es, _ := clients(u.document())
	in := &opensearch.AssociatePackagesInput{DomainName: aws.String("demo")}
	for _, p := range parts { // in the wrong order
		in.PackageList = append(in.PackageList, types.PackageDetailsForAssociation{PackageID: aws.String(p.id), PrerequisitePackageIDList: []string{plugin.id}})
	}
	in.PackageList = append(in.PackageList, types.PackageDetailsForAssociation{PackageID: aws.String(plugin.id)})
	_, err := es.AssociatePackages(t.Context(), in)
	return err
}

// confIs checks a file of the plugin's folder in the configuration folder of every node; "" = it is not
// there.
func confIs(t *testing.T, u *up, plugin, name, want string) {
	t.Helper()
	for _, n := range u.document().Domains[0].Nodes {
		b, err := os.ReadFile(filepath.Join(n.Config, plugin, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil || string(b) != want {
			t.Errorf("%s: %s holds %q, want %q (%v)", n.Name, name, b, want, err)
		}
	}
}

// TestPartsOfPlugins: a plugin, its configuration and its license come by one call, the configuration is
// updated and goes, and the plugin takes the license along.
func TestPartsOfPlugins(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "3")
	engine := u.document().Domains[0].EngineVersion
	for _, n := range u.document().Domains[0].Nodes {
		if err := os.MkdirAll(filepath.Join(n.Config, "lemmas", "extra"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.Config, "lemmas", "extra", "first.txt"), []byte("by hand"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plug := newDemanding(t, u, "lemmas", engine, func(version int) []byte { return lemmasZip(t, fmt.Sprintf("1.%d", version)) })
	conf := newPart(t, u, types.PackageTypePackageConfig, "lemmas-config", ".zip", func(version int) []byte { return configZip(t, version) })
	license := newPart(t, u, types.PackageTypePackageLicense, "lemmas-license", ".json", func(version int) []byte { return fmt.Appendf(nil, `{"seats": %d}`, version) })

	var invalid *types.ValidationException
	if err := associateAll(t, u, plug, conf); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "LicenseRequirement is REQUIRED") {
		t.Errorf("without its license: %v", err)
	}
	if err := associateAll(t, u, plug, conf, license); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*pack{plug, conf, license} {
		p.becomes(t, patience, "ACTIVE v1")
	}
	samePlugin(t, plug, "lemmas", 1)
	confIs(t, u, "lemmas", "words.txt", "configured 1")
	confIs(t, u, "lemmas", "extra/first.txt", "first")
	confIs(t, u, "lemmas", "lic/lemmas.json", `{"seats": 1}`)
	says(t, u, []string{"nodes", "demo"}, "lemmas config", "lemmas license")

	es, _ := clients(u.document())
	var conflict *types.ConflictException
	if _, err := es.DissociatePackage(t.Context(), &opensearch.DissociatePackageInput{PackageID: &license.id, DomainName: aws.String("demo")}); !errors.As(err, &conflict) {
		t.Errorf("the license alone: %v", err)
	}
	file := filepath.Join(t.TempDir(), "lemmas.zip")
	if err := os.WriteFile(file, configZip(t, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, u, []string{"push", file, "--name", "lemmas-config", "--for", "lemmas", "--domain", "demo", "--bucket", bucket, "--wait"}, "is ACTIVE, proven by 3 nodes")
	confIs(t, u, "lemmas", "words.txt", "configured 2")
	confIs(t, u, "lemmas", "extra/first.txt", "by hand")
	samePlugin(t, plug, "lemmas", 1)

	conf.askDissociate(t)
	conf.becomes(t, patience, "none")
	confIs(t, u, "lemmas", "words.txt", "words of 1.1") // the plugin's own
	confIs(t, u, "lemmas", "lic/lemmas.json", `{"seats": 1}`)

	plug.askDissociate(t)
	plug.becomes(t, patience, "none")
	license.becomes(t, patience, "none")
	confIs(t, u, "lemmas", "lic/lemmas.json", "")
	for _, n := range u.document().Domains[0].Nodes {
		if left, err := os.ReadDir(filepath.Join(n.Home, "plugins")); err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
			t.Errorf("%s: left under plugins/: %v, %v", n.Name, left, err)
		}
		if _, err := os.Stat(filepath.Join(n.Config, "lemmas", "lic")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the license's folder is left: %v", n.Name, err)
		}
	}
}
