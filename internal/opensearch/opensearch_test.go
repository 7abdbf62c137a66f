package opensearch

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client starts a server for h and returns a client for it.
func client(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	c, err := New(Config{URL: srv.URL, Username: "agent", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); srv.Close() })
	return c
}

// says answers everything in one way.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const here = "http://127.0.0.1:9200"
	tests := []struct {
		name string
		cfg  Config
		want string // part of the message
	}{
		{"no URL", Config{}, "http://127.0.0.1:9200"},
		{"no scheme", Config{URL: "127.0.0.1:9200"}, "http://127.0.0.1:9200"},
		{"other scheme", Config{URL: "ftp://h:9200"}, "no address"},
		{"query", Config{URL: here + "/?a=b"}, "no address"},
		{"user in the URL", Config{URL: "http://agent:hush@127.0.0.1:9200"}, "credentials file"},
		{"user in a broken URL", Config{URL: "http://agent:hush@127.0.0.1:92\x7f00"}, "not a URL"},
		{"no such credentials", Config{URL: here, CredentialsFile: filepath.Join(dir, "none")}, "cannot read"},
		{"readable by others", Config{URL: here, CredentialsFile: write("open", "agent:hush", 0o644)}, "chmod 600"},
		{"writable by the group", Config{URL: here, CredentialsFile: write("group", "agent:hush", 0o660)}, "chmod 600"},
		{"no colon", Config{URL: here, CredentialsFile: write("bare", "hush", 0o600)}, "no user:password"},
		{"two lines", Config{URL: here, CredentialsFile: write("two", "agent:hush\nb:c", 0o600)}, "no user:password"},
		{"broken JSON", Config{URL: here, CredentialsFile: write("json", `{"username":"agent","password":hush}`, 0o600)}, "not JSON"},
		{"half JSON", Config{URL: here, CredentialsFile: write("half", `{"username":"agent"}`, 0o600)}, "no user:password"},
		{"huge", Config{URL: here, CredentialsFile: write("huge", strings.Repeat("x", 70<<10), 0o600)}, "larger"},
		{"no such authority", Config{URL: here, CAFile: filepath.Join(dir, "none")}, "cannot read the authority"},
		{"no certificate", Config{URL: here, CAFile: write("ca", "hush", 0o600)}, "no PEM"},
	}
	for _, tt := range tests {
		_, err := New(tt.cfg)
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error tells the secret: %v", tt.name, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	var user, password string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		says(401, `Unauthorized`)(w, r)
	}))
	defer srv.Close()
	for text, want := range map[string]string{
		"agent:hu:sh\n": "agent hu:sh",
		`{"username":"agent","password":"hu\"sh"}`: `agent hu"sh`,
	} {
		file := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := New(Config{URL: srv.URL, CredentialsFile: file})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Facts(t.Context())
		c.Close()
		if searchpack.ErrorCode(err) != searchpack.ErrDenied || !strings.Contains(err.Error(), "401") {
			t.Errorf("refused credentials: %v", err)
		}
		if got := user + " " + password; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
		for _, s := range []string{err.Error(), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %#v", c.user, c.user)} {
			if strings.Contains(s, "hu") {
				t.Errorf("tells the secret: %s", s)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(says(200, `{"acknowledged":true}`))
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: srv.URL, CAFile: ca})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.RerouteRetryFailed(t.Context()); err != nil {
		t.Errorf("with the authority: %v", err)
	}
	stranger, err := New(Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.RerouteRetryFailed(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the authority: %v", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.Facts(t.Context()); err == nil || !strings.Contains(err.Error(), "redirect") || asked {
		t.Errorf("followed: %v, error: %v", asked, err)
	}
	if a := c.Analyze(t.Context(), `{}`); a.Passed() || asked {
		t.Errorf("followed: %v, answer %+v", asked, a)
	}
}

func TestProxyIsNeverUsedForThisMachine(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "")
	for _, host := range []string{"127.0.0.1:9200", "127.8.8.8", "[::1]:9200", "localhost:9200", "n1.localhost"} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		if u, err := proxy(r); u != nil || err != nil {
			t.Errorf("%s goes through %v, %v", host, u, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(says(200, ""))
	url := srv.URL
	srv.Close()
	c, err := New(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Facts(t.Context())
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || strings.Contains(err.Error(), "filter_path") {
		t.Errorf("error: %v", err)
	}
	if a := c.Analyze(t.Context(), "{}"); !a.Retry() || a.Err == "" {
		t.Errorf("answer: %+v", a)
	}
}

// A node that hangs, in its head or in its body, costs the time-out and no more.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"head": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client left
			<-r.Context().Done()
		},
		"body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"tokens":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		c := client(t, h)
		c.timeout = 50 * time.Millisecond
		if _, _, _, err := c.StateVersion(t.Context()); searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), "in time") {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if a := c.Analyze(ctx, "{}"); !a.Retry() || !strings.Contains(a.Err, "in time") {
			t.Errorf("%s: %+v", name, a)
		}
		cancel()
	}
}

func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := c.Facts(t.Context()); err == nil || !strings.Contains(err.Error(), "longer than expected") {
		t.Errorf("error: %v", err)
	}
}
