package catalog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/iam"
)

const (
	home, abroad = "111122223333", "999988887777"
	readOnly     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"es:Describe*","Resource":"*"}]}`
)

// The callers: who may manage all credentials, and who those of her own account.
var (
	root = searchpack.Caller{
		Account: home, Region: "us-east-1", AccessKey: "ROOT", User: "root", ARN: "arn:aws:iam::" + home + ":user/root",
		SourceIP: "192.0.2.7", RequestID: "req-1", Policies: []string{iam.AdminPolicy}, Operator: true,
	}
	kim = searchpack.Caller{Account: home, Region: "us-east-1", User: "kim", ARN: "arn:aws:iam::" + home + ":user/kim"}
)

// key is a key that was made before.
func (b *bench) key(accessKey, account, user string, change ...func(*searchpack.Credential)) {
	b.t.Helper()
	c := &searchpack.Credential{AccessKey: accessKey, Account: account, Name: user, Sealed: []byte("x"), CreatedAt: b.now, Policies: []string{iam.AdminPolicy}}
	for _, f := range change {
		f(c)
	}
	b.update(func(tx searchpack.Tx) error { return tx.PutCredential(b.t.Context(), c) })
}

func operator(c *searchpack.Credential) { c.Operator = true }

func (b *bench) until(at time.Time) func(*searchpack.Credential) {
	return func(c *searchpack.Credential) { c.SessionHash, c.ExpiresAt = "digest", at }
}

// keys are the access keys there are.
func (b *bench) keys() string {
	b.t.Helper()
	all, err := b.Credentials(b.t.Context(), root, "")
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range all {
		names = append(names, c.AccessKey)
	}
	return strings.Join(names, " ")
}

func input(accessKey, user string, change ...func(*CredentialInput)) CredentialInput {
	in := CredentialInput{User: user, Key: SealedKey{AccessKey: accessKey, Sealed: []byte("sealed")}}
	for _, f := range change {
		f(&in)
	}
	return in
}

func TestCreateCredential(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.CreateCredential(t.Context(), root, input("K1", "ci", func(in *CredentialInput) {
		in.Account, in.Policies, in.ValidFor, in.Key.SessionHash = abroad, []string{readOnly}, time.Hour, "digest"
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := &searchpack.Credential{
		AccessKey: "K1", Account: abroad, Name: "ci", Sealed: []byte("sealed"), CreatedAt: b.now, Policies: []string{readOnly},
		SessionHash: "digest", ExpiresAt: b.now.Add(time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if stored, err := b.Credential(t.Context(), root, "K1"); err != nil || !cmp.Equal(want, stored) {
		t.Errorf("stored %+v, %v", stored, err)
	}
	noted, err := b.Events(t.Context(), root, EventQuery{})
	if err != nil || len(noted.Events) != 1 {
		t.Fatalf("%v, %v", noted, err)
	}
	noted.Events[0].ID = 0
	if diff := cmp.Diff(&searchpack.Event{
		At: b.now, Account: home, Region: "us-east-1", Actor: root.ARN, Action: "CreateCredential", Subject: "K1",
		Detail: "user ci of account 999988887777, 1 policy, expires 2026-01-02T04:04:05Z",
		Result: "ok", AccessKey: "ROOT", SourceIP: "192.0.2.7", RequestID: "req-1",
	}, noted.Events[0]); diff != "" {
		t.Error(diff)
	}
}

func TestCreateCredentialRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.key("ROOT", home, "root", operator)
	for name, tt := range map[string]struct {
		who  searchpack.Caller
		in   CredentialInput
		want searchpack.Code
		says string
	}{
		"account":         {root, input("K", "ci", func(in *CredentialInput) { in.Account = "12" }), searchpack.ErrInvalid, "12 digits"},
		"no user":         {root, input("K", ""), searchpack.ErrInvalid, "no user name"},
		"user":            {root, input("K", "a/b"), searchpack.ErrInvalid, `"a/b" is no user name`},
		"user's line":     {root, input("K", "a\n"), searchpack.ErrInvalid, "no user name"},
		"long user":       {root, input("K", strings.Repeat("a", 65)), searchpack.ErrInvalid, "no user name"},
		"other account":   {kim, input("K", "ci", func(in *CredentialInput) { in.Account = abroad }), searchpack.ErrDenied, "Only an operator manages the credentials of other accounts"},
		"operator":        {kim, input("K", "ci", func(in *CredentialInput) { in.Operator = true }), searchpack.ErrDenied, "Only an operator may make"},
		"too short":       {root, input("K", "ci", func(in *CredentialInput) { in.ValidFor, in.Key.SessionHash = time.Second, "d" }), searchpack.ErrInvalid, "from 1 minute to 7 days"},
		"too long":        {root, input("K", "ci", func(in *CredentialInput) { in.ValidFor, in.Key.SessionHash = 169*time.Hour, "d" }), searchpack.ErrInvalid, "from 1 minute to 7 days"},
		"no token":        {root, input("K", "ci", func(in *CredentialInput) { in.ValidFor = time.Hour }), searchpack.ErrInternal, "go together"},
		"policy":          {root, input("K", "ci", func(in *CredentialInput) { in.Policies = []string{`{"Statement":[]}`} }), searchpack.ErrInvalid, "it has no Statement"},
		"second policy":   {root, input("K", "ci", func(in *CredentialInput) { in.Policies = []string{readOnly, `[]`} }), searchpack.ErrInvalid, "Policy 2 of 2: The policy document is refused"},
		"eleven policies": {root, input("K", "ci", func(in *CredentialInput) { in.Policies = make([]string, 11) }), searchpack.ErrInvalid, "up to 10"},
		"key in use":      {root, input("ROOT", "ci"), searchpack.ErrInternal, "exists already"},
	} {
		_, err := b.CreateCredential(t.Context(), tt.who, tt.in)
		if searchpack.ErrorCode(err) != tt.want || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v, want %s %q", name, err, tt.want, tt.says)
		}
	}
	if got := b.keys(); got != "ROOT" {
		t.Errorf("there are %s", got)
	}
}

// Two lasting keys and twenty temporary ones; what has expired does not count, and is forgotten a
// day later.
func TestRoomForKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	temporary := func(in *CredentialInput) { in.ValidFor, in.Key.SessionHash = time.Hour, "digest" }
	for i := range MaxKeys {
		b.key(fmt.Sprint("L", i), home, "kim")
	}
	for i := range MaxTemporaryKeys {
		b.key(fmt.Sprint("T", i), home, "kim", b.until(b.now.Add(time.Hour)))
	}
	for _, in := range []CredentialInput{input("N", "kim"), input("N", "kim", temporary)} {
		_, err := b.CreateCredential(t.Context(), kim, in)
		wantCode(t, err, searchpack.ErrLimit)
	}
	for i, in := range []CredentialInput{input("N1", "lee"), input("N2", "kim", func(in *CredentialInput) { in.Account = abroad })} {
		if _, err := b.CreateCredential(t.Context(), root, in); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	b.now = b.now.Add(time.Hour) // now they expire
	if _, err := b.CreateCredential(t.Context(), kim, input("N3", "kim", temporary)); err != nil {
		t.Error(err)
	}
	b.now = b.now.Add(24*time.Hour - time.Second)
	if got := b.keys(); !strings.Contains(got, "T0 ") {
		t.Errorf("forgotten too early: %s", got)
	}
	b.now = b.now.Add(time.Second)
	if _, err := b.CreateCredential(t.Context(), root, input("N4", "max")); err != nil {
		t.Error(err)
	}
	if got := b.keys(); got != "L0 L1 N3 N1 N4 N2" {
		t.Errorf("there are %s", got)
	}
}

func TestRoomForUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.update(func(tx searchpack.Tx) error {
		for i := range MaxUsers {
			c := &searchpack.Credential{AccessKey: fmt.Sprint("K", i), Account: home, Name: fmt.Sprint("u", i)}
			if err := tx.PutCredential(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	_, err := b.CreateCredential(t.Context(), kim, input("N", "new"))
	wantCode(t, err, searchpack.ErrLimit)
	if _, err := b.CreateCredential(t.Context(), kim, input("N", "u7")); err != nil {
		t.Errorf("a second key of a user: %v", err)
	}
}

// Who is no operator sees and changes the keys of her own account, and no operator's.
func TestCredentialsOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.key("ROOT", home, "root", operator)
	b.key("MINE", home, "kim")
	b.key("FAR", abroad, "kim")
	off := true
	for key, want := range map[string]searchpack.Code{"MINE": "", "ROOT": searchpack.ErrDenied, "FAR": searchpack.ErrNotFound, "NONE": searchpack.ErrNotFound} {
		_, err := b.UpdateCredential(t.Context(), kim, key, CredentialChange{Inactive: &off})
		wantCode(t, err, want)
		_, err = b.RotateCredential(t.Context(), kim, key, SealedKey{AccessKey: "NEW" + key, Sealed: []byte("x")})
		wantCode(t, err, want)
		wantCode(t, b.DeleteCredential(t.Context(), kim, key), want)
		_, err = b.Credential(t.Context(), kim, "NEW"+key)
		wantCode(t, err, map[bool]searchpack.Code{true: "", false: searchpack.ErrNotFound}[want == ""])
	}
	_, err := b.Credential(t.Context(), kim, "FAR")
	if searchpack.ErrorMessage(err) != "Credential not found: FAR" {
		t.Errorf("the far key: %v", err)
	}
	yes := true
	_, err = b.UpdateCredential(t.Context(), kim, "NEWMINE", CredentialChange{Operator: &yes})
	wantCode(t, err, searchpack.ErrDenied)
	for account, want := range map[string]int{"": 2, home: 2, abroad: 0} {
		if got, err := b.Credentials(t.Context(), kim, account); err != nil || len(got) != want {
			t.Errorf("%q: %d keys, %v", account, len(got), err)
		}
	}
	if _, err := b.Credentials(t.Context(), root, "12"); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("the keys of account 12: %v", err)
	}
	if got, err := b.Credentials(t.Context(), root, abroad); err != nil || len(got) != 1 || got[0].AccessKey != "FAR" {
		t.Errorf("the operator sees %v, %v", got, err)
	}
}
