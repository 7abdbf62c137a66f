package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The texts of the dictionary, one after the other.
const (
	textV1        = "laptop, notebook\n"
	textV2        = "laptop, notebook\ncouch, sofa\n"
	textTwoArrows = "laptop, notebook\na => b => c\n"
	textDashes    = "laptop, notebook\ncouch, sofa\n---, foo\n" // fine for most analyzers, not for one whose tokenizer drops ---
)

// pollEvery is how often a status is asked for.
const pollEvery = 100 * time.Millisecond

func (j *job) put(ctx context.Context, text string) error {
	_, err := j.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(j.key()), Body: strings.NewReader(text)})
	if err == nil {
		j.out.call("s3:PutObject", fmt.Sprintf("s3://%s/%s %q", bucket, j.key(), text), "")
	}
	return err
}

func (j *job) key() string { return j.name + "/synonyms.txt" }

func (j *job) source() *types.PackageSource {
	return &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(j.key())}
}

// createPackage is step 1.
func (j *job) createPackage(ctx context.Context) (string, error) {
	_, err := j.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	var mine *s3types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &mine) {
		return "", err
	}
	if err := j.put(ctx, textV1); err != nil {
		return "", err
	}
	made, err := j.es.CreatePackage(ctx, &opensearch.CreatePackageInput{
		PackageName: aws.String(j.name), PackageType: types.PackageTypeTxtDictionary, PackageSource: j.source(),
	})
	if err != nil {
		return "", err
	}
	j.id = aws.ToString(made.PackageDetails.PackageID)
	j.out.call("es:CreatePackage", j.name+" TXT-DICTIONARY", j.id+" "+string(made.PackageDetails.PackageStatus))
	p, err := j.awaitPackage(ctx, "")
	if err != nil {
		return "", err
	}
	if p.PackageStatus != types.PackageStatusAvailable {
		return "", fmt.Errorf("the package is %s: %s", p.PackageStatus, details(p.ErrorDetails))
	}
	j.serving = textV1
	return fmt.Sprintf("package %s is AVAILABLE at %s", j.id, aws.ToString(p.AvailablePackageVersion)), nil
}

// awaitPackage polls DescribePackages until the import has ended; after is the version that was
// there before.
func (j *job) awaitPackage(ctx context.Context, after string) (*types.PackageDetails, error) {
	seen := ""
	var p *types.PackageDetails
	err := j.poll(ctx, "DescribePackages "+j.id, func() (bool, error) {
		got, err := j.es.DescribePackages(ctx, &opensearch.DescribePackagesInput{Filters: []types.DescribePackagesFilter{
			{Name: types.DescribePackagesFilterNamePackageID, Value: []string{j.id}}}})
		if err != nil {
			return false, err
		}
		if len(got.PackageDetailsList) != 1 {
			return false, fmt.Errorf("DescribePackages finds %d packages %s", len(got.PackageDetailsList), j.id)
		}
		p = &got.PackageDetailsList[0]
		if s := string(p.PackageStatus); s != seen {
			seen = s
			j.out.call("es:DescribePackages", j.id, seen+" "+aws.ToString(p.AvailablePackageVersion)+details(p.ErrorDetails))
		}
		ended := strings.HasSuffix(seen, "_FAILED") || seen == string(types.PackageStatusAvailable) && aws.ToString(p.AvailablePackageVersion) != after
		return ended, nil
	})
	return p, err
}

// updatePackage puts the text into S3 and waits for the end of its import.
func (j *job) updatePackage(ctx context.Context, text, message string) (*types.PackageDetails, error) {
	if err := j.put(ctx, text); err != nil {
		return nil, err
	}
	before, err := j.es.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
		PackageID: aws.String(j.id), PackageSource: j.source(), CommitMessage: aws.String(message),
	})
	if err != nil {
		return nil, err
	}
	j.out.call("es:UpdatePackage", j.id+" "+message, string(before.PackageDetails.PackageStatus))
	return j.awaitPackage(ctx, aws.ToString(before.PackageDetails.AvailablePackageVersion))
}

