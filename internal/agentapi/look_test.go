package agentapi_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// A look tells a wrong clock from a wrong server.
func TestLook(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	stranger, _, err := enroll.NewAuthority(s.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	got, err := agentapi.Look(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	if got.Protocol != agentapi.Protocol || time.Since(got.Date).Abs() > time.Minute {
		t.Errorf("%+v", got)
	}
	now := s.clock.now()
	if err := got.Trusted(s.ca.CertificatePEM(), now); err != nil {
		t.Errorf("its own authority: %v", err)
	}
	if err := got.TrustedBy(enroll.NewToken(s.ca.KeyHash()), now); err != nil {
		t.Errorf("its own token: %v", err)
	}
	for what, err := range map[string]error{
		"two hours behind":   got.Trusted(s.ca.CertificatePEM(), now.Add(-2*time.Hour)),
		"a month ahead":      got.Trusted(s.ca.CertificatePEM(), now.Add(30*24*time.Hour)),
		"another authority":  got.Trusted(stranger.CertificatePEM(), now),
		"no authority":       got.Trusted(nil, now),
		"another's token":    got.TrustedBy(enroll.NewToken(stranger.KeyHash()), now),
		"token, a day early": got.TrustedBy(enroll.NewToken(s.ca.KeyHash()), now.Add(-24*time.Hour)),
	} {
		if err == nil {
			t.Errorf("%s is trusted", what)
		}
	}
}

func TestLookElsewhere(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	if got, err := agentapi.Look(t.Context(), web.URL); err != nil || got.Protocol != "" || len(got.Chain) == 0 {
		t.Errorf("a web server: %+v, %v", got, err)
	}
	if _, err := agentapi.Look(t.Context(), "https://127.0.0.1:1"); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := agentapi.Look(t.Context(), "127.0.0.1:1"); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
		t.Errorf("no address: %v", err)
	}
}
