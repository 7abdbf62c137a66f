package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// Each mutating call of the extension API, and each of AWS's that is carried out, stands in the
// audit log once: who, with which key, from where, under which request id, with which result.
func TestCallsAreAudited(t *testing.T) {
	t.Parallel()
	_, root := serving(t)
	user := root.user("111122223333", "kim", everything)
	id, err := user.createPackage("synonyms")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.DescribePackages(t.Context(), &opensearch.DescribePackagesInput{}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		method, path string
		in           any
	}{
		{"POST", "/domains/shop/tokens", nil},
		{"POST", "/domains/shop/nodes/n9/retire", nil},
		{"POST", "/domains/shop/tokens", map[string]any{"uses": -5}},
		{"GET", "/domains/nowhere/nodes", nil},
		{"DELETE", "/credentials/SPKANOBODY", nil},
		{"POST", "/credentials", map[string]any{"user": "lee", "policies": []string{"{}"}}},
		{"POST", "/credentials", map[string]any{"user": "lee", "policies": []string{everything}}},
	}
	for _, step := range steps {
		_ = user.ask(step.method, step.path, step.in, nil) // some fail; the log says which
	}
	if _, err := user.DeletePackage(t.Context(), &opensearch.DeletePackageInput{PackageID: aws.String(id)}); err != nil {
		t.Fatal(err)
	}
	events := user.events("")
	slices.Reverse(events)
	var got []string
	seen := map[string]bool{}
	for _, e := range events {
		if e.Actor == "searchpack" {
			continue // the import, which ends when it does
		}
		got = append(got, e.Action+" "+e.Result)
		if e.Actor != "arn:aws:iam::111122223333:user/kim" || e.AccessKey != user.key.AccessKeyID || e.SourceIP != "127.0.0.1" || len(e.RequestID) != 36 || seen[e.RequestID] || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		seen[e.RequestID] = true
		if strings.Contains(e.Detail+e.Subject, user.key.SecretAccessKey) {
			t.Errorf("a secret: %+v", e)
		}
	}
	if diff := cmp.Diff([]string{
		"CreatePackage ok", "CreateJoinToken ok", "RetireNode not_found", "CreateJoinToken invalid", "DeleteCredential not_found",
		"CreateCredential invalid", "CreateCredential ok", "DeletePackage ok",
	}, got); diff != "" {
		t.Error(diff)
	}
	if got := user.events("?action=CreateJoinToken&subject=shop"); len(got) != 2 {
		t.Errorf("filtered: %+v", got)
	}
	if created := root.events("?action=CreateCredential"); len(created) != 1 || !strings.HasPrefix(created[0].Detail, "user kim of account 111122223333") {
		t.Errorf("the operator's: %+v", created)
	}
}

// The event of a failed call outlives the caller, and one that cannot be written is in the log.
func TestRefusalsAreNotedWithoutTheCaller(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.noteRefused(ctx, searchpack.Event{Account: DefaultAccount, Region: DefaultRegion, Actor: "kim", Action: "DeletePackage", Result: "denied"})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.noteRefused(t.Context(), searchpack.Event{At: at, Account: DefaultAccount, Region: DefaultRegion, Action: "Second"})
	var events []*searchpack.Event
	if err := s.store.View(t.Context(), func(tx searchpack.Tx) (err error) {
		events, err = tx.Events(t.Context(), DefaultAccount, DefaultRegion, 0, 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || !events[0].At.Equal(at) || events[1].Action != "DeletePackage" || events[1].Result != "denied" || time.Since(events[1].At) > time.Hour {
		t.Errorf("%+v", events)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	s.noteRefused(t.Context(), searchpack.Event{Action: "DeletePackage", Actor: "kim", RequestID: "req-7"})
	if got := log.String(); !strings.Contains(got, "not in the audit log") || !strings.Contains(got, "req-7") || !strings.Contains(got, "DeletePackage") {
		t.Errorf("logged %q", got)
	}
}

// The key that searchpack-dev and an operator's environment name may do everything.
func TestConfiguredKeyMayDoEverything(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	cfg.AdminAccessKey, cfg.AdminSecretKey = "test", "test"
	s := start(t, cfg)
	root := newTenant(t, s.url, DefaultAccount, DefaultRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	user := root.user("111122223333", "kim", everything)
	if got := user.domainNames(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	admin := s.Admin()
	for _, action := range []string{"es:DeleteDomain", "searchpack:DeleteCredential", "s3:GetObject", "iam:PassRole"} {
		if err := s.authorize(admin, action, "arn:aws:es:us-east-1:000000000000:domain/x", nil); err != nil || !admin.Operator {
			t.Errorf("%s: %v", action, err)
		}
	}
	if _, err := s.credential(t.Context(), "nobody"); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("nobody's: %v", err)
	}
	_, err := s.credential(canceled(t), "test")
	if err == nil || !errors.Is(err, context.Canceled) || searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		t.Errorf("a store that does not answer: %v", err)
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
