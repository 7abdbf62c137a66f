package awsapi

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// boto3Line is what testdata/boto3_calls.py prints about one call.
type boto3Line struct {
	Name      string         `json:"name"`
	Status    int            `json:"status"`
	RequestID bool           `json:"request_id"`
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	Out       map[string]any `json:"out"`
}

// python returns the interpreter, or ends the test if it has not the module.
func python(t *testing.T, module string) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(path, "-c", "import "+module).Run()
	}
	if err != nil {
		const text = "python3 with %s is needed: %v"
		if os.Getenv("SEARCHPACK_REQUIRE_CLIENTS") == "1" {
			t.Fatalf(text, module, err)
		}
		t.Skipf(text, module, err)
	}
	return path
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	py := python(t, "boto3")
	fake := allOutcomes()
	cmd := exec.CommandContext(t.Context(), py, "testdata/boto3_calls.py", startServer(t, fake).URL)
	home := t.TempDir()
	cmd.Env = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=" + sessionToken, "AWS_DEFAULT_REGION=us-east-1",
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := map[string]boto3Line{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var l boto3Line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines[l.Name] = l
	}
	for name := range operations() {
		if l, called := lines[name]; !called || l.Status != 200 || !l.RequestID {
			t.Errorf("%s: called %v, %+v", name, called, l)
		}
	}
	checkBoto3Answers(t, lines)
	checkBoto3Asked(t, fake.asked)
}

// checkBoto3Answers looks at what boto3 made of the answers: dates are dates, errors have codes.
func checkBoto3Answers(t *testing.T, lines map[string]boto3Line) {
	t.Helper()
	details, _ := lines["CreatePackage"].Out["PackageDetails"].(map[string]any)
	want := map[string]any{
		"PackageID": "F135140295", "PackageName": "my-synonyms", "PackageType": "TXT-DICTIONARY", "PackageStatus": "AVAILABLE",
		"AvailablePackageVersion": "v2", "PackageOwner": "000000000000",
	}
	for _, key := range []string{"CreatedAt", "LastUpdatedAt"} { // in the zone of the machine
		if at, _ := details[key].(string); !strings.Contains(at, ":04:05.123000") {
			t.Errorf("%s = %v", key, details[key])
		}
		delete(details, key)
	}
	if d := cmp.Diff(want, details); d != "" {
		t.Errorf("PackageDetails (-want +got):\n%s", d)
	}
	for name, want := range map[string]boto3Line{
		"slash in an id": {Status: 400, Code: "ValidationException", Message: "Value 'a/b c' at 'packageID'"},
		"foreign token":  {Status: 400, Code: "ValidationException", Message: "NextToken"},
		"tags":           {Status: 400, Code: "ValidationException", Message: "ListTags is not offered by Searchpack"},
		"empty id":       {Status: 400, Code: "ValidationException", Message: "Value '' at 'packageID'"},
		"wrong secret":   {Status: 403, Code: "InvalidSignatureException", Message: "does not match"},
		"unknown key":    {Status: 403, Code: "UnrecognizedClientException", Message: "security token"},
		"legacy API":     {Status: 400, Code: "ValidationException", Message: "2015-01-01"},
	} {
		got := lines[name]
		if got.Status != want.Status || got.Code != want.Code || !strings.Contains(got.Message, want.Message) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func checkBoto3Asked(t *testing.T, asked []string) {
	t.Helper()
	want := []string{
		`["CreatePackage",{"Name":"my-synonyms","Type":"TXT-DICTIONARY","Description":"café  b","EngineVersion":"","Source":{"bucket":"bucket","key":"k/é b"}}]`,
		`["DescribePackages",{"IDs":["F135140295"],"Names":null,"Statuses":null,"Types":null},{"After":"","Max":0}]`,
		`["UpdatePackage",{"ID":"F135140295","Source":{"bucket":"bucket","key":"k/é b"},"Description":null,"CommitMessage":"m"}]`,
		`["AssociatePackage","F135140295","my-dom"]`,
		`["ListPackagesForDomain","my-dom",{"After":"","Max":2}]`,
		`["ListDomainsForPackage","F135140295",{"After":"","Max":0}]`,
		`["DissociatePackage","F135140295","my-dom"]`,
		`["DeletePackage","F135140295"]`,
		`["CreateDomain",{"Name":"my-dom","EngineVersion":"","InstanceCount":2,"Request":"{\"ClusterConfig\":{\"InstanceCount\":2},\"DomainName\":\"my-dom\"}"}]`,
		`["DescribeDomain","my-dom"]`,
		`["DescribeDomains",["my-dom"]]`,
		`["ListDomainNames"]`,
		`["DeleteDomain","my-dom"]`,
	}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("the catalog was asked (-want +got):\n%s", d)
	}
}

// modelScript prints what model/generate.py would make of the botocore that is installed.
const modelScript = `import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "model")
import generate
generate.main()`

// The table agrees with the botocore that is installed, whichever of the two is newer: what both
// know is the same.
func TestModelAgreesWithBotocore(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), python(t, "botocore"), "-c", modelScript).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs model
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	ours, err := loadModel()
	if err != nil {
		t.Fatal(err)
	}
	served := operations()
	compared := 0
	for _, op := range theirs.Operations {
		i := slices.IndexFunc(ours.Operations, func(o *operation) bool { return o.Name == op.Name && o.Version == op.Version })
		if i < 0 {
			t.Logf("%s of %s is not in our table: generate it anew", op.Name, op.Version)
			continue
		}
		mine := ours.Operations[i]
		if mine.Method != op.Method || mine.URI != op.URI {
			t.Errorf("%s: %s %s, botocore has %s %s", op.Name, mine.Method, mine.URI, op.Method, op.URI)
		}
		if served[op.Name] != nil && op.Version == version {
			compared++
			if d := cmp.Diff(op, mine); d != "" {
				t.Errorf("%s (-botocore +ours):\n%s", op.Name, d)
			}
		}
	}
	if compared != len(served) {
		t.Errorf("compared %d of %d served operations", compared, len(served))
	}
}
