package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers each line with its own name before it.
func echo(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				in := bufio.NewScanner(c)
				for in.Scan() {
					_, _ = fmt.Fprintf(c, "%s %s\n", name, in.Text())
				}
				_, _ = io.WriteString(c, "bye\n") // the client has closed its side
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func listen(t *testing.T, g *Gate) *Proxy {
	t.Helper()
	p, err := Listen(g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// line is a client with a buffered reader.
type line struct {
	*net.TCPConn
	in *bufio.Reader
}

func dial(t *testing.T, p *Proxy) *line {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &line{c.(*net.TCPConn), bufio.NewReader(c)}
}

// talking is a proxy behind its own gate, whose only target lies behind another one, and a client that
// has had an answer.
func talking(t *testing.T, own, target *Gate) (*Proxy, *line) {
	t.Helper()
	p := listen(t, own)
	p.Set("a", TCP(echo(t, "a"), target))
	c := dial(t, p)
	c.say(t, "one")
	c.hears(t, "a one")
	return p, c
}

// patience bounds what must come; quiet is how long nothing may come.
const patience, quiet = 10 * time.Second, 100 * time.Millisecond

func (l *line) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(l, text+"\n"); err != nil {
		t.Fatal(err)
	}
}

// heard is the next line that comes.
func (l *line) heard(t *testing.T) string {
	t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(patience))
	got, err := l.in.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	return strings.TrimSuffix(got, "\n")
}

func (l *line) hears(t *testing.T, want string) {
	t.Helper()
	if got := l.heard(t); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
}

func (l *line) hearsNothing(t *testing.T) {
	t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(quiet))
	if got, err := l.in.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%q, %v; want nothing", got, err)
	}
}

func (l *line) isReset(t *testing.T) {
	t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(patience))
	if got, err := l.in.ReadString('\n'); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%q, %v; want a reset", got, err)
	}
}

// refused connects and is reset, before or after the connection stands.
func refused(t *testing.T, p *Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err == nil {
		defer func() { _ = c.Close() }()
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%v, want a reset", err)
	}
}

func TestPassesBothWaysAndTheEnd(t *testing.T) {
	p := listen(t, nil)
	p.Set("a", TCP(echo(t, "a"), nil))
	c := dial(t, p)
	c.say(t, "hello")
	c.hears(t, "a hello")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.hears(t, "bye") // half-closed, as TCP is
	if _, err := c.in.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
}

// Of several targets one that listens is taken; without any the client is reset.
func TestTargets(t *testing.T) {
	p := listen(t, nil)
	refused(t, p)
	p.Set("dead", TCP("127.0.0.1:1", nil))
	p.Set("a", TCP(echo(t, "a"), nil))
	for range 8 {
		c := dial(t, p)
		c.say(t, "x")
		c.hears(t, "a x")
	}
	p.Set("b", TCP(echo(t, "b"), nil))
	seen := map[string]bool{}
	for len(seen) < 2 {
		c := dial(t, p)
		c.say(t, "x")
		seen[strings.Fields(c.heard(t))[0]] = true
	}
	p.Forget("a")
	p.Forget("b")
	refused(t, p)
}

// A stalled gate holds back bytes, the end of a connection and new connections, and then lets them
// all through.
func TestStall(t *testing.T) {
	for name, gates := range map[string]func(g *Gate) (own, target *Gate){
		"the client's gate": func(g *Gate) (own, target *Gate) { return g, nil },
		"the target's gate": func(g *Gate) (own, target *Gate) { return nil, g },
	} {
		t.Run(name, func(t *testing.T) {
			g := &Gate{}
			own, target := gates(g)
			p, c := talking(t, own, target)
			g.Set(Stall)
			c.say(t, "two")
			_ = c.CloseWrite()
			late := dial(t, p)
			late.say(t, "three")
			c.hearsNothing(t)
			late.hearsNothing(t)
			g.Set(Open)
			c.hears(t, "a two")
			c.hears(t, "bye")
			late.hears(t, "a three")
		})
	}
}

func TestResetOfAStalledGate(t *testing.T) {
	g := &Gate{}
	_, c := talking(t, g, nil)
	g.Set(Stall)
	c.say(t, "two")
	g.Reset()
	c.isReset(t)
}

// A cut resets what is connected and what comes; a target behind a cut is passed by.
func TestCut(t *testing.T) {
	own, first := &Gate{}, &Gate{}
	p, c := talking(t, own, first)
	p.Set("b", TCP(echo(t, "b"), nil))
	first.Set(Cut)
	c.isReset(t)
	for range 8 {
		c = dial(t, p)
		c.say(t, "x")
		c.hears(t, "b x")
	}
	own.Set(Cut)
	c.isReset(t)
	refused(t, p)
	own.Set(Open)
	first.Set(Open)
	c = dial(t, p)
	c.say(t, "again")
	c.heard(t)
}

// A gate that is cut while a connection is being made does not let it stand, though nothing passes.
func TestCutMeanwhile(t *testing.T) {
	g := &Gate{}
	p := listen(t, nil)
	a := TCP(echo(t, "a"), g)
	p.Set("a", Target{Gate: g, Dial: func(ctx context.Context) (net.Conn, error) {
		defer g.Set(Cut)
		return a.Dial(ctx)
	}})
	refused(t, p)
}

func TestDelay(t *testing.T) {
	g := &Gate{}
	p := listen(t, g)
	p.Set("a", TCP(echo(t, "a"), nil))
	const delay = 40 * time.Millisecond
	g.Delay(delay)
	c := dial(t, p)
	began := time.Now()
	c.say(t, "one")
	c.hears(t, "a one")
	if took := time.Since(began); took < 2*delay {
		t.Errorf("there and back took %v", took)
	}
	g.Delay(time.Hour) // a change is heard by what is held back
	c.say(t, "two")
	c.hearsNothing(t)
	g.Delay(0)
	c.hears(t, "a two")
}

// Close ends what is stalled, too.
func TestClose(t *testing.T) {
	g := &Gate{}
	p, c := talking(t, g, nil)
	g.Set(Stall)
	waiting := dial(t, p)
	p.Close()
	c.isReset(t)
	waiting.isReset(t)
}
