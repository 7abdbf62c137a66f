package agentapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A stranger who sends half a body and then nothing is answered and hung up on, whether the body
// was wanted or not.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := NewServer(ServerConfig{})
	s.bodyTime = 100 * time.Millisecond
	closed := make(chan bool, 10)
	server := httptest.NewUnstartedServer(s.Handler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- true
		}
	}
	server.Start()
	defer server.Close()
	for head, want := range map[string]int{
		"POST " + PathEnroll + " HTTP/1.1\r\n" + ProtocolHeader + ": 1\r\n": 400,
		"POST " + PathReport + " HTTP/1.1\r\n" + ProtocolHeader + ": 1\r\n": 403, // no certificate
		"POST " + PathEnroll + " HTTP/1.1\r\n":                              426,
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "%sHost: h\r\nContent-Length: 2\r\n\r\n{", head)
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != want {
			t.Errorf("%q: %d, %v", head, res.StatusCode, err)
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: the connection goes on: %v", head, err)
		}
		<-closed
	}
}
