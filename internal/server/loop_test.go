package server

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/internal/pgtest"
)

// loops is how often each client of TestClientsInATightLoop goes round.
const loops = 8

// TestClientsInATightLoop: clients ask one server and look at once at another: what was acknowledged
// shows, and never what was before. Rollouts are running all the time meanwhile.
func TestClientsInATightLoop(t *testing.T) {
	t.Parallel()
	url, backend := fakeS3(t)
	f := &fleet{t: t, s3: backend}
	dsn, key := pgtest.Start(t), filepath.Join(t.TempDir(), "master.key")
	var servers [2]*running
	for i := range servers {
		servers[i] = start(t, settings{Dir: t.TempDir(), Database: dsn, MasterKeyFile: key, S3: url}.config())
	}
	asks, looks := sdk(t, servers[0].url, "ADMIN", "admin-secret"), sdk(t, servers[1].url, "ADMIN", "admin-secret")
	makeShop(t, asks, 1)
	runAgentAt(t, servers[1], servers[1].AgentAddr(), "n1", "shop")
	var wg sync.WaitGroup
	for i := range 3 {
		name := fmt.Sprintf("synonyms-%d", i)
		c := &loop{t: t, asks: asks, looks: looks, name: name, source: f.source(name, 1)}
		wg.Go(func() {
			for range loops {
				if !c.round() {
					return
				}
			}
		})
	}
	wg.Wait()
}

// loop is a client. Its methods report whether it can go on; a test ends only on its own goroutine.
type loop struct {
	t           *testing.T
	asks, looks *opensearch.Client
	name        string
	source      *types.PackageSource
	id          *string
}

// round makes a package, associates, dissociates and deletes it.
func (c *loop) round() bool {
	ctx := c.t.Context()
	made, err := c.asks.CreatePackage(ctx, &opensearch.CreatePackageInput{PackageName: &c.name, PackageType: types.PackageTypeTxtDictionary, PackageSource: c.source})
	if c.failed("CreatePackage", err) {
		return false
	}
	c.id = made.PackageDetails.PackageID
	if s := c.pkg(); s == "" {
		c.t.Errorf("%s was made and is not there", c.name)
	}
	c.until(func() bool { return c.pkg() == string(types.PackageStatusAvailable) })
	_, err = c.asks.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: c.id, DomainName: aws.String("shop")})
	if c.failed("AssociatePackage", err) {
		return false
	}
	if s := c.association(); s != "ASSOCIATING v1" && s != "ACTIVE v1" {
		c.t.Errorf("after AssociatePackage %s is %q", c.name, s)
	}
	c.until(func() bool { return c.association() == "ACTIVE v1" })
	_, err = c.asks.DissociatePackage(ctx, &opensearch.DissociatePackageInput{PackageID: c.id, DomainName: aws.String("shop")})
	if c.failed("DissociatePackage", err) {
		return false
	}
	if s := c.association(); s != "DISSOCIATING v1" && s != "" {
		c.t.Errorf("after DissociatePackage %s is %q", c.name, s)
	}
	c.until(func() bool { return c.association() == "" })
	_, err = c.asks.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: c.id})
	if c.failed("DeletePackage", err) {
		return false
	}
	if s := c.pkg(); s != "" {
		c.t.Errorf("%s was deleted and is %s", c.name, s)
	}
	return !c.t.Failed()
}

func (c *loop) failed(call string, err error) bool {
	if err != nil {
		c.t.Errorf("%s of %s: %v", call, c.name, err)
	}
	return err != nil
}

// until looks again until it is so, or the test's patience ends.
func (c *loop) until(f func() bool) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for !f() && !c.t.Failed() {
		if ctx.Err() != nil {
			c.t.Errorf("%s does not come on: package %q, association %q", c.name, c.pkg(), c.association())
			return
		}
	}
}

// pkg is the status of the package, "" if there is none.
func (c *loop) pkg() string {
	out, err := c.looks.DescribePackages(c.t.Context(), &opensearch.DescribePackagesInput{
		Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{*c.id}}}})
	if c.failed("DescribePackages", err) || len(out.PackageDetailsList) == 0 {
		return ""
	}
	return string(out.PackageDetailsList[0].PackageStatus)
}

// association is status and version, "" if there is none.
func (c *loop) association() string {
	out, err := c.looks.ListPackagesForDomain(c.t.Context(), &opensearch.ListPackagesForDomainInput{DomainName: aws.String("shop")})
	if c.failed("ListPackagesForDomain", err) {
		return ""
	}
	for _, p := range out.DomainPackageDetailsList {
		if aws.ToString(p.PackageID) == *c.id {
			return string(p.DomainPackageStatus) + " " + aws.ToString(p.PackageVersion)
		}
	}
	return ""
}
