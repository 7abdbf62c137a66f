package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// lemmasZip is a plugin of the version, whose class is also of these kinds.
func lemmasZip(t *testing.T, version string, kinds ...string) []byte {
	t.Helper()
	class := "class org/example/Lemmas extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin"
	for _, kind := range kinds {
		class += ", org/opensearch/plugins/" + kind
	}
	z, err := inspecttest.Zip([]inspecttest.File{
		{Name: "plugin-descriptor.properties", Data: fmt.Appendf(nil,
			"name=lemmas\ndescription=Lemmas for all\nversion=%s\nopensearch.version=3.8.0\njava.version=21\nclassname=org.example.Lemmas\n", version)},
		{Name: "lemmas.jar!/org/example/Lemmas.class", Data: []byte(class + " java 21")},
		{Name: "snakeyaml-1.33.jar!/META-INF/maven/org.yaml/snakeyaml/pom.properties", Data: []byte("groupId=org.yaml\nartifactId=snakeyaml\nversion=1.33\n")},
		{Name: "config/words.txt", Data: []byte("words of " + version)},
		{Name: "plugin-security.policy", Data: []byte("grant {\n  permission java.net.SocketPermission \"*\", \"connect\";\n};\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestPluginPackage takes a plugin through the product: what AWS's own API says of it and of one that
// is refused, and what searchpack's commands do.
func TestPluginPackage(t *testing.T) {
	t.Parallel()
	u := start(t, t.TempDir(), "--ephemeral")
	p := &pack{u: u, name: "lemmas"}
	putObject(t, u, "lemmas.zip", lemmasZip(t, "1.0"))
	p.id = createPlugin(t, u, "lemmas", "lemmas.zip", newEngine)
	d := p.ended(t, "v1")
	got := d.AvailablePluginProperties
	if d.PackageStatus != types.PackageStatusAvailable || got == nil {
		t.Fatalf("%s: %+v", d.PackageStatus, d.ErrorDetails)
	}
	if aws.ToString(got.Name) != "lemmas" || aws.ToString(got.Description) != "Lemmas for all" || aws.ToString(got.Version) != "1.0" ||
		aws.ToString(got.ClassName) != "org.example.Lemmas" || aws.ToInt64(got.UncompressedSizeInBytes) == 0 {
		t.Errorf("properties %+v", got)
	}

	putObject(t, u, "lemmas.zip", lemmasZip(t, "1.1"))
	es, _ := clients(u.document())
	if _, err := es.UpdatePackage(t.Context(), &opensearch.UpdatePackageInput{PackageID: aws.String(p.id), PackageSource: source("lemmas.zip")}); err != nil {
		t.Fatal(err)
	}
	if d = p.ended(t, "v2"); aws.ToString(d.AvailablePluginProperties.Version) != "1.1" {
		t.Errorf("properties of v2: %+v", d.AvailablePluginProperties)
	}
	says(t, u, []string{"diff", "lemmas", "v1", "v2"}, "~ descriptor: version => 1.1 (was: 1.0)", "~ config/words.txt => ", "0 added, 0 removed, 2 changed, 3 the same")
	says(t, u, []string{"findings", "lemmas"}, "policy.dangerous", "connect to any computer")
	says(t, u, []string{"sbom", "lemmas"}, "CycloneDX", "pkg:maven/org.yaml/snakeyaml@1.33")

	putObject(t, u, "network.zip", lemmasZip(t, "1.0", "NetworkPlugin"))
	refused := &pack{u: u, name: "network", id: createPlugin(t, u, "network", "network.zip", newEngine)}
	d = refused.ended(t, "")
	if d.PackageStatus != types.PackageStatusValidationFailed || d.AvailablePluginProperties != nil || d.ErrorDetails == nil ||
		!strings.Contains(aws.ToString(d.ErrorDetails.ErrorMessage), "NetworkPlugin") {
		t.Errorf("%s, %+v, %s: %s", d.PackageStatus, d.AvailablePluginProperties, aws.ToString(d.ErrorDetails.ErrorType), aws.ToString(d.ErrorDetails.ErrorMessage))
	}
	says(t, u, []string{"findings", "network"}, "plugin.kind-aws", "NetworkPlugin")
}

func source(key string) *types.PackageSource {
	return &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(key)}
}

// createPlugin makes a package of the type ZIP-PLUGIN and returns its id.
func createPlugin(t *testing.T, u *up, name, key, engine string) string {
	t.Helper()
	es, _ := clients(u.document())
	made, err := es.CreatePackage(t.Context(), &opensearch.CreatePackageInput{
		PackageName: aws.String(name), PackageType: types.PackageTypeZipPlugin, PackageSource: source(key), EngineVersion: aws.String(engine),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.PackageDetails.PackageID)
}

// ended waits until the version is AVAILABLE, or an import has failed.
func (p *pack) ended(t *testing.T, version string) (d *types.PackageDetails) {
	t.Helper()
	eventually(t, func() string {
		var err error
		if d, err = p.describe(t.Context()); err != nil {
			return err.Error()
		}
		if strings.HasSuffix(string(d.PackageStatus), "FAILED") || d.PackageStatus == types.PackageStatusAvailable && aws.ToString(d.AvailablePackageVersion) == version {
			return ""
		}
		return fmt.Sprintf("%s is %s, %s", p.name, d.PackageStatus, aws.ToString(d.AvailablePackageVersion))
	})
	return d
}

// says runs a command of searchpack, which must succeed and say all of it.
func says(t *testing.T, u *up, args []string, want ...string) {
	t.Helper()
	code, out := cli(t, u, args...)
	for _, w := range want {
		if code != 0 || !strings.Contains(out, w) {
			t.Errorf("searchpack %s: %d, want %q in\n%s", strings.Join(args, " "), code, w, out)
			return
		}
	}
}
