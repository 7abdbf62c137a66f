package server

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/internal/pgtest"
)

// The database's clock is asked again and again; between it goes on, also while the database is away.
func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ahead, away, slow := time.Hour, error(nil), time.Duration(0)
		c := &clock{
			elapsed: func() time.Duration { return time.Since(began) }, log: slog.New(slog.DiscardHandler),
			read: func(context.Context) (time.Time, error) {
				time.Sleep(slow / 2)
				at := time.Now().Add(ahead)
				time.Sleep(slow / 2)
				return at, away
			},
		}
		is := func(what string, want time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := time.Until(c.Now()); got != want {
				t.Errorf("%s: %v ahead of this machine, want %v", what, got, want)
			}
		}
		slow = time.Second
		if err := c.set(t.Context()); err != nil {
			t.Fatal(err)
		}
		is("after a slow answer", time.Hour)
		slow = 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- c.keep(ctx) }()
		time.Sleep(time.Minute)
		is("a minute later", time.Hour)
		ahead = -time.Hour
		is("the database's clock has jumped", time.Hour)
		time.Sleep(clockEvery + time.Second)
		is("and was asked", -time.Hour)
		ahead, away = 0, errors.New("no answer")
		time.Sleep(time.Minute)
		is("the database is away", -time.Hour)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestServersWithOtherClocks: one server's machine is an hour ahead, the other's an hour behind.
// Whatever one asks for the other does at once, and an agent heard by one is fresh for the other.
func TestServersWithOtherClocks(t *testing.T) {
	t.Parallel()
	url, backend := fakeS3(t)
	f := &fleet{t: t, s3: backend}
	dsn, key := pgtest.Start(t), filepath.Join(t.TempDir(), "master.key")
	open := func(wrong time.Duration) *running {
		c := settings{Dir: t.TempDir(), Database: dsn, MasterKeyFile: key, S3: url}.config()
		c.Now = func() time.Time { return time.Now().Add(wrong) }
		return start(t, c)
	}
	ahead, behind := open(time.Hour), open(-time.Hour)
	makeShop(t, sdk(t, ahead.url, "ADMIN", "admin-secret"), 1)
	runAgentAt(t, behind, behind.AgentAddr(), "n1", "shop")
	s := &site{running: ahead, t: t, client: sdk(t, ahead.url, "ADMIN", "admin-secret")}
	d := s.create("synonyms", *f.source("synonyms", 1).S3Key)
	if d.PackageStatus != types.PackageStatusAvailable {
		t.Fatalf("%s: %+v", d.PackageStatus, d.ErrorDetails)
	}
	if _, err := s.client.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: d.PackageID, DomainName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	s.associated(*d.PackageID, types.DomainPackageStatusActive, "v1")
}
