package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

const (
	domain = "bench"
	bucket = "bench"
)

type clients struct {
	packages *opensearch.Client
	objects  *s3.Client
}

func newClients(doc *stack.Document) clients {
	cfg := aws.Config{
		Region: doc.Region, BaseEndpoint: aws.String(doc.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(doc.AccessKeyID, doc.SecretAccessKey, ""),
	}
	return clients{opensearch.NewFromConfig(cfg), s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })}
}

// bench is one stack to measure on.
type bench struct {
	options
	doc *stack.Document
	c   clients
	dir string // for whatever is to be gone afterwards
}

// idleCPU watches the server (API, front door, workers) with its agents connected.
func (b *bench) idleCPU(ctx context.Context) error {
	before, err := cpuTime(b.doc.PID)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.idle):
	}
	after, err := cpuTime(b.doc.PID)
	if err != nil {
		return err
	}
	fmt.Printf("idle server: %.2f %% of one CPU over %s (agents connected, nothing to do)\n", 100*(after-before).Seconds()/b.idle.Seconds(), b.idle)
	return nil
}

// large imports one large object and downloads it, twice each in turn, and compares the medians of
// what is then only two: the better of each.
func (b *bench) large(ctx context.Context) error {
	file, err := b.makeObject(ctx)
	if err != nil {
		return err
	}
	idle, err := memory(b.doc.PID, "VmRSS")
	if err != nil {
		return err
	}
	var imports, downloads []time.Duration
	peak := int64(0)
	for i := range 2 {
		d, err := b.download(ctx, file+".copy")
		if err != nil {
			return err
		}
		downloads = append(downloads, d)
		if err := resetPeak(b.doc.PID); err != nil {
			return err
		}
		if d, err = b.importOnce(ctx, fmt.Sprintf("large-%d", i)); err != nil {
			return err
		}
		imports = append(imports, d)
		p, err := memory(b.doc.PID, "VmHWM")
		if err != nil {
			return err
		}
		peak = max(peak, p)
	}
	in, down := min(imports[0], imports[1]), min(downloads[0], downloads[1])
	fmt.Printf("import of %d MiB: %.1f s; plain download of it to disk: %.1f s; ratio %.2f (better of two each)\n", b.size>>20, in.Seconds(), down.Seconds(), in.Seconds()/down.Seconds())
	fmt.Printf("memory of the server: idle %.0f MiB, peak during the import %.0f MiB: %.0f MiB above\n", mib(idle), mib(peak), mib(peak-idle))
	return nil
}

// makeObject writes a synonyms file of the size and puts it into S3.
func (b *bench) makeObject(ctx context.Context) (string, error) {
	path := filepath.Join(b.dir, "object")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	out := bufio.NewWriterSize(f, 1<<20)
	_, err = io.CopyN(out, &rules{r: rand.New(rand.NewPCG(1, 2))}, b.size) //nolint:gosec // not a secret: the same rules each run
	if err = errors.Join(err, out.Flush()); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	_, err = b.c.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("large.txt"), Body: f,
		Metadata: map[string]string{"searchpack-kind": "solr-synonyms"},
	})
	return path, err
}

// rules is an endless list of synonym rules of some 58 bytes each, as large dictionaries have them.
type rules struct {
	r    *rand.Rand
	left []byte
}

func (w *rules) Read(p []byte) (int, error) {
	if len(w.left) == 0 {
		word := func() string { return strconv.FormatUint(w.r.Uint64(), 36) }
		w.left = fmt.Appendf(nil, "%s, %s => %s, %s\n", word(), word(), word(), word())
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

// download writes the object to disk, as a plain client would, and makes it durable.
func (b *bench) download(ctx context.Context, to string) (time.Duration, error) {
	start := time.Now()
	got, err := b.c.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("large.txt")})
	if err != nil {
		return 0, err
	}
	defer func() { _ = got.Body.Close() }()
	f, err := os.Create(to) //nolint:gosec // in our own folder
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(f, got.Body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, os.Remove(to)
}

// importOnce makes a package of the object, waits until it is AVAILABLE, and deletes it.
func (b *bench) importOnce(ctx context.Context, name string) (time.Duration, error) {
	start := time.Now()
	id, err := b.create(ctx, name, "large.txt")
	if err != nil {
		return 0, err
	}
	took := time.Since(start)
	_, err = b.c.packages.DeletePackage(ctx, &opensearch.DeletePackageInput{PackageID: aws.String(id)})
	return took, err
}

// create makes a package and waits until it is AVAILABLE.
func (b *bench) create(ctx context.Context, name, key string) (string, error) {
	made, err := b.c.packages.CreatePackage(ctx, &opensearch.CreatePackageInput{
		PackageName: aws.String(name), PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(key)},
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(made.PackageDetails.PackageID)
	return id, poll(ctx, 10*time.Minute, func() (bool, error) { return b.available(ctx, id) })
}

func (b *bench) available(ctx context.Context, id string) (bool, error) {
	got, err := b.c.packages.DescribePackages(ctx, &opensearch.DescribePackagesInput{
		Filters: []types.DescribePackagesFilter{{Name: types.DescribePackagesFilterNamePackageID, Value: []string{id}}},
	})
	if err != nil || len(got.PackageDetailsList) != 1 {
		return false, errors.Join(err, errors.New("package lost"))
	}
	d := got.PackageDetailsList[0]
	if strings.HasSuffix(string(d.PackageStatus), "FAILED") {
		return false, fmt.Errorf("%s: %s", d.PackageStatus, aws.ToString(d.ErrorDetails.ErrorMessage))
	}
	return d.PackageStatus == types.PackageStatusAvailable, nil
}

// askAssociate calls AssociatePackage.
func (b *bench) askAssociate(ctx context.Context, id string) error {
	_, err := b.c.packages.AssociatePackage(ctx, &opensearch.AssociatePackageInput{PackageID: aws.String(id), DomainName: aws.String(domain)})
	return err
}

// active reports whether the version of the package is ACTIVE; the error is what the association says.
func (b *bench) active(ctx context.Context, id, version string) (bool, error) {
	got, err := b.c.packages.ListPackagesForDomain(ctx, &opensearch.ListPackagesForDomainInput{DomainName: aws.String(domain)})
	if err != nil {
		return false, err
	}
	for _, d := range got.DomainPackageDetailsList {
		switch {
		case aws.ToString(d.PackageID) != id:
		case d.ErrorDetails != nil:
			return false, errors.New(aws.ToString(d.ErrorDetails.ErrorMessage))
		default:
			return d.DomainPackageStatus == types.DomainPackageStatusActive && aws.ToString(d.PackageVersion) == version, nil
		}
	}
	return false, nil
}
