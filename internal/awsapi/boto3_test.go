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
	name := os.Getenv("SEARCHPACK_PYTHON") // where scripts/need.sh put the clients
	if name == "" {
		name = "python3"
	}
	path, err := exec.LookPath(name)
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
	m := mustModel(t)
	fake := everything(t, m, 1)[1]
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
	for _, op := range servedOperations(m) {
		name := op.Name
		if op.Version == legacy {
			name = "es " + name
		}
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
		"AvailablePackageVersion": "v2", "PackageOwner": "000000000000", "AllowListedUserList": []any{},
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
		"slash in an id":      {Status: 400, Code: "ValidationException", Message: "Value 'a/b c' at 'packageID'"},
		"foreign token":       {Status: 400, Code: "ValidationException", Message: "NextToken"},
		"not offered":         {Status: 400, Code: "ValidationException", Message: "DescribeDomainHealth is not offered by Searchpack"},
		"empty id":            {Status: 400, Code: "ValidationException", Message: "Value '' at 'packageID'"},
		"wrong secret":        {Status: 403, Code: "InvalidSignatureException", Message: "does not match"},
		"unknown key":         {Status: 403, Code: "UnrecognizedClientException", Message: "security token"},
		"not offered in 2015": {Status: 400, Code: "ValidationException", Message: "ListVpcEndpoints is not offered by Searchpack"},
	} {
		got := lines[name]
		if got.Status != want.Status || got.Code != want.Code || !strings.Contains(got.Message, want.Message) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// checkBoto3Asked: through both services the catalog is asked for the same, in the same words.
func checkBoto3Asked(t *testing.T, asked []string) {
	t.Helper()
	both := []string{
		`["CreatePackage",{"Name":"my-synonyms","Type":"TXT-DICTIONARY","Description":"café  b","EngineVersion":"","Source":{"bucket":"bucket","key":"k/é b"},"Configuration":null,"Vending":null,"Encryption":null}]`,
		`["DescribePackages",{"IDs":["F135140295"],"Names":null,"Statuses":null,"Types":null,"EngineVersions":null,"Owners":null},{"After":"","Max":0}]`,
		`["UpdatePackage",{"ID":"F135140295","Source":{"bucket":"bucket","key":"k/é b"},"Description":null,"CommitMessage":"m","Configuration":null}]`,
		`["PackageVersionHistory","F135140295",{"After":"","Max":0}]`,
		`["AssociatePackage","my-dom",{"PackageID":"F135140295","Prerequisites":null,"KeyStore":null}]`,
		`["ListPackagesForDomain","my-dom",{"After":"","Max":2}]`,
		`["ListDomainsForPackage","F135140295",{"After":"","Max":0}]`,
		`["DissociatePackage","my-dom","F135140295"]`,
		`["DeletePackage","F135140295"]`,
		`["ListDomainNames"]`,
		`["DomainChanges","my-dom",""]`,
		`["DomainChanges","my-dom","upgrade"]`,
		`["DomainChanges","my-dom","upgrade"]`,
		`["AddTags","arn:aws:es:us-east-1:000000000000:domain/my-dom",[{"key":"a b","value":""}]]`,
		`["Tags","arn:aws:es:us-east-1:000000000000:domain/my-dom"]`,
		`["RemoveTags","arn:aws:es:us-east-1:000000000000:domain/my-dom",["a b"]]`,
	}
	if len(asked) < 2*len(both) {
		t.Fatalf("asked %d times", len(asked))
	}
	if d := cmp.Diff(slices.Concat(both, both), asked[:2*len(both)]); d != "" {
		t.Errorf("the catalog was asked (-want +got):\n%s", d)
	}
	for _, want := range []string{
		`["AssociatePackages","my-dom",[{"PackageID":"F135140295","Prerequisites":["F2"],"KeyStore":null}]]`,
		`["CreateDomain",{"Name":"my-dom","EngineVersion":"","InstanceCount":2,"Options":"{\"ClusterConfig\":{\"InstanceCount\":2}}","Tags":[{"key":"a","value":"b"}]}]`,
		`["CreateDomain",{"Name":"my-dom","EngineVersion":"Elasticsearch_7.10","InstanceCount":2,"Options":"{\"ClusterConfig\":{\"InstanceCount\":2,\"InstanceType\":\"m5.large.search\"}}","Tags":null}]`,
		`["UpgradeDomain",{"Name":"my-dom","TargetVersion":"OpenSearch_3.8","CheckOnly":false}]`,
	} {
		if !slices.Contains(asked, want) {
			t.Errorf("the catalog was not asked %s", want)
		}
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
		if served(mine) {
			compared++
			if d := cmp.Diff(op, mine); d != "" {
				t.Errorf("%s (-botocore +ours):\n%s", op.Name, d)
			}
		}
	}
	if want := len(servedOperations(ours)); compared != want {
		t.Errorf("compared %d of %d served operations", compared, want)
	}
}
