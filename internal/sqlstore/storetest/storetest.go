// Package storetest is what every searchpack.Store must do: one suite, run against each database
// by the tests of the adapter. It knows the contract of the root package's store.go only.
package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/searchpack/searchpack"
)

// Run runs the suite. open returns an empty store that it closes by t.Cleanup, and that hears of no
// other process's work.
func Run(t *testing.T, open func(t *testing.T) searchpack.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s searchpack.Store)
	}{
		{"Packages", testPackages},
		{"PackageQueries", testPackageQueries},
		{"PackageSharing", testSharing},
		{"DeletePackage", testDeletePackage},
		{"Versions", testVersions},
		{"Findings", testFindings},
		{"Manifests", testManifests},
		{"HostileText", testHostileText},
		{"ByID", testByID},
		{"Domains", testDomains},
		{"DeleteDomain", testDeleteDomain},
		{"Changes", testChanges},
		{"Associations", testAssociations},
		{"Usage", testUsage},
		{"Rollouts", testRollouts},
		{"Proofs", testProofs},
		{"Previews", testPreviews},
		{"Permits", testPermits},
		{"Agents", testAgents},
		{"Reports", testReports},
		{"Heard", testHeard},
		{"Orders", testOrders},
		{"Incidents", testIncidents},
		{"JoinTokens", testJoinTokens},
		{"Access", testAccess},
		{"Events", testEvents},
		{"Dooms", testDooms},
		{"Rescue", testRescue},
		{"DeleteEvents", testDeleteEvents},
		{"NotFound", testNotFound},
		{"GoneParents", testGoneParents},
		{"UpdateRollsBack", testUpdateRollsBack},
		{"UpdatesLoseNothing", testUpdatesLoseNothing},
		{"NoWriteSkew", testNoWriteSkew},
		{"FailedStatementEndsTheTransaction", testFailedStatement},
		{"ViewIsOneSnapshot", testViewSnapshot},
		{"ViewWritesNothing", testViewReadOnly},
		{"EndedContext", testEndedContext},
		{"WorkOrder", testWorkOrder},
		{"WorkKinds", testWorkKinds},
		{"WorkEnqueueNeverLater", testEnqueueNeverLater},
		{"WorkAskedMeanwhile", testAskedMeanwhile},
		{"WorkAskedByItself", testAskedByItself},
		{"WorkRearm", testRearm},
		{"WorkErrorsCountAttempts", testAttempts},
		{"WorkExpiredLease", testExpiredLease},
		{"WorkLateWorker", testLateWorker},
		{"WorkLateWorkerOfAnEarlierItem", testLateWorkerOfEarlierItem},
		{"WorkFinishRollsBack", testFinishRollsBack},
		{"WorkEnqueueRacesFinish", testEnqueueRacesFinish},
		{"WorkTwoClaimers", testTwoClaimers},
		{"WorkRenew", testRenew},
		{"WorkNextDue", testNextDue},
		{"WorkWake", testWake},
		{"Now", testNow},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// t0 is when the test's rows are from. It has microseconds, no less.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

const (
	account = "000000000000"
	region  = "us-east-1"
)

func key(name string) searchpack.DomainKey {
	return searchpack.DomainKey{Account: account, Region: region, Name: name}
}

func update(t *testing.T, s searchpack.Store, f func(tx searchpack.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// read runs f in a View and returns what it returns.
func read[T any](t *testing.T, s searchpack.Store, f func(ctx context.Context, tx searchpack.Tx) (T, error)) T {
	t.Helper()
	var got T
	err := s.View(t.Context(), func(tx searchpack.Tx) (err error) {
		got, err = f(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return got
}

// same fails unless got is want; nil and empty lists are the same.
func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantCode fails unless err has the code and its message holds all words.
func wantCode(t *testing.T, err error, code searchpack.Code, words ...string) {
	t.Helper()
	if searchpack.ErrorCode(err) != code {
		t.Errorf("error %v has code %q, want %q", err, searchpack.ErrorCode(err), code)
		return
	}
	for _, w := range words {
		if !strings.Contains(searchpack.ErrorMessage(err), w) {
			t.Errorf("the message %q does not name %q", searchpack.ErrorMessage(err), w)
		}
	}
}

// putAll puts what most tests need first: domains of those names.
func putDomains(t *testing.T, s searchpack.Store, names ...string) {
	t.Helper()
	update(t, s, func(tx searchpack.Tx) error {
		for _, n := range names {
			if err := tx.PutDomain(t.Context(), &searchpack.Domain{DomainKey: key(n), ID: account + "/" + n, CreatedAt: t0}); err != nil {
				return err
			}
		}
		return nil
	})
}
