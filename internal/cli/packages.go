package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
)

// PackagesCmd lists packages.
type PackagesCmd struct {
	Name []string `arg:"" optional:"" help:"Only packages of these names or ids."`
}

// Help stands below the flags.
func (*PackagesCmd) Help() string {
	return "Examples:\n  searchpack packages\n  searchpack packages synonyms --output json"
}

// packageLine is one package as the commands print it.
type packageLine struct {
	ID            string    `json:"package_id"`
	Name          string    `json:"name"`
	Type          string    `json:"type"`
	Status        string    `json:"status"`
	EngineVersion string    `json:"engine_version,omitempty"` // of a plugin
	Available     string    `json:"available_version,omitempty"`
	Error         string    `json:"error,omitempty"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// Run lists packages.
func (p *PackagesCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	all, err := cl.packages(c, p.Name)
	if err != nil {
		return err
	}
	for _, wanted := range p.Name {
		if !slices.ContainsFunc(all, func(l packageLine) bool { return l.ID == wanted || l.Name == wanted }) {
			return noPackage(wanted)
		}
	}
	return c.print(all, func(p *page) {
		t := newTable("PACKAGE", "NAME", "TYPE", "STATUS", "AVAILABLE", "UPDATED", "ERROR")
		for _, p := range all {
			t.row(p.ID, p.Name, p.what(), p.Status, p.Available, c.ago(p.UpdatedAt), p.Error)
		}
		p.table(t)
	})
}

// packages reads every package, of the names or ids given if there are any.
func (cl *client) packages(c *Context, wanted []string) ([]packageLine, error) {
	all := []packageLine{}
	pages := opensearch.NewDescribePackagesPaginator(cl.aws(), &opensearch.DescribePackagesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c)
		if err != nil {
			return nil, cl.plain(err)
		}
		for _, d := range page.PackageDetailsList {
			if named(d, wanted) {
				all = append(all, lineOf(d))
			}
		}
	}
	return all, nil
}

func named(d types.PackageDetails, wanted []string) bool {
	for _, w := range wanted {
		if w == aws.ToString(d.PackageName) || w == aws.ToString(d.PackageID) {
			return true
		}
	}
	return len(wanted) == 0
}

func lineOf(d types.PackageDetails) packageLine {
	l := packageLine{
		ID: aws.ToString(d.PackageID), Name: aws.ToString(d.PackageName), Type: string(d.PackageType),
		Status: string(d.PackageStatus), Available: aws.ToString(d.AvailablePackageVersion),
		UpdatedAt: aws.ToTime(d.LastUpdatedAt), EngineVersion: aws.ToString(d.EngineVersion),
	}
	if d.ErrorDetails != nil {
		l.Error = aws.ToString(d.ErrorDetails.ErrorMessage)
	}
	return l
}

// VersionsCmd lists versions.
type VersionsCmd struct {
	Package string `arg:"" help:"Name or id."`
	inDomain
}

// Help stands below the flags.
func (*VersionsCmd) Help() string {
	return "Examples:\n  searchpack versions synonyms\n  searchpack versions lemmas --domain products"
}

// versionLine is what the table shows of a version of the extension API.
type versionLine struct {
	Version       string                   `json:"version"`
	Status        string                   `json:"status"`
	Error         *searchpack.ErrorDetails `json:"error"`
	Digest        searchpack.Digest        `json:"digest"`
	Size          int64                    `json:"size"`
	Kind          string                   `json:"kind"`
	KindSource    string                   `json:"kind_source"`
	Confidence    int                      `json:"kind_confidence"`
	Identical     bool                     `json:"identical"`
	Findings      int                      `json:"findings"`
	Checks        int                      `json:"checks"`
	ChecksDigest  searchpack.Digest        `json:"checks_digest"`
	CommitMessage string                   `json:"commit_message"`
	CreatedAt     time.Time                `json:"created_at"`
}

// Run lists versions.
func (v *VersionsCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, v.Package, v.Domain)
	if err != nil {
		return err
	}
	var answer struct {
		Versions []versionLine `json:"versions"`
	}
	document, err := cl.call(c, "GET", "/packages/"+url.PathEscape(id)+"/versions", nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		t := newTable("VERSION", "STATUS", "SIZE", "DIGEST", "KIND", "FINDINGS", "CHECKS", "CREATED", "MESSAGE")
		for _, v := range answer.Versions {
			message := v.CommitMessage
			if v.Error != nil {
				message = v.Error.Message
			} else if v.Identical {
				message = strings.TrimSpace(message + " (identical to the version before)")
			}
			t.row(v.Version, v.Status, size(v), v.Digest.Short(), v.Kind, v.Findings, v.Checks, c.ago(v.CreatedAt), message)
		}
		p.table(t)
	})
}

// size is how many bytes a version has, in the largest unit that fits; "" if none were stored.
func size(v versionLine) string {
	if v.Digest == "" {
		return ""
	}
	const step = 1024
	if v.Size < step {
		return fmt.Sprintf("%d B", v.Size)
	}
	n, unit := float64(v.Size)/step, 0
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	for n >= step && unit < len(units)-1 {
		n, unit = n/step, unit+1
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}
