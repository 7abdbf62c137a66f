package catalog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/iam"
)

func pointer[T any](v T) *T { return &v }

func TestUpdateCredential(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.key("ROOT", home, "root", operator)
	b.key("K", abroad, "kim")
	for _, step := range []struct {
		change CredentialChange
		want   searchpack.Credential
		detail string
	}{
		{CredentialChange{Policies: &[]string{readOnly, readOnly}}, searchpack.Credential{Policies: []string{readOnly, readOnly}}, "2 policies"},
		{CredentialChange{Inactive: pointer(true)}, searchpack.Credential{Policies: []string{readOnly, readOnly}, Inactive: true}, "2 policies, inactive"},
		{CredentialChange{Operator: pointer(true), Inactive: pointer(false)}, searchpack.Credential{Policies: []string{readOnly, readOnly}, Operator: true}, "2 policies, operator"},
		{CredentialChange{Policies: &[]string{}}, searchpack.Credential{Policies: []string{}, Operator: true}, "0 policies, operator"},
	} {
		got, err := b.UpdateCredential(t.Context(), root, "K", step.change)
		if err != nil {
			t.Fatal(err)
		}
		want := step.want
		want.AccessKey, want.Account, want.Name, want.Sealed, want.CreatedAt = "K", abroad, "kim", []byte("x"), b.now
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Error(diff)
		}
		noted, err := b.Events(t.Context(), root, EventQuery{Limit: 1})
		if err != nil || noted.Events[0].Action != "UpdateCredential" || noted.Events[0].Detail != "user kim of account 999988887777, "+step.detail {
			t.Errorf("noted %+v, %v", noted.Events[0], err)
		}
	}
	_, err := b.UpdateCredential(t.Context(), root, "K", CredentialChange{Policies: &[]string{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`}})
	if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), "Statement[0].Principal") {
		t.Errorf("a policy with a principal: %v", err)
	}
}

// Rotation as AWS has it: a second key with the same rights, the old one goes on until it is
// switched off and deleted.
func TestRotateCredential(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.key("ROOT", home, "root", operator)
	b.now = b.now.Add(time.Hour)
	made, err := b.RotateCredential(t.Context(), root, "ROOT", SealedKey{AccessKey: "NEXT", Sealed: []byte("next")})
	if err != nil {
		t.Fatal(err)
	}
	want := &searchpack.Credential{
		AccessKey: "NEXT", Account: home, Name: "root", Sealed: []byte("next"), CreatedAt: b.now, Policies: []string{iam.AdminPolicy}, Operator: true,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	if got := b.keys(); got != "NEXT ROOT" {
		t.Errorf("there are %s", got)
	}
	_, err = b.RotateCredential(t.Context(), root, "NEXT", SealedKey{AccessKey: "THIRD"})
	if searchpack.ErrorCode(err) != searchpack.ErrLimit || !strings.Contains(err.Error(), "delete the one that is not used any more") {
		t.Errorf("a third key: %v", err)
	}
	if _, err := b.UpdateCredential(t.Context(), root, "ROOT", CredentialChange{Inactive: pointer(true)}); err != nil {
		t.Error(err)
	}
	if err := b.DeleteCredential(t.Context(), root, "ROOT"); err != nil {
		t.Error(err)
	}
	b.key("T", home, "root", b.until(b.now.Add(time.Hour)))
	_, err = b.RotateCredential(t.Context(), root, "T", SealedKey{AccessKey: "FOURTH"})
	wantCode(t, err, searchpack.ErrInvalid)
	if got := b.keys(); got != "NEXT T" {
		t.Errorf("there are %s", got)
	}
}

// There is always somebody who may manage credentials.
func TestTheLastOperatorStays(t *testing.T) {
	t.Parallel()
	others := map[string]func(b *bench){
		"alone":       func(*bench) {},
		"no operator": func(b *bench) { b.key("B", home, "kim") },
		"inactive": func(b *bench) {
			b.key("B", home, "kim", operator, func(c *searchpack.Credential) { c.Inactive = true })
		},
		"temporary": func(b *bench) { b.key("B", home, "kim", operator, b.until(b.now.Add(time.Hour))) },
		"without a right": func(b *bench) {
			b.key("B", home, "kim", operator, func(c *searchpack.Credential) { c.Policies = []string{readOnly} })
		},
		"denied": func(b *bench) {
			b.key("B", home, "kim", operator, func(c *searchpack.Credential) { c.Policies = append(c.Policies, denyAll) })
		},
		"another": func(b *bench) { b.key("B", abroad, "kim", operator) },
	}
	takes := map[string]func(b *bench) error{
		"deleted": func(b *bench) error { return b.DeleteCredential(b.t.Context(), root, "ROOT") },
	}
	for name, change := range map[string]CredentialChange{
		"inactive": {Inactive: pointer(true)}, "no operator": {Operator: pointer(false)}, "without policies": {Policies: &[]string{}},
		"denied": {Policies: &[]string{iam.AdminPolicy, denyAll}},
	} {
		takes[name] = func(b *bench) error {
			_, err := b.UpdateCredential(b.t.Context(), root, "ROOT", change)
			return err
		}
	}
	for other, prepare := range others {
		for take, do := range takes {
			b := setup(t)
			b.key("ROOT", home, "root", operator)
			prepare(b)
			before := b.keys()
			err := do(b)
			if other == "another" {
				if err != nil {
					t.Errorf("%s with another operator: %v", take, err)
				}
				continue
			}
			if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(searchpack.ErrorMessage(err), "ROOT is the last active operator") || b.keys() != before {
				t.Errorf("%s, the other %s: %v", take, other, err)
			}
			if _, err := b.UpdateCredential(t.Context(), root, "ROOT", CredentialChange{Policies: &[]string{iam.AdminPolicy, readOnly}}); err != nil {
				t.Errorf("a harmless change, the other %s: %v", other, err)
			}
		}
	}
}

const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"searchpack:*","Resource":"*"}]}`