// associate is step 2.
func (j *job) associate(ctx context.Context) (string, error) {
	began := time.Now()
	if err := j.askAssociate(ctx); err != nil {
		return "", err
	}
	a, err := j.awaitAssociation(ctx)
	if err != nil {
		return "", err
	}
	if a == nil {
		return "", errors.New("the association is not listed")
	}
	if a.DomainPackageStatus != types.DomainPackageStatusActive {
		return "", fmt.Errorf("the association is %s: %s", a.DomainPackageStatus, details(a.ErrorDetails))
	}
	took := time.Since(began)
	if err := j.showProofs(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("ACTIVE after %.1f s, proven by %d of %d nodes", took.Seconds(), len(j.nodes), len(j.nodes)), nil
}

func (j *job) askAssociate(ctx context.Context) error {
	a, err := j.es.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: aws.String(j.id), DomainName: aws.String(domainName)})
	if err == nil {
		j.out.call("es:AssociatePackage", j.id+" "+domainName, string(a.DomainPackageDetails.DomainPackageStatus))
	}
	return err
}

// showProofs prints each node's proof and checks it against the node's disk.
func (j *job) showProofs(ctx context.Context) error {
	proofs, err := j.proofs(ctx)
	if err != nil {
		return err
	}
	j.out.line("  proof per node:  %-5s %-7s %-14s %-9s %-26s %s", "node", "level", "digest", "on disk", "since", "probe")
	for _, n := range j.nodes {
		p, ok := proofs[n.Name]
		if !ok {
			return fmt.Errorf("ACTIVE, but %s has proven nothing", n.Name)
		}
		disk, err := j.onDisk(n)
		if err != nil {
			return fmt.Errorf("ACTIVE, but %s: %w", n.Name, err)
		}
		same := "the same"
		if disk != p.Digest {
			same = "OTHER"
		}
		j.out.line("                   %-5s %-7s %-14.12s %-9s %-26s %s", n.Name, p.Level, p.Digest, same, p.At.Format(time.RFC3339), p.Probe)
		if disk != p.Digest {
			return fmt.Errorf("%s has proven %.12s, but %.12s lies on its disk", n.Name, p.Digest, disk)
		}
	}
	return j.servesOnDisk(j.serving)
}

// association returns the package's row of ListPackagesForDomain, nil if there is none.
func (j *job) association(ctx context.Context) (*types.DomainPackageDetails, error) {
	var next *string
	for {
		got, err := j.es.ListPackagesForDomain(ctx, &opensearch.ListPackagesForDomainInput{DomainName: aws.String(domainName), NextToken: next})
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(got.DomainPackageDetailsList, func(d types.DomainPackageDetails) bool { return aws.ToString(d.PackageID) == j.id })
		if i >= 0 {
			return &got.DomainPackageDetailsList[i], nil
		}
		if next = got.NextToken; aws.ToString(next) == "" {
			return nil, nil
		}
	}
}

// awaitAssociation polls ListPackagesForDomain until nothing moves any more: an end status, or nil
// for no row.
func (j *job) awaitAssociation(ctx context.Context) (*types.DomainPackageDetails, error) {
	seen := "?"
	var a *types.DomainPackageDetails
	err := j.poll(ctx, "ListPackagesForDomain "+domainName, func() (bool, error) {
		var err error
		if a, err = j.association(ctx); err != nil {
			return false, err
		}
		now := "no row"
		if a != nil {
			now = string(a.DomainPackageStatus)
		}
		if now != seen {
			seen = now
			extra := ""
			if a != nil {
				extra = " " + aws.ToString(a.PackageVersion) + details(a.ErrorDetails)
			}
			j.out.call("es:ListPackagesForDomain", domainName, seen+extra)
		}
		return a == nil || a.DomainPackageStatus != types.DomainPackageStatusAssociating && a.DomainPackageStatus != types.DomainPackageStatusDissociating, nil
	})
	return a, err
}

func details(d *types.ErrorDetails) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", aws.ToString(d.ErrorType), aws.ToString(d.ErrorMessage))
}

// poll calls f until it says that it is done, showing what is waited for.
func (j *job) poll(ctx context.Context, what string, f func() (bool, error)) error {
	began := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		done, err := f()
		if err != nil || done {
			return err
		}
		j.out.waiting(what, began)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: no end after %.0f s: %w", what, time.Since(began).Seconds(), ctx.Err())
		}
	}
}
