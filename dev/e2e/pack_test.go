package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
)

const bucket = "dictionaries"

// pack is a synonyms package whose versions a test makes one after the other. In version 7 the word
// version7 means notebook; every version means laptop by it.
type pack struct {
	u     *up // the stack, replaced when it is started anew
	name  string
	id    string
	lines int // of filling: a big file is long half-written
	// kind is declared with each object, and content makes it, where it is no file of synonyms.
	kind    string
	content func(version int) []byte
	suffix  string // of its keys in S3
	checks  string // key of the object with verify checks that the next version names; "" = none

	mu       sync.Mutex
	released map[searchpack.Digest]int // of texts that were put into S3
}

// newPack makes the package and waits until its first version is AVAILABLE.
func newPack(t *testing.T, u *up, name string, lines int) *pack {
	t.Helper()
	p := &pack{u: u, name: name, lines: lines, released: map[searchpack.Digest]int{}}
	p.create(t)
	return p
}

// create makes the package and waits until its first version is AVAILABLE.
func (p *pack) create(t *testing.T) {
	t.Helper()
	p.put(t, 1)
	es, _ := clients(p.u.document())
	made, err := es.CreatePackage(t.Context(), createInput(p.name))
	if err != nil {
		t.Fatal(err)
	}
	p.id = aws.ToString(made.PackageDetails.PackageID)
	p.available(t, 1)
}

// text is the content of a version, all of its length different from the others'.
func (p *pack) text(version int) []byte {
	if p.content != nil {
		return p.content(version)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "laptop, notebook\nversion%d, notebook\n", version)
	for i := range p.lines {
		fmt.Fprintf(&b, "filler%d of %d, filling%d\n", i, version, i)
	}
	return b.Bytes()
}

// put puts the text of a version into S3.
func (p *pack) put(t *testing.T, version int) {
	t.Helper()
	text := p.text(version)
	p.mu.Lock()
	p.released[searchpack.DigestOf(text)] = version
	p.mu.Unlock()
	metadata := map[string]string{}
	if p.kind != "" {
		metadata["searchpack-kind"] = p.kind
	}
	if p.checks != "" {
		metadata["searchpack-checks"] = p.checks
	}
	putWith(t, p.u, p.name+p.suffix, text, metadata)
}

// putObject puts bytes into S3, in the bucket of these tests.
func putObject(t *testing.T, u *up, key string, body []byte) {
	t.Helper()
	putWith(t, u, key, body, nil)
}

// putWith is putObject with metadata.
func putWith(t *testing.T, u *up, key string, body []byte, metadata map[string]string) {
	t.Helper()
	_, store := clients(u.document())
	_, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	if err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		t.Fatal(err)
	}
	if _, err := store.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body), Metadata: metadata,
	}); err != nil {
		t.Fatal(err)
	}
}

// version tells which version the bytes are, 0 for none that was ever released.
func (p *pack) version(d searchpack.Digest) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.released[d]
}

// describe returns the package, or why it cannot be had.
func (p *pack) describe(ctx context.Context) (*types.PackageDetails, error) {
	es, _ := clients(p.u.document())
	got, err := es.DescribePackages(ctx, &opensearch.DescribePackagesInput{Filters: []types.DescribePackagesFilter{
		{Name: types.DescribePackagesFilterNamePackageID, Value: []string{p.id}}}})
	if err != nil {
		return nil, err
	}
	if len(got.PackageDetailsList) != 1 {
		return nil, fmt.Errorf("%d packages have the id %s", len(got.PackageDetailsList), p.id)
	}
	return &got.PackageDetailsList[0], nil
}

// available waits until a version's import has succeeded.
func (p *pack) available(t *testing.T, version int) {
	t.Helper()
	eventually(t, func() string {
		d, err := p.describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(d.PackageStatus), "_FAILED") {
			t.Fatalf("v%d of %s is %s: %+v", version, p.name, d.PackageStatus, d.ErrorDetails)
		}
		if have := aws.ToString(d.AvailablePackageVersion); d.PackageStatus != types.PackageStatusAvailable || have != fmt.Sprintf("v%d", version) {
			return fmt.Sprintf("v%d of %s does not become available: %s %s", version, p.name, d.PackageStatus, have)
		}
		return ""
	})
}

