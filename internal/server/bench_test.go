package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
)

const (
	benchPackages  = 10_000
	benchClients   = 64
	associatedWith = 20
)

// benchDatabases runs f on each database.
func benchDatabases(b *testing.B, f func(b *testing.B, c Config)) {
	b.Run("sqlite", func(b *testing.B) { f(b, testConfig(b.TempDir())) })
	b.Run("postgres", func(b *testing.B) {
		c := testConfig(b.TempDir())
		c.Database = pgtest.Start(b)
		f(b, c)
	})
}

// fillPackages writes n packages as they are after their import, and a domain that has the first
// few of them.
func fillPackages(b *testing.B, s *Server, n int) {
	b.Helper()
	ctx, now := b.Context(), time.Now().UTC()
	key := s.Admin().Key("bench")
	put := func(tx searchpack.Tx, i int) error {
		id := fmt.Sprintf("F%09d", i)
		v := &searchpack.Version{ID: "v-" + id, PackageID: id, Number: 1, Status: searchpack.PackageAvailable, CreatedAt: now, ImportedAt: now}
		return errors.Join(
			tx.PutPackage(ctx, &searchpack.Package{
				ID: id, Account: key.Account, Region: key.Region, Name: fmt.Sprintf("package-%d", i), Type: searchpack.TypeDictionary,
				Status: searchpack.PackageAvailable, CreatedAt: now, UpdatedAt: now, AvailableID: v.ID, AvailableNumber: 1, ImportID: v.ID,
			}),
			tx.PutVersion(ctx, v))
	}
	for first := 0; first < n; first += 1000 {
		err := s.store.Update(ctx, func(tx searchpack.Tx) error {
			for i := first; i < min(first+1000, n); i++ {
				if err := put(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	err := s.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := tx.PutDomain(ctx, &searchpack.Domain{DomainKey: key, ID: key.Account + "/bench", CreatedAt: now}); err != nil {
			return err
		}
		for i := range associatedWith {
			id := fmt.Sprintf("F%09d", i)
			if err := tx.PutAssociation(ctx, &searchpack.Association{
				Domain: key, PackageID: id, Status: searchpack.Active, ServingID: "v-" + id, WantedID: "v-" + id, CreatedAt: now, UpdatedAt: now,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// signed is a request as it goes over a socket, with the server's first key.
func signed(b *testing.B, s *running, method, path, body string) []byte {
	b.Helper()
	access, secret := firstCredentials(b, s.cfg.DataDir)
	req, err := http.NewRequest(method, s.url+path, bytes.NewBufferString(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}, req,
		hex.EncodeToString(sum[:]), "es", DefaultRegion, time.Now())
	var wire bytes.Buffer
	if err = errors.Join(err, req.Write(&wire)); err != nil {
		b.Fatal(err)
	}
	return wire.Bytes()
}

// kept is one connection that is kept.
type kept struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(b *testing.B, s *running) *kept {
	b.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &kept{conn, bufio.NewReader(conn)}
}

// ask sends the request, reads the whole answer and says how long that took.
func (k *kept) ask(wire []byte) (time.Duration, error) {
	start := time.Now()
	if _, err := k.conn.Write(wire); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(k.in, nil)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(resp.Body)
	took := time.Since(start)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return took, errors.Join(err, resp.Body.Close())
}

// report gives percentiles in milliseconds instead of the mean.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(p float64) float64 {
		return float64(took[int(p*float64(len(took)-1))].Nanoseconds()) / 1e6
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}

// BenchmarkAPI measures calls over plain HTTP, signature checked, with 10,000 packages in the
// account: on one connection that is kept, and by 64 clients at once.
func BenchmarkAPI(b *testing.B) {
	const byID = `{"Filters":[{"Name":"PackageID","Value":["F000004711"]}]}`
	calls := []struct{ name, method, path, body string }{
		{"DescribePackages by id", "POST", "/2021-01-01/packages/describe", byID},
		{"DescribePackages by name and status", "POST", "/2021-01-01/packages/describe",
			`{"Filters":[{"Name":"PackageName","Value":["package-4711"]},{"Name":"PackageStatus","Value":["AVAILABLE"]}]}`},
		{"ListPackagesForDomain, 20 packages", "GET", "/2021-01-01/domain/bench/packages", ""},
	}
	benchDatabases(b, func(b *testing.B, c Config) {
		s := start(b, c)
		fillPackages(b, s.Server, benchPackages)
		for _, call := range calls {
			b.Run(call.name, func(b *testing.B) {
				wire, k := signed(b, s, call.method, call.path, call.body), dial(b, s)
				var took []time.Duration
				for b.Loop() {
					d, err := k.ask(wire)
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, d)
				}
				report(b, took)
			})
		}
		b.Run("DescribePackages by id, 64 clients", func(b *testing.B) {
			report(b, atOnce(b, s, signed(b, s, "POST", "/2021-01-01/packages/describe", byID)))
		})
	})
}

// atOnce lets 64 clients share b.N calls.
func atOnce(b *testing.B, s *running, wire []byte) []time.Duration {
	b.Helper()
	each := max(b.N/benchClients, 1)
	all := make([][]time.Duration, benchClients)
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range all {
		k := dial(b, s)
		wg.Go(func() {
			for range each {
				d, err := k.ask(wire)
				if err != nil {
					b.Error(err)
					return
				}
				all[i] = append(all[i], d)
			}
		})
	}
	wg.Wait()
	took := slices.Concat(all...)
	if len(took) == 0 {
		b.Fatal("no call came back")
	}
	return took
}

// BenchmarkStart measures the time from New until the health check answers, with 1,000 packages.
func BenchmarkStart(b *testing.B) {
	benchDatabases(b, func(b *testing.B, c Config) {
		s := start(b, c)
		fillPackages(b, s.Server, 1000)
		s.stop()
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			s := start(b, c)
			resp, err := http.Get(s.url + "/searchpack/v1/health")
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			took = append(took, time.Since(begun))
			s.stop()
		}
		report(b, took)
	})
}

// BenchmarkCreatePackage compares CreatePackage, whose rows are on the disk when it answers, with a
// handler that does nothing but commit one row to such a database, called by the same client, call
// by call in turn. The workers do not run: their commits are their own.
func BenchmarkCreatePackage(b *testing.B) {
	benchDatabases(b, func(b *testing.B, c Config) {
		c.Listen = ""
		s, err := New(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		api := httptest.NewServer(s.Handler())
		b.Cleanup(api.Close)
		bare := httptest.NewServer(oneRow(b, c.Database))
		b.Cleanup(bare.Close)
		access, secret := firstCredentials(b, c.DataDir)
		client, bareClient := sdk(b, api.URL, access, secret), sdk(b, bare.URL, access, secret)
		var creates, commits []time.Duration
		for i := 0; b.Loop(); i++ {
			begun := time.Now()
			if err := benchCreate(b.Context(), client, fmt.Sprintf("package-%d", i)); err != nil {
				b.Fatal(err)
			}
			creates = append(creates, time.Since(begun))
			begun = time.Now()
			if err := benchCreate(b.Context(), bareClient, "package"); err != nil {
				b.Fatal(err)
			}
			commits = append(commits, time.Since(begun))
		}
		report(b, creates)
		slices.Sort(commits)
		b.ReportMetric(float64(creates[len(creates)/2])/float64(commits[len(commits)/2]), "times-bare")
	})
}

func benchCreate(ctx context.Context, client *opensearch.Client, name string) error {
	_, err := client.CreatePackage(ctx, &opensearch.CreatePackageInput{
		PackageName: &name, PackageType: types.PackageTypeTxtDictionary,
		PackageSource: &types.PackageSource{S3BucketName: aws.String("dictionaries"), S3Key: aws.String("synonyms.txt")},
	})
	return err
}

// oneRow is a handler that commits one row, with the same durability as the store.
func oneRow(b *testing.B, dsn string) http.Handler {
	b.Helper()
	driver := "pgx"
	if dsn == "" {
		driver = "sqlite"
		dsn = "file:" + filepath.Join(b.TempDir(), "bare.db") + "?_txlock=immediate&_journal_mode=WAL&_synchronous=FULL"
	}
	db, err := sql.Open(driver, dsn)
	if err == nil {
		db.SetMaxOpenConns(1)
		_, err = db.Exec("CREATE TABLE bare (id BIGINT PRIMARY KEY, text TEXT NOT NULL)")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	id := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id++
		if err := insert(r.Context(), db, id); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
}

func insert(ctx context.Context, db *sql.DB, id int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO bare (id, text) VALUES ($1, 'row')", id); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
