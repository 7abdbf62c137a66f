package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack/internal/auth/iam"
)

// file writes a file of a test.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is typed is what is asked for.
func TestCredentialRequests(t *testing.T) {
	t.Parallel()
	one, two := file(t, `{"a": 1}`), file(t, `{"b": 2}`)
	for name, tt := range map[string]struct {
		command command
		sent    string
	}{
		"admin": {&CredentialCreateCmd{User: "kim", Admin: true}, `{"expires_in":0,"operator":false,"policies":["` + strings.ReplaceAll(iam.AdminPolicy, `"`, `\"`) + `"],"user":"kim"}`},
		"files": {
			&CredentialCreateCmd{Account: "111122223333", User: "kim", Policy: []string{one, "-", two}, Operator: true, Expires: Span(90 * time.Second)},
			`{"account":"111122223333","expires_in":90,"operator":true,"policies":["{\"a\": 1}","from standard input","{\"b\": 2}"],"user":"kim"}`,
		},
		"policy":     {&CredentialPolicyCmd{Key: "SPKAEXAMPLE", Policy: []string{two, one}}, `{"policies":["{\"b\": 2}","{\"a\": 1}"]}`},
		"activate":   {&CredentialActivateCmd{Key: "SPKAEXAMPLE"}, `{"inactive":false}`},
		"deactivate": {&CredentialDeactivateCmd{Key: "SPKAEXAMPLE"}, `{"inactive":true}`},
	} {
		s := newServer(t, nil)
		out, err := s.run(t, tt.command, "table", Terminal{})
		if err != nil || len(s.bodies) != 1 || s.bodies[0] != tt.sent {
			t.Errorf("%s: sent %q, %v", name, s.bodies, err)
		}
		if strings.Contains(out, "null") || out == "" {
			t.Errorf("%s: printed %q", name, out)
		}
	}
}

// What can be seen to be wrong is not sent.
func TestCredentialUsage(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for says, c := range map[string]command{
		"give --policy FILE, or --admin": &CredentialCreateCmd{User: "kim", Operator: true},
		"--expires":                      &CredentialCreateCmd{User: "kim", Admin: true, Expires: Span(time.Millisecond)},
		"--expires is a":                 &CredentialCreateCmd{User: "kim", Admin: true, Expires: Span(-time.Hour)},
		"no such file":                   &CredentialPolicyCmd{Key: "K", Policy: []string{"/none/such"}},
		"may be given once":              &CredentialPolicyCmd{Key: "K", Policy: []string{"-", "-"}},
		"is larger than 65536 bytes":     &CredentialPolicyCmd{Key: "K", Policy: []string{file(t, strings.Repeat(" ", maxPolicy+1))}},
		"is a directory":                 &CredentialPolicyCmd{Key: "K", Policy: []string{t.TempDir()}},
		"--limit":                        &EventsCmd{},
		"--since":                        &EventsCmd{Limit: 1, Since: Span(-time.Hour)},
		"look":                           &EventsCmd{Limit: 1, Before: 3, Follow: true},
	} {
		if _, err := s.run(t, c, "table", Terminal{}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("sent %v", s.requests)
	}
}

// What create prints is a profile of a credentials file, whatever the server says.
func TestProfileIsOneOfACredentialsFile(t *testing.T) {
	t.Parallel()
	p := &page{}
	made := credentialLine{AccessKey: "K\nregion = x", Secret: "s\r\n[evil]", SessionToken: "t", User: "kim]\n[other"}
	made.profile(p, "who\ncredential_process = rm")
	for line := range strings.Lines(p.text.String()) {
		switch name, _, _ := strings.Cut(line, " "); name {
		case "[kim]", "#", "aws_access_key_id", "aws_secret_access_key", "aws_session_token":
		default:
			t.Errorf("a line %q", line)
		}
	}
	if got := strings.Count(p.text.String(), "\n"); got != 5 {
		t.Errorf("%d lines: %q", got, p.text.String())
	}
}