// askUpdate puts the next version into S3 and calls UpdatePackage.
func (p *pack) askUpdate(t *testing.T, version int) {
	t.Helper()
	p.put(t, version)
	es, _ := clients(p.u.document())
	_, err := es.UpdatePackage(t.Context(), &opensearch.UpdatePackageInput{
		PackageID: aws.String(p.id), CommitMessage: aws.String(fmt.Sprintf("version %d", version)),
		PackageSource: &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(p.name + p.suffix)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// update makes the next version and waits until it is there.
func (p *pack) update(t *testing.T, version int) {
	t.Helper()
	p.askUpdate(t, version)
	p.available(t, version)
}

// askAssociate calls AssociatePackage for domain demo.
func (p *pack) askAssociate(t *testing.T) {
	t.Helper()
	es, _ := clients(p.u.document())
	if _, err := es.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: aws.String(p.id), DomainName: aws.String("demo")}); err != nil {
		t.Fatal(err)
	}
}

// askDissociate calls DissociatePackage for domain demo.
func (p *pack) askDissociate(t *testing.T) {
	t.Helper()
	es, _ := clients(p.u.document())
	if _, err := es.DissociatePackage(t.Context(), &opensearch.DissociatePackageInput{PackageID: aws.String(p.id), DomainName: aws.String("demo")}); err != nil {
		t.Fatal(err)
	}
}

// association returns the package's row of domain demo, nil if there is none.
func (p *pack) association(ctx context.Context) (*types.DomainPackageDetails, error) {
	es, _ := clients(p.u.document())
	pages := opensearch.NewListPackagesForDomainPaginator(es, &opensearch.ListPackagesForDomainInput{DomainName: aws.String("demo")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range page.DomainPackageDetailsList {
			if aws.ToString(d.PackageID) == p.id {
				return &d, nil
			}
		}
	}
	return nil, nil
}

// state writes the association in words: "ACTIVE v3", "none".
func (p *pack) state(t *testing.T) string {
	t.Helper()
	a, err := p.association(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a == nil {
		return "none"
	}
	text := string(a.DomainPackageStatus) + " " + aws.ToString(a.PackageVersion)
	if a.ErrorDetails != nil {
		text += ": " + aws.ToString(a.ErrorDetails.ErrorMessage)
	}
	return text
}

// isState: the association is in the state, whatever the words of its error.
func isState(state, want string) bool { return state == want || strings.HasPrefix(state, want+":") }

// active waits until the version is ACTIVE and lies on every node.
func (p *pack) active(t *testing.T, version int) {
	t.Helper()
	p.activeWithin(t, patience, version)
}

func (p *pack) activeWithin(t *testing.T, patience time.Duration, version int) {
	t.Helper()
	defer explainFailure(t, p.u)
	eventuallyWithin(t, patience, func() string {
		if s := p.state(t); s != fmt.Sprintf("ACTIVE v%d", version) {
			return fmt.Sprintf("v%d of %s does not become ACTIVE: %s", version, p.name, s)
		}
		return ""
	})
	eventuallyWithin(t, patience, func() string { return p.onDisk(version) })
}

// explainFailure, deferred, logs what an operator would look at when the test has failed.
func explainFailure(t *testing.T, u *up) {
	if !t.Failed() {
		return
	}
	for _, command := range [][]string{{"rollouts", "demo", "--limit", "3"}, {"nodes", "demo"}} {
		_, table := cli(t, u, command...)
		t.Logf("searchpack %s\n%s", strings.Join(command, " "), table)
	}
	logs, _ := filepath.Glob(filepath.Join(u.data, "domains", "*", "*", "agent.log"))
	for _, log := range append(logs, filepath.Join(u.data, "server.log")) {
		b, _ := os.ReadFile(log)
		t.Logf("the end of %s:\n%s", log, b[max(0, len(b)-3000):])
	}
}

// path is where the package's file lies on a node.
func (p *pack) path(config string) string {
	return filepath.Join(config, filepath.FromSlash(searchpack.ReferencePath(p.id)))
}

// onDisk says which node has other bytes than the version's, or has any if version is 0; "" if none.
func (p *pack) onDisk(version int) string {
	d, err := readDocument(p.u)
	if err != nil {
		return err.Error()
	}
	for _, n := range d.Domains[0].Nodes {
		b, err := os.ReadFile(p.path(n.Config))
		switch {
		case version == 0 && errors.Is(err, os.ErrNotExist):
		case version == 0:
			return fmt.Sprintf("%s still has the file (%v)", n.Name, err)
		case err != nil:
			return fmt.Sprintf("%s: %v", n.Name, err)
		case !bytes.Equal(b, p.text(version)):
			return fmt.Sprintf("%s has v%d, wanted is v%d (%d bytes)", n.Name, p.version(searchpack.DigestOf(b)), version, len(b))
		}
	}
	return ""
}
